/* What the worker times. A job is made by one of the functions below and called as often as wanted;
 * whatever a call needs is allocated when the job is made. */
#ifndef BENCH_JOB_H
#define BENCH_JOB_H

#include <stdio.h>

#include "score/status.h"

typedef struct bench_job bench_job;
struct bench_job {
    score_status (*call)(bench_job *job, score_error *error);
    /* Writes what the calls have given to `file`, as doubles. */
    void (*write)(const bench_job *job, FILE *file);
    void (*destroy)(bench_job *job);
};

/* Energies and scores of `molecules` molecules of the model `model`, at diffusion time
 * SCORE_TIME_MIN, in float ("single", as the CPU platform) or in double ("double", as Reference).
 * The file `positions` has molecules x beads x 3 doubles in nm. Writes the energies, then the
 * scores. */
score_status force_job_create(const char *model, const char *precision, int molecules, int threads,
                              const char *positions, bench_job **job, score_error *error);

/* Reading an array of `bytes` bytes, a share of it by every thread. */
score_status read_job_create(size_t bytes, int threads, bench_job **job, score_error *error);

/* Steps of the recipe's first stage. The weights it begins from are written to `initial`; losses
 * of all steps so far are what it writes. */
score_status training_job_create(const char *recipe, int threads, const char *initial,
                                 bench_job **job, score_error *error);

#endif
