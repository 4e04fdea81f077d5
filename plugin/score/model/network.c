#include "model/network.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/architecture.h"
#include "model/diffusion.h"

static void list_tensors(score_network *network) {
    score_description description = {
        .network = network, .purpose = SCORE_FOR_CONSTANTS, .tensors = network->tensors};
    score_describe(&description);
    network->tensor_count = description.tensor_count;
    network->parameter_count = description.parameter_count;
}

static const size_t NAME_SIZE = sizeof(const score_tensor *); /* of an entry of by_name */

static int compare_names(const void *a, const void *b) {
    const score_tensor *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

static score_status sort_tensors(score_network *network, score_error *error) {
    network->by_name = malloc((size_t)network->tensor_count * NAME_SIZE);
    if (network->by_name == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a list of %d tensors",
                          network->tensor_count);
    for (int k = 0; k < network->tensor_count; k++)
        network->by_name[k] = &network->tensors[k];
    qsort(network->by_name, (size_t)network->tensor_count, NAME_SIZE, compare_names);
    return SCORE_OK;
}

static void set_up(const score_model_config *config, int expert, score_network *network) {
    memset(network, 0, sizeof *network);
    network->expert = config->experts[expert];
    network->dimensions = config->dimensions;
    network->centred = config->centred;
    network->beads = config->feature_count > 0 ? 0 : config->bead_count;
    network->feature_count = config->feature_count;
    memcpy(network->feature_sizes, config->feature_sizes, sizeof network->feature_sizes);
    network->time = (score_time_encoding){.t_begin = network->expert.t_begin,
                                          .t_end = network->expert.t_end,
                                          .variance = network->expert.time_variance,
                                          .schedule = config->schedule};
    network->base = network->expert.base == SCORE_BASE_GAUSSIAN ? config->gaussian : NULL;
    network->time_features = score_time_feature_count(&network->time);
    network->outputs = network->expert.output == SCORE_OUTPUT_ENERGY
                           ? 1
                           : network->beads * network->dimensions;
    list_tensors(network);
}

size_t score_network_count(const score_model_config *config, int expert) {
    score_network network;
    set_up(config, expert, &network);
    return network.parameter_count;
}

score_status score_network_create(const score_model_config *config, int expert,
                                  score_network *network, score_error *error) {
    set_up(config, expert, network);
    network->tensors = calloc((size_t)network->tensor_count, sizeof *network->tensors);
    if (network->tensors == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a list of %d tensors",
                          network->tensor_count);
    list_tensors(network);
    return sort_tensors(network, error);
}

score_status score_network_copy(const score_network *source, score_network *network,
                                score_error *error) {
    *network = *source;
    size_t size = (size_t)source->tensor_count * sizeof *source->tensors;
    network->tensors = malloc(size);
    network->by_name = NULL;
    if (network->tensors == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a list of %d tensors",
                          network->tensor_count);
    memcpy(network->tensors, source->tensors, size);
    return sort_tensors(network, error);
}

void score_network_destroy(score_network *network) {
    free(network->tensors);
    free(network->by_name);
    network->tensors = NULL;
    network->by_name = NULL;
}

int score_network_hidden_matrices(const score_network *network, score_hidden_matrix *matrices) {
    int count = 0;
    for (int t = 0; t < network->tensor_count; t++) {
        const score_tensor *tensor = &network->tensors[t];
        for (int k = 0; k < tensor->hidden; k++, count++) {
            const int columns = tensor->shape[1] / tensor->hidden;
            if (matrices != NULL)
                matrices[count] = (score_hidden_matrix){.tensor = t,
                                                        .offset = tensor->offset +
                                                                  (size_t)k * (size_t)columns,
                                                        .rows = tensor->shape[0],
                                                        .columns = columns,
                                                        .stride = tensor->shape[1]};
        }
    }
    return count;
}

static int compare_name(const void *name, const void *tensor) {
    const score_tensor *const *other = tensor;
    return strcmp(name, (*other)->name);
}

int score_network_find(const score_network *network, const char *name) {
    const score_tensor **found = bsearch(name, network->by_name, (size_t)network->tensor_count,
                                         NAME_SIZE, compare_name);
    return found == NULL ? -1 : (int)(*found - network->tensors);
}
