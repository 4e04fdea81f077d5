#include "nn/layernorm.h"

#include <tgmath.h>

#include "nn/vector.h"

/* With c = x - mean, v = mean(c c) and r = (v + eps)^(-1/2): y = scale c r + bias. c is linear in
 * x, v and the product c r are bilinear, r is elementwise. So along a direction
 *   v'  = 2 mean(c c')             y'  = scale (c' r + c r')
 *   v'' = 2 mean(c' c' + c c'')    y'' = scale (c'' r + 2 c' r' + c r'')
 * A row is read three times at most for each direction, all its orders at once. */

/* What a call is about. */
typedef struct norm {
    const score_streams *layout;
    unsigned streams;
    int rows;
    int width;
    ptrdiff_t stride; /* from one stream to the next */
    int direction_count;
    score_direction directions[SCORE_MAX_STREAMS];
} norm;

static norm norm_of(const score_streams *layout, unsigned streams, int rows, int width) {
    norm it = {layout, streams, rows, width, (ptrdiff_t)rows * width, 0, {{0, false}}};
    it.direction_count = score_directions(layout, streams, it.directions);
    return it;
}

/* The streams of v of one row, and from them r with the derivatives f of v -> r. */
typedef struct root {
    score_real v[SCORE_MAX_STREAMS];
    score_real r[SCORE_MAX_STREAMS];
    score_real f[4];
} root;

SCORE_INLINE void derive_root(const norm *it, const score_real *variance, root *of) {
    of->v[0] = variance[0];
    for (int s = 1; s < it->layout->count; s++)
        of->v[s] = variance[(ptrdiff_t)s * it->rows];
    const score_real square = 1 / (of->v[0] + (score_real)SCORE_LAYERNORM_EPSILON);
    of->f[0] = sqrt(square);
    of->f[1] = -of->f[0] * square / 2;
    of->f[2] = -3 * of->f[1] * square / 2;
    of->f[3] = -5 * of->f[2] * square / 2;
    score_chain_forward(it->layout, it->streams | 1u, of->f, of->v, of->r);
}

/* c of one row; returns its v. */
SCORE_INLINE score_real centre(int width, const score_real *x, score_real *c) {
    const score_real mean = score_sum(width, x) / (score_real)width;
    score_real square = 0;
#pragma omp simd reduction(+ : square)
    for (int k = 0; k < width; k++) {
        c[k] = x[k] - mean;
        square += c[k] * c[k];
    }
    return square / (score_real)width;
}

/* c' and v' of one row, and c'' and v'' where `second`, which is a constant. */
SCORE_INLINE void centre_direction(bool second, const norm *it, const score_real *x,
                                   const score_real *c, score_real *c1, score_real *variance) {
    const int width = it->width;
    const score_real *x2 = x + it->stride;
    score_real *c2 = c1 + it->stride;
    const score_real mean1 = score_sum(width, x) / (score_real)width;
    const score_real mean2 = second ? score_sum(width, x2) / (score_real)width : 0;
    score_real first_dot = 0, second_dot = 0;
#pragma omp simd reduction(+ : first_dot, second_dot)
    for (int k = 0; k < width; k++) {
        c1[k] = x[k] - mean1;
        first_dot += c[k] * c1[k];
        if (second) {
            c2[k] = x2[k] - mean2;
            second_dot += c1[k] * c1[k] + c[k] * c2[k];
        }
    }
    variance[0] = 2 * first_dot / (score_real)width;
    if (second)
        variance[it->rows] = 2 * second_dot / (score_real)width;
}

/* y' of one row, and y'' where `second`; r: r', r''. */
SCORE_INLINE void scale_direction(bool second, const norm *it, const score_real *scale,
                                  score_real r0, const score_real *r, const score_real *c,
                                  const score_real *c1, score_real *y) {
    const score_real *c2 = c1 + it->stride;
    score_real *y2 = y + it->stride;
    const score_real r1 = r[0], r2 = second ? r[1] : 0;
#pragma omp simd
    for (int k = 0; k < it->width; k++) {
        y[k] = scale[k] * (c1[k] * r0 + c[k] * r1);
        if (second)
            y2[k] = scale[k] * (c2[k] * r0 + 2 * r1 * c1[k] + c[k] * r2);
    }
}

