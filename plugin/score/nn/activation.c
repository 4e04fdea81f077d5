#include "nn/activation.h"

#include <string.h>

#include "base/vector_math.h"

/* But for the one with erf, functions are f(x) = x s(w(x)) with the logistic function s, since (1 + tanh u)/2 = s(2u):
 * w = x for swish, w = SLOPE x + CUBIC x^3 for GELU. */
#define SLOPE ((score_real)1.59576912160573071176) /* 2 sqrt(2/pi) */
#define CUBIC (SLOPE * (score_real)0.044715)

enum { L = SCORE_LANES };

/* x Phi(x), Phi and phi the distribution and the density of the normal distribution. */
SCORE_INLINE void derive_gelu_erf(int order, score_vector x, score_vector f[4]) {
    const score_vector square = x * x, e = score_exp_lanes(square * (score_real)-0.5);
    const score_vector tail = score_normal_tail_lanes(x, e);
    const score_vector below = score_select(x < score_splat(0), tail, 1 - tail);
    const score_vector density = e * (score_real)0.39894228040143267794; /* 1/sqrt(2 pi) */
    f[0] = x * below;
    f[1] = below + x * density;
    if (order > 1)
        f[2] = density * (2 - square);
    if (order > 2)
        f[3] = x * density * (square - 4);
}

/* f[n] becomes the n-th derivative at x for n <= order, which is at least 1; `kind` and `order` are
 * constants. */
SCORE_INLINE void derive(score_activation kind, int order, score_vector x, score_vector f[4]) {
    if (kind == SCORE_GELU_ERF) {
        derive_gelu_erf(order, x, f);
        return;
    }
    const score_vector one = score_splat(1), square = x * x;
    const score_vector minus_w = kind == SCORE_GELU ? x * (-SLOPE - CUBIC * square) : -x;
    const score_vector e = score_exp_lanes(minus_w);
    const score_vector s = one / (one + e), decline = e * s; /* 1 - s without cancellation */
    score_vector w1 = one, w2 = {0}, w3 = {0};
    if (kind == SCORE_GELU) {
        w1 = SLOPE + 3 * CUBIC * square;
        w2 = 6 * CUBIC * x;
        w3 = score_splat(6 * CUBIC);
    }
    /* d_n: derivatives of s by w; s_n: by x */
    const score_vector d1 = s * decline, s1 = d1 * w1;
    f[0] = x * s;
    f[1] = s + x * s1;
    if (order == 1)
        return;
    const score_vector d2 = d1 * (decline - s), s2 = d2 * w1 * w1 + d1 * w2;
    f[2] = 2 * s1 + x * s2;
    if (order == 2)
        return;
    const score_vector d3 = d1 * (one - 6 * d1);
    const score_vector s3 = d3 * w1 * w1 * w1 + 3 * d2 * w1 * w2 + d1 * w3;
    f[3] = 3 * s2 + x * s3;
}

/* The streams of some numbers: stream s of x, and of y or its adjoint, stands at s * stride. */
typedef struct place {
    const score_real *x;
    ptrdiff_t x_stride;
    score_real *y;
    ptrdiff_t y_stride;
    score_real *slope;
} place;

typedef struct pass {
    unsigned streams;
    int direction_count;
    score_direction directions[SCORE_MAX_STREAMS];
} pass;

/* `has_value` is a constant. */
SCORE_INLINE void forward(score_activation kind, int order, bool has_value, const pass *of,
                          const place *at) {
    score_vector f[4];
    if (order > 1 || has_value)
        derive(kind, order > 1 ? order : 1, score_load(at->x), f);
    else
        f[1] = score_load(at->slope);
    if (has_value) {
        score_store(at->y, f[0]);
        score_store(at->slope, f[1]);
    }
    for (int d = 0; order > 0 && d < of->direction_count; d++) {
        const int s = of->directions[d].first;
        const score_real *x = at->x + s * at->x_stride;
        score_real *y = at->y + s * at->y_stride;
        const score_vector x1 = score_load(x);
        score_store(y, f[1] * x1);
        if (order > 1 && of->directions[d].second)
            score_store(y + at->y_stride, f[1] * score_load(x + at->x_stride) + f[2] * x1 * x1);
    }
}

SCORE_INLINE void backward(score_activation kind, int order, const pass *of, const place *at) {
    score_vector f[4];
    if (order > 1)
        derive(kind, order, score_load(at->x), f);
    else
        f[1] = score_load(at->slope);
    score_vector x0_bar = score_load(at->y) * f[1];
    for (int d = 0; order > 1 && d < of->direction_count; d++) {
        const int s = of->directions[d].first;
        const score_real *x = at->x + s * at->x_stride;
        score_real *bar = at->y + s * at->y_stride;
        const score_vector x1 = score_load(x), y1_bar = score_load(bar);
        score_vector x1_bar = y1_bar * f[1];
        x0_bar += y1_bar * f[2] * x1;
        if (order > 2 && of->directions[d].second) {
            const score_vector x2 = score_load(x + at->x_stride);
            const score_vector y2_bar = score_load(bar + at->y_stride);
            x1_bar += 2 * y2_bar * f[2] * x1;
            x0_bar += y2_bar * (f[2] * x2 + f[3] * x1 * x1);
            score_store(bar + at->y_stride, y2_bar * f[1]);
        }
        score_store(bar, x1_bar);
    }
    score_store(at->y, x0_bar);
}

