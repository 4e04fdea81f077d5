/* The graph transformer of arXiv 2302.00600 as steps of generic blocks:
 *     node = embedding; a layer: node = gate(attention(norm(node)), node),
 *     node = gate(feedforward(norm(node)), node); read-out E = sum_i Dense_1(node_i), or
 *     score = -Dense_D(all nodes of a molecule side by side). */
#include "model/blocks.h"

#include <string.h>

#include "nn/activation.h"
#include "nn/gate.h"
#include "nn/layernorm.h"
#include "nn/linear.h"

_Static_assert((int)SCORE_EMBEDDING_WIDTH == (int)SCORE_FEATURE_WIDTH &&
                   (int)SCORE_EMBEDDING_TABLES == (int)SCORE_MAX_FEATURES,
               "the embedding is that of the public header");

/* The view of one layer's shapes that the blocks share. */
static score_attention_shape attention_shape(const score_tile *tile) {
    return (score_attention_shape){
        .heads = tile->network->expert.heads,
        .width = tile->network->expert.head_width,
        .molecules = tile->view.molecules,
        .first_row = tile->first_row,
        .rows = tile->view.rows,
        .pairs = tile->pairs,
    };
}

/* The streams whose nodes are not identically zero at the input of `layer`: before the first
 * attention, nodes depend on time but not on the coordinates. */
static unsigned moving_streams(const score_tile *tile, unsigned streams, int layer) {
    if (layer > 0)
        return streams;
    for (int s = 1; s < tile->streams.count; s++)
        if (!tile->streams.moves_time[s])
            streams &= ~(1u << s);
    return streams;
}

static score_embedding_shape embedding_shape(const score_tile *tile) {
    const score_network *network = tile->network;
    return (score_embedding_shape){
        .kinds = network->beads,
        .tables = network->feature_count,
        .time_features = network->time_features,
        .width = network->expert.hidden,
        .molecules = tile->view.molecules,
        .rows = tile->view.rows,
        .first_row = tile->first_row,
        .features = tile->features,
    };
}

static score_embedding_parameters embedding_parameters(const score_packed *packed) {
    const score_network *network = packed->network;
    score_embedding_parameters parameters = {.weight = packed->values + packed->at.embedding_weight,
                                             .bias = packed->values + packed->at.embedding_bias};
    for (int f = 0; f < network->feature_count; f++)
        parameters.table[f] = packed->values + network->tensors[f].offset;
    return parameters;
}

static void embed_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer) {
    const score_embedding_shape shape = embedding_shape(tile);
    const score_embedding_parameters parameters = embedding_parameters(packed);
    score_embedding_forward(&tile->streams, pass->streams, &shape, &parameters, tile->time,
                            tile->layers[layer].node);
}

static void embed_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer) {
    (void)layer;
    if (pass->gradient == NULL && !pass->wants_time)
        return;
    const score_embedding_shape shape = embedding_shape(tile);
    const score_embedding_parameters parameters = embedding_parameters(packed);
    score_embedding_gradient gradient;
    if (pass->gradient != NULL) {
        gradient.weight = pass->gradient + (parameters.weight - packed->values);
        gradient.bias = pass->gradient + (parameters.bias - packed->values);
        for (int f = 0; f < shape.tables; f++)
            gradient.table[f] = pass->gradient + (parameters.table[f] - packed->values);
    }
    score_embedding_backward(&tile->streams, pass->streams, &shape, &parameters, tile->time,
                             tile->node_bar, pass->wants_time ? tile->time_bar : NULL,
                             pass->gradient != NULL ? &gradient : NULL);
}

static void attention_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                              int layer) {
    const score_streams *layout = &tile->streams;
    const score_layer_offsets *at = &packed->layers[layer];
    const score_real *value = packed->values;
    score_layer_state *state = &tile->layers[layer];
    const score_attention_shape shape = attention_shape(tile);
    const int rows = shape.rows, h = tile->network->expert.hidden, all = shape.heads * shape.width;
    const unsigned moving = moving_streams(tile, pass->streams, layer);
    score_layernorm_forward(layout, moving, rows, h, value + at->attention_scale,
                            value + at->attention_bias, state->node, state->attention_norm,
                            state->attention_centred, state->attention_variance);
    score_linear_forward(moving, rows, h, 3 * all, value + at->qkv_weight, value + at->qkv_bias,
                         state->attention_norm, state->attention.qkv);
    score_zero_streams(pass->streams & ~moving, (ptrdiff_t)rows * 3 * all, state->attention.qkv);
    score_attention_forward(layout, pass->streams, &shape, value + at->edge_a, value + at->edge_c,
                            &state->attention, state->attention_heads);
    score_linear_forward(pass->streams, rows, all, h, value + at->out_weight, value + at->out_bias,
                         state->attention_heads, state->attention_out);
    score_gate_forward(layout, pass->streams, rows, h, value + at->attention_gate,
                       state->attention_out, state->node, state->middle, state->attention_gate);
}

