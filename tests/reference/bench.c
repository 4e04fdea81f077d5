#include "bench.h"

#include <string.h>

#include "model/diffusion.h"
#include "unit_test.h"

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count + 1, size);
    assert_non_null(memory);
    return memory;
}

static void require(score_status status, const score_error *error) {
    if (status != SCORE_OK)
        fail_msg("%s", error->message);
}

static const score_streams LAYOUT = {
    .count = STREAMS,
    .order = {0, 1, 2, 1, 2, 1, 2, 1},
    .moves_time = {[LINE] = true, [LINE_2] = true, [LATE] = true},
};

bench bench_create(const fixture *f) {
    bench b = {.f = f};
    score_error error = {0};
    require(score_packed_create(f->network, &b.packed, &error), &error);
    const size_t count = f->network->parameter_count;
    score_real *parameters = allocate(count, sizeof *parameters);
    const double *weights = score_model_parameters_const(f->model, 0);
    for (size_t k = 0; k < count; k++)
        parameters[k] = (score_real)weights[k];
    const score_executor serial = score_executor_serial();
    score_packed_update(b.packed, parameters, &serial);
    free(parameters);

    size_t pairs = 0;
    for (int k = 0; k < f->samples; k++)
        pairs += (size_t)f->beads[k] * (size_t)f->beads[k];
    const score_tile_limits limits = {.molecules = f->samples, .rows = f->rows, .pairs = pairs};
    require(score_tile_create(f->network, &LAYOUT, &limits, &b.tile, &error), &error);
    b.view = score_tile_set_molecules(b.tile, f->samples, f->beads, f->features);
    assert_int_equal(b.view.molecules, f->samples);
    assert_int_equal(b.view.rows, f->rows);
    b.coordinates = (size_t)f->rows * (size_t)f->dimensions;
    b.outputs = (size_t)f->samples * (size_t)f->network->outputs;
    b.gradient = allocate(score_packed_gradient_size(b.packed), sizeof(score_real));
    for (size_t k = 0; k < b.coordinates; k++)
        b.view.x[k] = (score_real)f->x[k];
    for (int k = 0; k < f->samples; k++)
        b.view.t[k] = (score_real)f->t[k];
    return b;
}

void bench_destroy(bench *b) {
    score_tile_destroy(b->tile);
    score_packed_destroy(b->packed);
    free(b->gradient);
}

static score_real *stream_x(const bench *b, int stream) {
    return b->view.x + (size_t)stream * b->coordinates;
}

static score_real *stream_t(const bench *b, int stream) {
    return b->view.t + stream * b->view.molecules;
}

void set_line(const bench *b, int stream, const char *space, const char *time) {
    double *x = fixture_read(b->f, space, b->coordinates);
    for (size_t k = 0; k < b->coordinates; k++)
        stream_x(b, stream)[k] = (score_real)x[k];
    free(x);
    double *t = time == NULL ? allocate((size_t)b->f->samples, sizeof *t)
                             : fixture_read(b->f, time, (size_t)b->f->samples);
    for (int k = 0; k < b->f->samples; k++)
        stream_t(b, stream)[k] = (score_real)t[k];
    free(t);
}

void set_output_bar(const bench *b, int stream, double value) {
    for (size_t k = 0; k < b->outputs; k++)
        b->view.output_bar[(size_t)stream * b->outputs + k] = (score_real)value;
}

void forward(const bench *b, unsigned streams) {
    score_pass pass = {.streams = streams};
    score_forward(b->packed, b->tile, &pass);
}

static void clear_bars(const bench *b) {
    memset(b->view.x_bar, 0, b->coordinates * sizeof(score_real));
    memset(b->view.t_bar, 0, (size_t)b->view.molecules * sizeof(score_real));
}

void backward_to_inputs(const bench *b) {
    clear_bars(b);
    set_output_bar(b, VALUE, -1);
    score_pass pass = {.streams = BIT(VALUE), .wants_time = true};
    score_backward(b->packed, b->tile, &pass);
}

