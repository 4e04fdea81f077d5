#include "recipe/time_scale.h"

#include <math.h>

static double spread(const score_time_scale *scale, double t) {
    const double sigma = score_noise(scale->schedule, t);
    return sigma * sigma + scale->variance;
}

double score_time_scale_height(const score_time_scale *scale, double t) {
    return log(spread(scale, t));
}

double score_time_scale_time(const score_time_scale *scale, double height) {
    const double square = fmax(exp(height) - scale->variance, 0);
    const double t = score_time_of_noise(scale->schedule, sqrt(square));
    return fmin(fmax(t, scale->t_begin), scale->t_end);
}

/* sigma^2 = 1 - m^2 and (m^2)' = -beta m^2. */
double score_time_scale_log_slope(const score_time_scale *scale, double t) {
    const double m = score_signal(scale->schedule, t);
    return log(score_beta(scale->schedule, t) * m * m / spread(scale, t));
}

static double log_density(const score_times *times, double t) {
    return times->even_in_t ? 0 : score_time_scale_log_slope(&times->scale, t);
}

double score_times_at(const score_times *times, double fraction) {
    const score_time_scale *scale = &times->scale;
    if (times->even_in_t)
        return scale->t_begin + (scale->t_end - scale->t_begin) * fraction;
    const double begin = score_time_scale_height(scale, scale->t_begin);
    const double end = score_time_scale_height(scale, scale->t_end);
    return score_time_scale_time(scale, begin + (end - begin) * fraction);
}

/* The remainder of the distance to `begin` in a range of the given length and its mirror image. */
static double reflect(double u, double begin, double length) {
    const double place = fmod(fabs(u - begin), 2 * length);
    return begin + (place <= length ? place : 2 * length - place);
}

double score_time_pair(const score_times *times, const score_time_pairs *pairs, double t,
                       double uniform, double *log_odds) {
    const score_time_scale *scale = &pairs->scale;
    const double begin = score_time_scale_height(scale, scale->t_begin);
    const double length = score_time_scale_height(scale, scale->t_end) - begin;
    const double u = score_time_scale_height(scale, t) + pairs->width * (2 * uniform - 1);
    const double other = score_time_scale_time(scale, reflect(u, begin, length));
    *log_odds = log_density(times, t) + score_time_scale_log_slope(scale, other) -
                log_density(times, other) - score_time_scale_log_slope(scale, t);
    return other;
}
