#include <stdlib.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "job.h"

/* Enough sums that one addition need not wait for the last. */
enum { SUMS = 128 };

typedef struct read_job {
    bench_job job;
    int threads;
    size_t share; /* floats that a thread reads, a multiple of SUMS */
    score_executor executor;
    float *values;
    float *sums; /* one a thread; kept so that the reading cannot be left out */
} read_job;

static void read_share(void *argument, int task, int thread) {
    (void)thread;
    const read_job *job = argument;
    const float *values = job->values + (size_t)task * job->share;
    float sums[SUMS] = {0};
    for (size_t k = 0; k < job->share; k += SUMS)
        for (int s = 0; s < SUMS; s++)
            sums[s] += values[k + (size_t)s];
    float sum = 0;
    for (int s = 0; s < SUMS; s++)
        sum += sums[s];
    job->sums[task] = sum;
}

static score_status call(bench_job *base, score_error *error) {
    (void)error;
    read_job *job = (read_job *)base;
    job->executor.run(job->executor.context, job->threads, read_share, job);
    return SCORE_OK;
}

static void write(const bench_job *base, FILE *file) {
    const read_job *job = (const read_job *)base;
    double sum = 0;
    for (int t = 0; t < job->threads; t++)
        sum += (double)job->sums[t];
    fwrite(&sum, sizeof sum, 1, file);
}

static void destroy(bench_job *base) {
    read_job *job = (read_job *)base;
    free(job->values);
    free(job->sums);
    free(job);
}

score_status read_job_create(size_t bytes, int threads, bench_job **created, score_error *error) {
    read_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    job->job.call = call;
    job->job.write = write;
    job->job.destroy = destroy;
    job->threads = threads;
    job->executor = threads == 1 ? score_executor_serial() : score_executor_openmp(&job->threads);
    const size_t line = SUMS * sizeof(float);
    const size_t blocks = (bytes + line * (size_t)threads - 1) / (line * (size_t)threads);
    job->share = blocks * SUMS;
    const size_t size = job->share * (size_t)threads * sizeof(float);
    job->values = aligned_alloc(line, size);
    job->sums = calloc((size_t)threads, sizeof(float));
    if (job->values == NULL || job->sums == NULL) {
        destroy(&job->job);
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory");
    }
    memset(job->values, 0, size); /* so that the pages exist */
    *created = &job->job;
    return SCORE_OK;
}