SCORE_INLINE void forward_row(const norm *it, const score_real *scale, const score_real *bias,
                              const score_real *x, score_real *y, score_real *centred,
                              score_real *variance) {
    if (score_has_stream(it->streams, 0))
        variance[0] = centre(it->width, x, centred);
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        const score_real *xs = x + s * it->stride;
        score_real *cs = centred + s * it->stride, *vs = variance + (ptrdiff_t)s * it->rows;
        if (it->directions[d].second)
            centre_direction(true, it, xs, centred, cs, vs);
        else
            centre_direction(false, it, xs, centred, cs, vs);
    }
    root of;
    derive_root(it, variance, &of);
    if (score_has_stream(it->streams, 0)) {
#pragma omp simd
        for (int k = 0; k < it->width; k++)
            y[k] = scale[k] * (centred[k] * of.r[0]) + bias[k];
    }
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        const score_real *cs = centred + s * it->stride;
        score_real *ys = y + s * it->stride;
        if (it->directions[d].second)
            scale_direction(true, it, scale, of.r[0], of.r + s, centred, cs, ys);
        else
            scale_direction(false, it, scale, of.r[0], of.r + s, centred, cs, ys);
    }
}

void score_layernorm_forward(const score_streams *layout, unsigned streams, int rows,
                             score_range range, int width, const score_real *scale,
                             const score_real *bias, const score_real *x, score_real *y,
                             score_real *centred, score_real *variance) {
    const norm it = norm_of(layout, streams, rows, width);
    for (int i = range.begin; i < range.end; i++) {
        const ptrdiff_t row = (ptrdiff_t)i * width;
        forward_row(&it, scale, bias, x + row, y + row, centred + row, variance + i);
    }
}

/* What the first reading of a row collects. With n = c r the adjoint of n is g = scale y_bar: r's
 * adjoint, and the sums of g, from which follows what the mean takes away. */
typedef struct sums {
    score_real root_bar[SCORE_MAX_STREAMS];
    score_real g[SCORE_MAX_STREAMS];
} sums;

SCORE_INLINE void collect(const norm *it, const score_real *scale, const score_real *c,
                          const score_real *y_bar, sums *to) {
    score_real dot = 0, sum = 0;
#pragma omp simd reduction(+ : dot, sum)
    for (int k = 0; k < it->width; k++) {
        const score_real g = scale[k] * y_bar[k];
        dot += g * c[k];
        sum += g;
    }
    to->root_bar[0] = dot;
    to->g[0] = sum;
}

SCORE_INLINE void collect_direction(bool second, int s, const norm *it, const score_real *scale,
                                    const score_real *centred, const score_real *y_bar, sums *to) {
    const score_real *c1 = centred + s * it->stride, *c2 = c1 + it->stride;
    const score_real *bar1 = y_bar + s * it->stride, *bar2 = bar1 + it->stride;
    score_real root_bar0 = 0, root_bar1 = 0, root_bar2 = 0, sum1 = 0, sum2 = 0;
#pragma omp simd reduction(+ : root_bar0, root_bar1, root_bar2, sum1, sum2)
    for (int k = 0; k < it->width; k++) {
        const score_real g1 = scale[k] * bar1[k];
        sum1 += g1;
        root_bar0 += g1 * c1[k];
        root_bar1 += g1 * centred[k];
        if (second) {
            const score_real g2 = scale[k] * bar2[k];
            sum2 += g2;
            root_bar0 += g2 * c2[k];
            root_bar1 += 2 * g2 * c1[k];
            root_bar2 += g2 * centred[k];
        }
    }
    to->root_bar[0] += root_bar0;
    to->root_bar[s] = root_bar1;
    to->g[s] = sum1;
    if (second) {
        to->root_bar[s + 1] = root_bar2;
        to->g[s + 1] = sum2;
    }
}

/* x_bar of the value, what its own stream contributes; half is v_bar / width. */
SCORE_INLINE void spread(const norm *it, const score_real *scale, score_real r, score_real sum,
                         score_real half, const score_real *c, const score_real *y_bar,
                         score_real *x_bar) {
    const score_real mean = r * sum / (score_real)it->width;
#pragma omp simd
    for (int k = 0; k < it->width; k++)
        x_bar[k] += r * (scale[k] * y_bar[k]) + 2 * half * c[k] - mean;
}

