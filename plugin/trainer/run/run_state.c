#include "run/run_state.h"

#include <inttypes.h>
#include <math.h>

#include "run/learning_rate.h"

/* Where a run of a recipe is that has done `step` steps of stage `stage`. */
typedef struct place {
    uint64_t steps; /* of the stage; 0 where all stages are done */
    uint64_t samples;
    uint64_t frames;
} place;

static score_status find_place(const score_run_state *state, const score_recipe *recipe,
                               uint64_t training_frames, place *at, score_error *error) {
    *at = (place){0};
    for (int k = 0; k < recipe->stage_count; k++) {
        const uint64_t batch = (uint64_t)recipe->stages[k].batch;
        score_status status = score_stage_steps(recipe, k, training_frames, &at->steps, error);
        if (status != SCORE_OK)
            return status;
        if ((uint64_t)k == state->stage) {
            at->samples += state->step * batch;
            return SCORE_OK;
        }
        at->samples += at->steps * batch;
        at->frames += at->steps *
                      (score_stage_is_antithetic(&recipe->stages[k]) ? batch / 2 : batch);
    }
    at->steps = 0;
    return SCORE_OK;
}

static bool is_loss(double value) {
    return isnan(value) || isfinite(value);
}

static bool has_numbers(const score_run_state *state) {
    bool good = isfinite(state->seconds) && state->seconds >= 0 && isfinite(state->interval_norm) &&
                is_loss(state->last_loss) && is_loss(state->last_validation_loss);
    for (int k = 0; k < SCORE_STATE_LOSSES; k++)
        good = good && isfinite(state->interval_losses[k]);
    return good;
}

score_status score_run_state_check(const score_run_state *state, const score_recipe *recipe,
                                   uint64_t training_frames, const char *path, score_error *error) {
    place at;
    if (state->stage > (uint64_t)recipe->stage_count)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is in stage %" PRIu64 ", the recipe has %d", state->stage,
                             recipe->stage_count);
    score_status status = find_place(state, recipe, training_frames, &at, error);
    if (status != SCORE_OK)
        return status;
    if (state->step > at.steps)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is in step %" PRIu64 " of stage %" PRIu64 ", which has %" PRIu64
                             " in the recipe",
                             state->step, state->stage, at.steps);
    if (state->samples != at.samples || state->frames != at.frames)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has done %" PRIu64 " samples, %" PRIu64
                             " frames in earlier stages, where the recipe has %" PRIu64
                             " and %" PRIu64,
                             state->samples, state->frames, at.samples, at.frames);
    if (state->interval_steps > state->step || !has_numbers(state))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has losses over %" PRIu64 " steps, of %" PRIu64
                             " done, or numbers that no run has",
                             state->interval_steps, state->step);
    return SCORE_OK;
}
