/* Weights in the form the blocks use: the parameters, and behind them, for every attention layer,
 * A = W_edge W_e and c = b_edge W_e + b_e of its affine edges (nn/attention.h). */
#include <stdlib.h>
#include <string.h>

#include "base/gemm.h"
#include "model/blocks.h"

static int attention_width(const score_network *network) {
    return network->expert.heads * network->expert.head_width;
}

static void find_graph_transformer(const score_network *network, int layer, size_t derived,
                                   score_layer_offsets *at) {
    const size_t all = (size_t)attention_width(network);
    const struct {
        const char *name;
        size_t *offset;
    } table[] = {
        {"attention_norm.scale", &at->attention_scale},
        {"attention_norm.bias", &at->attention_bias},
        {"query_key_value.weight", &at->qkv_weight},
        {"query_key_value.bias", &at->qkv_bias},
        {"attention_edge.weight", &at->edge_weight},
        {"attention_edge.bias", &at->edge_bias},
        {"attention_out.weight", &at->out_weight},
        {"attention_out.bias", &at->out_bias},
        {"attention_gate.weight", &at->attention_gate},
        {"feedforward_norm.scale", &at->feedforward_scale},
        {"feedforward_norm.bias", &at->feedforward_bias},
        {"feedforward_in.weight", &at->in_weight},
        {"feedforward_in.bias", &at->in_bias},
        {"feedforward_out.weight", &at->shrink_weight},
        {"feedforward_out.bias", &at->shrink_bias},
        {"feedforward_gate.weight", &at->feedforward_gate},
    };
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        *table[k].offset = score_network_layer_offset(network, layer, table[k].name);
    at->edge_a = derived + (size_t)layer * 4 * all;
    at->edge_c = at->edge_a + 3 * all;
}

score_status score_packed_create(const score_network *network, score_packed **result,
                                 score_error *error) {
    const int layers = network->expert.layers;
    const bool transformer = network->expert.architecture == SCORE_GRAPH_TRANSFORMER;
    *result = NULL;
    score_packed *packed = calloc(1, sizeof *packed);
    if (packed == NULL)
        goto fail;
    packed->network = network;
    packed->at = (score_network_offsets){
        .embedding_weight = score_network_offset(network, "embedding.weight"),
        .embedding_bias = score_network_offset(network, "embedding.bias"),
        .edge_weight = score_network_offset(network, "edge.weight"),
        .edge_bias = score_network_offset(network, "edge.bias"),
        .readout_weight = score_network_offset(network, "readout.weight"),
        .readout_bias = score_network_offset(network, "readout.bias"),
    };
    packed->gradient_size = network->parameter_count;
    if (transformer)
        packed->gradient_size += (size_t)layers * 4 * (size_t)attention_width(network);
    packed->step_count = transformer ? score_graph_transformer_steps(network, NULL)
                                     : score_mlp_steps(network, NULL);
    packed->steps = calloc((size_t)packed->step_count, sizeof *packed->steps);
    packed->layers = calloc((size_t)layers, sizeof *packed->layers);
    packed->values = calloc(packed->gradient_size, sizeof *packed->values);
    if (packed->steps == NULL || packed->layers == NULL || packed->values == NULL)
        goto fail;
    if (transformer) {
        score_graph_transformer_steps(network, packed->steps);
        for (int l = 0; l < layers; l++)
            find_graph_transformer(network, l, network->parameter_count, &packed->layers[l]);
    } else {
        score_mlp_steps(network, packed->steps);
        for (int l = 0; l < layers; l++) {
            packed->layers[l].in_weight = score_network_layer_offset(network, l, "weight");
            packed->layers[l].in_bias = score_network_layer_offset(network, l, "bias");
        }
    }
    *result = packed;
    return SCORE_OK;
fail:
    score_packed_destroy(packed);
    return score_fail(error, SCORE_ERROR_MEMORY,
                      "cannot allocate the weights of a network of %zu "
                      "parameters",
                      network->parameter_count);
}

void score_packed_destroy(score_packed *packed) {
    if (packed == NULL)
        return;
    free(packed->steps);
    free(packed->layers);
    free(packed->values);
    free(packed);
}

void score_packed_update(score_packed *packed, const score_real *parameters) {
    const score_network *network = packed->network;
    score_real *value = packed->values;
    memcpy(value, parameters, network->parameter_count * sizeof *value);
    if (network->expert.architecture != SCORE_GRAPH_TRANSFORMER)
        return;
    const int h = network->expert.hidden, all = attention_width(network);
    const score_real *edge_weight = value + packed->at.edge_weight;
    const score_real *edge_bias = value + packed->at.edge_bias;
    for (int l = 0; l < network->expert.layers; l++) {
        const score_layer_offsets *at = &packed->layers[l];
        score_gemm(3, all, h, edge_weight, value + at->edge_weight, 0, value + at->edge_a);
        memcpy(value + at->edge_c, value + at->edge_bias, (size_t)all * sizeof *value);
        score_gemm(1, all, h, edge_bias, value + at->edge_weight, 1, value + at->edge_c);
    }
}

size_t score_packed_gradient_size(const score_packed *packed) {
    return packed->gradient_size;
}

void score_packed_fold_gradient(const score_packed *packed, score_real *gradient) {
    const score_network *network = packed->network;
    if (network->expert.architecture != SCORE_GRAPH_TRANSFORMER)
        return;
    const int h = network->expert.hidden, all = attention_width(network);
    const size_t edge_weight = packed->at.edge_weight;
    const size_t edge_bias = packed->at.edge_bias;
    const score_real *value = packed->values;
    for (int l = 0; l < network->expert.layers; l++) {
        const score_layer_offsets *at = &packed->layers[l];
        score_real *a_bar = gradient + at->edge_a, *c_bar = gradient + at->edge_c;
        score_gemm_nt(3, h, all, a_bar, value + at->edge_weight, gradient + edge_weight);
        score_gemm_nt(1, h, all, c_bar, value + at->edge_weight, gradient + edge_bias);
        score_gemm_tn(h, all, 3, value + edge_weight, a_bar, gradient + at->edge_weight);
        score_gemm_tn(h, all, 1, value + edge_bias, c_bar, gradient + at->edge_weight);
        for (int k = 0; k < all; k++)
            gradient[at->edge_bias + (size_t)k] += c_bar[k];
        memset(a_bar, 0, 4 * (size_t)all * sizeof *a_bar);
    }
}
