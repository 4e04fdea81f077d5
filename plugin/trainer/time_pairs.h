/* Pairs of diffusion times for classification over diffusion time (arXiv 2601.21025). A sample of
 * time t is shown beside another time t', and the model has to say which of the two it is from.
 * Times that are far apart are told apart by sight and teach nothing but noise, so
 *     u = h(t) = log(sigma(t)^2 + variance),    u' uniform within `width` of u,
 * reflected at the ends of the range. In u this step is symmetric and t is uniform in
 * [t_begin, t_end], so the odds of having drawn (t, t') to having drawn (t', t) are h'(t')/h'(t). */
#ifndef SCORE_TIME_PAIRS_H
#define SCORE_TIME_PAIRS_H

#include "model/diffusion.h"

typedef struct score_time_pairs {
    score_schedule schedule;
    double t_begin;
    double t_end;
    double width;
    double
        variance; /* of the data along their stiffest direction: times with less noise are alike */
} score_time_pairs;

/* The other time, from a uniform number in (0, 1). *log_odds: log h'(t') - log h'(t). */
double score_time_pair(const score_time_pairs *pairs, double t, double uniform, double *log_odds);

#endif
