/* Weights in the form the steps use: the parameters; behind them, for every attention layer,
 * A = W_edge W_e and c = b_edge W_e + b_e of its affine edges (nn/attention.h); and the packed
 * panels of every dense layer, those of the forward sweep first, then, transposed, those of the
 * backward sweep, each in the order in which it reads them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/blocks.h"
#include "nn/vector.h"

static int attention_width(const score_network *network) {
    return network->expert.heads * network->expert.head_width;
}

static void find_dense(const score_network *network, int layer, const char *name, int in, int out,
                       score_dense *dense) {
    char tensor[64];
    dense->in = in;
    dense->out = out;
    const char *separator = name[0] == '\0' ? "" : ".";
    snprintf(tensor, sizeof tensor, "%s%sweight", name, separator);
    dense->weight = score_network_layer_offset(network, layer, tensor);
    snprintf(tensor, sizeof tensor, "%s%sbias", name, separator);
    dense->bias = score_network_layer_offset(network, layer, tensor);
}

static void find_graph_transformer(const score_network *network, int layer, size_t derived,
                                   score_layer_parameters *at) {
    const int h = network->expert.hidden, all = attention_width(network);
    const struct {
        const char *name;
        size_t *offset;
    } table[] = {
        {"attention_norm.scale", &at->attention_scale},
        {"attention_norm.bias", &at->attention_bias},
        {"attention_edge.weight", &at->edge_weight},
        {"attention_edge.bias", &at->edge_bias},
        {"attention_gate.weight", &at->attention_gate},
        {"feedforward_norm.scale", &at->feedforward_scale},
        {"feedforward_norm.bias", &at->feedforward_bias},
        {"feedforward_gate.weight", &at->feedforward_gate},
    };
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        *table[k].offset = score_network_layer_offset(network, layer, table[k].name);
    find_dense(network, layer, "query_key_value", h, 3 * all, &at->qkv);
    find_dense(network, layer, "attention_out", all, h, &at->out);
    find_dense(network, layer, "feedforward_in", h, SCORE_FEEDFORWARD_FACTOR * h, &at->in);
    find_dense(network, layer, "feedforward_out", SCORE_FEEDFORWARD_FACTOR * h, h, &at->shrink);
    at->edge_a = derived + (size_t)layer * 4 * (size_t)all;
    at->edge_c = at->edge_a + 3 * (size_t)all;
}

static void find_parameters(score_packed *packed) {
    const score_network *network = packed->network;
    const int h = network->expert.hidden, layers = network->expert.layers;
    packed->embedding_weight = score_network_offset(network, "embedding.weight");
    packed->embedding_bias = score_network_offset(network, "embedding.bias");
    packed->edge_weight = score_network_offset(network, "edge.weight");
    packed->edge_bias = score_network_offset(network, "edge.bias");
    packed->readout = (score_dense){.in = h,
                                    .out = network->outputs,
                                    .weight = score_network_offset(network, "readout.weight"),
                                    .bias = score_network_offset(network, "readout.bias")};
    int in = network->beads * network->dimensions + network->time_features;
    for (int l = 0; l < layers; l++) {
        score_layer_parameters *at = &packed->layers[l];
        if (network->expert.architecture == SCORE_GRAPH_TRANSFORMER) {
            find_graph_transformer(network, l, network->parameter_count, at);
            score_dense *const four[] = {&at->qkv, &at->out, &at->in, &at->shrink};
            memcpy(packed->dense + packed->dense_count, four, sizeof four);
            packed->dense_count += 4;
        } else {
            find_dense(network, l, "", in, h, &at->dense);
            packed->dense[packed->dense_count++] = &at->dense;
            in = h;
        }
    }
    if (network->expert.architecture == SCORE_GRAPH_TRANSFORMER &&
        network->expert.output == SCORE_OUTPUT_SCORE)
        packed->readout.in = network->beads * h;
    packed->dense[packed->dense_count++] = &packed->readout;
}

/* Places the panels, or only measures them where `memory` is NULL. */
static size_t place_panels(score_packed *packed, score_real *memory) {
    size_t used = 0;
    for (int k = 0; k < packed->dense_count; k++) {
        score_dense *dense = packed->dense[k];
        dense->panels = memory == NULL ? NULL : memory + used;
        used += score_panels_size(dense->in, dense->out);
    }
    for (int k = packed->dense_count - 1; k >= 0; k--) {
        score_dense *dense = packed->dense[k];
        dense->transposed = memory == NULL ? NULL : memory + used;
        used += score_panels_size(dense->out, dense->in);
    }
    return used;
}

