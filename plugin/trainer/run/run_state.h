/* What score-train keeps of a run beside its arrays. */
#ifndef SCORE_RUN_STATE_H
#define SCORE_RUN_STATE_H

#include "programs/checkpoint.h"
#include "recipe/recipe.h"

/* Room for losses to come: a checkpoint does not change its size with their number. */
enum { SCORE_STATE_LOSSES = 8 };
_Static_assert((int)SCORE_LOSS_KINDS <= (int)SCORE_STATE_LOSSES, "a state has room for all losses");

/* How far a run is. All members have eight bytes: there is no padding, and it is stored as is. */
typedef struct score_run_state {
    uint64_t stage;   /* under way, from 0; the number of stages once the run is finished */
    uint64_t step;    /* steps done in this stage */
    uint64_t samples; /* done in all stages */
    uint64_t frames;  /* drawn by earlier stages */
    double seconds;   /* spent in all stages */
    /* Since the last row of the log. */
    uint64_t interval_steps;
    double interval_losses[SCORE_STATE_LOSSES]; /* sums over steps; 0 of what is no loss yet */
    double interval_norm;
    /* In the last row of the log; not a number where there is none. */
    double last_loss;
    double last_validation_loss;
} score_run_state;

static const score_checkpoint_kind SCORE_TRAINING_RUN = {
    .magic = {'S', 'C', 'O', 'R', 'E', 'C', 'K', 'P'},
    .version = 3,
    .state_size = sizeof(score_run_state)};

/* Whether a run of the recipe, with so many training frames, can be in this state. SCORE_ERROR_FORMAT
 * in `path`: the stage, the step or another number is none that it comes to. */
score_status score_run_state_check(const score_run_state *state, const score_recipe *recipe,
                                   uint64_t training_frames, const char *path, score_error *error);

#endif
