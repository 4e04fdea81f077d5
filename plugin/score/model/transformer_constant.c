/* The first attention and its output layer where they are constants but for x
 * (nn/constant_attention.h). Neighbouring molecules of a kind share a product. */
#include "model/transformer.h"

/* A run of molecules of one kind. */
typedef struct run {
    const score_constant_attention *constant;
    int first; /* molecule */
    int molecules;
    ptrdiff_t row;
    int rows;
    score_real *input; /* [K][ld] */
    ptrdiff_t ld;
    score_real *input_bar; /* [rows][K] */
} run;

/* The run that begins at molecule `first`. */
static run find_run(const score_tile *tile, const score_pass *pass, int first) {
    const score_constant_attention *constant = pass->constants[first];
    const ptrdiff_t most = (ptrdiff_t)constant->heads * (tile->max_beads + 3); /* of K */
    const ptrdiff_t row = tile->first_row[first];
    int end = first + 1;
    while (end < tile->view.molecules && pass->constants[end] == constant)
        end++;
    const int rows = (end - first) * constant->beads;
    return (run){
        .constant = constant,
        .first = first,
        .molecules = end - first,
        .row = row,
        .rows = rows,
        .input = tile->constant_input + most * (row + (ptrdiff_t)SCORE_LANES * first),
        .ld = rows + SCORE_LANES,
        .input_bar = tile->constant_input_bar + most * row,
    };
}

void score_constant_heads_forward(score_tile *tile, const score_pass *pass, score_share share) {
    const score_range heads = score_share_of_heads(share, tile);
    for (int m = 0; m < tile->view.molecules;) {
        const run of = find_run(tile, pass, m);
        score_constant_attention_forward(of.constant, of.molecules, heads,
                                         tile->centred + 3 * of.row, of.input, of.ld);
        m += of.molecules;
    }
}

void score_constant_out_forward(score_tile *tile, const score_pass *pass, score_share share) {
    const int h = tile->network->expert.hidden;
    const score_range range = score_share_of_columns(share, h);
    for (int m = 0; m < tile->view.molecules;) {
        const run of = find_run(tile, pass, m);
        score_product_panels(of.rows, of.constant->inputs, range.begin, range.end,
                             (score_matrix){of.input, 1, of.ld}, of.constant->panels,
                             of.constant->bias, tile->layers[0].attention_out + of.row * h, h,
                             false);
        m += of.molecules;
    }
}

void score_constant_out_backward(score_tile *tile, const score_pass *pass, score_share share) {
    const int h = tile->network->expert.hidden;
    for (int m = 0; m < tile->view.molecules;) {
        const run of = find_run(tile, pass, m);
        const score_range range = score_share_of_columns(share, of.constant->inputs);
        score_product_panels(
            of.rows, h, range.begin, range.end, (score_matrix){tile->fresh_bar + of.row * h, h, 1},
            of.constant->transposed, NULL, of.input_bar, of.constant->inputs, false);
        m += of.molecules;
    }
}

void score_constant_heads_backward(score_tile *tile, const score_pass *pass, score_share share) {
    const score_range heads = score_share_of_heads(share, tile);
    for (int m = 0; m < tile->view.molecules;) {
        const run of = find_run(tile, pass, m);
        score_constant_attention_backward(
            of.constant, of.molecules, heads, tile->centred + 3 * of.row, of.input, of.ld,
            of.input_bar, tile->centred_bar + 3 * of.row, 3 * (ptrdiff_t)tile->view.rows,
            tile->work + (size_t)share.part * tile->work_size);
        m += of.molecules;
    }
}

size_t score_first_layer_size(const score_network *network, int beads) {
    return score_constant_attention_size(network->expert.heads, network->expert.hidden, beads);
}

score_constant_attention score_first_layer(const score_packed *packed, score_tile *tile,
                                           score_real *memory) {
    enum { STEPS = SCORE_FIRST_STEPS + 2 }; /* and the norm, query-key-value */
    const score_pass pass = {.streams = 1u};
    const score_expert_config *expert = &tile->network->expert;
    const score_layer_parameters *at = &packed->layers[0];
    for (int k = 0; k < STEPS; k++)
        packed->steps[k].forward(packed, tile, &pass, packed->steps[k].layer, (score_share){0, 1});
    const score_constant_attention_source source = {
        .heads = expert->heads,
        .width = expert->head_width,
        .hidden = expert->hidden,
        .beads = tile->view.rows,
        .node = tile->layers[0].node,
        .qkv = tile->layers[0].qkv,
        .a = packed->values + at->edge_a,
        .c = packed->values + at->edge_c,
        .out_weight = packed->values + at->out.weight,
        .out_bias = packed->values + at->out.bias,
    };
    return score_constant_attention_set(&source, memory);
}
