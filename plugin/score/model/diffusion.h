/* The variance-preserving diffusion (arXiv 2506.17139, section 2; Song et al., arXiv 2011.13456,
 * eq. 11) and the features by which a network sees its time. */
#ifndef SCORE_DIFFUSION_H
#define SCORE_DIFFUSION_H

enum { SCORE_MAX_TIME_FEATURES = 11, SCORE_TIME_ORDERS = 4 };

/* beta(t) = beta_min + (beta_max - beta_min) t; x_t = m x_0 + sigma eps. */
typedef struct score_schedule {
    double beta_min;
    double beta_max;
} score_schedule;

double score_beta(score_schedule schedule, double t);
/* m(t) = exp(-t^2 (beta_max - beta_min)/4 - beta_min t/2) */
double score_signal(score_schedule schedule, double t);
/* sigma(t) = sqrt(1 - m^2), exact also where t is small */
double score_noise(score_schedule schedule, double t);
/* t with sigma(t) = noise, for noise in [0, 1) */
double score_time_of_noise(score_schedule schedule, double noise);

/* The weight w(t) of a training loss on (t_begin, t_end): a tent that rises to 1 at `middle`, both
 * halves of equal area: (t1 - t0)/(2 (m - t0)) for t <= m, else (t1 - t0)/(2 (t1 - m)). */
double score_equal_weight(double t, double middle, double t_begin, double t_end);

/* How a network that owns the times [t_begin, t_end] sees its time.
 *   t - (t_end - t_begin)/2, cos 2 pi t, sin 2 pi t, -cos 4 pi t
 *   and, where t_begin > 0, the same three waves of (t - t_begin)/(t_end - t_begin)
 *   and, where variance > 0, u - 1/2, cos 2 pi u, sin 2 pi u, -cos 4 pi u of
 *       u = log((sigma(t)^2 + variance)/(sigma(t_begin)^2 + variance)), scaled to be 1 at t_end.
 * The first two are those of arXiv 2506.17139. They change little where sigma is as small as the
 * width of the data's stiffest directions, whose square is `variance`, though the density changes
 * much there; the third follow it. */
typedef struct score_time_encoding {
    double t_begin;
    double t_end;
    double variance;
    score_schedule schedule; /* read here where variance > 0 */
} score_time_encoding;

/* 4, and 3 more where t_begin > 0, and 4 more where variance > 0. */
int score_time_feature_count(const score_time_encoding *encoding);

enum { SCORE_NOISE_FEATURES = 4 }; /* those of u, the last */

/* features[n][k] is the n-th derivative by t of feature k, n = 0 to 3; t is clipped to the range
 * first, so the derivatives are 0 outside it. */
void score_time_features(double t, const score_time_encoding *encoding,
                         double features[4][SCORE_MAX_TIME_FEATURES]);

#endif
