#include <stdlib.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "job.h"
#include "score/batch.h"

typedef struct force_job {
    bench_job job;
    int molecules;
    int threads;
    size_t coordinates;
    score_executor executor;
    score_batch *batch;
    double *positions;
    double *energy;
    double *score;
} force_job;

static score_status call(bench_job *base, score_error *error) {
    force_job *job = (force_job *)base;
    return score_batch_evaluate(job->batch, job->positions, SCORE_TIME_MIN, &job->executor,
                                job->energy, job->score, NULL, error);
}

static void write(const bench_job *base, FILE *file) {
    const force_job *job = (const force_job *)base;
    fwrite(job->energy, sizeof(double), (size_t)job->molecules, file);
    fwrite(job->score, sizeof(double), job->coordinates, file);
}

static void destroy(bench_job *base) {
    force_job *job = (force_job *)base;
    score_batch_destroy(job->batch);
    free(job->positions);
    free(job->energy);
    free(job->score);
    free(job);
}

static score_status read_positions(const char *path, force_job *job, score_error *error) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return score_fail(error, SCORE_ERROR_FILE, "cannot open %s", path);
    size_t read = fread(job->positions, sizeof(double), job->coordinates, file);
    fclose(file);
    if (read != job->coordinates)
        return score_fail(error, SCORE_ERROR_FILE, "%s has %zu coordinates, must have %zu", path,
                          read, job->coordinates);
    return SCORE_OK;
}

static score_status make_batch(const score_model *model, score_precision precision, force_job *job,
                               score_error *error) {
    const int beads = score_model_get_config(model)->bead_count;
    score_molecule *molecules = calloc((size_t)job->molecules, sizeof *molecules);
    if (molecules == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    for (int k = 0; k < job->molecules; k++)
        molecules[k].beads = beads;
    score_status status = score_batch_create(model, precision, job->molecules, molecules,
                                             job->threads, &job->batch, error);
    free(molecules);
    return status;
}

static score_status fill(const char *model_path, score_precision precision,
                         const char *positions_path, force_job *job, score_error *error) {
    score_model *model = NULL;
    score_status status = score_model_read(model_path, &model, error);
    if (status != SCORE_OK)
        return status;
    const int beads = score_model_get_config(model)->bead_count;
    job->coordinates = (size_t)job->molecules * (size_t)beads * 3;
    job->positions = malloc(job->coordinates * sizeof(double));
    job->score = malloc(job->coordinates * sizeof(double));
    job->energy = malloc((size_t)job->molecules * sizeof(double));
    if (job->positions == NULL || job->score == NULL || job->energy == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    else if (!(status = read_positions(positions_path, job, error)))
        status = make_batch(model, precision, job, error);
    score_model_destroy(model);
    return status;
}

score_status force_job_create(const char *model, const char *precision, int molecules, int threads,
                              const char *positions, bench_job **created, score_error *error) {
    force_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    job->job.call = call;
    job->job.write = write;
    job->job.destroy = destroy;
    job->molecules = molecules;
    job->threads = threads;
    job->executor = threads == 1 ? score_executor_serial() : score_executor_openmp(&job->threads);
    score_status status = fill(
        model, strcmp(precision, "double") == 0 ? SCORE_DOUBLE_PRECISION : SCORE_SINGLE_PRECISION,
        positions, job, error);
    if (status != SCORE_OK) {
        destroy(&job->job);
        return status;
    }
    *created = &job->job;
    return SCORE_OK;
}
