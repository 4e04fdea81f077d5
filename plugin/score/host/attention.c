/* Attention over the beads of each molecule (nn/attention.h). */
#include "nn/attention.h"

#include <string.h>

#include "host/call.h"
#include "nn/vector.h"

static score_attention_shape shape_of(const score_call *call) {
    const score_tile *tile = call->tile;
    return (score_attention_shape){
        .heads = tile->network->expert.heads,
        .width = tile->network->expert.head_width,
        .molecules = tile->view.molecules,
        .first_row = tile->first_row,
        .rows = tile->view.rows,
        .pairs = tile->pairs,
        .range = score_share_of_heads(call),
    };
}

static score_attention_state state_of(const score_call *call) {
    return (score_attention_state){
        .qkv = score_in(call, 0),
        .x = score_in(call, 1),
        .pair = score_out(call, 1),
        .edge_query = score_out(call, 2),
        .shift = score_out(call, 3),
    };
}

static void attention_forward(const score_call *call) {
    const score_attention_shape shape = shape_of(call);
    const score_attention_state state = state_of(call);
    score_attention_forward(&call->tile->streams, call->pass->streams, &shape,
                            score_value(call, 0, 0), score_value(call, 0, 1), &state,
                            score_out(call, 0), score_work(call));
}

void score_start_positions(const score_call *call, int in) {
    if (!call->step->starts)
        return;
    const score_tile *tile = call->tile;
    const ptrdiff_t size = (ptrdiff_t)tile->view.rows * tile->network->dimensions;
    const score_range heads = score_share_of_heads(call);
    memset(score_in_bar(call, in) + heads.begin * size, 0,
           (size_t)((heads.end - heads.begin) * size) * sizeof(score_real));
}

static void attention_backward(const score_call *call) {
    const score_attention_shape shape = shape_of(call);
    const score_attention_state state = state_of(call);
    const bool goes_on = (score_array_of(call, call->step->in[0])->depends & call->wanted) != 0;
    score_start_positions(call, 1);
    score_attention_backward(&call->tile->streams, call->pass->streams, &shape,
                             score_value(call, 0, 0), &state, score_out_bar(call, 0),
                             score_out(call, 4), goes_on ? score_in_bar(call, 0) : NULL,
                             score_in_bar(call, 1), score_value_bar(call, 0, 0),
                             score_value_bar(call, 0, 1), score_work(call));
}

static size_t work_size(const score_tile *tile) {
    return score_attention_work_size(&tile->streams, tile->max_beads);
}

/* -------- A = W_edge W and c = b_edge W + b -------- */

typedef struct edges {
    int hidden;
    int columns;
    size_t edge_weight, edge_bias, weight, bias, a, c; /* offsets */
} edges;

static edges edges_of(const score_packed *packed, const score_step *step) {
    const score_network *network = packed->network;
    const int k = (step->tensor[0] - network->tensor_count) / 2;
    const score_derived *derived = &packed->plan->derived[k];
    const score_tensor *tensors = network->tensors;
    return (edges){
        .hidden = network->expert.hidden,
        .columns = derived->columns,
        .edge_weight = tensors[derived->edge].offset,
        .edge_bias = tensors[derived->edge + 1].offset,
        .weight = tensors[derived->weight].offset,
        .bias = tensors[derived->weight + 1].offset,
        .a = derived->offset,
        .c = derived->offset + 3 * (size_t)derived->columns,
    };
}

static void derive(score_packed *packed, const score_step *step) {
    const edges e = edges_of(packed, step);
    const int h = e.hidden, all = e.columns;
    score_real *value = packed->values;
    const score_matrix edge_weight = {value + e.edge_weight, h, 1};
    const score_matrix edge_bias = {value + e.edge_bias, h, 1};
    memcpy(value + e.c, value + e.bias, (size_t)all * sizeof *value);
    score_product(3, all, h, 1, edge_weight, value + e.weight, all, value + e.a, all, false);
    score_product(1, all, h, 1, edge_bias, value + e.weight, all, value + e.c, all, true);
}

/* c (m x n) += a (m x k) b^T (b: n x k) */
static void add_transposed(int m, int n, int k, const score_real *a, const score_real *b,
                           score_real *c) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            c[i * n + j] += score_dot(k, a + (ptrdiff_t)i * k, b + (ptrdiff_t)j * k);
}

static void fold(const score_packed *packed, const score_step *step, score_real *gradient) {
    const edges e = edges_of(packed, step);
    const int h = e.hidden, all = e.columns;
    const score_real *value = packed->values, *weight = value + e.weight;
    const score_matrix edge_weight = {value + e.edge_weight, 1, h};
    const score_matrix edge_bias = {value + e.edge_bias, 1, h};
    score_real *a_bar = gradient + e.a, *c_bar = gradient + e.c, *weight_bar = gradient + e.weight;
    add_transposed(3, h, all, a_bar, weight, gradient + e.edge_weight);
    add_transposed(1, h, all, c_bar, weight, gradient + e.edge_bias);
    score_product(h, all, 3, 1, edge_weight, a_bar, all, weight_bar, all, true);
    score_product(h, all, 1, 1, edge_bias, c_bar, all, weight_bar, all, true);
    score_add(all, 1, c_bar, gradient + e.bias);
    memset(a_bar, 0, 4 * (size_t)all * sizeof *a_bar);
}

const score_host_operation SCORE_HOST_OPERATION(attention) = {.forward = attention_forward,
                                                              .backward = attention_backward,
                                                              .reads = SCORE_SHARE_HEADS,
                                                              .writes = SCORE_SHARE_HEADS,
                                                              .work_size = work_size,
                                                              .derive = derive,
                                                              .fold = fold};
