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
    score_real epsilon;
    ptrdiff_t stride; /* from one stream to the next */
    int direction_count;
    score_direction directions[SCORE_MAX_STREAMS];
} norm;

static norm norm_of(const score_streams *layout, unsigned streams, int rows, int width,
                    double epsilon) {
    norm it = {layout, streams,     rows, width, (score_real)epsilon, (ptrdiff_t)rows * width,
               0,      {{0, false}}};
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
    for (int s = 0; s < it->layout->count; s++)
        of->v[s] = variance[(ptrdiff_t)s * it->rows];
    const score_real square = 1 / (of->v[0] + it->epsilon);
    of->f[0] = sqrt(square);
    of->f[1] = -of->f[0] * square / 2;
    of->f[2] = -3 * of->f[1] * square / 2;
    of->f[3] = -5 * of->f[2] * square / 2;
    score_chain_forward(it->layout, it->streams | 1u, of->f, of->v, of->r);
}

/* c of one row; returns its v. */
SCORE_INLINE score_real centre(int width, const score_real *x, score_real *c) {
    const score_real mean = score_sum(width, x) / (score_real)width;
    SCORE_EACH_VECTOR(width, SCORE_WRITE(c, SCORE_READ(x) - mean););
    return score_dot(width, c, c) / (score_real)width;
}

/* c' and v' of one row, and c'' and v'' where `second`, which is a constant. */
SCORE_INLINE void centre_direction(bool second, const norm *it, const score_real *x,
                                   const score_real *c, score_real *c1, score_real *variance) {
    const int width = it->width;
    const score_real *x2 = x + it->stride;
    score_real *c2 = c1 + it->stride;
    const score_real mean1 = score_sum(width, x) / (score_real)width;
    const score_real mean2 = second ? score_sum(width, x2) / (score_real)width : 0;
    SCORE_EACH_VECTOR(width, {
        SCORE_WRITE(c1, SCORE_READ(x) - mean1);
        if (second)
            SCORE_WRITE(c2, SCORE_READ(x2) - mean2);
    });
    variance[0] = 2 * score_dot(width, c, c1) / (score_real)width;
    if (second)
        variance[it->rows] = 2 * (score_dot(width, c1, c1) + score_dot(width, c, c2)) /
                             (score_real)width;
}

/* y' of one row, and y'' where `second`; r: r', r''. */
SCORE_INLINE void scale_direction(bool second, const norm *it, const score_real *scale,
                                  score_real r0, const score_real *r, const score_real *c,
                                  const score_real *c1, score_real *y) {
    const score_real *c2 = c1 + it->stride;
    score_real *y2 = y + it->stride;
    const score_real r1 = r[0], r2 = second ? r[1] : 0;
    SCORE_EACH_VECTOR(it->width, {
        const score_vector a = SCORE_READ(scale), value = SCORE_READ(c), first = SCORE_READ(c1);
        SCORE_WRITE(y, a * (first * r0 + value * r1));
        if (second)
            SCORE_WRITE(y2, a * (SCORE_READ(c2) * r0 + 2 * r1 * first + value * r2));
    });
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
    root of = {{0}, {0}, {0}};
    derive_root(it, variance, &of);
    if (score_has_stream(it->streams, 0))
        SCORE_EACH_VECTOR(it->width,
                          SCORE_WRITE(y, SCORE_READ(scale) * (SCORE_READ(centred) * of.r[0]) +
                                             SCORE_READ(bias)););
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
                             score_range range, int width, double epsilon, const score_real *scale,
                             const score_real *bias, const score_real *x, score_real *y,
                             score_real *centred, score_real *variance) {
    const norm it = norm_of(layout, streams, rows, width, epsilon);
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
    score_vector dot = {0}, sum = {0};
    SCORE_EACH_VECTOR(it->width, {
        const score_vector g = SCORE_READ(scale) * SCORE_READ(y_bar);
        dot += g * SCORE_READ(c);
        sum += g;
    });
    to->root_bar[0] = score_lane_sum(dot);
    to->g[0] = score_lane_sum(sum);
}

SCORE_INLINE void collect_direction(bool second, int s, const norm *it, const score_real *scale,
                                    const score_real *centred, const score_real *y_bar, sums *to) {
    const score_real *c1 = centred + s * it->stride, *c2 = c1 + it->stride;
    const score_real *bar1 = y_bar + s * it->stride, *bar2 = bar1 + it->stride;
    score_vector root_bar0 = {0}, root_bar1 = {0}, root_bar2 = {0}, sum1 = {0}, sum2 = {0};
    SCORE_EACH_VECTOR(it->width, {
        const score_vector a = SCORE_READ(scale), value = SCORE_READ(centred),
                           first = SCORE_READ(c1);
        const score_vector g1 = a * SCORE_READ(bar1);
        sum1 += g1;
        root_bar0 += g1 * first;
        root_bar1 += g1 * value;
        if (second) {
            const score_vector g2 = a * SCORE_READ(bar2);
            sum2 += g2;
            root_bar0 += g2 * SCORE_READ(c2);
            root_bar1 += 2 * g2 * first;
            root_bar2 += g2 * value;
        }
    });
    to->root_bar[0] += score_lane_sum(root_bar0);
    to->root_bar[s] = score_lane_sum(root_bar1);
    to->g[s] = score_lane_sum(sum1);
    if (second) {
        to->root_bar[s + 1] = score_lane_sum(root_bar2);
        to->g[s + 1] = score_lane_sum(sum2);
    }
}

