/* Embedding, norm, gate, activation, read-out. */
#include "host/call.h"
#include "nn/activation.h"
#include "nn/embedding.h"
#include "nn/gate.h"
#include "nn/layernorm.h"
#include "nn/vector.h"

_Static_assert((int)SCORE_EMBEDDING_WIDTH == (int)SCORE_FEATURE_WIDTH &&
                   (int)SCORE_EMBEDDING_TABLES == (int)SCORE_MAX_FEATURES,
               "the embedding is that of the public header");

static score_range own_rows(const score_call *call) {
    return score_share_range(call->share, call->tile->view.rows, 1);
}

static int width_of(const score_call *call, int array) {
    return score_array_width(score_array_of(call, array));
}

/* -------- embedding -------- */

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

static score_embedding_parameters embedding_parameters(const score_call *call) {
    const int tables = call->tile->network->feature_count;
    score_embedding_parameters parameters = {.weight = score_value(call, 0, tables),
                                             .bias = score_value(call, 0, tables + 1)};
    for (int f = 0; f < tables; f++)
        parameters.table[f] = score_value(call, 0, f);
    return parameters;
}

static void embed_forward(const score_call *call) {
    const score_embedding_shape shape = embedding_shape(call->tile);
    const score_embedding_parameters parameters = embedding_parameters(call);
    score_embedding_forward(&call->tile->streams, call->pass->streams, &shape, &parameters,
                            score_in(call, 0), score_out(call, 0));
}

static void embed_backward(const score_call *call) {
    const score_embedding_shape shape = embedding_shape(call->tile);
    const score_embedding_parameters parameters = embedding_parameters(call);
    const unsigned streams = call->pass->streams;
    score_embedding_gradient gradient;
    if (call->pass->gradient != NULL) {
        gradient.weight = score_value_bar(call, 0, shape.tables);
        gradient.bias = score_value_bar(call, 0, shape.tables + 1);
        for (int f = 0; f < shape.tables; f++)
            gradient.table[f] = score_value_bar(call, 0, f);
    }
    score_zero_streams(streams, (ptrdiff_t)shape.molecules * shape.time_features,
                       score_in_bar(call, 0));
    score_embedding_backward(&call->tile->streams, streams, &shape, &parameters, score_in(call, 0),
                             score_out_bar(call, 0),
                             call->pass->wants_time ? score_in_bar(call, 0) : NULL,
                             call->pass->gradient != NULL ? &gradient : NULL);
}

const score_host_operation SCORE_HOST_OPERATION(embed) = {.forward = embed_forward,
                                                          .backward = embed_backward};

/* -------- norm -------- */

static double epsilon_of(const score_call *call) {
    const double epsilon = call->tile->network->expert.norm_epsilon;
    return epsilon > 0 ? epsilon : SCORE_LAYERNORM_EPSILON;
}

static void norm_forward(const score_call *call) {
    score_layernorm_forward(&call->tile->streams, score_moving_streams(call), call->tile->view.rows,
                            own_rows(call), width_of(call, call->step->out[0]), epsilon_of(call),
                            score_value(call, 0, 0), score_value(call, 0, 1), score_in(call, 0),
                            score_out(call, 0), score_out(call, 1), score_out(call, 2));
}

static void norm_backward(const score_call *call) {
    score_layernorm_backward(
        &call->tile->streams, score_moving_streams(call), call->tile->view.rows, own_rows(call),
        width_of(call, call->step->out[0]), epsilon_of(call), score_value(call, 0, 0),
        score_out(call, 1), score_out(call, 2), score_out_bar(call, 0), score_in_bar(call, 0),
        score_value_bar(call, 0, 0), score_value_bar(call, 0, 1));
}

const score_host_operation SCORE_HOST_OPERATION(norm) = {.forward = norm_forward,
                                                         .backward = norm_backward,
                                                         .reads = SCORE_SHARE_ROWS,
                                                         .writes = SCORE_SHARE_ROWS};

/* -------- gate -------- */

static void gate_forward(const score_call *call) {
    score_gate_forward(&call->tile->streams, call->pass->streams, call->tile->view.rows,
                       own_rows(call), width_of(call, call->step->out[0]), score_value(call, 0, 0),
                       score_in(call, 0), score_in(call, 1), score_out(call, 0),
                       score_out(call, 1));
}

