/* Noised samples (arXiv 2506.17139, section 2): x_t = m(t) x_0 + sigma(t) eps, with x_0 a frame of
 * the data, turned at random, and t stratified over the samples of a step (time_scale.h). eps is not projected
 * where the model is centred. Every number depends on (seed, purpose, step, sample) alone.
 *
 * Neighbouring samples take strata far apart, so that any run of neighbours covers all times
 * nearly evenly: a loss of a part of the samples sees them all. */
#ifndef SCORE_SAMPLER_H
#define SCORE_SAMPLER_H

#include <stdbool.h>

#include "base/random.h"
#include "base/real.h"
#include "data/dataset.h"
#include "model/diffusion.h"
#include "recipe/time_scale.h"

typedef struct score_sampler {
    const score_dataset *dataset;
    score_split split;
    uint64_t first_frame; /* frames drawn before step 0, by earlier stages */
    uint64_t seed;
    uint32_t purpose;
    uint32_t stage;
    score_times times; /* from SCORE_TIME_MIN on */
    int beads;
    int dimensions;
    bool rotate;     /* needs 3 dimensions */
    bool antithetic; /* samples 2k and 2k + 1 share all but the sign of eps; count is even */
    int count;       /* samples of a step */
    const score_emphasis *emphasis; /* that frames are drawn with, or NULL; needs 3 dimensions */
} score_sampler;

#define score_sampler_frames SCORE_TYPED(score_sampler_frames)
#define score_sampler_draw SCORE_TYPED(score_sampler_draw)
#define score_sampler_draw_forces SCORE_TYPED(score_sampler_draw_forces)
#define score_sampler_weight SCORE_TYPED(score_sampler_weight)
#define score_sampler_loss_random SCORE_TYPED(score_sampler_loss_random)

/* Frames that a step draws: count, or half of it where samples come in pairs. */
int score_sampler_frames(const score_sampler *sampler);

/* Sample `index` of step `step`: x_t and eps (beads x dimensions each) and t; x_0, turned, in `frame`.
 * SCORE_ERROR_FILE: the data cannot be read. */
score_status score_sampler_draw(const score_sampler *sampler, uint32_t step, int index,
                                double *frame, score_real *x, score_real *noise, double *t,
                                score_error *error);

/* The forces on x_0 of that sample (score_dataset_draw_forces), turned as it is. SCORE_ERROR_FILE. */
score_status score_sampler_draw_forces(const score_sampler *sampler, uint32_t step, int index,
                                       double *forces, score_error *error);

/* What the losses of a sample just drawn are multiplied by (emphasis.h), 1 without emphasis.
 * `frame`: as score_sampler_draw left it; overwritten. */
double score_sampler_weight(const score_sampler *sampler, double *frame, const score_real *x);

/* The random numbers of one loss of a sample. */
score_random score_sampler_loss_random(const score_sampler *sampler, score_loss_kind kind,
                                       uint32_t step, int index);

#endif
