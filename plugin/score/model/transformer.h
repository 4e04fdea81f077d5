/* What the steps of the graph transformer's layers share. */
#ifndef SCORE_TRANSFORMER_H
#define SCORE_TRANSFORMER_H

#include "model/blocks.h"

#define score_attention_steps SCORE_TYPED(score_attention_steps)
#define score_feedforward_steps SCORE_TYPED(score_feedforward_steps)

#define score_constant_heads_forward SCORE_TYPED(score_constant_heads_forward)
#define score_constant_heads_backward SCORE_TYPED(score_constant_heads_backward)
#define score_constant_out_forward SCORE_TYPED(score_constant_out_forward)
#define score_constant_out_backward SCORE_TYPED(score_constant_out_backward)

/* Before the layers: inputs and embedding. */
enum { SCORE_FIRST_STEPS = 2, SCORE_ATTENTION_STEPS = 5, SCORE_FEEDFORWARD_STEPS = 5 };

/* node = gate(attention(norm(node)), node), into the state's `middle`. */
void score_attention_steps(int layer, score_step steps[SCORE_ATTENTION_STEPS]);
/* middle = gate(feedforward(norm(middle)), middle), into the next layer's `node`. */
void score_feedforward_steps(int layer, score_step steps[SCORE_FEEDFORWARD_STEPS]);

/* What every step of a layer needs. */
typedef struct score_place {
    const score_streams *layout;
    const score_layer_parameters *at;
    const score_real *value; /* parameters */
    score_layer_state *state;
    int rows;
    int hidden;
    int wide;
    int all; /* heads side by side */
} score_place;

/* The first attention's heads and output layer where the pass has them as constants. */
void score_constant_heads_forward(score_tile *tile, const score_pass *pass, score_share share);
void score_constant_heads_backward(score_tile *tile, const score_pass *pass, score_share share);
void score_constant_out_forward(score_tile *tile, const score_pass *pass, score_share share);
void score_constant_out_backward(score_tile *tile, const score_pass *pass, score_share share);

SCORE_INLINE bool score_is_constant(const score_pass *pass, int layer) {
    return layer == 0 && pass->constants != NULL;
}

SCORE_INLINE score_place score_find_place(const score_packed *packed, score_tile *tile, int layer) {
    const score_expert_config *expert = &tile->network->expert;
    return (score_place){
        .layout = &tile->streams,
        .at = &packed->layers[layer],
        .value = packed->values,
        .state = &tile->layers[layer],
        .rows = tile->view.rows,
        .hidden = expert->hidden,
        .wide = SCORE_FEEDFORWARD_FACTOR * expert->hidden,
        .all = expert->heads * expert->head_width,
    };
}

SCORE_INLINE score_range score_share_of_columns(score_share share, int columns) {
    return score_share_range(share, columns, SCORE_PANEL);
}

/* Heads are shared out where a head is whole panels of the products, else one part has them all. */
SCORE_INLINE score_range score_share_of_heads(score_share share, const score_tile *tile) {
    const score_expert_config *expert = &tile->network->expert;
    const int unit = expert->head_width % SCORE_PANEL == 0 ? 1 : expert->heads;
    return score_share_range(share, expert->heads, unit);
}

SCORE_INLINE score_range score_columns_of(score_range heads, const score_tile *tile) {
    const int width = tile->network->expert.head_width;
    return (score_range){heads.begin * width, heads.end * width};
}

/* A place in a gradient, or NULL where none is wanted. */
SCORE_INLINE score_real *score_in_gradient(const score_pass *pass, size_t offset) {
    return pass->gradient == NULL ? NULL : pass->gradient + offset;
}

/* The streams whose nodes are not identically zero at the input of `layer`: before the first
 * attention, nodes depend on time but not on the coordinates. */
SCORE_INLINE unsigned score_moving_streams(const score_tile *tile, unsigned streams, int layer) {
    if (layer > 0)
        return streams;
    for (int s = 1; s < tile->streams.count; s++)
        if (!tile->streams.moves_time[s])
            streams &= ~(1u << s);
    return streams;
}

/* Nothing but time and parameters lies behind the first layer's nodes. */
SCORE_INLINE bool score_ends_before(const score_pass *pass, int layer) {
    return layer == 0 && pass->gradient == NULL && !pass->wants_time;
}

#endif
