/* A model as the reverse process sees it: normalised coordinates, and at every diffusion time the
 * score of the experts that own it, equally weighted where their closed ranges touch (arXiv
 * 2506.17139, section 4.1). Arithmetic of the networks is in float. */
#ifndef SCORE_SAMPLE_MODEL_H
#define SCORE_SAMPLE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "score/batch.h"

typedef struct score_sample_model {
    const score_model *model;
    score_batch *batch; /* for `count` molecules of the model's bead list */
    int count;
    int coordinates;       /* of a molecule */
    double *positions_nm;  /* count x coordinates, of log-densities */
    double *expert_scores; /* count x coordinates */
} score_sample_model;

/* SCORE_ERROR_ARGUMENT: a diffusion time from SCORE_TIME_MIN to 1 that no expert owns (all of them
 * are named), or a model without a list of beads. */
score_status score_sample_model_check(const score_model *model, score_error *error);

/* Whether log-densities can be had: the last expert that owns SCORE_TIME_MIN gives an energy. */
bool score_sample_model_has_density(const score_model *model);

/* For `count` samples at a time, by one thread. `model` must outlive it. */
score_status score_sample_model_create(const score_model *model, int count,
                                       score_sample_model *sampled, score_error *error);
void score_sample_model_destroy(score_sample_model *sampled);

/* d log q_t/dx (count x coordinates) at normalised coordinates x. SCORE_ERROR_NUMERIC: not all of
 * it is finite. */
score_status score_sample_model_score(score_sample_model *sampled, const double *x, double t,
                                      double *score, score_error *error);

/* Positions in nm as they are written: scaled, and centred where the model is. */
void score_sample_model_positions(const score_sample_model *sampled, const double *x,
                                  float *positions_nm);

/* -E(x, SCORE_TIME_MIN) of samples `first` to first + count - 1: the model's own log-density up to a
 * constant, not that of the sampler. SCORE_ERROR_NUMERIC names the sample. */
score_status score_sample_model_log_density(score_sample_model *sampled, uint32_t first,
                                            const float *positions_nm, double *log_density,
                                            score_error *error);

#endif
