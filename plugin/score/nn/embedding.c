#include "nn/embedding.h"

#include <string.h>

#include "nn/vector.h"

/* Rows of the weight that belong to what a bead is; the time features' rows follow. */
static int bead_inputs(const score_embedding_shape *shape) {
    return shape->kinds > 0 ? shape->kinds : SCORE_EMBEDDING_WIDTH * shape->tables;
}

static void add_bead(const score_embedding_shape *shape,
                     const score_embedding_parameters *parameters, int kind, int row,
                     score_real *node) {
    const int width = shape->width;
    const score_real *weight = parameters->weight;
    if (shape->kinds > 0) {
        score_add(width, 1, weight + (ptrdiff_t)kind * width, node);
        return;
    }
    for (int f = 0; f < shape->tables; f++) {
        const int value = shape->features[(ptrdiff_t)row * shape->tables + f];
        const score_real *entry = parameters->table[f] + (ptrdiff_t)value * SCORE_EMBEDDING_WIDTH;
        for (int k = 0; k < SCORE_EMBEDDING_WIDTH; k++, weight += width)
            score_add(width, entry[k], weight, node);
    }
}

static void add_bead_gradient(const score_embedding_shape *shape,
                              const score_embedding_parameters *parameters, int kind, int row,
                              const score_real *node_bar,
                              const score_embedding_gradient *gradient) {
    const int width = shape->width;
    if (shape->kinds > 0) {
        score_add(width, 1, node_bar, gradient->weight + (ptrdiff_t)kind * width);
        return;
    }
    for (int f = 0; f < shape->tables; f++) {
        const int value = shape->features[(ptrdiff_t)row * shape->tables + f];
        const ptrdiff_t entry = (ptrdiff_t)value * SCORE_EMBEDDING_WIDTH;
        for (int k = 0; k < SCORE_EMBEDDING_WIDTH; k++) {
            const ptrdiff_t input = ((ptrdiff_t)f * SCORE_EMBEDDING_WIDTH + k) * width;
            score_add(width, parameters->table[f][entry + k], node_bar, gradient->weight + input);
            gradient->table[f][entry + k] += score_dot(width, node_bar, parameters->weight + input);
        }
    }
}

void score_embedding_forward(const score_streams *layout, unsigned streams,
                             const score_embedding_shape *shape,
                             const score_embedding_parameters *parameters, const score_real *time,
                             score_real *node) {
    const int width = shape->width, features = shape->time_features;
    const score_real *time_weight = parameters->weight + (ptrdiff_t)bead_inputs(shape) * width;
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        score_real *out = node + (ptrdiff_t)s * shape->rows * width;
        memset(out, 0, (size_t)shape->rows * (size_t)width * sizeof *out);
        if (layout->order[s] > 0 && !layout->moves_time[s])
            continue;
        for (int m = 0; m < shape->molecules; m++) {
            const score_real *f = time + ((ptrdiff_t)s * shape->molecules + m) * features;
            for (int i = shape->first_row[m]; i < shape->first_row[m + 1]; i++, out += width) {
                for (int k = 0; k < features; k++)
                    score_add(width, f[k], time_weight + (ptrdiff_t)k * width, out);
                if (layout->order[s] > 0)
                    continue;
                add_bead(shape, parameters, i - shape->first_row[m], i, out);
                score_add(width, 1, parameters->bias, out);
            }
        }
    }
}

void score_embedding_backward(const score_streams *layout, unsigned streams,
                              const score_embedding_shape *shape,
                              const score_embedding_parameters *parameters, const score_real *time,
                              const score_real *node_bar, score_real *time_bar,
                              const score_embedding_gradient *gradient) {
    const int width = shape->width, features = shape->time_features;
    const ptrdiff_t time_row = (ptrdiff_t)bead_inputs(shape) * width;
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s) || (layout->order[s] > 0 && !layout->moves_time[s]))
            continue;
        const score_real *bar = node_bar + (ptrdiff_t)s * shape->rows * width;
        for (int m = 0; m < shape->molecules; m++) {
            const ptrdiff_t f = ((ptrdiff_t)s * shape->molecules + m) * features;
            for (int i = shape->first_row[m]; i < shape->first_row[m + 1]; i++, bar += width) {
                for (int k = 0; k < features; k++) {
                    const ptrdiff_t row = time_row + (ptrdiff_t)k * width;
                    if (time_bar != NULL)
                        time_bar[f + k] += score_dot(width, bar, parameters->weight + row);
                    if (gradient != NULL)
                        score_add(width, time[f + k], bar, gradient->weight + row);
                }
                if (layout->order[s] > 0 || gradient == NULL)
                    continue;
                add_bead_gradient(shape, parameters, i - shape->first_row[m], i, bar, gradient);
                score_add(width, 1, bar, gradient->bias);
            }
        }
    }
}
