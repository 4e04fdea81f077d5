#include "model/network.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/diffusion.h"

/* Counts tensors and parameters while network->tensors is NULL, records them otherwise. */
static void add(score_network *network, const char *name, int rank, int rows, int columns) {
    size_t size = (size_t)rows * (size_t)columns;
    if (network->tensors != NULL) {
        score_tensor *tensor = &network->tensors[network->tensor_count];
        snprintf(tensor->name, sizeof tensor->name, "%s", name);
        tensor->rank = rank;
        tensor->shape[0] = rows;
        tensor->shape[1] = columns;
        tensor->offset = network->parameter_count;
        tensor->size = size;
    }
    network->tensor_count++;
    network->parameter_count += size;
}

/* "<name>" or "layer.<layer>.<name>", with ".<kind>" where there is one. Counting takes no names. */
static void add_named(score_network *network, int layer, const char *name, const char *kind,
                      int rank, int rows, int columns) {
    char full[SCORE_NAME_SIZE] = "", part[SCORE_NAME_SIZE];
    if (network->tensors != NULL) {
        const char *dot = name[0] == '\0' || kind[0] == '\0' ? "" : ".";
        snprintf(part, sizeof part, "%s%s%s", name, dot, kind);
        if (layer < 0)
            snprintf(full, sizeof full, "%s", part);
        else
            snprintf(full, sizeof full, "layer.%d.%.40s", layer, part);
    }
    add(network, full, rank, rows, columns);
}

static void add_vector(score_network *network, int layer, const char *name, int size) {
    add_named(network, layer, name, "", 1, size, 1);
}

static void add_linear(score_network *network, int layer, const char *name, int in, int out) {
    add_named(network, layer, name, "weight", 2, in, out);
    add_named(network, layer, name, "bias", 1, out, 1);
}

static void list_graph_transformer(score_network *network) {
    const int h = network->expert.hidden;
    const int attention = network->expert.heads * network->expert.head_width;
    for (int k = 0; k < network->feature_count; k++) {
        char name[SCORE_NAME_SIZE];
        snprintf(name, sizeof name, "feature.%d", k);
        add(network, name, 2, network->feature_sizes[k], SCORE_FEATURE_WIDTH);
    }
    int inputs = network->feature_count > 0 ? SCORE_FEATURE_WIDTH * network->feature_count
                                            : network->beads;
    add_linear(network, -1, "embedding", inputs + network->time_features, h);
    add_linear(network, -1, "edge", network->dimensions, h);
    for (int l = 0; l < network->expert.layers; l++) {
        add_vector(network, l, "attention_norm.scale", h);
        add_vector(network, l, "attention_norm.bias", h);
        add_linear(network, l, "query_key_value", h, 3 * attention);
        add_linear(network, l, "attention_edge", h, attention);
        add_linear(network, l, "attention_out", attention, h);
        add_vector(network, l, "attention_gate.weight", 3 * h);
        add_vector(network, l, "feedforward_norm.scale", h);
        add_vector(network, l, "feedforward_norm.bias", h);
        add_linear(network, l, "feedforward_in", h, SCORE_FEEDFORWARD_FACTOR * h);
        add_linear(network, l, "feedforward_out", SCORE_FEEDFORWARD_FACTOR * h, h);
        add_vector(network, l, "feedforward_gate.weight", 3 * h);
    }
    if (network->expert.output == SCORE_OUTPUT_ENERGY)
        add_linear(network, -1, "readout", h, 1);
    else
        add_linear(network, -1, "readout", network->beads * h, network->outputs);
}

static void list_mlp(score_network *network) {
    const int h = network->expert.hidden;
    int in = network->beads * network->dimensions + network->time_features;
    for (int l = 0; l < network->expert.layers; l++) {
        add_linear(network, l, "", in, h);
        in = h;
    }
    add_linear(network, -1, "readout", in, network->outputs);
}

static void list_tensors(score_network *network) {
    network->tensor_count = 0;
    network->parameter_count = 0;
    if (network->expert.architecture == SCORE_GRAPH_TRANSFORMER)
        list_graph_transformer(network);
    else
        list_mlp(network);
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
                                          .schedule = {config->beta_min, config->beta_max}};
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
        if (strncmp(tensor->name, "layer.", strlen("layer.")) != 0 || tensor->rank != 2 ||
            strcmp(tensor->name, "layer.0.weight") == 0)
            continue;
        const int parts = strstr(tensor->name, ".query_key_value.") != NULL ? 3 : 1;
        const int columns = tensor->shape[1] / parts;
        for (int k = 0; k < parts; k++, count++)
            if (matrices != NULL)
                matrices[count] = (score_hidden_matrix){.tensor = t,
                                                        .offset = tensor->offset +
                                                                  (size_t)k * (size_t)columns,
                                                        .rows = tensor->shape[0],
                                                        .columns = columns,
                                                        .stride = tensor->shape[1]};
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

size_t score_network_offset(const score_network *network, const char *name) {
    const int place = score_network_find(network, name);
    return place < 0 ? SIZE_MAX : network->tensors[place].offset;
}

size_t score_network_layer_offset(const score_network *network, int layer, const char *name) {
    char full[SCORE_NAME_SIZE];
    snprintf(full, sizeof full, "layer.%d.%s", layer, name);
    return score_network_offset(network, full);
}
