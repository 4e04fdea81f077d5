#include "subjects.h"

#include <math.h>
#include <string.h>

#include "nn/activation.h"
#include "nn/attention.h"
#include "nn/embedding.h"
#include "nn/gate.h"
#include "nn/layernorm.h"
#include "nn/linear.h"
#include "unit_test.h"

enum { ROWS = 5, MOLECULES = 2, IN = 6, HEADS = 2, WIDTH = 4 };
static const int first_row[MOLECULES + 1] = {0, 3, 5};

/* Rows shorter than a register of any set of instructions, and rows of many and a rest. */
enum { WIDTHS = 2, MAX_WIDTH = 37 };
static const int widths[WIDTHS] = {6, MAX_WIDTH};

static const score_range all_rows = {0, ROWS};

/* Before a call that is to overwrite these streams. */
static void spoil(unsigned streams, int size, double *x) {
    for (int s = 0; s < SCORE_MAX_STREAMS; s++)
        for (int k = 0; score_has_stream(streams, s) && k < size; k++)
            x[s * size + k] = NAN;
}

typedef struct linear_state {
    int in, out;
    double panels[(MAX_WIDTH + SCORE_PANEL) * MAX_WIDTH];
} linear_state;

static void linear_forward(const subject *self, unsigned streams, const double *x,
                           const double *theta, double *y) {
    linear_state *state = self->data;
    const int in = state->in, out = state->out;
    score_panels_pack(in, 0, out, (score_matrix){theta, out, 1}, state->panels);
    spoil(streams, ROWS * out, y);
    score_linear_forward(streams, ROWS, in, out, (score_range){0, out}, state->panels,
                         theta + in * out, x, y);
}

static void linear_backward(const subject *self, unsigned streams, const double *x,
                            const double *theta, const double *y_bar, double *x_bar,
                            double *theta_bar) {
    linear_state *state = self->data;
    const int in = state->in, out = state->out;
    score_panels_pack(out, 0, in, (score_matrix){theta, 1, out}, state->panels);
    spoil(streams, ROWS * in, x_bar);
    score_linear_backward(streams, ROWS, in, out, (score_range){0, in}, state->panels, y_bar,
                          x_bar);
    score_linear_gradient(streams, ROWS, in, out, x, y_bar, theta_bar, theta_bar + in * out);
}

void with_linear(int set, subject_test test) {
    for (int w = 0; w < WIDTHS; w++) {
        static linear_state state;
        const int in = widths[w], out = widths[w] / 2 + 1;
        state.in = in;
        state.out = out;
        const subject self = {"linear",        stream_set(set), ROWS * in,  ROWS * in,
                              ROWS * in,       in * out + out,  ROWS * out, linear_forward,
                              linear_backward, &state};
        test(&self);
    }
}

typedef struct activation_state {
    score_activation kind;
    int width;
    double slope[ROWS * MAX_WIDTH];
} activation_state;

static void activation_forward(const subject *self, unsigned streams, const double *x,
                               const double *theta, double *y) {
    (void)theta;
    activation_state *state = self->data;
    spoil(streams, self->y_size, y);
    score_activation_forward(state->kind, &self->layout, streams, ROWS, state->width,
                             (score_range){0, state->width}, x, y, state->slope);
}

static void activation_backward(const subject *self, unsigned streams, const double *x,
                                const double *theta, const double *y_bar, double *x_bar,
                                double *theta_bar) {
    (void)theta;
    (void)theta_bar;
    const activation_state *state = self->data;
    for (int s = 0; s < self->layout.count; s++)
        if (score_has_stream(streams, s))
            memcpy(x_bar + s * self->x_size, y_bar + s * self->y_size,
                   (size_t)self->x_size * sizeof *x_bar);
    score_activation_backward(state->kind, &self->layout, streams, ROWS, state->width,
                              (score_range){0, state->width}, x, state->slope, x_bar);
}

static void with_activation(const char *name, score_activation kind, int set, subject_test test) {
    for (int w = 0; w < WIDTHS; w++) {
        activation_state state = {kind, widths[w], {0}};
        const int size = ROWS * state.width;
        const subject self = {name,
                              stream_set(set),
                              size,
                              size,
                              size,
                              0,
                              size,
                              activation_forward,
                              activation_backward,
                              &state};
        test(&self);
    }
}