/* What the value's own stream contributes to its x_bar. */
SCORE_INLINE void spread(const norm *it, const score_real *scale, score_real r, score_real sum,
                         score_real v_bar, const score_real *c, const score_real *y_bar,
                         score_real *x_bar) {
    const score_real part = 1 / (score_real)it->width, mean = r * sum * part;
    const score_real slope = 2 * v_bar * part;
    SCORE_EACH_VECTOR(it->width, SCORE_WRITE(x_bar, SCORE_READ(x_bar) +
                                                        SCORE_READ(scale) * SCORE_READ(y_bar) * r +
                                                        SCORE_READ(c) * slope - mean););
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
    SCORE_EACH_VECTOR(it->width, {
        const score_vector a = SCORE_READ(scale), value = SCORE_READ(centred),
                           first = SCORE_READ(c1);
        const score_vector g1 = a * SCORE_READ(bar1);
        score_vector bar = g1 * r1 + first * v1 - mean0;
        score_vector first_bar = g1 * r0 + value * v1 - mean1;
        if (second) {
            const score_vector g2 = a * SCORE_READ(bar2);
            bar += g2 * r2 + SCORE_READ(c2) * v2;
            first_bar += 2 * (g2 * r1 + first * v2);
            SCORE_WRITE(x2_bar, SCORE_READ(x2_bar) + g2 * r0 + value * v2 - mean2);
        }
        SCORE_WRITE(x_bar, SCORE_READ(x_bar) + bar);
        SCORE_WRITE(x1_bar, SCORE_READ(x1_bar) + first_bar);
    });
}

SCORE_INLINE void collect_scale(bool second, int s, const norm *it, const root *of,
                                const score_real *centred, const score_real *y_bar,
                                score_real *scale_bar) {
    const score_real *c1 = centred + s * it->stride, *c2 = c1 + it->stride;
    const score_real *bar1 = y_bar + s * it->stride, *bar2 = bar1 + it->stride;
    const score_real r0 = of->r[0], r1 = of->r[s], r2 = second ? of->r[s + 1] : 0;
    SCORE_EACH_VECTOR(it->width, {
        const score_vector value = SCORE_READ(centred), first = SCORE_READ(c1);
        score_vector sum = SCORE_READ(bar1) * (first * r0 + value * r1);
        if (second)
            sum += SCORE_READ(bar2) * (SCORE_READ(c2) * r0 + 2 * r1 * first + value * r2);
        SCORE_WRITE(scale_bar, SCORE_READ(scale_bar) + sum);
    });
}

SCORE_INLINE void collect_parameters(const norm *it, const root *of, const score_real *centred,
                                     const score_real *y_bar, score_real *scale_bar,
                                     score_real *bias_bar) {
    SCORE_EACH_VECTOR(it->width, {
        const score_vector bar = SCORE_READ(y_bar);
        SCORE_WRITE(scale_bar, SCORE_READ(scale_bar) + bar * (SCORE_READ(centred) * of->r[0]));
        SCORE_WRITE(bias_bar, SCORE_READ(bias_bar) + bar);
    });
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
    sums from = {{0}, {0}};
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
    spread(it, scale, of->r[0], from.g[0], v_bar[0], centred, y_bar, x_bar);
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        if (it->directions[d].second)
            spread_direction(true, s, it, scale, of, &from, v_bar, centred, y_bar, x_bar);
        else
            spread_direction(false, s, it, scale, of, &from, v_bar, centred, y_bar, x_bar);
    }
}

void score_layernorm_backward(const score_streams *layout, unsigned streams, int rows,
                              score_range range, int width, double epsilon, const score_real *scale,
                              const score_real *centred, const score_real *variance,
                              const score_real *y_bar, score_real *x_bar, score_real *scale_bar,
                              score_real *bias_bar) {
    const norm it = norm_of(layout, streams, rows, width, epsilon);
    for (int i = range.begin; i < range.end; i++) {
        const ptrdiff_t row = (ptrdiff_t)i * width;
        root of = {{0}, {0}, {0}};
        derive_root(&it, variance + i, &of);
        backward_row(&it, &of, scale, centred + row, y_bar + row, x_bar + row);
        if (scale_bar != NULL)
            collect_parameters(&it, &of, centred + row, y_bar + row, scale_bar, bias_bar);
    }
}
