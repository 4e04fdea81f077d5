/* The first attention and its output layer where they are constants but for x
 * (nn/constant_attention.h). Neighbouring molecules of a kind share a product. */
#include "nn/constant_attention.h"

#include <string.h>

#include "host/call.h"

/* -------- the constants -------- */

static void make_constants(const score_call *call) {
    const score_expert_config *expert = &call->tile->network->expert;
    const score_constant_attention_source source = {
        .heads = expert->heads,
        .width = expert->head_width,
        .hidden = expert->hidden,
        .beads = call->tile->view.rows,
        .node = score_in(call, 0),
        .qkv = score_in(call, 1),
        .a = score_value(call, 0, 0),
        .c = score_value(call, 0, 1),
        .out_weight = score_value(call, 1, 0),
        .out_bias = score_value(call, 1, 1),
    };
    *call->pass->made = score_constant_attention_set(&source, call->pass->memory);
}

const score_host_operation SCORE_HOST_OPERATION(make_constants) = {.forward = make_constants};

static void copy_nodes(const score_call *call) {
    const score_tile *tile = call->tile;
    const ptrdiff_t h = tile->network->expert.hidden;
    score_real *node = score_out(call, 0);
    for (int m = 0; m < tile->view.molecules; m++) {
        const ptrdiff_t begin = tile->first_row[m], rows = tile->first_row[m + 1] - begin;
        memcpy(node + begin * h, call->pass->constants[m]->node, (size_t)(rows * h) * sizeof *node);
    }
}

const score_host_operation SCORE_HOST_OPERATION(constant_nodes) = {.forward = copy_nodes};

/* -------- molecules of a kind -------- */

/* A run of molecules of one kind, and where its part of the arrays [a, y] and their adjoints begins.
 * Start from {0}. */
typedef struct run {
    const score_constant_attention *constant;
    int end; /* molecule */
    int molecules;
    ptrdiff_t row;
    int rows;
    ptrdiff_t ld;
    ptrdiff_t input;     /* [K][ld] */
    ptrdiff_t input_bar; /* [rows][K] */
} run;

static bool next_run(const score_call *call, run *of) {
    const score_tile *tile = call->tile;
    if (of->constant != NULL) {
        of->input += of->constant->inputs * of->ld;
        of->input_bar += (ptrdiff_t)of->constant->inputs * of->rows;
    }
    if (of->end == tile->view.molecules)
        return false;
    const int first = of->end;
    of->constant = call->pass->constants[first];
    while (of->end < tile->view.molecules && call->pass->constants[of->end] == of->constant)
        of->end++;
    of->molecules = of->end - first;
    of->row = tile->first_row[first];
    of->rows = of->molecules * of->constant->beads;
    of->ld = of->rows + SCORE_LANES;
    return true;
}

static void attention_forward(const score_call *call) {
    const score_range heads = score_share_of_heads(call);
    for (run of = {0}; next_run(call, &of);)
        score_constant_attention_forward(of.constant, of.molecules, heads,
                                         score_in(call, 0) + 3 * of.row,
                                         score_out(call, 0) + of.input, of.ld);
}

static void attention_backward(const score_call *call) {
    const score_range heads = score_share_of_heads(call);
    score_start_positions(call, 0);
    for (run of = {0}; next_run(call, &of);)
        score_constant_attention_backward(
            of.constant, of.molecules, heads, score_in(call, 0) + 3 * of.row,
            score_out(call, 0) + of.input, of.ld, score_out_bar(call, 0) + of.input_bar,
            score_in_bar(call, 0) + 3 * of.row, 3 * (ptrdiff_t)call->tile->view.rows,
            score_work(call));
}

static size_t work_size(const score_tile *tile) {
    return score_constant_attention_work_size(tile->max_beads);
}

const score_host_operation SCORE_HOST_OPERATION(constant_attention) = {
    .forward = attention_forward,
    .backward = attention_backward,
    .reads = SCORE_SHARE_HEADS,
    .writes = SCORE_SHARE_HEADS,
    .work_size = work_size};

/* -------- their product -------- */

static void projection_forward(const score_call *call) {
    const int h = call->tile->network->expert.hidden;
    const score_range range = score_share_of_columns(call->share, h);
    for (run of = {0}; next_run(call, &of);)
        score_product_panels(of.rows, of.constant->inputs, range.begin, range.end,
                             (score_matrix){score_in(call, 0) + of.input, 1, of.ld},
                             of.constant->panels, of.constant->bias,
                             score_out(call, 0) + of.row * h, h, false);
}

static void projection_backward(const score_call *call) {
    const int h = call->tile->network->expert.hidden;
    for (run of = {0}; next_run(call, &of);) {
        const score_range range = score_share_of_columns(call->share, of.constant->inputs);
        score_product_panels(of.rows, h, range.begin, range.end,
                             (score_matrix){score_out_bar(call, 0) + of.row * h, h, 1},
                             of.constant->transposed, NULL, score_in_bar(call, 0) + of.input_bar,
                             of.constant->inputs, false);
    }
}

const score_host_operation SCORE_HOST_OPERATION(constant_projection) = {
    .forward = projection_forward,
    .backward = projection_backward,
    .reads = SCORE_SHARE_ALL,
    .writes = SCORE_SHARE_COLUMNS};