/* What a direction contributes to x_bar of the value and of its own streams. */
SCORE_INLINE void spread_direction(bool second, int s, const norm *it, const score_real *scale,
                                   const root *of, const sums *from, const score_real *v_bar,
                                   const score_real *centred, const score_real *y_bar,
                                   score_real *x_bar) {
    const score_real *c1 = centred + s * it->stride, *c2 = c1 + it->stride;
    const score_real *bar1 = y_bar + s * it->stride, *bar2 = bar1 + it->stride;
    score_real *x1_bar = x_bar + s * it->stride, *x2_bar = x1_bar + it->stride;
    const score_real part = 1 / (score_real)it->width;
    const score_real r0 = of->r[0], r1 = of->r[s], r2 = second ? of->r[s + 1] : 0;
    const score_real g1_sum = from->g[s], g2_sum = second ? from->g[s + 1] : 0;
    const score_real v1 = 2 * v_bar[s] * part, v2 = second ? 2 * v_bar[s + 1] * part : 0;
    const score_real mean0 = (r1 * g1_sum + r2 * g2_sum) * part;
    const score_real mean1 = (r0 * g1_sum + 2 * r1 * g2_sum) * part;
    const score_real mean2 = r0 * g2_sum * part;
#pragma omp simd
    for (int k = 0; k < it->width; k++) {
        const score_real g1 = scale[k] * bar1[k];
        if (second) {
            const score_real g2 = scale[k] * bar2[k];
            x_bar[k] += r1 * g1 + r2 * g2 + v1 * c1[k] + v2 * c2[k] - mean0;
            x1_bar[k] += r0 * g1 + 2 * r1 * g2 + v1 * centred[k] + 2 * v2 * c1[k] - mean1;
            x2_bar[k] += r0 * g2 + v2 * centred[k] - mean2;
        } else {
            x_bar[k] += r1 * g1 + v1 * c1[k] - mean0;
            x1_bar[k] += r0 * g1 + v1 * centred[k] - mean1;
        }
    }
}

SCORE_INLINE void collect_scale(bool second, int s, const norm *it, const root *of,
                                const score_real *centred, const score_real *y_bar,
                                score_real *scale_bar) {
    const score_real *c1 = centred + s * it->stride, *c2 = c1 + it->stride;
    const score_real *bar1 = y_bar + s * it->stride, *bar2 = bar1 + it->stride;
    const score_real r0 = of->r[0], r1 = of->r[s], r2 = second ? of->r[s + 1] : 0;
#pragma omp simd
    for (int k = 0; k < it->width; k++) {
        score_real sum = bar1[k] * (c1[k] * r0 + centred[k] * r1);
        if (second)
            sum += bar2[k] * (c2[k] * r0 + 2 * r1 * c1[k] + centred[k] * r2);
        scale_bar[k] += sum;
    }
}

SCORE_INLINE void collect_parameters(const norm *it, const root *of, const score_real *centred,
                                     const score_real *y_bar, score_real *scale_bar,
                                     score_real *bias_bar) {
    const score_real r = of->r[0];
#pragma omp simd
    for (int k = 0; k < it->width; k++) {
        scale_bar[k] += y_bar[k] * (centred[k] * r);
        bias_bar[k] += y_bar[k];
    }
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        if (it->directions[d].second)
            collect_scale(true, s, it, of, centred, y_bar, scale_bar);
        else
            collect_scale(false, s, it, of, centred, y_bar, scale_bar);
    }
}

SCORE_INLINE void backward_row(const norm *it, const root *of, const score_real *scale,
                               const score_real *centred, const score_real *y_bar,
                               score_real *x_bar) {
    sums from;
    collect(it, scale, centred, y_bar, &from);
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        if (it->directions[d].second)
            collect_direction(true, s, it, scale, centred, y_bar, &from);
        else
            collect_direction(false, s, it, scale, centred, y_bar, &from);
    }
    score_real v_bar[SCORE_MAX_STREAMS] = {0};
    score_chain_backward(it->layout, it->streams, of->f, of->v, from.root_bar, v_bar);
    spread(it, scale, of->r[0], from.g[0], v_bar[0] / (score_real)it->width, centred, y_bar, x_bar);
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        if (it->directions[d].second)
            spread_direction(true, s, it, scale, of, &from, v_bar, centred, y_bar, x_bar);
        else
            spread_direction(false, s, it, scale, of, &from, v_bar, centred, y_bar, x_bar);
    }
}

void score_layernorm_backward(const score_streams *layout, unsigned streams, int rows,
                              score_range range, int width, const score_real *scale,
                              const score_real *centred, const score_real *variance,
                              const score_real *y_bar, score_real *x_bar, score_real *scale_bar,
                              score_real *bias_bar) {
    const norm it = norm_of(layout, streams, rows, width);
    for (int i = range.begin; i < range.end; i++) {
        const ptrdiff_t row = (ptrdiff_t)i * width;
        root of;
        derive_root(&it, variance + i, &of);
        backward_row(&it, &of, scale, centred + row, y_bar + row, x_bar + row);
        if (scale_bar != NULL)
            collect_parameters(&it, &of, centred + row, y_bar + row, scale_bar, bias_bar);
    }
}