void backward_to_parameters(const bench *b, unsigned streams) {
    const size_t size = score_packed_gradient_size(b->packed);
    memset(b->gradient, 0, size * sizeof(score_real));
    clear_bars(b);
    score_pass pass = {.streams = streams, .gradient = b->gradient};
    score_backward(b->packed, b->tile, &pass);
    score_packed_fold_gradient(b->packed, b->gradient);
}

double *widen(const score_real *values, size_t count) {
    double *wide = allocate(count, sizeof *wide);
    for (size_t k = 0; k < count; k++)
        wide[k] = (double)values[k];
    return wide;
}

/* What a sample contributes to the mean of the losses. */
typedef struct sample_loss {
    double weight;
    double noise;
    double beta;
    int coordinates; /* D */
    int density;     /* D_r */
} sample_loss;

static sample_loss sample_loss_at(const fixture *f, int k) {
    const score_expert_config *expert = &f->network->expert;
    const int removed = f->network->centred ? 1 : 0;
    return (sample_loss){
        .weight = score_equal_weight(f->t[k], f->weight_middle, expert->t_begin, expert->t_end),
        .noise = score_noise(fixture_schedule(f), f->t[k]),
        .beta = score_beta(fixture_schedule(f), f->t[k]),
        .coordinates = fixture_coordinates(f, k),
        .density = (f->beads[k] - removed) * f->dimensions,
    };
}

double add_dsm(const fixture *f, const double *score, double *direction) {
    const int d = f->dimensions;
    double *eps = fixture_read(f, "inputs/eps", (size_t)f->rows * (size_t)d), loss = 0;
    for (int k = 0; k < f->samples; k++) {
        const sample_loss s = sample_loss_at(f, k);
        const double share = s.weight / s.coordinates / f->samples;
        for (int i = f->first_row[k] * d; i < f->first_row[k + 1] * d; i++) {
            const double residual = eps[i] + s.noise * score[i];
            loss += share * residual * residual;
            direction[i] += 2 * share * s.noise * residual;
        }
    }
    free(eps);
    return loss;
}

double add_fp(const bench *b, double *direction, double *direction_t, double *residuals) {
    const fixture *f = b->f;
    const int d = f->dimensions;
    const score_real *hessian1 = b->view.output + Z1_2 * b->outputs;
    const score_real *hessian2 = b->view.output + Z2_2 * b->outputs;
    double loss = 0;
    for (int k = 0; k < f->samples; k++) {
        const sample_loss s = sample_loss_at(f, k);
        double inner = s.density;
        for (int i = f->first_row[k] * d; i < f->first_row[k + 1] * d; i++) {
            const double score = (double)b->view.x_bar[i];
            inner += score * score + f->x[i] * score;
        }
        const double rate = (double)b->view.t_bar[k], half = s.beta / 2;
        const double r1 = rate - half * (inner - (double)hessian1[k]);
        const double r2 = rate - half * (inner - (double)hessian2[k]);
        const double kappa = s.weight / s.coordinates / s.coordinates / f->samples;
        for (int i = f->first_row[k] * d; i < f->first_row[k + 1] * d; i++)
            direction[i] -= kappa * (r1 + r2) * half * (2 * (double)b->view.x_bar[i] + f->x[i]);
        direction_t[k] += kappa * (r1 + r2);
        b->view.output_bar[Z1_2 * b->outputs + (size_t)k] = (score_real)(kappa * half * r2);
        b->view.output_bar[Z2_2 * b->outputs + (size_t)k] = (score_real)(kappa * half * r1);
        residuals[2 * k] = r1;
        residuals[2 * k + 1] = r2;
        loss += kappa * r1 * r2;
    }
    return loss;
}

void set_late(const bench *b, const double *direction, const double *direction_t) {
    for (size_t k = 0; k < b->coordinates; k++)
        stream_x(b, LATE)[k] = (score_real)direction[k];
    for (int k = 0; k < b->f->samples; k++)
        stream_t(b, LATE)[k] = (score_real)direction_t[k];
    forward(b, BIT(LATE));
    set_output_bar(b, VALUE, 0);
    set_output_bar(b, Z1, 0);
    set_output_bar(b, Z2, 0);
    set_output_bar(b, LATE, -1);
}
