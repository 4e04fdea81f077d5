#include "score/sample.h"

#include <string.h>

#include "sample_draw.h"
#include "sample_model.h"

typedef struct destination {
    const score_sample_request *request;
    size_t coordinates; /* of a sample */
    float *positions_nm;
    double *log_density;
} destination;

static score_status watch(void *context, double done, score_error *error) {
    const score_sample_request *request = ((const destination *)context)->request;
    return request->watch == NULL ? SCORE_OK : request->watch(request->context, done, error);
}

static score_status take(void *context, uint32_t first, uint32_t count, const float *positions_nm,
                         const double *log_density, score_error *error) {
    const destination *to = context;
    (void)error;
    memcpy(to->positions_nm + first * to->coordinates, positions_nm,
           count * to->coordinates * sizeof *positions_nm);
    if (log_density != NULL)
        memcpy(to->log_density + first, log_density, count * sizeof *log_density);
    return SCORE_OK;
}

static score_status check(const score_model *model, const score_sample_request *request,
                          const score_solver *solver, bool has_density, score_error *error) {
    if (solver == NULL)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the solver is '%s', must be sde-dpm-solver++ or euler-maruyama",
                          request->solver);
    if (request->steps != 0 && (request->steps < 2 || request->steps > SCORE_MAX_SAMPLE_STEPS))
        return score_fail(error, SCORE_ERROR_ARGUMENT, "steps is %d, must be from 2 to %d",
                          request->steps, SCORE_MAX_SAMPLE_STEPS);
    if (has_density && !score_sample_model_has_density(model))
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the model has no energy at diffusion time %g: there are no "
                          "log-densities",
                          SCORE_TIME_MIN);
    return score_sample_model_check(model, error);
}

score_status score_sample_draw_positions(const score_model *model,
                                         const score_sample_request *request,
                                         const score_executor *executor, float *positions_nm,
                                         double *log_density, score_error *error) {
    const score_model_config *config = score_model_get_config(model);
    const score_solver *solver = request->solver == NULL ? &SCORE_SOLVERS[0]
                                                         : score_solver_find(request->solver);
    const score_status status = check(model, request, solver, log_density != NULL, error);
    if (status != SCORE_OK || request->count == 0)
        return status;
    destination to = {.request = request,
                      .coordinates = (size_t)config->bead_count * (size_t)config->dimensions,
                      .positions_nm = positions_nm,
                      .log_density = log_density};
    const score_sample_plan plan = {.model = model,
                                    .solver = solver,
                                    .steps = request->steps > 0 ? request->steps
                                                                : solver->default_steps,
                                    .seed = request->seed,
                                    .count = request->count,
                                    .batch = SCORE_SAMPLE_BATCH,
                                    .context = &to,
                                    .watch = watch,
                                    .has_density = log_density != NULL,
                                    .take = take};
    return score_sample_draw(&plan, executor, error);
}
