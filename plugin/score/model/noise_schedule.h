/* How noise grows with the diffusion time: x_t = m x_0 + sigma eps, variance preserving,
 * m^2 + sigma^2 = 1, with m' = -beta m/2 (Song et al., arXiv 2011.13456, eq. 11).
 *
 * A kind of schedule is a row of the table in noise_schedule.c, which has its equations: its word in
 * files, its settings and its functions of t. Files are read and written, and settings checked and
 * printed, from that row. */
#ifndef SCORE_NOISE_SCHEDULE_H
#define SCORE_NOISE_SCHEDULE_H

#include "model/settings.h"
#include "score/model.h"

/* The name of a kind for readers. */
const char *score_noise_schedule_title(int kind);

/* The settings of a kind, members of score_noise_schedule; one without a name ends them. */
const score_setting *score_noise_schedule_settings(int kind);

/* Of a kind with its settings as they usually are. */
score_noise_schedule score_noise_schedule_usual(int kind);

/* SCORE_ERROR_ARGUMENT names the setting that is out of range. */
score_status score_noise_schedule_check(const score_noise_schedule *schedule, score_error *error);

/* t is in [0, 1]. */
double score_signal(score_noise_schedule schedule, double t); /* m */
/* sigma, exact also where t is small */
double score_noise(score_noise_schedule schedule, double t);
double score_beta(score_noise_schedule schedule, double t);
/* beta and its first and second derivative. */
void score_beta_derivatives(score_noise_schedule schedule, double t, double beta[3]);
/* t with sigma(t) = noise, for noise in [0, 1) */
double score_time_of_noise(score_noise_schedule schedule, double noise);

#endif