void with_gelu(int set, subject_test test) {
    with_activation("gelu", SCORE_GELU, set, test);
}

void with_gelu_erf(int set, subject_test test) {
    with_activation("gelu with erf", SCORE_GELU_ERF, set, test);
}

void with_swish(int set, subject_test test) {
    with_activation("swish", SCORE_SWISH, set, test);
}

typedef struct norm_state {
    int width;
    double centred[SCORE_MAX_STREAMS * ROWS * MAX_WIDTH];
    double variance[SCORE_MAX_STREAMS * ROWS];
} norm_state;

static void layernorm_forward(const subject *self, unsigned streams, const double *x,
                              const double *theta, double *y) {
    norm_state *state = self->data;
    spoil(streams, self->y_size, y);
    spoil(streams, self->y_size, state->centred);
    spoil(streams, ROWS, state->variance);
    score_layernorm_forward(&self->layout, streams, ROWS, all_rows, state->width, .01, theta,
                            theta + state->width, x, y, state->centred, state->variance);
}

static void layernorm_backward(const subject *self, unsigned streams, const double *x,
                               const double *theta, const double *y_bar, double *x_bar,
                               double *theta_bar) {
    (void)x;
    norm_state *state = self->data;
    score_layernorm_backward(&self->layout, streams, ROWS, all_rows, state->width, .01, theta,
                             state->centred, state->variance, y_bar, x_bar, theta_bar,
                             theta_bar + state->width);
}

void with_layernorm(int set, subject_test test) {
    for (int w = 0; w < WIDTHS; w++) {
        norm_state state = {widths[w], {0}, {0}};
        const int size = ROWS * state.width;
        const subject self = {
            "layernorm",       stream_set(set),    size,  size, size, 2 * state.width, size,
            layernorm_forward, layernorm_backward, &state};
        test(&self);
    }
}

/* The gate's two inputs, side by side in a subject's x, stand apart in memory. */
typedef struct gate_state {
    int width;
    double fresh[SCORE_MAX_STREAMS * ROWS * MAX_WIDTH], old[SCORE_MAX_STREAMS * ROWS * MAX_WIDTH];
    double logit[SCORE_MAX_STREAMS * ROWS];
} gate_state;

static void gate_forward(const subject *self, unsigned streams, const double *x,
                         const double *theta, double *y) {
    gate_state *state = self->data;
    const int size = self->y_size;
    for (int s = 0; s < self->layout.count; s++)
        if (score_has_stream(streams, s)) {
            memcpy(state->fresh + s * size, x + 2 * s * size, (size_t)size * sizeof *x);
            memcpy(state->old + s * size, x + (2 * s + 1) * size, (size_t)size * sizeof *x);
        }
    spoil(streams, size, y);
    spoil(streams, ROWS, state->logit);
    score_gate_forward(&self->layout, streams, ROWS, all_rows, state->width, theta, state->fresh,
                       state->old, y, state->logit);
}

static void gate_backward(const subject *self, unsigned streams, const double *x,
                          const double *theta, const double *y_bar, double *x_bar,
                          double *theta_bar) {
    (void)x;
    gate_state *state = self->data;
    const int size = self->y_size;
    double fresh_bar[SCORE_MAX_STREAMS * ROWS * MAX_WIDTH];
    double old_bar[SCORE_MAX_STREAMS * ROWS * MAX_WIDTH];
    spoil(streams, size, fresh_bar);
    spoil(streams, size, old_bar);
    score_gate_backward(&self->layout, streams, ROWS, all_rows, state->width, theta, state->fresh,
                        state->old, state->logit, y_bar, fresh_bar, old_bar, theta_bar);
    for (int s = 0; s < self->layout.count; s++)
        if (score_has_stream(streams, s)) {
            memcpy(x_bar + 2 * s * size, fresh_bar + s * size, (size_t)size * sizeof *x_bar);
            memcpy(x_bar + (2 * s + 1) * size, old_bar + s * size, (size_t)size * sizeof *x_bar);
        }
}

void with_gate(int set, subject_test test) {
    for (int w = 0; w < WIDTHS; w++) {
        gate_state state = {widths[w], {0}, {0}, {0}};
        const int size = ROWS * state.width;
        const subject self = {"gate",        stream_set(set), 2 * size, 2 * size,
                              2 * size,      3 * state.width, size,     gate_forward,
                              gate_backward, &state};
        test(&self);
    }
}

