/* The multi-layer perceptron of the toy systems: input [x, time features], dense layers with swish
 * activations, a dense read-out: E, or score = -Dense_D. */
#include "model/blocks.h"

#include "nn/activation.h"
#include "nn/linear.h"

static int coordinates_of(const score_network *network) {
    return network->beads * network->dimensions;
}

static void concatenate_forward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer, score_share share) {
    if (share.part > 0)
        return;
    (void)packed;
    (void)layer;
    const int d = coordinates_of(tile->network), t = tile->network->time_features;
    const int molecules = tile->view.molecules;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        for (int m = s * molecules; m < (s + 1) * molecules; m++) {
            score_real *input = tile->input + (ptrdiff_t)m * (d + t);
            for (int k = 0; k < d; k++)
                input[k] = tile->centred[(ptrdiff_t)m * d + k];
            for (int k = 0; k < t; k++)
                input[d + k] = tile->time[(ptrdiff_t)m * t + k];
        }
    }
}

static void concatenate_backward(const score_packed *packed, score_tile *tile,
                                 const score_pass *pass, int layer, score_share share) {
    if (share.part > 0)
        return;
    (void)packed;
    (void)layer;
    const int d = coordinates_of(tile->network), t = tile->network->time_features;
    const int molecules = tile->view.molecules;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        for (int m = s * molecules; m < (s + 1) * molecules; m++) {
            const score_real *bar = tile->input_bar + (ptrdiff_t)m * (d + t);
            if (s == 0)
                for (int k = 0; k < d; k++)
                    tile->centred_bar[(ptrdiff_t)m * d + k] = bar[k];
            for (int k = 0; k < t; k++)
                tile->time_bar[(ptrdiff_t)m * t + k] = bar[d + k];
        }
    }
}

/* The input of layer `layer`. */
static const score_real *layer_input(const score_tile *tile, int layer) {
    return layer == 0 ? tile->input : tile->layers[layer - 1].dense_active;
}

static void dense_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    if (share.part > 0)
        return;
    const int molecules = tile->view.molecules, h = tile->network->expert.hidden;
    const score_range all = {0, h};
    score_layer_state *state = &tile->layers[layer];
    score_step_linear_forward(packed, &packed->layers[layer].dense, pass->streams, molecules, all,
                              layer_input(tile, layer), state->dense);
    score_activation_forward(SCORE_SWISH, &tile->streams, pass->streams, molecules, h, all,
                             state->dense, state->dense_active, state->slope);
}

static void dense_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    if (share.part > 0)
        return;
    const score_dense *dense = &packed->layers[layer].dense;
    const int molecules = tile->view.molecules, h = tile->network->expert.hidden;
    score_activation_backward(SCORE_SWISH, &tile->streams, pass->streams, molecules, h,
                              (score_range){0, h}, tile->layers[layer].dense,
                              tile->layers[layer].slope, tile->dense_bar);
    score_real *bar = layer == 0 ? tile->input_bar : tile->dense_next_bar;
    score_step_linear_backward(dense, pass->streams, molecules, (score_range){0, dense->in}, pass,
                               layer_input(tile, layer), tile->dense_bar, bar);
    if (layer > 0) {
        tile->dense_next_bar = tile->dense_bar;
        tile->dense_bar = bar;
    }
}

/* E = Dense_1; score = -Dense_D. */
static bool is_score(const score_tile *tile) {
    return tile->network->expert.output == SCORE_OUTPUT_SCORE;
}

static void read_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                         int layer, score_share share) {
    if (share.part > 0)
        return;
    score_step_linear_forward(packed, &packed->readout, pass->streams, tile->view.molecules,
                              (score_range){0, packed->readout.out}, layer_input(tile, layer),
                              tile->view.output);
    if (is_score(tile))
        score_negate_outputs(tile, pass->streams, tile->view.output, tile->view.output);
}

static void read_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    if (share.part > 0)
        return;
    const score_real *bar = tile->view.output_bar;
    if (is_score(tile)) {
        score_negate_outputs(tile, pass->streams, bar, tile->output_work);
        bar = tile->output_work;
    }
    score_step_linear_backward(&packed->readout, pass->streams, tile->view.molecules,
                               (score_range){0, packed->readout.in}, pass, layer_input(tile, layer),
                               bar, tile->dense_bar);
}

void score_mlp_layout(score_tile *tile, score_arena *arena) {
    const score_network *network = tile->network;
    const size_t molecules = (size_t)tile->streams.count * (size_t)tile->most.molecules;
    const size_t h = molecules * (size_t)network->expert.hidden, real = sizeof(score_real);
    const size_t in = molecules * (size_t)(coordinates_of(network) + network->time_features);
    tile->centred_bar_parts = 1;
    tile->centred_bar = score_arena_take(
        arena, (size_t)tile->most.rows * (size_t)network->dimensions, real);
    tile->input = score_arena_take(arena, in, real);
    tile->input_bar = score_arena_take(arena, in, real);
    tile->dense_bar = score_arena_take(arena, h, real);
    tile->dense_next_bar = score_arena_take(arena, h, real);
    for (int l = 0; l < network->expert.layers; l++) {
        tile->layers[l].dense = score_arena_take(arena, h, real);
        tile->layers[l].dense_active = score_arena_take(arena, h, real);
        tile->layers[l].slope = score_arena_take(arena, h / (size_t)tile->streams.count, real);
    }
}

int score_mlp_steps(const score_network *network, score_step *steps) {
    const int layers = network->expert.layers, count = layers + 3;
    if (steps == NULL)
        return count;
    steps[0] = (score_step){score_inputs_forward, SCORE_SPLIT_NONE, score_inputs_backward,
                            SCORE_SPLIT_NONE, 0};
    steps[1] = (score_step){concatenate_forward, SCORE_SPLIT_NONE, concatenate_backward,
                            SCORE_SPLIT_NONE, 0};
    for (int l = 0; l < layers; l++)
        steps[2 + l] = (score_step){dense_forward, SCORE_SPLIT_NONE, dense_backward,
                                    SCORE_SPLIT_NONE, l};
    steps[count - 1] = (score_step){read_forward, SCORE_SPLIT_NONE, read_backward, SCORE_SPLIT_NONE,
                                    layers};
    return count;
}
