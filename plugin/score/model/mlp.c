/* The multi-layer perceptron of the toy systems: input [x, time features], dense layers with swish
 * activations, a dense read-out: E, or score = -Dense_D. */
#include "model/blocks.h"

#include "nn/activation.h"
#include "nn/linear.h"

static int coordinates_of(const score_network *network) {
    return network->beads * network->dimensions;
}

static void concatenate_forward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer) {
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
                                 const score_pass *pass, int layer) {
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
                    tile->centred_bar[(ptrdiff_t)m * d + k] += bar[k];
            for (int k = 0; k < t; k++)
                tile->time_bar[(ptrdiff_t)m * t + k] += bar[d + k];
        }
    }
}

/* The input of layer `layer`, its width, and its adjoint. */
static const score_real *layer_input(const score_tile *tile, int layer, int *width) {
    if (layer == 0) {
        *width = coordinates_of(tile->network) + tile->network->time_features;
        return tile->input;
    }
    *width = tile->network->expert.hidden;
    return tile->layers[layer - 1].dense_active;
}

static void dense_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer) {
    const int molecules = tile->view.molecules, h = tile->network->expert.hidden;
    score_layer_state *state = &tile->layers[layer];
    int in;
    const score_real *input = layer_input(tile, layer, &in);
    score_linear_forward(pass->streams, molecules, in, h,
                         packed->values + packed->layers[layer].in_weight,
                         packed->values + packed->layers[layer].in_bias, input, state->dense);
    score_activation_forward(SCORE_SWISH, &tile->streams, pass->streams, (ptrdiff_t)molecules * h,
                             state->dense, state->dense_active);
}

static void dense_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer) {
    const int molecules = tile->view.molecules, h = tile->network->expert.hidden;
    const size_t weight = packed->layers[layer].in_weight, bias = packed->layers[layer].in_bias;
    int in;
    const score_real *input = layer_input(tile, layer, &in);
    score_real *input_bar = layer == 0 ? tile->input_bar : tile->dense_active_bar;
    score_zero_streams(pass->streams, (ptrdiff_t)molecules * h, tile->dense_bar);
    score_activation_backward(SCORE_SWISH, &tile->streams, pass->streams, (ptrdiff_t)molecules * h,
                              tile->layers[layer].dense, tile->dense_active_bar, tile->dense_bar);
    score_zero_streams(pass->streams, (ptrdiff_t)molecules * in, input_bar);
    score_linear_backward(pass->streams, molecules, in, h, packed->values + weight, input,
                          tile->dense_bar, input_bar,
                          pass->gradient == NULL ? NULL : pass->gradient + weight,
                          pass->gradient == NULL ? NULL : pass->gradient + bias);
}

/* E = Dense_1; score = -Dense_D. */
static score_real sign_of(const score_network *network) {
    return network->expert.output == SCORE_OUTPUT_ENERGY ? 1 : -1;
}

static void read_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                         int layer) {
    const score_network *network = tile->network;
    int in;
    const score_real *input = layer_input(tile, layer, &in);
    const ptrdiff_t size = (ptrdiff_t)tile->view.molecules * network->outputs;
    score_linear_forward(pass->streams, tile->view.molecules, in, network->outputs,
                         packed->values + packed->at.readout_weight,
                         packed->values + packed->at.readout_bias, input, tile->view.output);
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(pass->streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                tile->view.output[k] *= sign_of(network);
}

static void read_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer) {
    const score_network *network = tile->network;
    const size_t weight = packed->at.readout_weight;
    const size_t bias = packed->at.readout_bias;
    const int molecules = tile->view.molecules;
    const ptrdiff_t size = (ptrdiff_t)molecules * network->outputs;
    int in;
    const score_real *input = layer_input(tile, layer, &in);
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(pass->streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                tile->output_work[k] = sign_of(network) * tile->view.output_bar[k];
    score_zero_streams(pass->streams, (ptrdiff_t)molecules * in, tile->dense_active_bar);
    score_linear_backward(pass->streams, molecules, in, network->outputs, packed->values + weight,
                          input, tile->output_work, tile->dense_active_bar,
                          pass->gradient == NULL ? NULL : pass->gradient + weight,
                          pass->gradient == NULL ? NULL : pass->gradient + bias);
}

void score_mlp_layout(score_tile *tile, score_arena *arena) {
    const score_network *network = tile->network;
    const size_t molecules = (size_t)tile->streams.count * (size_t)tile->max_molecules;
    const size_t h = molecules * (size_t)network->expert.hidden, real = sizeof(score_real);
    const size_t in = molecules * (size_t)(coordinates_of(network) + network->time_features);
    tile->input = score_arena_take(arena, in, real);
    tile->input_bar = score_arena_take(arena, in, real);
    tile->dense_bar = score_arena_take(arena, h, real);
    tile->dense_active_bar = score_arena_take(arena, h, real);
    for (int l = 0; l < network->expert.layers; l++) {
        tile->layers[l].dense = score_arena_take(arena, h, real);
        tile->layers[l].dense_active = score_arena_take(arena, h, real);
    }
}

int score_mlp_steps(const score_network *network, score_step *steps) {
    const int layers = network->expert.layers, count = layers + 2;
    if (steps == NULL)
        return count;
    const score_block dense = {dense_forward, dense_backward};
    steps[0] = (score_step){{concatenate_forward, concatenate_backward}, 0};
    for (int l = 0; l < layers; l++)
        steps[1 + l] = (score_step){dense, l};
    steps[count - 1] = (score_step){{read_forward, read_backward}, layers};
    return count;
}
