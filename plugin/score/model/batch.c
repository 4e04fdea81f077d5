#include "score/batch.h"

#include <stdbool.h>
#include <stdlib.h>

#include "model/evaluator.h"

struct score_batch {
    score_model *model;
    score_precision precision;
    int threads;
    int molecule_count;
    score_molecule *molecules;
    int *features; /* of all molecules, what `molecules` points to */
    score_evaluator *evaluators[SCORE_MAX_EXPERTS];
};

static score_status check_molecule(const score_model_config *config, int m,
                                   const score_molecule *molecule, score_error *error) {
    const bool own = config->feature_count == 0 || molecule->features == NULL;
    if (own && molecule->beads != config->bead_count)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "molecule %d has %d beads, but the model has %d", m, molecule->beads,
                          config->bead_count);
    if (molecule->beads < 1 || molecule->beads > SCORE_MAX_BEADS)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "molecule %d has %d beads, must be in [1, %d]", m, molecule->beads,
                          SCORE_MAX_BEADS);
    if (config->feature_count == 0 && molecule->features != NULL)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "molecule %d has features, but the model knows its beads one by one", m);
    for (int i = 0; i < molecule->beads && !own; i++)
        for (int f = 0; f < config->feature_count; f++) {
            const int value = molecule->features[i * config->feature_count + f];
            if (value < 0 || value >= config->feature_sizes[f])
                return score_fail(error, SCORE_ERROR_ARGUMENT,
                                  "molecule %d, bead %d has feature %d = %d, must be in [0, %d)", m,
                                  i, f, value, config->feature_sizes[f]);
        }
    return SCORE_OK;
}

static score_status copy_molecules(score_batch *batch, const score_molecule *molecules,
                                   score_error *error) {
    const score_model_config *config = score_model_get_config(batch->model);
    const size_t width = (size_t)config->feature_count;
    size_t rows = 0;
    for (int m = 0; m < batch->molecule_count; m++) {
        const score_status status = check_molecule(config, m, &molecules[m], error);
        if (status != SCORE_OK)
            return status;
        rows += (size_t)molecules[m].beads;
    }
    if (rows > 1u << 30)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%zu beads are more than the limit of 2^30",
                          rows);
    const size_t count = (unsigned)batch->molecule_count;
    batch->molecules = calloc(count, sizeof *batch->molecules);
    batch->features = calloc(rows * width + 1, sizeof *batch->features);
    if (batch->molecules == NULL || batch->features == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d molecules",
                          batch->molecule_count);
    int *features = batch->features;
    for (int m = 0; m < batch->molecule_count; m++) {
        batch->molecules[m] = (score_molecule){molecules[m].beads, features};
        for (int i = 0; i < molecules[m].beads; i++, features += width)
            for (size_t f = 0; f < width; f++)
                features[f] = molecules[m].features == NULL
                                  ? config->beads[i].features[f]
                                  : molecules[m].features[(size_t)i * width + f];
    }
    return SCORE_OK;
}

/* The evaluator of an expert, made when it is first used. */
static score_status require_evaluator(score_batch *batch, int expert, score_error *error) {
    score_evaluator **evaluator = &batch->evaluators[expert];
    const score_network *network = score_model_network(batch->model, expert);
    const double *parameters = score_model_parameters_const(batch->model, expert);
    if (*evaluator != NULL)
        return SCORE_OK;
    const bool reference = batch->precision == SCORE_REFERENCE_PRECISION;
    return batch->precision == SCORE_SINGLE_PRECISION
               ? score_evaluator_create_f32(network, parameters, batch->molecule_count,
                                            batch->molecules, batch->threads, false, evaluator,
                                            error)
               : score_evaluator_create_f64(network, parameters, batch->molecule_count,
                                            batch->molecules, batch->threads, reference, evaluator,
                                            error);
}

score_status score_batch_create(const score_model *model, score_precision precision,
                                int molecule_count, const score_molecule *molecules, int threads,
                                score_batch **result, score_error *error) {
    *result = NULL;
    if (molecule_count < 1)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the number of molecules is %d, must be at least 1", molecule_count);
    if (threads < 1)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the number of threads is %d, must be at least 1", threads);
    score_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a batch");
    batch->precision = precision;
    batch->threads = threads;
    batch->molecule_count = molecule_count;
    score_status status;
    if ((status = score_model_copy(model, &batch->model, error)) ||
        (status = copy_molecules(batch, molecules, error)))
        goto fail;
    *result = batch;
    return SCORE_OK;
fail:
    score_batch_destroy(batch);
    return status;
}

void score_batch_destroy(score_batch *batch) {
    if (batch == NULL)
        return;
    for (int k = 0; k < SCORE_MAX_EXPERTS; k++) {
        if (batch->precision == SCORE_SINGLE_PRECISION)
            score_evaluator_destroy_f32(batch->evaluators[k]);
        else
            score_evaluator_destroy_f64(batch->evaluators[k]);
    }
    score_model_destroy(batch->model);
    free(batch->molecules);
    free(batch->features);
    free(batch);
}

static score_status evaluate(score_batch *batch, int expert, const score_evaluation *evaluation,
                             const score_executor *executor, score_error *error) {
    const score_expert_config *config = &score_model_get_config(batch->model)->experts[expert];
    if (config->output == SCORE_OUTPUT_SCORE &&
        (evaluation->energy != NULL || evaluation->time_derivative != NULL))
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "diffusion time %g belongs to expert %d, which predicts the score and "
                          "has no energy",
                          evaluation->t, expert);
    if (executor->threads > batch->threads)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the executor has %d threads, but the batch was made for %d",
                          executor->threads, batch->threads);
    const score_status status = require_evaluator(batch, expert, error);
    if (status != SCORE_OK)
        return status;
    return batch->precision == SCORE_SINGLE_PRECISION
               ? score_evaluator_run_f32(batch->evaluators[expert], evaluation, executor, error)
               : score_evaluator_run_f64(batch->evaluators[expert], evaluation, executor, error);
}

score_status score_batch_evaluate(score_batch *batch, const double *positions_nm, double t,
                                  const score_executor *executor, double *energy,
                                  double *score_per_nm, double *time_derivative,
                                  score_error *error) {
    int expert;
    const score_status status = score_model_expert_at(batch->model, t, &expert, error);
    if (status != SCORE_OK)
        return status;
    const score_evaluation evaluation = {.positions = positions_nm,
                                         .scale = score_model_get_config(batch->model)->scale_nm,
                                         .t = t,
                                         .energy = energy,
                                         .score = score_per_nm,
                                         .time_derivative = time_derivative};
    return evaluate(batch, expert, &evaluation, executor, error);
}

score_status score_batch_evaluate_expert(score_batch *batch, int expert, const double *x, double t,
                                         const score_executor *executor, double *energy,
                                         double *score, double *time_derivative,
                                         score_error *error) {
    const score_model_config *config = score_model_get_config(batch->model);
    if (expert < 0 || expert >= config->expert_count)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "there is no expert %d among %d", expert,
                          config->expert_count);
    if (!(t >= config->experts[expert].t_begin && t <= config->experts[expert].t_end))
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d does not own diffusion time %g, but %g to %g", expert, t,
                          config->experts[expert].t_begin, config->experts[expert].t_end);
    const score_evaluation evaluation = {.positions = x,
                                         .scale = 1,
                                         .t = t,
                                         .energy = energy,
                                         .score = score,
                                         .time_derivative = time_derivative};
    return evaluate(batch, expert, &evaluation, executor, error);
}
