/* Independent samples of a model, on any number of threads: batches of them, each of which one
 * thread takes through the whole reverse process. */
#ifndef SCORE_SAMPLE_DRAW_H
#define SCORE_SAMPLE_DRAW_H

#include <stdbool.h>

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
    bool has_density; /* log-densities are wanted, too */
    /* Takes samples first to first + count - 1: positions (count x beads x dimensions, nm) and
     * log-densities (count) or NULL. Called like `watch`. */
    score_status (*take)(void *context, uint32_t first, uint32_t count, const float *positions_nm,
                         const double *log_density, score_error *error);
} score_sample_plan;

/* Draws samples 0 to count - 1. Of several errors that of one batch is given. */
score_status score_sample_draw(const score_sample_plan *plan, const score_executor *executor,
                               score_error *error);

#endif
