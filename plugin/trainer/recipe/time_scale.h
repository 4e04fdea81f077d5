/* Which diffusion times are drawn, and beside which others.
 *
 * u = h(t) = log(sigma(t)^2 + variance) measures how different q_t is from its neighbours: noise far
 * below the data's own width, whose square is `variance` in their stiffest direction, changes
 * nothing. Far above it u is minus the logarithm of the signal-to-noise ratio, but for m^2, and the
 * denoising loss, of weight 1 and uniform in u, is the bound on the likelihood (Kingma et al.,
 * arXiv 2107.00630, eq. 17).
 *
 * For classification (arXiv 2601.21025) a sample of time t is shown beside another time t', and the
 * model has to say which of the two it is from. Times that are far apart are told apart by sight and
 * teach nothing but noise, so u' is uniform within `width` of u, reflected at the ends of the range.
 * In u this step is symmetric. With p(t) the density of times, the odds of having drawn (t, t') to
 * having drawn (t', t) are therefore p(t) h'(t') / (p(t') h'(t)). */
#ifndef SCORE_TIME_SCALE_H
#define SCORE_TIME_SCALE_H

#include <stdbool.h>

#include "model/noise_schedule.h"

typedef struct score_time_scale {
    score_noise_schedule schedule;
    double t_begin;
    double t_end;
    double variance; /* >= 0, normalised coordinates squared */
} score_time_scale;

double score_time_scale_height(const score_time_scale *scale, double t); /* h(t) */
double score_time_scale_time(const score_time_scale *scale, double height);
double score_time_scale_log_slope(const score_time_scale *scale, double t); /* log h'(t) */

/* The times of a stage. */
typedef struct score_times {
    score_time_scale scale; /* of its range */
    bool even_in_t;         /* times are drawn uniformly in t, else uniformly in h(t) */
} score_times;

/* The time below which the given fraction of all times is. */
double score_times_at(const score_times *times, double fraction);

typedef struct score_time_pairs {
    score_time_scale scale; /* of the same range */
    double width;
} score_time_pairs;

/* The other time t', from a uniform number in (0, 1), and the logarithm of the odds above. */
double score_time_pair(const score_times *times, const score_time_pairs *pairs, double t,
                       double uniform, double *log_odds);

#endif
