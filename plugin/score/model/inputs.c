/* Between a tile and its network: centred coordinates and time features, and back; the sign of a
 * score. */
#include <string.h>

#include "model/blocks.h"
#include "model/diffusion.h"

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

static void set_coordinates(score_tile *tile, const score_pass *pass) {
    const ptrdiff_t size = (ptrdiff_t)tile->view.rows * tile->network->dimensions;
    for (int s = 0; s < tile->streams.count; s++) {
        if (!score_has_stream(pass->streams, s))
            continue;
        if (tile->streams.order[s] < 2)
            centre(tile, tile->view.x + s * size, tile->centred + s * size);
        else
            memset(tile->centred + s * size, 0, (size_t)size * sizeof *tile->centred);
    }
}

/* t as a score_real holds it. volatile: gcc 12 takes two such conversions of neighbours in a struct
 * together and drops the rounding. */
static double as_stored(double t) {
    volatile score_real stored = (score_real)t;
    return (double)stored;
}

/* Time features are elementwise in t, whose second order is zero. The ends of the range are rounded
 * as t is: in float, .6 is more than .6, and a t at the end must not count as outside. */
static void set_times(score_tile *tile, const score_pass *pass) {
    const score_network *network = tile->network;
    const int molecules = tile->view.molecules, count = network->time_features;
    score_time_encoding time = network->time;
    time.t_begin = as_stored(time.t_begin);
    time.t_end = as_stored(time.t_end);
    for (int m = 0; m < molecules; m++) {
        double(*f)[SCORE_MAX_TIME_FEATURES] = (double(*)[SCORE_MAX_TIME_FEATURES])
                                                  tile->time_derivatives +
                                              4 * m;
        if (score_has_stream(pass->streams, 0))
            score_time_features((double)tile->view.t[m], &time, f);
        for (int s = 0; s < tile->streams.count; s++) {
            if (!score_has_stream(pass->streams, s))
                continue;
            const int order = tile->streams.order[s];
            double rate = 1;
            for (int n = 0; n < order; n++)
                rate *= tile->streams.moves_time[s]
                            ? (double)tile->view.t[(s - order + 1) * molecules + m]
                            : 0;
            for (int k = 0; k < count; k++)
                tile->time[(ptrdiff_t)(s * molecules + m) * count + k] = (score_real)(f[order][k] *
                                                                                      rate);
        }
    }
}

/* t_bar += the adjoint of t through the features of every stream. */
static void collect_times(score_tile *tile, const score_pass *pass) {
    const int molecules = tile->view.molecules, count = tile->network->time_features;
    for (int m = 0; m < molecules; m++) {
        double(*f)[SCORE_MAX_TIME_FEATURES] = (double(*)[SCORE_MAX_TIME_FEATURES])
                                                  tile->time_derivatives +
                                              4 * m;
        for (int s = 0; s < tile->streams.count; s++) {
            const int order = tile->streams.order[s];
            if (!score_has_stream(pass->streams, s) || (order > 0 && !tile->streams.moves_time[s]))
                continue;
            double rate = 1, sum = 0;
            for (int n = 0; n < order; n++)
                rate *= (double)tile->view.t[(s - order + 1) * molecules + m];
            for (int k = 0; k < count; k++)
                sum += (double)tile->time_bar[(ptrdiff_t)(s * molecules + m) * count + k] *
                       f[order + 1][k];
            tile->view.t_bar[m] += (score_real)(sum * rate);
        }
    }
}

void score_inputs_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                          int layer, score_share share) {
    (void)packed;
    (void)layer;
    if (share.part > 0)
        return;
    set_coordinates(tile, pass);
    if (pass->constants == NULL)
        set_times(tile, pass);
}

void score_inputs_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                           int layer, score_share share) {
    (void)packed;
    (void)layer;
    if (share.part > 0)
        return;
    const ptrdiff_t size = (ptrdiff_t)tile->view.rows * tile->network->dimensions;
    score_real *sum = tile->centred_bar;
    for (ptrdiff_t k = 0; k < size; k++)
        for (int part = 1; part < tile->centred_bar_parts; part++)
            sum[k] += tile->centred_bar[part * size + k];
    centre(tile, sum, sum);
    for (ptrdiff_t k = 0; k < size; k++)
        tile->view.x_bar[k] += sum[k];
    if (pass->wants_time)
        collect_times(tile, pass);
}

void score_negate_outputs(const score_tile *tile, unsigned streams, const score_real *in,
                          score_real *out) {
    const ptrdiff_t size = (ptrdiff_t)tile->view.molecules * tile->network->outputs;
    for (int s = 0; s < tile->streams.count; s++)
        if (score_has_stream(streams, s))
            for (ptrdiff_t k = s * size; k < (s + 1) * size; k++)
                out[k] = -in[k];
}