/* x: q, k, v of all rows, then coordinates; theta: A, then c. */
typedef struct attention_case {
    int heads, width;
    int beads[MOLECULES];
} attention_case;

/* Rows shorter than a register of any set of instructions, and longer ones with a rest. */
static const attention_case attention_cases[] = {{2, 4, {3, 2}}, {1, 20, {2, 11}}, {1, 4, {3, 19}}};

typedef struct attention_arrays {
    score_attention_shape shape;
    int first_row[MOLECULES + 1];
    int qkv_size, x_size; /* of one stream */
    double *qkv, *x, *edge_query, *pair, *shift, *work, *edge_query_bar, *qkv_bar, *x_bar;
} attention_arrays;

static double *take(int size) {
    double *x = calloc((size_t)size, sizeof *x);
    assert_non_null(x);
    return x;
}

static void attention_create(const attention_case *size, const score_streams *layout,
                             attention_arrays *arrays) {
    const int first = size->beads[0], second = size->beads[1], rows = first + second;
    const int pairs = first * first + second * second, all = size->heads * size->width;
    const int streams = layout->count, channels = 3 * rows * size->heads;
    *arrays = (attention_arrays){
        .first_row = {0, first, rows}, .qkv_size = rows * 3 * all, .x_size = rows * 3};
    arrays->shape = (score_attention_shape){.heads = size->heads,
                                            .width = size->width,
                                            .molecules = MOLECULES,
                                            .first_row = arrays->first_row,
                                            .rows = rows,
                                            .pairs = pairs,
                                            .range = {0, size->heads}};
    arrays->qkv = take(streams * arrays->qkv_size);
    arrays->x = take(streams * arrays->x_size);
    arrays->edge_query = take(streams * channels);
    arrays->pair = take(streams * size->heads * pairs);
    arrays->shift = take(streams * channels);
    arrays->work = take((int)score_attention_work_size(layout, first > second ? first : second));
    arrays->edge_query_bar = take(streams * channels);
    arrays->qkv_bar = take(streams * arrays->qkv_size);
    arrays->x_bar = take(size->heads * arrays->x_size);
}

static void attention_destroy(attention_arrays *arrays) {
    free(arrays->qkv);
    free(arrays->x);
    free(arrays->edge_query);
    free(arrays->pair);
    free(arrays->shift);
    free(arrays->work);
    free(arrays->edge_query_bar);
    free(arrays->qkv_bar);
    free(arrays->x_bar);
}

static score_attention_state attention_state(const attention_arrays *arrays) {
    return (score_attention_state){arrays->qkv, arrays->x, arrays->edge_query, arrays->pair,
                                   arrays->shift};
}

static void attention_forward(const subject *self, unsigned streams, const double *x,
                              const double *theta, double *y) {
    attention_arrays *arrays = self->data;
    const int all = arrays->shape.heads * arrays->shape.width;
    for (int s = 0; s < self->layout.count; s++)
        if (score_has_stream(streams, s)) {
            const double *from = x + s * self->x_size;
            memcpy(arrays->qkv + s * arrays->qkv_size, from,
                   (size_t)arrays->qkv_size * sizeof(double));
            memcpy(arrays->x + s * arrays->x_size, from + arrays->qkv_size,
                   (size_t)arrays->x_size * sizeof(double));
        }
    const score_attention_state state = attention_state(arrays);
    spoil(streams, self->y_size, y);
    score_attention_forward(&self->layout, streams, &arrays->shape, theta, theta + 3 * all, &state,
                            y, arrays->work);
}

static void attention_backward(const subject *self, unsigned streams, const double *x,
                               const double *theta, const double *y_bar, double *x_bar,
                               double *theta_bar) {
    (void)x;
    attention_arrays *arrays = self->data;
    const int heads = arrays->shape.heads, all = heads * arrays->shape.width;
    const score_attention_state state = attention_state(arrays);
    spoil(streams, arrays->qkv_size, arrays->qkv_bar);
    memset(arrays->x_bar, 0, (size_t)(heads * arrays->x_size) * sizeof(double));
    score_attention_backward(&self->layout, streams, &arrays->shape, theta, &state, y_bar,
                             arrays->edge_query_bar, arrays->qkv_bar, arrays->x_bar, theta_bar,
                             theta_bar + 3 * all, arrays->work);
    for (int s = 0; s < self->layout.count; s++)
        for (int k = 0; score_has_stream(streams, s) && k < arrays->qkv_size; k++)
            x_bar[s * self->x_size + k] += arrays->qkv_bar[s * arrays->qkv_size + k];
    for (int k = 0; k < heads * arrays->x_size; k++)
        x_bar[arrays->qkv_size + k % arrays->x_size] += arrays->x_bar[k];
}

