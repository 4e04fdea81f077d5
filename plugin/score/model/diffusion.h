/* What a loss and a network make of the diffusion time: its weight, and the features by which a
 * network sees it. */
#ifndef SCORE_DIFFUSION_H
#define SCORE_DIFFUSION_H

#include "model/noise_schedule.h"

enum { SCORE_MAX_TIME_FEATURES = 11, SCORE_TIME_ORDERS = 4 };

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
    score_noise_schedule schedule; /* read here where variance > 0 */
} score_time_encoding;

/* 4, and 3 more where t_begin > 0, and 4 more where variance > 0. */
int score_time_feature_count(const score_time_encoding *encoding);

enum { SCORE_NOISE_FEATURES = 4 }; /* those of u, the last */

/* features[n][k] is the n-th derivative by t of feature k, n = 0 to 3; t is clipped to the range
 * first, so the derivatives are 0 outside it. */
void score_time_features(double t, const score_time_encoding *encoding,
                         double features[4][SCORE_MAX_TIME_FEATURES]);

#endif
