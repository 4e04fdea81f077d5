#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "programs/executor_openmp.h"
#include "run/initialise.h"
#include "job.h"
#include "recipe/recipe.h"
#include "run/run_model.h"
#include "run/stage_run.h"

/* The losses that its peers have too: denoising, Fokker-Planck and classification, the first ones. */
enum { MOST_LOSSES = 4096, COMPARED_LOSSES = 3 };

typedef struct training_job {
    bench_job job;
    int threads;
    uint64_t step;
    score_executor executor;
    score_recipe *recipe;
    score_dataset *dataset;
    score_model *model;
    score_stage_run *run;
    double losses[MOST_LOSSES][COMPARED_LOSSES]; /* of the first steps */
} training_job;

static score_status call(bench_job *base, score_error *error) {
    training_job *job = (training_job *)base;
    double losses[SCORE_LOSS_KINDS], norm;
    score_status status = score_stage_run_step(job->run, job->step, losses, &norm, error);
    if (status != SCORE_OK)
        return status;
    if (job->step < MOST_LOSSES)
        memcpy(job->losses[job->step], losses, sizeof *job->losses);
    job->step++;
    return SCORE_OK;
}

static void write(const bench_job *base, FILE *file) {
    const training_job *job = (const training_job *)base;
    fwrite(job->losses, sizeof *job->losses, job->step < MOST_LOSSES ? job->step : MOST_LOSSES,
           file);
}

static void destroy(bench_job *base) {
    training_job *job = (training_job *)base;
    score_stage_run_destroy(job->run);
    score_model_destroy(job->model);
    score_dataset_close(job->dataset);
    score_recipe_destroy(job->recipe);
    free(job);
}

score_status training_job_create(const char *recipe, int threads, const char *initial,
                                 bench_job **created, score_error *error) {
    training_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    job->job.call = call;
    job->job.write = write;
    job->job.destroy = destroy;
    job->threads = threads;
    job->executor = score_executor_openmp(&job->threads);
    score_status status;
    if ((status = score_recipe_read(recipe, &job->recipe, error)) ||
        (status = score_dataset_open(job->recipe, ".", &job->dataset, error)) ||
        (status = score_run_model_create(job->recipe, job->dataset, &job->model, error)))
        goto failed;
    score_initialise(job->model, 0, job->recipe->seed);
    if ((status = score_model_write(job->model, initial, error)) ||
        (status = score_stage_run_create(job->recipe, job->dataset, job->model, 0, 0,
                                         &job->executor, &job->run, error)))
        goto failed;
    *created = &job->job;
    return SCORE_OK;
failed:
    destroy(&job->job);
    return status;
}
