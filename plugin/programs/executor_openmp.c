#include "programs/executor_openmp.h"

#include <omp.h>
#include <stddef.h>

int score_openmp_default_threads(void) {
    return omp_get_max_threads();
}

static void run_openmp(void *context, int tasks, score_task task, void *argument) {
    int threads = *(const int *)context;
    if (threads > tasks)
        threads = tasks; /* a thread without a task is only waited for */
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads) if (threads > 1)
    for (int k = 0; k < tasks; k++)
        task(argument, k, omp_get_thread_num());
}

score_executor score_executor_openmp(const int *threads) {
    return (score_executor){
        .threads = *threads,
        /* unless OpenMP may give fewer threads than were asked for */
        .together = !omp_get_dynamic() && !omp_in_parallel() && omp_get_thread_limit() >= *threads,
        .context = (void *)threads,
        .run = run_openmp,
    };
}