/* From the adjoint of `out` in tile->node_bar to that of the old node in its place; the adjoint of
 * the new one is left in tile->fresh_bar. */
static void gate_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          size_t weight, const score_real *fresh, const score_real *old,
                          const score_real *logit) {
    const int rows = tile->view.rows, h = tile->network->expert.hidden;
    const ptrdiff_t size = (ptrdiff_t)rows * h;
    score_zero_streams(pass->streams, size, tile->fresh_bar);
    score_zero_streams(pass->streams, size, tile->norm_bar);
    score_gate_backward(&tile->streams, pass->streams, rows, h, packed->values + weight, fresh, old,
                        logit, tile->node_bar, tile->fresh_bar, tile->norm_bar,
                        pass->gradient == NULL ? NULL : pass->gradient + weight);
    score_real *swap = tile->node_bar;
    tile->node_bar = tile->norm_bar;
    tile->norm_bar = swap;
}

static void linear_backward(const score_packed *packed, const score_pass *pass, unsigned streams,
                            int rows, int in, int out, size_t weight, size_t bias,
                            const score_real *x, const score_real *y_bar, score_real *x_bar) {
    score_real *gradient = pass->gradient;
    score_linear_backward(streams, rows, in, out, packed->values + weight, x, y_bar, x_bar,
                          gradient == NULL ? NULL : gradient + weight,
                          gradient == NULL ? NULL : gradient + bias);
}

static void attention_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                               int layer) {
    const score_streams *layout = &tile->streams;
    const score_layer_offsets *at = &packed->layers[layer];
    const score_real *value = packed->values;
    score_real *gradient = pass->gradient;
    score_layer_state *state = &tile->layers[layer];
    const score_attention_shape shape = attention_shape(tile);
    const int rows = shape.rows, h = tile->network->expert.hidden, all = shape.heads * shape.width;
    const ptrdiff_t size = (ptrdiff_t)rows * h;
    const unsigned moving = moving_streams(tile, pass->streams, layer);
    /* Nothing but time and parameters lies behind the first layer's nodes. */
    const bool ends_here = layer == 0 && gradient == NULL && !pass->wants_time;

    gate_backward(packed, tile, pass, at->attention_gate, state->attention_out, state->node,
                  state->attention_gate);
    score_zero_streams(pass->streams, (ptrdiff_t)rows * all, tile->heads_bar);
    linear_backward(packed, pass, pass->streams, rows, all, h, at->out_weight, at->out_bias,
                    state->attention_heads, tile->fresh_bar, tile->heads_bar);
    if (!ends_here)
        score_zero_streams(pass->streams, (ptrdiff_t)rows * 3 * all, tile->qkv_bar);
    score_attention_backward(layout, pass->streams, &shape, value + at->edge_a, &state->attention,
                             tile->heads_bar, tile->probe_bar, tile->shift_bar,
                             ends_here ? NULL : tile->qkv_bar, tile->centred_bar,
                             gradient == NULL ? NULL : gradient + at->edge_a,
                             gradient == NULL ? NULL : gradient + at->edge_c);
    if (ends_here)
        return;
    score_zero_streams(pass->streams, size, tile->norm_bar);
    linear_backward(packed, pass, moving, rows, h, 3 * all, at->qkv_weight, at->qkv_bias,
                    state->attention_norm, tile->qkv_bar, tile->norm_bar);
    score_layernorm_backward(layout, moving, rows, h, value + at->attention_scale,
                             state->attention_centred, state->attention_variance, tile->norm_bar,
                             tile->node_bar,
                             gradient == NULL ? NULL : gradient + at->attention_scale,
                             gradient == NULL ? NULL : gradient + at->attention_bias);
}

static void feedforward_forward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer) {
    const score_streams *layout = &tile->streams;
    const score_layer_offsets *at = &packed->layers[layer];
    const score_real *value = packed->values;
    score_layer_state *state = &tile->layers[layer];
    const int rows = tile->view.rows, h = tile->network->expert.hidden;
    const int wide = SCORE_FEEDFORWARD_FACTOR * h;
    score_layernorm_forward(layout, pass->streams, rows, h, value + at->feedforward_scale,
                            value + at->feedforward_bias, state->middle, state->feedforward_norm,
                            state->feedforward_centred, state->feedforward_variance);
    score_linear_forward(pass->streams, rows, h, wide, value + at->in_weight, value + at->in_bias,
                         state->feedforward_norm, state->wide);
    score_activation_forward(SCORE_GELU, layout, pass->streams, (ptrdiff_t)rows * wide, state->wide,
                             state->wide_active);
    score_linear_forward(pass->streams, rows, wide, h, value + at->shrink_weight,
                         value + at->shrink_bias, state->wide_active, state->feedforward_out);
    score_gate_forward(layout, pass->streams, rows, h, value + at->feedforward_gate,
                       state->feedforward_out, state->middle, tile->layers[layer + 1].node,
                       state->feedforward_gate);
}

