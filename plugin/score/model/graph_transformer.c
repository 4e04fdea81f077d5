/* The graph transformer of arXiv 2302.00600 as a list of steps:
 *     node = embedding; a layer: node = gate(attention(norm(node)), node),
 *     node = gate(feedforward(norm(node)), node); read-out E = sum_i Dense_1(node_i), or
 *     score = -Dense_D(all nodes of a molecule side by side). */
#include <string.h>

#include "model/transformer.h"
#include "nn/vector.h"

_Static_assert((int)SCORE_EMBEDDING_WIDTH == (int)SCORE_FEATURE_WIDTH &&
                   (int)SCORE_EMBEDDING_TABLES == (int)SCORE_MAX_FEATURES,
               "the embedding is that of the public header");

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
    score_embedding_parameters parameters = {.weight = packed->values + packed->embedding_weight,
                                             .bias = packed->values + packed->embedding_bias};
    for (int f = 0; f < network->feature_count; f++)
        parameters.table[f] = packed->values + network->tensors[f].offset;
    return parameters;
}

static void embed_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    score_real *node = tile->layers[layer].node;
    if (share.part > 0)
        return;
    if (pass->constants == NULL) {
        const score_embedding_shape shape = embedding_shape(tile);
        const score_embedding_parameters parameters = embedding_parameters(packed);
        score_embedding_forward(&tile->streams, pass->streams, &shape, &parameters, tile->time,
                                node);
        return;
    }
    const ptrdiff_t h = tile->network->expert.hidden;
    for (int m = 0; m < tile->view.molecules; m++) {
        const ptrdiff_t begin = tile->first_row[m], rows = tile->first_row[m + 1] - begin;
        memcpy(node + begin * h, pass->constants[m]->node, (size_t)(rows * h) * sizeof *node);
    }
}

static void embed_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    if (share.part > 0 || score_ends_before(pass, layer))
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
    score_zero_streams(pass->streams, (ptrdiff_t)shape.molecules * shape.time_features,
                       tile->time_bar);
    score_embedding_backward(&tile->streams, pass->streams, &shape, &parameters, tile->time,
                             tile->node_bar, pass->wants_time ? tile->time_bar : NULL,
                             pass->gradient != NULL ? &gradient : NULL);
}

/* A molecule's nodes side by side are one row of the score expert's read-out. */
static void read_score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                               int layer, score_share share) {
    if (share.part > 0)
        return;
    const int molecules = tile->view.molecules, outputs = tile->network->outputs;
    score_step_linear_forward(packed, &packed->readout, pass->streams, molecules,
                              (score_range){0, outputs}, tile->layers[layer].node,
                              tile->view.output);
    score_negate_outputs(tile, pass->streams, tile->view.output, tile->view.output);
}

static void read_score_backward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer, score_share share) {
    if (share.part > 0)
        return;
    score_negate_outputs(tile, pass->streams, tile->view.output_bar, tile->output_work);
    score_step_linear_backward(&packed->readout, pass->streams, tile->view.molecules,
                               (score_range){0, packed->readout.in}, pass, tile->layers[layer].node,
                               tile->output_work, tile->node_bar);
}

static void read_energy_forward(const score_packed *packed, score_tile *tile,
                                const score_pass *pass, int layer, score_share share) {
    if (share.part > 0)
        return;
    const score_real *weight = packed->values + packed->readout.weight;
    const score_real bias = packed->values[packed->readout.bias];
    const int h = tile->network->expert.hidden, rows = tile->view.rows;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        const score_real *node = tile->layers[layer].node + (ptrdiff_t)s * rows * h;
        for (int m = 0; m < tile->view.molecules; m++) {
            score_real energy = 0;
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++)
                energy += score_dot(h, weight, node + (ptrdiff_t)i * h) +
                          (tile->streams.order[s] == 0 ? bias : 0);
            tile->view.output[s * tile->view.molecules + m] = energy;
        }
    }
}

static void read_energy_backward(const score_packed *packed, score_tile *tile,
                                 const score_pass *pass, int layer, score_share share) {
    if (share.part > 0)
        return;
    const score_real *weight = packed->values + packed->readout.weight;
    score_real *weight_bar = score_in_gradient(pass, packed->readout.weight);
    const int h = tile->network->expert.hidden, rows = tile->view.rows;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        for (int m = 0; m < tile->view.molecules; m++) {
            const score_real bar = tile->view.output_bar[s * tile->view.molecules + m];
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++) {
                const ptrdiff_t row = ((ptrdiff_t)s * rows + i) * h;
                for (int k = 0; k < h; k++)
                    tile->node_bar[row + k] = bar * weight[k];
                if (pass->gradient == NULL)
                    continue;
                score_add(h, bar, tile->layers[layer].node + row, weight_bar);
                if (tile->streams.order[s] == 0)
                    pass->gradient[packed->readout.bias] += bar;
            }
        }
    }
}

/* An array of each layer that only a gradient by the parameters or further streams read again: all
 * layers share the first one's where there will be none. */
static score_real *take_passing(const score_tile *tile, score_arena *arena, int layer,
                                score_real *first, size_t count) {
    if (layer > 0 && tile->most.inputs_only)
        return first;
    return score_arena_take(arena, count, sizeof(score_real));
}

