#include "weight_update.h"

#include <stdbool.h>
#include <stdlib.h>

#include "pieces.h"

/* A range of the vector, or where it has rows a matrix. */
typedef struct update_task {
    size_t begin;
    size_t end;
    score_hidden_matrix matrix;
} update_task;

struct score_weight_update {
    const score_network *network;
    const score_optimizer_config *config;
    int count;
    update_task *tasks;
    size_t work_size; /* of one thread */
    score_real *work;
    /* Of the step under way. */
    const score_adamw *step;
    const score_weight_arrays *arrays;
};

static void add_pieces(score_weight_update *update) {
    const size_t size = update->network->parameter_count;
    for (int k = 0; k < score_piece_count(size); k++)
        update->tasks[update->count++] = (update_task){
            score_piece_begin(k), score_piece_end(k, size), {0}};
}

static void add_tensors(score_weight_update *update, int matrix_count,
                        const score_hidden_matrix *matrices) {
    for (int t = 0, k = 0; t < update->network->tensor_count; t++) {
        const score_tensor *tensor = &update->network->tensors[t];
        if (k == matrix_count || matrices[k].tensor != t)
            update->tasks[update->count++] = (update_task){
                tensor->offset, tensor->offset + tensor->size, {0}};
        for (; k < matrix_count && matrices[k].tensor == t; k++) {
            const size_t size = score_muon_work_size(&matrices[k]);
            update->work_size = size > update->work_size ? size : update->work_size;
            update->tasks[update->count++] = (update_task){0, 0, matrices[k]};
        }
    }
}

static bool add_tasks(score_weight_update *update) {
    const score_network *network = update->network;
    if (update->config->momentum < 0) {
        update->tasks = calloc((size_t)score_piece_count(network->parameter_count) + 1,
                               sizeof *update->tasks);
        if (update->tasks != NULL)
            add_pieces(update);
        return update->tasks != NULL;
    }
    const int count = score_network_hidden_matrices(network, NULL);
    score_hidden_matrix *matrices = calloc((size_t)count + 1, sizeof *matrices);
    update->tasks = calloc((size_t)network->tensor_count + (size_t)count, sizeof *update->tasks);
    const bool done = matrices != NULL && update->tasks != NULL;
    if (done) {
        score_network_hidden_matrices(network, matrices);
        add_tensors(update, count, matrices);
    }
    free(matrices);
    return done;
}

score_status score_weight_update_create(const score_network *network,
                                        const score_optimizer_config *config,
                                        const score_executor *executor,
                                        score_weight_update **result, score_error *error) {
    *result = NULL;
    score_weight_update *update = calloc(1, sizeof *update);
    if (update != NULL) {
        update->network = network;
        update->config = config;
        if (add_tasks(update))
            update->work = calloc((size_t)executor->threads * update->work_size + 1,
                                  sizeof *update->work);
    }
    if (update == NULL || update->work == NULL) {
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

static void run_task(void *argument, int index, int thread) {
    const score_weight_update *update = argument;
    const update_task *task = &update->tasks[index];
    const score_weight_arrays *arrays = update->arrays;
    const size_t begin = task->begin;
    if (task->matrix.rows == 0)
        score_adamw_update(update->step, task->end - begin, arrays->gradient + begin,
                           arrays->parameters + begin, arrays->first + begin,
                           arrays->second + begin);
    else
        score_muon_update(update->step, update->config->momentum, &task->matrix, arrays->gradient,
                          arrays->parameters, arrays->first,
                          update->work + (size_t)thread * update->work_size);
}

void score_weight_update_run(score_weight_update *update, const score_adamw *step,
                             const score_weight_arrays *arrays, const score_executor *executor) {
    update->step = step;
    update->arrays = arrays;
    executor->run(executor->context, update->count, run_task, update);
}
