/* The feed-forward half of a layer. */
#include "model/transformer.h"
#include "nn/activation.h"
#include "nn/gate.h"
#include "nn/layernorm.h"

static void feedforward_norm_forward(const score_packed *packed, score_tile *tile,
                                     const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_layernorm_forward(
        p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1), p.hidden,
        p.value + p.at->feedforward_scale, p.value + p.at->feedforward_bias, p.state->middle,
        p.state->feedforward_norm, p.state->feedforward_centred, p.state->feedforward_variance);
}

static void feedforward_norm_backward(const score_packed *packed, score_tile *tile,
                                      const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_layernorm_backward(p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1),
                             p.hidden, p.value + p.at->feedforward_scale,
                             p.state->feedforward_centred, p.state->feedforward_variance,
                             tile->norm_bar, tile->middle_bar,
                             score_in_gradient(pass, p.at->feedforward_scale),
                             score_in_gradient(pass, p.at->feedforward_bias));
}

static void widen_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_step_linear_forward(packed, &p.at->in, pass->streams, p.rows,
                              score_share_of_columns(share, p.wide), p.state->feedforward_norm,
                              p.state->wide);
}

static void widen_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_step_linear_backward(&p.at->in, pass->streams, p.rows,
                               score_share_of_columns(share, p.hidden), pass,
                               p.state->feedforward_norm, tile->wide_bar, tile->norm_bar);
}

static void activation_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                               int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_activation_forward(SCORE_GELU, p.layout, pass->streams, p.rows, p.wide,
                             score_share_of_columns(share, p.wide), p.state->wide,
                             p.state->wide_active, p.state->slope);
}

static void activation_backward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_activation_backward(SCORE_GELU, p.layout, pass->streams, p.rows, p.wide,
                              score_share_of_columns(share, p.wide), p.state->wide, p.state->slope,
                              tile->wide_bar);
}

static void shrink_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_step_linear_forward(packed, &p.at->shrink, pass->streams, p.rows,
                              score_share_of_columns(share, p.hidden), p.state->wide_active,
                              p.state->feedforward_out);
}

static void shrink_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                            int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_step_linear_backward(&p.at->shrink, pass->streams, p.rows,
                               score_share_of_columns(share, p.wide), pass, p.state->wide_active,
                               tile->fresh_bar, tile->wide_bar);
}

static void feedforward_gate_forward(const score_packed *packed, score_tile *tile,
                                     const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_gate_forward(p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1),
                       p.hidden, p.value + p.at->feedforward_gate, p.state->feedforward_out,
                       p.state->middle, tile->layers[layer + 1].node, p.state->feedforward_gate);
}

static void feedforward_gate_backward(const score_packed *packed, score_tile *tile,
                                      const score_pass *pass, int layer, score_share share) {
    const score_place p = score_find_place(packed, tile, layer);
    score_gate_backward(p.layout, pass->streams, p.rows, score_share_range(share, p.rows, 1),
                        p.hidden, p.value + p.at->feedforward_gate, p.state->feedforward_out,
                        p.state->middle, p.state->feedforward_gate, tile->node_bar, tile->fresh_bar,
                        tile->middle_bar, score_in_gradient(pass, p.at->feedforward_gate));
}

void score_feedforward_steps(int layer, score_step steps[SCORE_FEEDFORWARD_STEPS]) {
    steps[0] = (score_step){feedforward_norm_forward, SCORE_SPLIT_ROWS, feedforward_norm_backward,
                            SCORE_SPLIT_ROWS, layer};
    steps[1] = (score_step){widen_forward, SCORE_SPLIT_WIDE, widen_backward, SCORE_SPLIT_HIDDEN,
                            layer};
    steps[2] = (score_step){activation_forward, SCORE_SPLIT_WIDE, activation_backward,
                            SCORE_SPLIT_WIDE, layer};
    steps[3] = (score_step){shrink_forward, SCORE_SPLIT_HIDDEN, shrink_backward, SCORE_SPLIT_WIDE,
                            layer};
    steps[4] = (score_step){feedforward_gate_forward, SCORE_SPLIT_ROWS, feedforward_gate_backward,
                            SCORE_SPLIT_ROWS, layer};
}