static void feedforward_backward(const score_packed *packed, score_tile *tile,
                                 const score_pass *pass, int layer) {
    const score_streams *layout = &tile->streams;
    const score_layer_offsets *at = &packed->layers[layer];
    score_real *gradient = pass->gradient;
    score_layer_state *state = &tile->layers[layer];
    const int rows = tile->view.rows, h = tile->network->expert.hidden;
    const int wide = SCORE_FEEDFORWARD_FACTOR * h;
    gate_backward(packed, tile, pass, at->feedforward_gate, state->feedforward_out, state->middle,
                  state->feedforward_gate);
    score_zero_streams(pass->streams, (ptrdiff_t)rows * wide, tile->wide_active_bar);
    linear_backward(packed, pass, pass->streams, rows, wide, h, at->shrink_weight, at->shrink_bias,
                    state->wide_active, tile->fresh_bar, tile->wide_active_bar);
    score_zero_streams(pass->streams, (ptrdiff_t)rows * wide, tile->wide_bar);
    score_activation_backward(SCORE_GELU, layout, pass->streams, (ptrdiff_t)rows * wide,
                              state->wide, tile->wide_active_bar, tile->wide_bar);
    score_zero_streams(pass->streams, (ptrdiff_t)rows * h, tile->norm_bar);
    linear_backward(packed, pass, pass->streams, rows, h, wide, at->in_weight, at->in_bias,
                    state->feedforward_norm, tile->wide_bar, tile->norm_bar);
    score_layernorm_backward(layout, pass->streams, rows, h, packed->values + at->feedforward_scale,
                             state->feedforward_centred, state->feedforward_variance,
                             tile->norm_bar, tile->node_bar,
                             gradient == NULL ? NULL : gradient + at->feedforward_scale,
                             gradient == NULL ? NULL : gradient + at->feedforward_bias);
}

/* A molecule's nodes side by side are one row of the score expert's read-out. */
static void read_score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                               int layer) {
    const score_network *network = tile->network;
    const score_real *weight = packed->values + packed->at.readout_weight;
    const score_real *bias = packed->values + packed->at.readout_bias;
    const int molecules = tile->view.molecules, outputs = network->outputs;
    score_linear_forward(pass->streams, molecules, network->beads * network->expert.hidden, outputs,
                         weight, bias, tile->layers[layer].node, tile->view.output);
    const ptrdiff_t size = (ptrdiff_t)molecules * outputs;
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(pass->streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                tile->view.output[k] = -tile->view.output[k];
}

static void read_score_backward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer) {
    const score_network *network = tile->network;
    const int molecules = tile->view.molecules, outputs = network->outputs;
    const ptrdiff_t size = (ptrdiff_t)molecules * outputs;
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(pass->streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                tile->output_work[k] = -tile->view.output_bar[k];
    score_zero_streams(pass->streams, (ptrdiff_t)tile->view.rows * network->expert.hidden,
                       tile->node_bar);
    linear_backward(packed, pass, pass->streams, molecules, network->beads * network->expert.hidden,
                    outputs, packed->at.readout_weight, packed->at.readout_bias,
                    tile->layers[layer].node, tile->output_work, tile->node_bar);
}

static void read_energy_forward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer) {
    const score_network *network = tile->network;
    const score_real *weight = packed->values + packed->at.readout_weight;
    const score_real bias = packed->values[packed->at.readout_bias];
    const int h = network->expert.hidden, rows = tile->view.rows;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        const score_real *node = tile->layers[layer].node + (ptrdiff_t)s * rows * h;
        for (int m = 0; m < tile->view.molecules; m++) {
            score_real energy = 0;
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++) {
                for (int k = 0; k < h; k++)
                    energy += weight[k] * node[(ptrdiff_t)i * h + k];
                if (tile->streams.order[s] == 0)
                    energy += bias;
            }
            tile->view.output[s * tile->view.molecules + m] = energy;
        }
    }
}

