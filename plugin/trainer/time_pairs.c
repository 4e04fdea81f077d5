#include "time_pairs.h"

#include <math.h>

/* sigma^2 + variance, whose logarithm is h. */
static double spread(const score_time_pairs *pairs, double t) {
    const double sigma = score_noise(pairs->schedule, t);
    return sigma * sigma + pairs->variance;
}

/* log h'(t), with sigma^2 = 1 - m^2 and (m^2)' = -beta m^2. */
static double log_slope(const score_time_pairs *pairs, double t) {
    const double m = score_signal(pairs->schedule, t);
    return log(score_beta(pairs->schedule, t) * m * m / spread(pairs, t));
}

/* The remainder of the distance to `begin` in a range of the given length and its mirror image. */
static double reflect(double u, double begin, double length) {
    const double place = fmod(fabs(u - begin), 2 * length);
    return begin + (place <= length ? place : 2 * length - place);
}

double score_time_pair(const score_time_pairs *pairs, double t, double uniform, double *log_odds) {
    const double begin = log(spread(pairs, pairs->t_begin));
    const double length = log(spread(pairs, pairs->t_end)) - begin;
    const double u = log(spread(pairs, t)) + pairs->width * (2 * uniform - 1);
    const double square = exp(reflect(u, begin, length)) - pairs->variance;
    double other = score_time_of_noise(pairs->schedule, sqrt(fmax(square, 0)));
    other = fmin(fmax(other, pairs->t_begin), pairs->t_end);
    *log_odds = log_slope(pairs, other) - log_slope(pairs, t);
    return other;
}
