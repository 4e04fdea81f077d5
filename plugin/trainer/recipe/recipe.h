/* The recipe of a training run: an XML file that a person writes. score-recipe.rng is its schema
 * and describes every element, attribute, unit and default.
 *
 * Lengths of training are counted in SAMPLES: one sample is one noised frame (x_0, eps, t) whose
 * loss is evaluated, so an antithetic pair (+eps, -eps) is two samples. They do not change their
 * meaning with the batch size. An epoch is as many samples as there are training frames. */
#ifndef SCORE_RECIPE_H
#define SCORE_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "losses/loss_kinds.h"
#include "recipe/emphasis.h"
#include "recipe/time_scale.h"
#include "score/model.h"

enum { SCORE_MAX_STAGES = 64, SCORE_OPTIMIZER_SETTINGS = 4 };

#define SCORE_KCAL_MOL_ANGSTROM 41.84 /* in kJ/mol/nm */

typedef struct score_data_config {
    char *path;        /* of the file, found from the recipe's own folder */
    double unit_nm;    /* 1: nm, .1: angstrom, 0: as the file says (HDF5) */
    char *log_weights; /* HDF5 data set of one log-weight a frame, or NULL: all weigh the same */
    bool no_weights;   /* the recipe says so; else a file with log_weights must have them used */
    char *forces;      /* a .npy file of the forces on the frames, found like `path`, or NULL */
    double force_unit; /* of that file, in kJ/mol/nm */
    double held_out;   /* fraction of the frames kept for validation, in [0, .5] */
    double scale_nm;   /* the coordinate scale, or 0: computed from the training frames */
    uint64_t memory;   /* bytes of frames to hold in memory; beyond it they go to a scratch file */
    long line;         /* of <Data> in the recipe */
} score_data_config;

/* An optimizer (optimizer.h), with linear warm-up. */
typedef struct score_optimizer_config {
    int kind;                                  /* score_optimizer_at */
    double settings[SCORE_OPTIMIZER_SETTINGS]; /* of the kind, in the order of its list */
    double rate;
    double final_rate;
    int decay;        /* from rate to final_rate: score_rate_decay_word */
    uint64_t warm_up; /* samples */
    double weight_decay;
    double clip_norm;         /* global norm of the gradient, or 0: not clipped */
    double average_half_life; /* of the exponential moving average of the weights, in samples, or
                                   0: the last weights are the result */
} score_optimizer_config;

typedef struct score_stage {
    int expert;           /* trained in this stage; the others are frozen */
    double t_begin;       /* t is drawn in [t_begin, t_end], stratified over the batch; */
    double t_end;         /* inside the expert's range and [1e-5, 1] */
    double time_variance; /* of time_scale.h: times are uniform in h(t); negative: uniform in t */
    double weight_middle; /* score_equal_weight(t, weight_middle, t_begin, t_end); at the middle of
                             the range the weight is 1 everywhere */
    uint64_t samples;     /* exactly one of samples and epochs is not 0 */
    double epochs;
    int batch; /* samples a step; even where a loss is antithetic */
    score_optimizer_config optimizer;
    score_loss_config losses[SCORE_LOSS_KINDS];
    score_emphasis emphasis; /* of training samples */
    long line;               /* of <Stage> in the recipe */
} score_stage;

typedef struct score_recipe {
    char *path;
    uint64_t seed; /* at most 2^63 - 1 */
    score_data_config data;
    /* Ready for score_model_create once the data has been read: scale_nm and the beads' frame_nm
     * are still 0. Beads and notes belong to the recipe. */
    score_model_config model;
    score_bead *beads; /* what model.beads points to */
    score_note *notes; /* what model.notes points to */
    bool rotate;       /* every frame is turned by a random rotation before noise is added */
    uint64_t validation_interval; /* samples between validations */
    uint64_t checkpoint_interval; /* samples between checkpoints */
    int stage_count;
    score_stage stages[SCORE_MAX_STAGES];
} score_recipe;

/* Notes that a run adds to its model; a recipe has none of these names. */
#define SCORE_NOTE_RECIPE "recipe"
#define SCORE_NOTE_FRAMES "frames"
#define SCORE_NOTE_SEED "seed"
#define SCORE_NOTE_TRAINING "training"
enum { SCORE_RUN_NOTES = 4 };

/* Reads and checks the recipe `path`. On an error *recipe is NULL and the error names file, line
 * and value: SCORE_ERROR_FILE (cannot be read; the data file is missing), SCORE_ERROR_FORMAT (not
 * XML, not a recipe, a value not allowed), SCORE_ERROR_MEMORY. */
score_status score_recipe_read(const char *path, score_recipe **recipe, score_error *error);
void score_recipe_destroy(score_recipe *recipe);

/* What the Gaussian beneath experts with a base is over. */
score_over score_recipe_over(const score_recipe *recipe);
/* Whether an expert has a base. */
bool score_recipe_has_base(const score_recipe *recipe);

/* The times that a stage draws. */
score_times score_stage_times(score_noise_schedule schedule, const score_stage *stage);
/* Whether its samples come in antithetic pairs (loss_denoising.h). */
bool score_stage_is_antithetic(const score_stage *stage);
/* Whether a loss needs the forces on the frames. */
bool score_recipe_needs_forces(const score_recipe *recipe);
/* The losses that a run's identity and log list, bits 1 << score_loss_kind. */
unsigned score_recipe_listed_losses(const score_recipe *recipe);

#endif