static void read_energy_backward(const score_packed *packed, score_tile *tile,
                                 const score_pass *pass, int layer) {
    const score_network *network = tile->network;
    const size_t weight = packed->at.readout_weight;
    const size_t bias = packed->at.readout_bias;
    const int h = network->expert.hidden, rows = tile->view.rows;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        const ptrdiff_t start = (ptrdiff_t)s * rows * h;
        for (int m = 0; m < tile->view.molecules; m++) {
            const score_real bar = tile->view.output_bar[s * tile->view.molecules + m];
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++) {
                const ptrdiff_t row = start + (ptrdiff_t)i * h;
                for (int k = 0; k < h; k++)
                    tile->node_bar[row + k] = bar * packed->values[weight + (size_t)k];
                if (pass->gradient == NULL)
                    continue;
                for (int k = 0; k < h; k++)
                    pass->gradient[weight + (size_t)k] += bar * tile->layers[layer].node[row + k];
                if (tile->streams.order[s] == 0)
                    pass->gradient[bias] += bar;
            }
        }
    }
}

void score_graph_transformer_layout(score_tile *tile, score_arena *arena) {
    const score_network *network = tile->network;
    const size_t streams = (size_t)tile->streams.count, rows = streams * (size_t)tile->max_rows;
    const size_t h = (size_t)network->expert.hidden, wide = SCORE_FEEDFORWARD_FACTOR * h;
    const size_t heads = (size_t)network->expert.heads;
    const size_t all = heads * (size_t)network->expert.head_width, real = sizeof(score_real);
    const size_t beads = (size_t)tile->max_beads;
    score_real *work = score_arena_take(arena, 2 * streams * beads * beads, real);
    for (int l = 0; l <= network->expert.layers; l++) {
        score_layer_state *state = &tile->layers[l];
        state->node = score_arena_take(arena, rows * h, real);
        if (l == network->expert.layers)
            break;
        state->attention_centred = score_arena_take(arena, rows * h, real);
        state->attention_variance = score_arena_take(arena, rows, real);
        state->attention_norm = score_arena_take(arena, rows * h, real);
        state->attention.qkv = score_arena_take(arena, rows * 3 * all, real);
        state->attention.x = tile->centred;
        state->attention.probe = score_arena_take(arena, rows * heads * 3, real);
        state->attention.pair = score_arena_take(arena, streams * heads * tile->max_pairs, real);
        state->attention.shift = score_arena_take(arena, rows * heads * 3, real);
        state->attention.work = work;
        state->attention_heads = score_arena_take(arena, rows * all, real);
        state->attention_out = score_arena_take(arena, rows * h, real);
        state->attention_gate = score_arena_take(arena, rows, real);
        state->middle = score_arena_take(arena, rows * h, real);
        state->feedforward_centred = score_arena_take(arena, rows * h, real);
        state->feedforward_variance = score_arena_take(arena, rows, real);
        state->feedforward_norm = score_arena_take(arena, rows * h, real);
        state->wide = score_arena_take(arena, rows * wide, real);
        state->wide_active = score_arena_take(arena, rows * wide, real);
        state->feedforward_out = score_arena_take(arena, rows * h, real);
        state->feedforward_gate = score_arena_take(arena, rows, real);
    }
    tile->node_bar = score_arena_take(arena, rows * h, real);
    tile->norm_bar = score_arena_take(arena, rows * h, real);
    tile->fresh_bar = score_arena_take(arena, rows * h, real);
    tile->heads_bar = score_arena_take(arena, rows * all, real);
    tile->qkv_bar = score_arena_take(arena, rows * 3 * all, real);
    tile->probe_bar = score_arena_take(arena, rows * heads * 3, real);
    tile->shift_bar = score_arena_take(arena, rows * heads * 3, real);
    tile->wide_bar = score_arena_take(arena, rows * wide, real);
    tile->wide_active_bar = score_arena_take(arena, rows * wide, real);
}

int score_graph_transformer_steps(const score_network *network, score_step *steps) {
    const int layers = network->expert.layers, count = 2 * layers + 2;
    if (steps == NULL)
        return count;
    const score_block attention = {attention_forward, attention_backward};
    const score_block feedforward = {feedforward_forward, feedforward_backward};
    steps[0] = (score_step){{embed_forward, embed_backward}, 0};
    for (int l = 0; l < layers; l++) {
        steps[1 + 2 * l] = (score_step){attention, l};
        steps[2 + 2 * l] = (score_step){feedforward, l};
    }
    const score_block read_energy = {read_energy_forward, read_energy_backward};
    const score_block read_score = {read_score_forward, read_score_backward};
    steps[count - 1] = (score_step){
        network->expert.output == SCORE_OUTPUT_ENERGY ? read_energy : read_score, layers};
    return count;
}
