/* OpenMP's threads for the model core. */
#ifndef SCORE_EXECUTOR_OPENMP_H
#define SCORE_EXECUTOR_OPENMP_H

#include "score/executor.h"

/* As many threads as OpenMP would use by itself: the processors, or OMP_NUM_THREADS. */
int score_openmp_default_threads(void);

/* Tasks go to whichever of *threads threads is free. `threads` must outlive the executor. */
score_executor score_executor_openmp(const int *threads);

#endif
