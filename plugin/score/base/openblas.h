/* OpenBLAS, loaded when it is first wanted: as it is loaded it starts threads, which a process that
 * does not use it should not have. */
#ifndef SCORE_OPENBLAS_H
#define SCORE_OPENBLAS_H

#include <cblas.h>

typedef struct score_openblas {
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(cblas_dgemm) *dgemm;
    char version[32]; /* e.g. "0.3.21" */
} score_openblas;

/* The library, told to use one thread, in all of the process; NULL where there is none. Any number of
 * threads may call this. */
const score_openblas *score_openblas_load(void);

/* Why there is none, in a line that names the file; NULL where there is one. */
const char *score_openblas_missing(void);

#endif