static void gate_backward(const score_call *call) {
    score_gate_backward(&call->tile->streams, call->pass->streams, call->tile->view.rows,
                        own_rows(call), width_of(call, call->step->out[0]), score_value(call, 0, 0),
                        score_in(call, 0), score_in(call, 1), score_out(call, 1),
                        score_out_bar(call, 0), score_in_bar(call, 0), score_in_bar(call, 1),
                        score_value_bar(call, 0, 0));
}

const score_host_operation SCORE_HOST_OPERATION(gate) = {.forward = gate_forward,
                                                         .backward = gate_backward,
                                                         .reads = SCORE_SHARE_ROWS,
                                                         .writes = SCORE_SHARE_ROWS};

/* -------- activation -------- */

static void activate_forward(const score_call *call) {
    const int array = call->step->out[0], width = width_of(call, array);
    score_activation_forward(call->step->activation, &call->tile->streams, call->pass->streams,
                             score_rows_of(call, array), width,
                             score_share_of_columns(call->share, width), score_in(call, 0),
                             score_out(call, 0), score_out(call, 1));
}

/* In place: the adjoints of what goes in and comes out are one array. */
static void activate_backward(const score_call *call) {
    const int array = call->step->out[0], width = width_of(call, array);
    score_activation_backward(call->step->activation, &call->tile->streams, call->pass->streams,
                              score_rows_of(call, array), width,
                              score_share_of_columns(call->share, width), score_in(call, 0),
                              score_out(call, 1), score_out_bar(call, 0));
}

const score_host_operation SCORE_HOST_OPERATION(activate) = {.forward = activate_forward,
                                                             .backward = activate_backward,
                                                             .reads = SCORE_SHARE_COLUMNS,
                                                             .writes = SCORE_SHARE_COLUMNS};

/* -------- read-out -------- */

static void sum_energy_forward(const score_call *call) {
    const score_tile *tile = call->tile;
    const score_real *weight = score_value(call, 0, 0), bias = *score_value(call, 0, 1);
    const int h = tile->network->expert.hidden, rows = tile->view.rows;
    score_real *output = score_out(call, 0);
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(call->pass->streams, s))
            continue;
        const score_real *node = score_in(call, 0) + (ptrdiff_t)s * rows * h;
        for (int m = 0; m < tile->view.molecules; m++) {
            score_real energy = 0;
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++)
                energy += score_dot(h, weight, node + (ptrdiff_t)i * h) +
                          (tile->streams.order[s] == 0 ? bias : 0);
            output[s * tile->view.molecules + m] = energy;
        }
    }
}

static void sum_energy_backward(const score_call *call) {
    const score_tile *tile = call->tile;
    const score_real *weight = score_value(call, 0, 0), *output_bar = score_out_bar(call, 0);
    score_real *weight_bar = score_value_bar(call, 0, 0), *bias_bar = score_value_bar(call, 0, 1);
    score_real *node_bar = score_in_bar(call, 0);
    const int h = tile->network->expert.hidden, rows = tile->view.rows;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(call->pass->streams, s))
            continue;
        for (int m = 0; m < tile->view.molecules; m++) {
            const score_real bar = output_bar[s * tile->view.molecules + m];
            for (int i = tile->first_row[m]; i < tile->first_row[m + 1]; i++) {
                const ptrdiff_t row = ((ptrdiff_t)s * rows + i) * h;
                for (int k = 0; k < h; k++)
                    node_bar[row + k] = bar * weight[k];
                if (weight_bar == NULL)
                    continue;
                score_add(h, bar, score_in(call, 0) + row, weight_bar);
                if (tile->streams.order[s] == 0)
                    *bias_bar += bar;
            }
        }
    }
}

const score_host_operation SCORE_HOST_OPERATION(sum_energy) = {.forward = sum_energy_forward,
                                                               .backward = sum_energy_backward};

static void negate(const score_call *call, const score_real *in, score_real *out) {
    const score_tile *tile = call->tile;
    const ptrdiff_t size = (ptrdiff_t)tile->view.molecules * tile->network->outputs;
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(call->pass->streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                out[k] = -in[k];
}

static void negate_forward(const score_call *call) {
    negate(call, score_in(call, 0), score_out(call, 0));
}

static void negate_backward(const score_call *call) {
    negate(call, score_out_bar(call, 0), score_in_bar(call, 0));
}

const score_host_operation SCORE_HOST_OPERATION(negate) = {.forward = negate_forward,
                                                           .backward = negate_backward};
