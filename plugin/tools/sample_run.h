/* score-sample from its options to its file. */
#ifndef SCORE_SAMPLE_RUN_H
#define SCORE_SAMPLE_RUN_H

#include <stdint.h>

#include "sample_solver.h"

typedef struct score_sample_options {
    const char *model;
    const char *output;
    uint32_t count;
    int steps; /* 0: those of the solver */
    const score_solver *solver;
    uint64_t seed;
    int threads;
} score_sample_options;

/* Draws and writes. SCORE_ERROR_INTERRUPTED: a signal came (interrupt.h); then, and on every other
 * error, the output is as it was before. */
score_status score_sample(const score_sample_options *options, score_error *error);

#endif