score_status score_packed_create(const score_network *network, score_packed **result,
                                 score_error *error) {
    const size_t layers = (size_t)network->expert.layers;
    const bool transformer = network->expert.architecture == SCORE_GRAPH_TRANSFORMER;
    *result = NULL;
    score_packed *packed = calloc(1, sizeof *packed);
    if (packed == NULL)
        goto fail;
    packed->network = network;
    packed->gradient_size = network->parameter_count;
    if (transformer)
        packed->gradient_size += layers * 4 * (size_t)attention_width(network);
    const int own_steps = transformer ? score_graph_transformer_steps(network, NULL)
                                      : score_mlp_steps(network, NULL);
    packed->step_count = own_steps + (network->base != NULL ? 1 : 0);
    packed->steps = calloc((size_t)packed->step_count, sizeof *packed->steps);
    packed->layers = calloc(layers, sizeof *packed->layers);
    packed->dense = calloc(4 * layers + 1, sizeof(score_dense *));
    packed->values = calloc(packed->gradient_size, sizeof *packed->values);
    if (packed->steps == NULL || packed->layers == NULL || packed->dense == NULL ||
        packed->values == NULL)
        goto fail;
    if (transformer)
        score_graph_transformer_steps(network, packed->steps);
    else
        score_mlp_steps(network, packed->steps);
    if (network->base != NULL)
        packed->steps[own_steps] = (score_step){score_base_forward, SCORE_SPLIT_NONE,
                                                score_base_backward, SCORE_SPLIT_NONE, 0};
    find_parameters(packed);
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

void score_packed_destroy(score_packed *packed) {
    if (packed == NULL)
        return;
    free(packed->steps);
    free(packed->layers);
    free(packed->dense);
    free(packed->values);
    free(packed->panels);
    free(packed);
}

/* The panels of one dense layer, of either sweep. */
static void pack_dense(void *argument, int task, int thread) {
    (void)thread;
    score_packed *packed = argument;
    const score_dense *dense = packed->dense[task / 2];
    const score_real *weight = packed->values + dense->weight;
    const int in = dense->in, out = dense->out;
    if (task % 2 == 0)
        score_panels_pack(in, 0, out, (score_matrix){weight, out, 1}, dense->panels);
    else
        score_panels_pack(out, 0, in, (score_matrix){weight, 1, out}, dense->transposed);
}

void score_packed_update(score_packed *packed, const score_real *parameters,
                         const score_executor *executor) {
    const score_network *network = packed->network;
    score_real *value = packed->values;
    memcpy(value, parameters, network->parameter_count * sizeof *value);
    executor->run(executor->context, 2 * packed->dense_count, pack_dense, packed);
    if (network->expert.architecture != SCORE_GRAPH_TRANSFORMER)
        return;
    const int h = network->expert.hidden, all = attention_width(network);
    const score_matrix edge_weight = {value + packed->edge_weight, h, 1};
    const score_matrix edge_bias = {value + packed->edge_bias, h, 1};
    for (int l = 0; l < network->expert.layers; l++) {
        const score_layer_parameters *at = &packed->layers[l];
        const score_real *weight = value + at->edge_weight;
        memcpy(value + at->edge_c, value + at->edge_bias, (size_t)all * sizeof *value);
        score_product(3, all, h, 1, edge_weight, weight, all, value + at->edge_a, all, false);
        score_product(1, all, h, 1, edge_bias, weight, all, value + at->edge_c, all, true);
    }
}

size_t score_packed_gradient_size(const score_packed *packed) {
    return packed->gradient_size;
}

/* c (m x n) += a (m x k) b^T (b: n x k) */
static void add_transposed(int m, int n, int k, const score_real *a, const score_real *b,
                           score_real *c) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            c[i * n + j] += score_dot(k, a + (ptrdiff_t)i * k, b + (ptrdiff_t)j * k);
}

void score_packed_fold_gradient(const score_packed *packed, score_real *gradient) {
    const score_network *network = packed->network;
    if (network->expert.architecture != SCORE_GRAPH_TRANSFORMER)
        return;
    const int h = network->expert.hidden, all = attention_width(network);
    const score_real *value = packed->values;
    const score_matrix edge_weight = {value + packed->edge_weight, 1, h};
    const score_matrix edge_bias = {value + packed->edge_bias, 1, h};
    for (int l = 0; l < network->expert.layers; l++) {
        const score_layer_parameters *at = &packed->layers[l];
        score_real *a_bar = gradient + at->edge_a, *c_bar = gradient + at->edge_c;
        score_real *weight_bar = gradient + at->edge_weight;
        const score_real *weight = value + at->edge_weight;
        add_transposed(3, h, all, a_bar, weight, gradient + packed->edge_weight);
        add_transposed(1, h, all, c_bar, weight, gradient + packed->edge_bias);
        score_product(h, all, 3, 1, edge_weight, a_bar, all, weight_bar, all, true);
        score_product(h, all, 1, 1, edge_bias, c_bar, all, weight_bar, all, true);
        score_add(all, 1, c_bar, gradient + at->edge_bias);
        memset(a_bar, 0, 4 * (size_t)all * sizeof *a_bar);
    }
}
