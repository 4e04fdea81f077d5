/* Where threads come from: the caller lends them. The core starts no thread of its own. */
#ifndef SCORE_EXECUTOR_H
#define SCORE_EXECUTOR_H

#include <stdbool.h>

#include "score/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One task of a parallel region; `thread` is in [0, threads) and no two tasks that run at the same
 * time share it. */
typedef void (*score_task)(void *argument, int task, int thread);

/* run() calls task(argument, k, thread) once for every k in [0, tasks), in any order, and returns
 * when all have returned. */
typedef struct score_executor {
    int threads;
    /* Up to `threads` tasks of one run() are under way at the same time, so they may wait for each
     * other. Where it is false, one molecule is never shared by several threads. */
    bool together;
    void *context;
    void (*run)(void *context, int tasks, score_task task, void *argument);
} score_executor;

/* All tasks in order on the calling thread. */
SCORE_EXPORT score_executor score_executor_serial(void);

#ifdef __cplusplus
}
#endif
#endif