static void lay_out_layer(score_tile *tile, score_arena *arena, int layer) {
    const score_expert_config *expert = &tile->network->expert;
    const size_t streams = (size_t)tile->streams.count, rows = streams * (size_t)tile->most.rows;
    const size_t h = (size_t)expert->hidden, wide = SCORE_FEEDFORWARD_FACTOR * h;
    const size_t heads = (size_t)expert->heads, all = heads * (size_t)expert->head_width;
    const size_t real = sizeof(score_real);
    const score_layer_state *first = &tile->layers[0];
    score_layer_state *state = &tile->layers[layer];
    state->attention_centred = score_arena_take(arena, rows * h, real);
    state->attention_variance = score_arena_take(arena, rows, real);
    state->attention_norm = take_passing(tile, arena, layer, first->attention_norm, rows * h);
    state->qkv = score_arena_take(arena, rows * 3 * all, real);
    state->attention.qkv = state->qkv;
    state->attention.x = tile->centred;
    state->attention.probe = score_arena_take(arena, rows * heads * 3, real);
    state->attention.pair = score_arena_take(arena, streams * heads * tile->most.pairs, real);
    state->attention.shift = score_arena_take(arena, rows * heads * 3, real);
    state->attention_heads = take_passing(tile, arena, layer, first->attention_heads, rows * all);
    state->attention_out = score_arena_take(arena, rows * h, real);
    state->attention_gate = score_arena_take(arena, rows, real);
    state->middle = score_arena_take(arena, rows * h, real);
    state->feedforward_centred = score_arena_take(arena, rows * h, real);
    state->feedforward_variance = score_arena_take(arena, rows, real);
    state->feedforward_norm = take_passing(tile, arena, layer, first->feedforward_norm, rows * h);
    state->wide = take_passing(tile, arena, layer, first->wide, rows * wide);
    state->wide_active = take_passing(tile, arena, layer, first->wide_active, rows * wide);
    state->slope = score_arena_take(arena, (size_t)tile->most.rows * wide, real);
    state->feedforward_out = score_arena_take(arena, rows * h, real);
    state->feedforward_gate = score_arena_take(arena, rows, real);
}

void score_graph_transformer_layout(score_tile *tile, score_arena *arena) {
    const score_network *network = tile->network;
    const size_t streams = (size_t)tile->streams.count, rows = streams * (size_t)tile->most.rows;
    const size_t h = (size_t)network->expert.hidden, wide = SCORE_FEEDFORWARD_FACTOR * h;
    const size_t heads = (size_t)network->expert.heads;
    const size_t all = heads * (size_t)network->expert.head_width, real = sizeof(score_real);
    const size_t work = score_attention_work_size(&tile->streams, tile->max_beads);
    const size_t constant_work = score_constant_attention_work_size(tile->max_beads);
    tile->work_size = work > constant_work ? work : constant_work;
    tile->work = score_arena_take(arena, tile->work_size * (size_t)tile->most.parts, real);
    tile->centred_bar_parts = network->expert.heads;
    tile->centred_bar = score_arena_take(
        arena, heads * (size_t)tile->most.rows * (size_t)network->dimensions, real);
    for (int l = 0; l <= network->expert.layers; l++) {
        tile->layers[l].node = score_arena_take(arena, rows * h, real);
        if (l < network->expert.layers)
            lay_out_layer(tile, arena, l);
    }
    tile->node_bar = score_arena_take(arena, rows * h, real);
    tile->middle_bar = score_arena_take(arena, rows * h, real);
    tile->norm_bar = score_arena_take(arena, rows * h, real);
    tile->fresh_bar = score_arena_take(arena, rows * h, real);
    tile->heads_bar = score_arena_take(arena, rows * all, real);
    tile->qkv_bar = score_arena_take(arena, rows * 3 * all, real);
    tile->probe_bar = score_arena_take(arena, rows * heads * 3, real);
    tile->wide_bar = score_arena_take(arena, rows * wide, real);
    if (!tile->most.inputs_only)
        return;
    const size_t inputs = heads * ((size_t)tile->max_beads + 3);
    const size_t molecules = (size_t)tile->most.molecules;
    tile->constant_input = score_arena_take(
        arena, inputs * ((size_t)tile->most.rows + SCORE_LANES * molecules), real);
    tile->constant_input_bar = score_arena_take(arena, inputs * (size_t)tile->most.rows, real);
}

int score_graph_transformer_steps(const score_network *network, score_step *steps) {
    enum { FIRST = SCORE_FIRST_STEPS, LAYER = SCORE_ATTENTION_STEPS + SCORE_FEEDFORWARD_STEPS };
    const int layers = network->expert.layers, count = FIRST + LAYER * layers + 1;
    if (steps == NULL)
        return count;
    steps[0] = (score_step){score_inputs_forward, SCORE_SPLIT_NONE, score_inputs_backward,
                            SCORE_SPLIT_NONE, 0};
    steps[1] = (score_step){embed_forward, SCORE_SPLIT_NONE, embed_backward, SCORE_SPLIT_NONE, 0};
    for (int l = 0; l < layers; l++) {
        score_attention_steps(l, steps + FIRST + LAYER * l);
        score_feedforward_steps(l, steps + FIRST + LAYER * l + SCORE_ATTENTION_STEPS);
    }
    const score_step read_energy = {read_energy_forward, SCORE_SPLIT_NONE, read_energy_backward,
                                    SCORE_SPLIT_NONE, layers};
    const score_step read_score = {read_score_forward, SCORE_SPLIT_NONE, read_score_backward,
                                   SCORE_SPLIT_NONE, layers};
    steps[count - 1] = network->expert.output == SCORE_OUTPUT_ENERGY ? read_energy : read_score;
    return count;
}
