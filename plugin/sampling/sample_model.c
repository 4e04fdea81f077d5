#include "sample_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -------- what the model covers -------- */

/* The end of the range, or of the ranges that meet, that hold t; t itself where there is none. */
static double covered_until(const score_model_config *config, double t) {
    for (bool grew = true; grew;) {
        grew = false;
        for (int k = 0; k < config->expert_count; k++)
            if (config->experts[k].t_begin <= t && config->experts[k].t_end > t) {
                t = config->experts[k].t_end;
                grew = true;
            }
    }
    return t;
}

/* The least beginning of a range above t, at most 1. */
static double next_beginning(const score_model_config *config, double t) {
    double next = 1;
    for (int k = 0; k < config->expert_count; k++)
        if (config->experts[k].t_begin > t && config->experts[k].t_begin < next)
            next = config->experts[k].t_begin;
    return next;
}

score_status score_sample_model_check(const score_model *model, score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    char gaps[256] = "";
    size_t used = 0;
    if (config->bead_count == 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the model has features and no list of beads: it does not say which "
                          "molecule to sample");
    for (double t = SCORE_TIME_MIN; t < 1;) {
        t = covered_until(config, t);
        if (t >= 1)
            break;
        const double next = next_beginning(config, t);
        if (used < sizeof gaps)
            used += (size_t)snprintf(gaps + used, sizeof gaps - used, "%s%g to %g",
                                     used == 0 ? "" : ", ", t, next);
        t = next;
    }
    if (used > 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "no expert of the model owns diffusion times %s: independent samples "
                          "need all of %g to 1",
                          gaps, SCORE_TIME_MIN);
    return SCORE_OK;
}

bool score_sample_model_has_density(const score_model *model) {
    int expert;
    return score_model_expert_at(model, SCORE_TIME_MIN, &expert, NULL) == SCORE_OK &&
           score_model_get_config(model)->experts[expert].output == SCORE_OUTPUT_ENERGY;
}

/* -------- evaluation -------- */

score_status score_sample_model_create(const score_model *model, int count,
                                       score_sample_model *sampled, score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    const size_t coordinates = (size_t)config->bead_count * (size_t)config->dimensions;
    const size_t size = (size_t)count * coordinates;
    *sampled = (score_sample_model){
        .model = model, .count = count, .coordinates = (int)coordinates};
    score_molecule *molecules = calloc((size_t)count, sizeof *molecules);
    sampled->positions_nm = calloc(size, sizeof(double));
    sampled->expert_scores = calloc(size, sizeof(double));
    score_status status = SCORE_OK;
    if (molecules == NULL || sampled->positions_nm == NULL || sampled->expert_scores == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d samples", count);
    for (int k = 0; k < count && status == SCORE_OK; k++)
        molecules[k].beads = config->bead_count;
    if (status == SCORE_OK)
        status = score_batch_create(model, SCORE_SINGLE_PRECISION, count, molecules, 1,
                                    &sampled->batch, error);
    free(molecules);
    if (status != SCORE_OK)
        score_sample_model_destroy(sampled);
    return status;
}

void score_sample_model_destroy(score_sample_model *sampled) {
    score_batch_destroy(sampled->batch);
    free(sampled->positions_nm);
    free(sampled->expert_scores);
    *sampled = (score_sample_model){0};
}

score_status score_sample_model_score(score_sample_model *sampled, const double *x, double t,
                                      double *score, score_error *error) {
    const score_model_config *config = score_model_get_config(sampled->model);
    const size_t size = (size_t)sampled->count * (size_t)sampled->coordinates;
    const score_executor serial = score_executor_serial();
    score_status status = SCORE_OK;
    int owners = 0;
    for (size_t k = 0; k < size; k++)
        score[k] = 0;
    for (int e = 0; e < config->expert_count && status == SCORE_OK; e++) {
        if (!(t >= config->experts[e].t_begin && t <= config->experts[e].t_end))
            continue;
        status = score_batch_evaluate_expert(sampled->batch, e, x, t, &serial, NULL,
                                             sampled->expert_scores, NULL, error);
        owners++;
        if (status == SCORE_OK || status == SCORE_ERROR_NUMERIC)
            for (size_t k = 0; k < size; k++)
                score[k] += sampled->expert_scores[k];
    }
    if (owners == 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "no expert of the model owns diffusion time %g", t);
    for (size_t k = 0; k < size; k++)
        score[k] /= owners;
    return status;
}

void score_sample_model_positions(const score_sample_model *sampled, const double *x,
                                  float *positions_nm) {
    const score_model_config *config = score_model_get_config(sampled->model);
    const int beads = config->bead_count, d = config->dimensions;
    for (int m = 0; m < sampled->count; m++)
        for (int c = 0; c < d; c++) {
            const size_t first = (size_t)m * (size_t)sampled->coordinates + (size_t)c;
            double mean = 0;
            for (int b = 0; b < beads && config->centred; b++)
                mean += x[first + (size_t)(b * d)] / beads;
            for (int b = 0; b < beads; b++)
                positions_nm[first + (size_t)(b * d)] = (float)(config->scale_nm *
                                                                (x[first + (size_t)(b * d)] -
                                                                 mean));
        }
}

score_status score_sample_model_log_density(score_sample_model *sampled, uint32_t first,
                                            const float *positions_nm, double *log_density,
                                            score_error *error) {
    const score_executor serial = score_executor_serial();
    const size_t size = (size_t)sampled->count * (size_t)sampled->coordinates;
    for (size_t k = 0; k < size; k++)
        sampled->positions_nm[k] = (double)positions_nm[k];
    const score_status status = score_batch_evaluate(sampled->batch, sampled->positions_nm,
                                                     SCORE_TIME_MIN, &serial, log_density, NULL,
                                                     NULL, error);
    for (int n = 0; n < sampled->count; n++) {
        if (status == SCORE_ERROR_NUMERIC && !isfinite(log_density[n]))
            return score_fail(error, status, "the energy of sample %lu is not finite",
                              (unsigned long)first + (unsigned long)n);
        log_density[n] = -log_density[n];
    }
    return status;
}
