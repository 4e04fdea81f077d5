#include "sample_draw.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sample_model.h"

/* What a thread works in, made for its first batch and made anew for one of another size. */
typedef struct workspace {
    score_sample_model sampled; /* of no samples: not there */
    double *x;
    float *positions_nm;
    double *log_density;
} workspace;

/* What all threads share. */
typedef struct drawing {
    const score_sample_plan *plan;
    uint32_t batch;
    workspace *workspaces;    /* one a thread */
    atomic_ullong steps_done; /* of all samples together */
    atomic_bool failed;
    score_status status; /* of the batch that failed first, as is */
    score_error error;
} drawing;

/* One batch, of one thread. */
typedef struct batch_run {
    drawing *shared;
    int count;
    workspace *work;
} batch_run;

static score_status score_of_model(void *context, const double *x, double t, double *score,
                                   score_error *error) {
    batch_run *run = context;
    return score_sample_model_score(&run->work->sampled, x, t, score, error);
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

static void clear(workspace *work) {
    score_sample_model_destroy(&work->sampled);
    free(work->x);
    free(work->positions_nm);
    free(work->log_density);
    *work = (workspace){0};
}

static score_status require_workspace(const batch_run *run, score_error *error) {
    workspace *work = run->work;
    const score_sample_plan *plan = run->shared->plan;
    const size_t count = (size_t)run->count;
    if (work->sampled.count == run->count)
        return SCORE_OK;
    clear(work);
    const score_status status = score_sample_model_create(plan->model, run->count, &work->sampled,
                                                          error);
    if (status != SCORE_OK)
        return status;
    const size_t size = count * (size_t)work->sampled.coordinates;
    work->x = calloc(size, sizeof *work->x);
    work->positions_nm = calloc(size, sizeof *work->positions_nm);
    work->log_density = calloc(count, sizeof *work->log_density);
    if (work->x != NULL && work->positions_nm != NULL && work->log_density != NULL)
        return SCORE_OK;
    clear(work);
    return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d samples", run->count);
}

static score_status draw_batch(batch_run *run, uint32_t first, score_error *error) {
    const score_sample_plan *plan = run->shared->plan;
    const score_model_config *config = score_model_get_config(plan->model);
    workspace *work = run->work;
    score_status status = require_workspace(run, error);
    if (status != SCORE_OK)
        return status;
    const score_reverse_process process = {.solver = plan->solver,
                                           .schedule = config->schedule,
                                           .steps = plan->steps,
                                           .seed = plan->seed,
                                           .first = first,
                                           .count = run->count,
                                           .coordinates = work->sampled.coordinates,
                                           .context = run,
                                           .score = score_of_model,
                                           .watch = watch_step};
    status = score_reverse_process_run(&process, work->x, error);
    if (status == SCORE_OK)
        score_sample_model_positions(&work->sampled, work->x, work->positions_nm);
    if (status == SCORE_OK && plan->has_density)
        status = score_sample_model_log_density(&work->sampled, first, work->positions_nm,
                                                work->log_density, error);
    if (status == SCORE_OK)
        status = plan->take(plan->context, first, (uint32_t)run->count, work->positions_nm,
                            plan->has_density ? work->log_density : NULL, error);
    return status;
}

static void run_batch(void *argument, int task, int thread) {
    drawing *shared = argument;
    const uint32_t first = (uint32_t)task * shared->batch, left = shared->plan->count - first;
    batch_run run = {.shared = shared,
                     .count = (int)(left < shared->batch ? left : shared->batch),
                     .work = &shared->workspaces[thread]};
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
    shared.workspaces = calloc(threads, sizeof *shared.workspaces);
    if (shared.workspaces == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate workspaces of %lu threads",
                          (unsigned long)threads);
    executor->run(executor->context, (int)batches, run_batch, &shared);
    for (uint32_t k = 0; k < threads; k++)
        clear(&shared.workspaces[k]);
    free(shared.workspaces);
    if (shared.status != SCORE_OK && error != NULL)
        *error = shared.error;
    return shared.status;
}