void with_attention(int set, subject_test test) {
    for (size_t c = 0; c < sizeof attention_cases / sizeof *attention_cases; c++) {
        const score_streams layout = stream_set(set);
        attention_arrays arrays;
        attention_create(&attention_cases[c], &layout, &arrays);
        const int all = arrays.shape.heads * arrays.shape.width;
        const int inputs = arrays.qkv_size + arrays.x_size;
        const subject self = {"attention",
                              layout,
                              inputs,
                              arrays.qkv_size,
                              inputs,
                              4 * all,
                              arrays.shape.rows * all,
                              attention_forward,
                              attention_backward,
                              &arrays};
        test(&self);
        attention_destroy(&arrays);
    }
}

/* x: time features of the molecules; theta: tables, weight, bias. */
enum { TIMES = 4, KINDS = 3, TABLES = 2, TABLE_SIZE = 3 };

static const int bead_features[ROWS * TABLES] = {0, 1, 2, 2, 1, 0, 2, 1, 0, 0};

static int table_numbers(const score_embedding_shape *shape) {
    return shape->tables * TABLE_SIZE * SCORE_EMBEDDING_WIDTH;
}

static int weight_numbers(const score_embedding_shape *shape) {
    return (shape->kinds + shape->tables * SCORE_EMBEDDING_WIDTH + TIMES) * IN;
}

static void embedding_forward(const subject *self, unsigned streams, const double *x,
                              const double *theta, double *y) {
    const score_embedding_shape *shape = self->data;
    const double *weight = theta + table_numbers(shape);
    const score_embedding_parameters parameters = {
        {theta, theta + TABLE_SIZE * SCORE_EMBEDDING_WIDTH},
        weight,
        weight + weight_numbers(shape)};
    score_embedding_forward(&self->layout, streams, shape, &parameters, x, y);
}

static void embedding_backward(const subject *self, unsigned streams, const double *x,
                               const double *theta, const double *y_bar, double *x_bar,
                               double *theta_bar) {
    const score_embedding_shape *shape = self->data;
    const double *weight = theta + table_numbers(shape);
    double *weight_bar = theta_bar + table_numbers(shape);
    const score_embedding_parameters parameters = {
        {theta, theta + TABLE_SIZE * SCORE_EMBEDDING_WIDTH},
        weight,
        weight + weight_numbers(shape)};
    const score_embedding_gradient gradient = {
        {theta_bar, theta_bar + TABLE_SIZE * SCORE_EMBEDDING_WIDTH},
        weight_bar,
        weight_bar + weight_numbers(shape)};
    score_embedding_backward(&self->layout, streams, shape, &parameters, x, y_bar, x_bar,
                             &gradient);
}

static void with_embedding(const char *name, score_embedding_shape *shape, int set,
                           subject_test test) {
    score_streams layout = stream_set(set);
    for (int s = 1; s < layout.count; s++)
        layout.moves_time[s] = true;
    const subject self = {name,
                          layout,
                          MOLECULES * TIMES,
                          MOLECULES * TIMES,
                          MOLECULES * TIMES,
                          table_numbers(shape) + weight_numbers(shape) + IN,
                          ROWS * IN,
                          embedding_forward,
                          embedding_backward,
                          shape};
    test(&self);
}

void with_embedding_kinds(int set, subject_test test) {
    score_embedding_shape shape = {KINDS, 0, TIMES, IN, MOLECULES, ROWS, first_row, NULL};
    with_embedding("embedding of beads", &shape, set, test);
}

void with_embedding_features(int set, subject_test test) {
    score_embedding_shape shape = {0, TABLES, TIMES, IN, MOLECULES, ROWS, first_row, bead_features};
    with_embedding("embedding of features", &shape, set, test);
}
