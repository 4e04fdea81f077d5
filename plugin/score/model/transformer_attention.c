/* The attention half of a layer. */
#include <string.h>

#include "model/transformer.h"
#include "nn/gate.h"
#include "nn/layernorm.h"

static void attention_norm_forward(const score_packed *packed, score_tile *tile,
                                   const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_is_constant(pass, layer))
        return;
    score_layernorm_forward(p.layout, score_moving_streams(tile, pass->streams, layer), p.rows,
                            score_share_range(share, p.rows, 1), p.hidden,
                            p.value + p.at->attention_scale, p.value + p.at->attention_bias,
                            p.state->node, p.state->attention_norm, p.state->attention_centred,
                            p.state->attention_variance);
}

static void attention_norm_backward(const score_packed *packed, score_tile *tile,
                                    const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_ends_before(pass, layer))
        return;
    score_layernorm_backward(p.layout, score_moving_streams(tile, pass->streams, layer), p.rows,
                             score_share_range(share, p.rows, 1), p.hidden,
                             p.value + p.at->attention_scale, p.state->attention_centred,
                             p.state->attention_variance, tile->norm_bar, tile->node_bar,
                             score_in_gradient(pass, p.at->attention_scale),
                             score_in_gradient(pass, p.at->attention_bias));
}

static void qkv_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                        int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_is_constant(pass, layer))
        return;
    const unsigned moving = score_moving_streams(tile, pass->streams, layer);
    const score_range own = score_columns_of(score_share_of_heads(share, tile), tile);
    const bool whole = own.end - own.begin == p.all;
    for (int third = 0; third < (whole ? 1 : 3); third++) {
        const score_range range = {third * p.all + own.begin,
                                   whole ? 3 * p.all : third * p.all + own.end};
        score_step_linear_forward(packed, &p.at->qkv, moving, p.rows, range,
                                  p.state->attention_norm, p.state->qkv);
    }
    score_zero_streams(pass->streams & ~moving, (ptrdiff_t)p.rows * 3 * p.all, p.state->qkv);
}

static void qkv_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                         int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_ends_before(pass, layer))
        return;
    score_step_linear_backward(&p.at->qkv, score_moving_streams(tile, pass->streams, layer), p.rows,
                               score_share_of_columns(share, p.hidden), pass,
                               p.state->attention_norm, tile->qkv_bar, tile->norm_bar);
}

static score_attention_shape attention_shape(const score_tile *tile, score_share share) {
    return (score_attention_shape){
        .heads = tile->network->expert.heads,
        .width = tile->network->expert.head_width,
        .molecules = tile->view.molecules,
        .first_row = tile->first_row,
        .rows = tile->view.rows,
        .pairs = tile->pairs,
        .range = score_share_of_heads(share, tile),
    };
}

static void heads_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    if (score_is_constant(pass, layer)) {
        score_constant_heads_forward(tile, pass, share);
        return;
    }
    const score_place p = score_find_place(packed, tile, layer);
    const score_attention_shape shape = attention_shape(tile, share);
    score_attention_forward(p.layout, pass->streams, &shape, p.value + p.at->edge_a,
                            p.value + p.at->edge_c, &p.state->attention, p.state->attention_heads,
                            tile->work + (size_t)share.part * tile->work_size);
}

static void heads_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    const score_attention_shape shape = attention_shape(tile, share);
    if (layer == tile->network->expert.layers - 1) {
        const ptrdiff_t size = (ptrdiff_t)p.rows * tile->network->dimensions;
        const score_range heads = shape.range;
        memset(tile->centred_bar + heads.begin * size, 0,
               (size_t)((heads.end - heads.begin) * size) * sizeof *tile->centred_bar);
    }
    if (score_is_constant(pass, layer)) {
        score_constant_heads_backward(tile, pass, share);
        return;
    }
    score_attention_backward(
        p.layout, pass->streams, &shape, p.value + p.at->edge_a, &p.state->attention,
        tile->heads_bar, tile->probe_bar, score_ends_before(pass, layer) ? NULL : tile->qkv_bar,
        tile->centred_bar, score_in_gradient(pass, p.at->edge_a),
        score_in_gradient(pass, p.at->edge_c), tile->work + (size_t)share.part * tile->work_size);
}

static void attention_out_forward(const score_packed *packed, score_tile *tile,
                                  const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_is_constant(pass, layer)) {
        score_constant_out_forward(tile, pass, share);
        return;
    }
    score_step_linear_forward(packed, &p.at->out, pass->streams, p.rows,
                              score_share_of_columns(share, p.hidden), p.state->attention_heads,
                              p.state->attention_out);
}

static void attention_out_backward(const score_packed *packed, score_tile *tile,
                                   const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    if (score_is_constant(pass, layer)) {
        score_constant_out_backward(tile, pass, share);
        return;
    }
    score_step_linear_backward(&p.at->out, pass->streams, p.rows,
                               score_columns_of(score_share_of_heads(share, tile), tile), pass,
                               p.state->attention_heads, tile->fresh_bar, tile->heads_bar);
}

static void attention_gate_forward(const score_packed *packed, score_tile *tile,
                                   const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_gate_forward(p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1),
                       p.hidden, p.value + p.at->attention_gate, p.state->attention_out,
                       p.state->node, p.state->middle, p.state->attention_gate);
}

static void attention_gate_backward(const score_packed *packed, score_tile *tile,
                                    const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_gate_backward(p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1),
                        p.hidden, p.value + p.at->attention_gate, p.state->attention_out,
                        p.state->node, p.state->attention_gate, tile->middle_bar, tile->fresh_bar,
                        tile->node_bar, score_in_gradient(pass, p.at->attention_gate));
}

void score_attention_steps(int layer, score_step steps[SCORE_ATTENTION_STEPS]) {
    steps[0] = (score_step){attention_norm_forward, SCORE_SPLIT_ROWS, attention_norm_backward,
                            SCORE_SPLIT_ROWS, layer};
    steps[1] = (score_step){qkv_forward, SCORE_SPLIT_HEADS, qkv_backward, SCORE_SPLIT_HIDDEN,
                            layer};
    steps[2] = (score_step){heads_forward, SCORE_SPLIT_HEADS, heads_backward, SCORE_SPLIT_HEADS,
                            layer};
    /* With a constant first attention, a part's columns here are not those of its heads. */
    steps[3] = (score_step){attention_out_forward, SCORE_SPLIT_HIDDEN, attention_out_backward,
                            layer == 0 ? SCORE_SPLIT_INPUTS : SCORE_SPLIT_HEADS, layer};
    steps[4] = (score_step){attention_gate_forward, SCORE_SPLIT_ROWS, attention_gate_backward,
                            SCORE_SPLIT_ROWS, layer};
}
