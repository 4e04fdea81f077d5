/* Weights in the form the operations use: the parameters; behind them what is derived from them; and
 * the packed panels of every linear layer, those of the forward sweep first, then, transposed, those
 * of the backward sweep, each in the order in which it reads them. */
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

static void find_linears(score_packed *packed) {
    for (int s = 0; s < packed->plan->step_count; s++) {
        const score_step *step = &packed->plan->steps[s];
        if (step->operation != SCORE_LINEAR)
            continue;
        const score_tensor *weight = &packed->network->tensors[step->tensor[0]];
        packed->linear_of[step->tensor[0]] = packed->linear_count;
        packed->linears[packed->linear_count++] = (score_linear){
            .tensor = step->tensor[0], .in = weight->shape[0], .out = weight->shape[1]};
    }
}

/* Places the panels, or only measures them where `memory` is NULL. */
static size_t place_panels(score_packed *packed, score_real *memory) {
    size_t used = 0;
    for (int k = 0; k < packed->linear_count; k++) {
        score_linear *linear = &packed->linears[k];
        linear->panels = memory == NULL ? NULL : memory + used;
        used += packed->host->panels_size(linear->in, linear->out);
    }
    for (int k = packed->linear_count - 1; k >= 0; k--) {
        score_linear *linear = &packed->linears[k];
        linear->transposed = memory == NULL ? NULL : memory + used;
        used += packed->host->panels_size(linear->out, linear->in);
    }
    return used;
}

score_status score_packed_create_on(const score_host *host, const score_network *network,
                                    score_packed **result, score_error *error) {
    *result = NULL;
    score_status status = score_host_check(error);
    if (status != SCORE_OK)
        return status;
    score_packed *packed = calloc(1, sizeof *packed);
    if (packed == NULL)
        goto fail;
    packed->host = host;
    packed->network = network;
    if (score_plan_create(network, SCORE_FOR_TRAINING, &packed->plan, error) != SCORE_OK)
        goto fail;
    packed->linears = calloc((size_t)packed->plan->step_count, sizeof *packed->linears);
    packed->linear_of = calloc((size_t)network->tensor_count, sizeof *packed->linear_of);
    packed->values = calloc(packed->plan->parameter_count, sizeof *packed->values);
    if (packed->linears == NULL || packed->linear_of == NULL || packed->values == NULL)
        goto fail;
    find_linears(packed);
    packed->panels = score_allocate_aligned(place_panels(packed, NULL) * sizeof(score_real));
    if (packed->panels == NULL)
        goto fail;
    place_panels(packed, packed->panels);
    *result = packed;
    return SCORE_OK;
fail:
    score_packed_destroy(packed);
    return score_fail(error, SCORE_ERROR_MEMORY,
                      "cannot allocate the weights of a network of %zu parameters",
                      network->parameter_count);
}

score_status score_packed_create(const score_network *network, score_packed **result,
                                 score_error *error) {
    return score_packed_create_on(score_host_in_use(), network, result, error);
}

void score_packed_destroy(score_packed *packed) {
    if (packed == NULL)
        return;
    score_plan_destroy(packed->plan);
    free(packed->linears);
    free(packed->linear_of);
    free(packed->values);
    free(packed->panels);
    free(packed);
}

static void pack(void *argument, int task, int thread) {
    (void)thread;
    score_packed *packed = argument;
    const score_step *step = &packed->plan->steps[task / 2];
    const score_host_operation *operation = packed->host->operations[step->operation];
    if (operation->pack != NULL)
        operation->pack(packed, step, task % 2);
}

void score_packed_update(score_packed *packed, const score_real *parameters,
                         const score_executor *executor) {
    memcpy(packed->values, parameters, packed->network->parameter_count * sizeof *parameters);
    executor->run(executor->context, 2 * packed->plan->step_count, pack, packed);
    for (int s = 0; s < packed->plan->step_count; s++) {
        const score_step *step = &packed->plan->steps[s];
        const score_host_operation *operation = packed->host->operations[step->operation];
        if (operation->derive != NULL)
            operation->derive(packed, step);
    }
}

size_t score_packed_gradient_size(const score_packed *packed) {
    return packed->plan->parameter_count;
}

void score_packed_fold_gradient(const score_packed *packed, score_real *gradient) {
    for (int s = 0; s < packed->plan->step_count; s++) {
        const score_step *step = &packed->plan->steps[s];
        const score_host_operation *operation = packed->host->operations[step->operation];
        if (operation->fold != NULL)
            operation->fold(packed, step, gradient);
    }
}