/* Copies `count` numbers of each of the streams. */
static __attribute__((noinline)) void copy(unsigned streams, int count, const score_real *from,
                                           ptrdiff_t from_stride, score_real *to,
                                           ptrdiff_t to_stride) {
    for (int s = 0; s < SCORE_MAX_STREAMS; s++)
        if (score_has_stream(streams, s))
            memcpy(to + s * to_stride, from + s * from_stride, (size_t)count * sizeof *to);
}

SCORE_INLINE void step(bool goes_forward, score_activation kind, int order, const pass *of,
                       place at) {
    if (!goes_forward)
        backward(kind, order, of, &at);
    else if (score_has_stream(of->streams, 0))
        forward(kind, order, true, of, &at);
    else
        forward(kind, order, false, of, &at);
}

/* A register's worth of every stream at a time. What is left at the end goes through a copy, so
 * that a number is treated alike wherever a range begins and ends. The highest derivative that the
 * pass needs, `order`, is a constant. */
SCORE_INLINE void sweep(bool goes_forward, score_activation kind, int order, const pass *of,
                        ptrdiff_t count, place at) {
    for (; count >= L; count -= L, at.x += L, at.y += L, at.slope += L)
        step(goes_forward, kind, order, of, at);
    if (count == 0)
        return;
    score_real x[SCORE_MAX_STREAMS * L] = {0}, y[SCORE_MAX_STREAMS * L] = {0}, slope[L] = {0};
    copy(of->streams | 1u, (int)count, at.x, at.x_stride, x, L);
    copy(of->streams, (int)count, at.y, at.y_stride, y, L);
    copy(1u, (int)count, at.slope, 0, slope, 0);
    step(goes_forward, kind, order, of, (place){x, L, y, L, slope});
    copy(of->streams, (int)count, y, L, at.y, at.y_stride);
    if (goes_forward)
        copy(1u, (int)count, slope, 0, at.slope, 0);
}

/* The columns of `range`, or all at once where they are all columns. */
SCORE_INLINE void sweep_rows(bool goes_forward, score_activation kind, int order, const pass *of,
                             int rows, int width, score_range range, place at) {
    const bool whole = range.begin == 0 && range.end == width;
    const ptrdiff_t count = whole ? (ptrdiff_t)rows * width : range.end - range.begin;
    at.x += range.begin;
    at.y += range.begin;
    at.slope += range.begin;
    for (int i = 0; i < (whole ? 1 : rows); i++) {
        sweep(goes_forward, kind, order, of, count, at);
        at.x += width;
        at.y += width;
        at.slope += width;
    }
}

static pass pass_over(const score_streams *layout, unsigned streams) {
    pass of = {.streams = streams};
    of.direction_count = score_directions(layout, streams, of.directions);
    return of;
}

/* The highest order of a pass's streams. */
static int highest_order(const pass *of) {
    int order = 0;
    for (int d = 0; d < of->direction_count; d++)
        order = of->directions[d].second ? 2 : order > 1 ? order : 1;
    return order;
}

#define CASE(goes_forward, kind, order)                                                            \
    case 4 * (kind) + (order):                                                                     \
        sweep_rows(goes_forward, kind, order, &of, rows, width, range, at);                        \
        break;

void score_activation_forward(score_activation kind, const score_streams *layout, unsigned streams,
                              int rows, int width, score_range range, const score_real *x,
                              score_real *y, score_real *slope) {
    const pass of = pass_over(layout, streams);
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    const place at = {x, stride, y, stride, slope};
    switch (4 * (int)kind + highest_order(&of)) {
        CASE(true, SCORE_GELU, 0)
        CASE(true, SCORE_GELU, 1)
        CASE(true, SCORE_GELU, 2)
        CASE(true, SCORE_GELU_ERF, 0)
        CASE(true, SCORE_SWISH, 0)
        CASE(true, SCORE_GELU_ERF, 1)
        CASE(true, SCORE_SWISH, 1)
        CASE(true, SCORE_GELU_ERF, 2)
        CASE(true, SCORE_SWISH, 2)
    }
}

void score_activation_backward(score_activation kind, const score_streams *layout, unsigned streams,
                               int rows, int width, score_range range, const score_real *x,
                               const score_real *slope, score_real *bar) {
    const pass of = pass_over(layout, streams);
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    const place at = {x, stride, bar, stride, (score_real *)slope}; /* only read */
    switch (4 * (int)kind + highest_order(&of) + 1) {
        CASE(false, SCORE_GELU, 1)
        CASE(false, SCORE_GELU, 2)
        CASE(false, SCORE_GELU, 3)
        CASE(false, SCORE_GELU_ERF, 1)
        CASE(false, SCORE_SWISH, 1)
        CASE(false, SCORE_GELU_ERF, 2)
        CASE(false, SCORE_SWISH, 2)
        CASE(false, SCORE_GELU_ERF, 3)
        CASE(false, SCORE_SWISH, 3)
    }
}
