#include "sample_draw.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sample_model.h"

/* What all threads share. */
typedef struct drawing {
    const score_sample_plan *plan;
    uint32_t batch;
    atomic_ullong steps_done; /* of all samples together */
    atomic_bool failed;
    score_status status; /* of the batch that failed first, as is */
    score_error error;
} drawing;

/* One batch, of one thread. */
typedef struct batch_run {
    drawing *shared;
    int count;
    score_sample_model sampled;
} batch_run;

static score_status score_of_model(void *context, const double *x, double t, double *score,
                                   score_error *error) {
    batch_run *run = context;
    return score_sample_model_score(&run->sampled, x, t, score, error);
}

static score_status watch_step(void *context, score_error *error) {
    const batch_run *run = context;
    drawing *shared = run->shared;
    const score_sample_plan *plan = shared->plan;
    const unsigned long long count = (unsigned long long)run->count;
    const unsigned long long done = atomic_fetch_add(&shared->steps_done, count) + count;
    if (atomic_load(&shared->failed))
        return SCORE_ERROR_INTERRUPTED; /* another batch has an error to report */
    return plan->watch == NULL ? SCORE_OK
                               : plan->watch(plan->context, (double)done / plan->steps, error);
}

static score_status draw_batch(batch_run *run, uint32_t first, score_error *error) {
    const drawing *shared = run->shared;
    const score_sample_plan *plan = shared->plan;
    const score_model_config *config = score_model_get_config(plan->model);
    score_status status = score_sample_model_create(plan->model, run->count, &run->sampled, error);
    if (status != SCORE_OK)
        return status;
    const size_t coordinates = (size_t)run->sampled.coordinates;
    const score_reverse_process process = {.solver = plan->solver,
                                           .schedule = {config->beta_min, config->beta_max},
                                           .steps = plan->steps,
                                           .seed = plan->seed,
                                           .first = first,
                                           .count = run->count,
                                           .coordinates = run->sampled.coordinates,
                                           .context = run,
                                           .score = score_of_model,
                                           .watch = watch_step};
    const size_t count = (size_t)run->count;
    double *x = calloc(count * coordinates, sizeof *x);
    float *positions_nm = calloc(count * coordinates, sizeof *positions_nm);
    double *log_density = plan->has_density ? calloc(count, sizeof *log_density) : NULL;
    if (x == NULL || positions_nm == NULL || (plan->has_density && log_density == NULL))
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d samples", run->count);
    else
        status = score_reverse_process_run(&process, x, error);
    if (status == SCORE_OK)
        score_sample_model_positions(&run->sampled, x, positions_nm);
    if (status == SCORE_OK && plan->has_density)
        status = score_sample_model_log_density(&run->sampled, first, positions_nm, log_density,
                                                error);
    if (status == SCORE_OK)
        status = plan->take(plan->context, first, (uint32_t)count, positions_nm, log_density,
                            error);
    free(x);
    free(positions_nm);
    free(log_density);
    score_sample_model_destroy(&run->sampled);
    return status;
}

static void run_batch(void *argument, int task, int thread) {
    (void)thread;
    drawing *shared = argument;
    const uint32_t first = (uint32_t)task * shared->batch, left = shared->plan->count - first;
    batch_run run = {.shared = shared, .count = (int)(left < shared->batch ? left : shared->batch)};
    score_error error = {0};
    if (atomic_load(&shared->failed))
        return;
    const score_status status = draw_batch(&run, first, &error);
    if (status != SCORE_OK && !atomic_exchange(&shared->failed, true)) {
        shared->status = status;
        shared->error = error;
    }
}

score_status score_sample_draw(const score_sample_plan *plan, const score_executor *executor,
                               score_error *error) {
    const uint32_t threads = (uint32_t)executor->threads;
    const uint32_t share = plan->count / threads + (plan->count % threads != 0);
    drawing shared = {.plan = plan};
    shared.batch = share < (uint32_t)plan->batch ? share : (uint32_t)plan->batch;
    const uint32_t batches = plan->count / shared.batch + (plan->count % shared.batch != 0);
    executor->run(executor->context, (int)batches, run_batch, &shared);
    if (shared.status != SCORE_OK && error != NULL)
        *error = shared.error;
    return shared.status;
}
