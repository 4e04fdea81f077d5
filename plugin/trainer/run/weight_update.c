#include "run/weight_update.h"

#include <stdbool.h>
#include <stdlib.h>

/* A tensor, or where it has rows a matrix. */
typedef struct update_task {
    size_t offset;
    size_t size;
    score_hidden_matrix matrix;
} update_task;

struct score_weight_update {
    const score_optimizer *optimizer;
    int count;
    update_task *tasks;
    size_t work_size; /* of one thread */
    score_real *work;
};

static void add_tasks(const score_network *network, int matrix_count,
                      const score_hidden_matrix *matrices, score_weight_update *update) {
    for (int t = 0, k = 0; t < network->tensor_count; t++) {
        const score_tensor *tensor = &network->tensors[t];
        if (k == matrix_count || matrices[k].tensor != t)
            update->tasks[update->count++] = (update_task){tensor->offset, tensor->size, {0}};
        for (; k < matrix_count && matrices[k].tensor == t; k++) {
            const size_t size = update->optimizer->work_size(&matrices[k]);
            update->work_size = size > update->work_size ? size : update->work_size;
            update->tasks[update->count++] = (update_task){0, 0, matrices[k]};
        }
    }
}

static bool allocate(const score_network *network, int matrix_count, int threads,
                     score_weight_update *update) {
    score_hidden_matrix *matrices = calloc((size_t)matrix_count + 1, sizeof *matrices);
    update->tasks = calloc((size_t)network->tensor_count + (size_t)matrix_count,
                           sizeof *update->tasks);
    if (matrices != NULL && update->tasks != NULL) {
        if (matrix_count > 0)
            score_network_hidden_matrices(network, matrices);
        add_tasks(network, matrix_count, matrices, update);
        update->work = calloc((size_t)threads * update->work_size + 1, sizeof *update->work);
    }
    free(matrices);
    return update->work != NULL;
}

score_status score_weight_update_create(const score_network *network,
                                        const score_optimizer_config *config, int threads,
                                        score_weight_update **result, score_error *error) {
    *result = NULL;
    const score_optimizer *optimizer = score_optimizer_at(config->kind);
    const int matrices = optimizer->update_matrix == NULL
                             ? 0
                             : score_network_hidden_matrices(network, NULL);
    score_weight_update *update = calloc(1, sizeof *update);
    if (update != NULL)
        update->optimizer = optimizer;
    if (update == NULL || !allocate(network, matrices, threads, update)) {
        score_weight_update_destroy(update);
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate an optimizer");
    }
    *result = update;
    return SCORE_OK;
}

void score_weight_update_destroy(score_weight_update *update) {
    if (update == NULL)
        return;
    free(update->tasks);
    free(update->work);
    free(update);
}

typedef struct step_context {
    const score_weight_update *update;
    const score_optimizer_step *step;
    const score_weight_arrays *arrays;
} step_context;

static void run_task(void *argument, int index, int thread) {
    const step_context *context = argument;
    const score_weight_update *update = context->update;
    const score_weight_arrays *arrays = context->arrays;
    const update_task *task = &update->tasks[index];
    const size_t begin = task->offset;
    if (task->matrix.rows == 0)
        update->optimizer->update(context->step, task->size, arrays->gradient + begin,
                                  arrays->parameters + begin, arrays->first + begin,
                                  arrays->second + begin);
    else
        update->optimizer->update_matrix(context->step, &task->matrix, arrays->gradient,
                                         arrays->parameters, arrays->first,
                                         update->work + (size_t)thread * update->work_size);
}

void score_weight_update_run(const score_weight_update *update, const score_optimizer_step *step,
                             const score_weight_arrays *arrays, const score_executor *executor) {
    step_context context = {update, step, arrays};
    executor->run(executor->context, update->count, run_task, &context);
}
