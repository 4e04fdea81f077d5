#include "score/executor.h"

#include <stddef.h>

static void run_serial(void *context, int tasks, score_task task, void *argument) {
    (void)context;
    for (int k = 0; k < tasks; k++)
        task(argument, k, 0);
}

score_executor score_executor_serial(void) {
    return (score_executor){.threads = 1, .context = NULL, .run = run_serial};
}
