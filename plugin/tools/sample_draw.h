/* Independent samples of a model, on any number of threads: batches of them, each of which one
 * thread takes through the whole reverse process. */
#ifndef SCORE_SAMPLE_DRAW_H
#define SCORE_SAMPLE_DRAW_H

#include "sample_solver.h"
#include "score/executor.h"
#include "score/model.h"

/* Samples of a batch, where there are enough for all threads: a few tiles of molecules, so that the
 * networks run at full speed, and few enough for the end to come to all threads at nearly the same
 * time. */
enum { SCORE_SAMPLE_BATCH = 256 };

typedef struct score_sample_plan {
    const score_model *model;
    const score_solver *solver;
    int steps;
    uint64_t seed;
    uint32_t count;
    int batch; /* the most samples of a batch; no result depends on it */
    void *context;
    /* NULL, or called by any thread, by several at the same time, with the number of samples drawn
     * so far (parts of them counted as such); what is not SCORE_OK ends the work. */
    score_status (*watch)(void *context, double done, score_error *error);
} score_sample_plan;

/* Writes samples 0 to count - 1: positions (count x beads x dimensions, nm) and, unless NULL,
 * log-densities (count). Of several errors that of one batch is given. */
score_status score_sample_draw(const score_sample_plan *plan, const score_executor *executor,
                               float *positions_nm, double *log_density, score_error *error);

#endif
