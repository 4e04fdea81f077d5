/* Noised samples (arXiv 2506.17139, section 2): x_t = m(t) x_0 + sigma(t) eps, with x_0 a frame of
 * the data, turned at random, and t stratified over the samples of a step. eps is not projected
 * where the model is centred. Every number depends on (seed, purpose, step, sample) alone. */
#ifndef SCORE_SAMPLER_H
#define SCORE_SAMPLER_H

#include <stdbool.h>

#include "base/real.h"
#include "dataset.h"
#include "model/diffusion.h"

typedef struct score_sampler {
    const score_dataset *dataset;
    score_split split;
    uint64_t first_frame; /* frames drawn before step 0, by earlier stages */
    uint64_t seed;
    uint32_t purpose;
    score_schedule schedule;
    double t_begin; /* at least SCORE_TIME_MIN */
    double t_end;
    int beads;
    int dimensions;
    bool rotate;     /* needs 3 dimensions */
    bool antithetic; /* samples 2k and 2k + 1 share all but the sign of eps; count is even */
    int count;       /* samples of a step */
} score_sampler;

#define score_sampler_frames SCORE_TYPED(score_sampler_frames)
#define score_sampler_draw SCORE_TYPED(score_sampler_draw)

/* Frames that a step draws: count, or half of it where samples come in pairs. */
int score_sampler_frames(const score_sampler *sampler);

/* Sample `index` of step `step`: x_t and eps (beads x dimensions each) and t. `frame` is room for
 * beads x dimensions numbers. SCORE_ERROR_FILE: the data cannot be read. */
score_status score_sampler_draw(const score_sampler *sampler, uint32_t step, int index,
                                double *frame, score_real *x, score_real *noise, double *t,
                                score_error *error);

#endif
