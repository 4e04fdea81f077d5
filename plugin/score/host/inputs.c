/* Between the inputs of a tile and its network, and back. */
#include <string.h>

#include "host/call.h"
#include "model/diffusion.h"

/* -------- positions -------- */

/* out = in minus the mean over the beads of each molecule, or in. Its own adjoint. */
static void centre(const score_tile *tile, const score_real *in, score_real *out) {
    const int d = tile->network->dimensions;
    for (int m = 0; m < tile->view.molecules; m++) {
        const int begin = tile->first_row[m], end = tile->first_row[m + 1];
        for (int c = 0; c < d; c++) {
            score_real mean = 0;
            if (tile->network->centred) {
                for (int i = begin; i < end; i++)
                    mean += in[i * d + c];
                mean /= (score_real)(end - begin);
            }
            for (int i = begin; i < end; i++)
                out[i * d + c] = in[i * d + c] - mean;
        }
    }
}

static void centre_forward(const score_call *call) {
    const score_tile *tile = call->tile;
    const ptrdiff_t size = (ptrdiff_t)tile->view.rows * tile->network->dimensions;
    score_real *centred = score_out(call, 0);
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(call->pass->streams, s))
            continue;
        if (tile->streams.order[s] < 2)
            centre(tile, tile->view.x + s * size, centred + s * size);
        else
            memset(centred + s * size, 0, (size_t)size * sizeof *centred);
    }
}

static void centre_backward(const score_call *call) {
    const score_tile *tile = call->tile;
    const int d = tile->network->dimensions;
    const int bar = score_array_of(call, call->step->out[0])->adjoint;
    const int parts = score_array_of(call, bar)->extent.row / d;
    const ptrdiff_t size = (ptrdiff_t)tile->view.rows * d;
    score_real *sum = score_out_bar(call, 0);
    for (int part = 1; part < parts; part++)
        for (ptrdiff_t k = 0; k < size; k++)
            sum[k] += sum[part * size + k];
    centre(tile, sum, sum);
    for (ptrdiff_t k = 0; k < size; k++)
        tile->view.x_bar[k] += sum[k];
}

const score_host_operation SCORE_HOST_OPERATION(centre) = {.forward = centre_forward,
                                                           .backward = centre_backward};

/* -------- times -------- */

/* t as a score_real holds it. volatile: gcc 12 takes two such conversions of neighbours in a struct
 * together and drops the rounding. */
static double as_stored(double t) {
    volatile score_real stored = (score_real)t;
    return (double)stored;
}

typedef double derivatives[SCORE_MAX_TIME_FEATURES];

static derivatives *derivatives_of(const score_call *call, int molecule) {
    return (derivatives *)call->tile->arrays[call->step->out[1]] + SCORE_TIME_ORDERS * molecule;
}

/* Time features are elementwise in t, whose second order is zero. The ends of the range are rounded
 * as t is: in float, .6 is more than .6, and a t at the end must not count as outside. */
static void encode_forward(const score_call *call) {
    const score_tile *tile = call->tile;
    const int molecules = tile->view.molecules, count = tile->network->time_features;
    score_real *features = score_out(call, 0);
    score_time_encoding time = tile->network->time;
    time.t_begin = as_stored(time.t_begin);
    time.t_end = as_stored(time.t_end);
    for (int m = 0; m < molecules; m++) {
        derivatives *f = derivatives_of(call, m);
        if (score_has_stream(call->pass->streams, 0))
            score_time_features((double)tile->view.t[m], &time, f);
        for (int s = 0; s < tile->streams.count; s++) {
            if (!score_has_stream(call->pass->streams, s))
                continue;
            const int order = tile->streams.order[s];
            double rate = 1;
            for (int n = 0; n < order; n++)
                rate *= tile->streams.moves_time[s]
                            ? (double)tile->view.t[(s - order + 1) * molecules + m]
                            : 0;
            for (int k = 0; k < count; k++)
                features[(ptrdiff_t)(s * molecules + m) * count + k] = (score_real)(f[order][k] *
                                                                                    rate);
        }
    }
}

/* t_bar += the adjoint of t through the features of every stream. */
static void encode_backward(const score_call *call) {
    const score_tile *tile = call->tile;
    const int molecules = tile->view.molecules, count = tile->network->time_features;
    const score_real *bar = score_out_bar(call, 0);
    for (int m = 0; m < molecules; m++) {
        derivatives *f = derivatives_of(call, m);
        for (int s = 0; s < tile->streams.count; s++) {
            const int order = tile->streams.order[s];
            if (!score_has_stream(call->pass->streams, s) ||
                (order > 0 && !tile->streams.moves_time[s]))
                continue;
            double rate = 1, sum = 0;
            for (int n = 0; n < order; n++)
                rate *= (double)tile->view.t[(s - order + 1) * molecules + m];
            for (int k = 0; k < count; k++)
                sum += (double)bar[(ptrdiff_t)(s * molecules + m) * count + k] * f[order + 1][k];
            tile->view.t_bar[m] += (score_real)(sum * rate);
        }
    }
}

const score_host_operation SCORE_HOST_OPERATION(encode_time) = {.forward = encode_forward,
                                                                .backward = encode_backward};

/* -------- both side by side -------- */

static void join_forward(const score_call *call) {
    const score_tile *tile = call->tile;
    const int d = tile->network->beads * tile->network->dimensions;
    const int t = tile->network->time_features, molecules = tile->view.molecules;
    const score_real *x = score_in(call, 0), *time = score_in(call, 1);
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(call->pass->streams, s))
            continue;
        for (int m = s * molecules; m < (s + 1) * molecules; m++) {
            score_real *both = score_out(call, 0) + (ptrdiff_t)m * (d + t);
            for (int k = 0; k < d; k++)
                both[k] = x[(ptrdiff_t)m * d + k];
            for (int k = 0; k < t; k++)
                both[d + k] = time[(ptrdiff_t)m * t + k];
        }
    }
}

static void join_backward(const score_call *call) {
    const score_tile *tile = call->tile;
    const int d = tile->network->beads * tile->network->dimensions;
    const int t = tile->network->time_features, molecules = tile->view.molecules;
    score_real *x_bar = score_in_bar(call, 0), *time_bar = score_in_bar(call, 1);
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(call->pass->streams, s))
            continue;
        for (int m = s * molecules; m < (s + 1) * molecules; m++) {
            const score_real *bar = score_out_bar(call, 0) + (ptrdiff_t)m * (d + t);
            if (s == 0)
                for (int k = 0; k < d; k++)
                    x_bar[(ptrdiff_t)m * d + k] = bar[k];
            for (int k = 0; k < t; k++)
                time_bar[(ptrdiff_t)m * t + k] = bar[d + k];
        }
    }
}

const score_host_operation SCORE_HOST_OPERATION(join_inputs) = {.forward = join_forward,
                                                                .backward = join_backward};
