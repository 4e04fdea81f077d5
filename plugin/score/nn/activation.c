#include "nn/activation.h"

#include "base/vector_math.h"

enum { BLOCK = 64 };

/* f[n] is the n-th derivative of the function at x. */
typedef score_real derivatives[4][BLOCK];

SCORE_INLINE void gelu(int count, const score_real *x, derivatives f) {
    const score_real c = (score_real)0.79788456080286535588, a = (score_real)0.044715;
    for (int k = 0; k < count; k++) {
        score_real v = x[k];
        score_real t = score_tanh(c * (v + a * v * v * v));
        /* u = c (x + a x^3), t = tanh u, d = dt/du */
        score_real u1 = c * (1 + 3 * a * v * v), u2 = 6 * c * a * v, u3 = 6 * c * a;
        score_real d = 1 - t * t;
        score_real t1 = d * u1, d1 = -2 * t * t1;
        score_real t2 = d1 * u1 + d * u2;
        score_real d2 = -2 * (t1 * t1 + t * t2);
        score_real t3 = d2 * u1 + 2 * d1 * u2 + d * u3;
        f[0][k] = v * (1 + t) / 2;
        f[1][k] = (1 + t + v * t1) / 2;
        f[2][k] = t1 + v * t2 / 2;
        f[3][k] = (3 * t2 + v * t3) / 2;
    }
}

SCORE_INLINE void swish(int count, const score_real *x, derivatives f) {
    for (int k = 0; k < count; k++) {
        score_real v = x[k], s = score_logistic(v);
        score_real s1 = s * (1 - s), s2 = s1 * (1 - 2 * s), s3 = s2 * (1 - 2 * s) - 2 * s1 * s1;
        f[0][k] = v * s;
        f[1][k] = s + v * s1;
        f[2][k] = 2 * s1 + v * s2;
        f[3][k] = 3 * s2 + v * s3;
    }
}

SCORE_INLINE int derive(score_activation kind, ptrdiff_t left, const score_real *x, derivatives f) {
    int count = left < BLOCK ? (int)left : BLOCK;
    if (kind == SCORE_GELU)
        gelu(count, x, f);
    else
        swish(count, x, f);
    return count;
}

SCORE_MULTIVERSION
void score_activation_forward(score_activation kind, const score_streams *layout, unsigned streams,
                              ptrdiff_t size, const score_real *x, score_real *y) {
    derivatives f;
    for (ptrdiff_t begin = 0; begin < size; begin += BLOCK) {
        int count = derive(kind, size - begin, x + begin, f);
        for (int s = 0; s < layout->count; s++) {
            if (!score_has_stream(streams, s))
                continue;
            const score_real *xs = x + s * size + begin;
            score_real *ys = y + s * size + begin;
            if (layout->order[s] == 0)
                for (int k = 0; k < count; k++)
                    ys[k] = f[0][k];
            else if (layout->order[s] == 1)
                for (int k = 0; k < count; k++)
                    ys[k] = f[1][k] * xs[k];
            else
                for (int k = 0; k < count; k++)
                    ys[k] = f[1][k] * xs[k] + f[2][k] * xs[k - size] * xs[k - size];
        }
    }
}

SCORE_MULTIVERSION
void score_activation_backward(score_activation kind, const score_streams *layout, unsigned streams,
                               ptrdiff_t size, const score_real *x, const score_real *y_bar,
                               score_real *x_bar) {
    derivatives f;
    for (ptrdiff_t begin = 0; begin < size; begin += BLOCK) {
        int count = derive(kind, size - begin, x + begin, f);
        score_real *value_bar = x_bar + begin;
        for (int s = 0; s < layout->count; s++) {
            if (!score_has_stream(streams, s))
                continue;
            const score_real *xs = x + s * size + begin, *bar = y_bar + s * size + begin;
            score_real *xs_bar = x_bar + s * size + begin;
            if (layout->order[s] == 0)
                for (int k = 0; k < count; k++)
                    xs_bar[k] += bar[k] * f[1][k];
            else if (layout->order[s] == 1)
                for (int k = 0; k < count; k++) {
                    xs_bar[k] += bar[k] * f[1][k];
                    value_bar[k] += bar[k] * f[2][k] * xs[k];
                }
            else
                for (int k = 0; k < count; k++) {
                    score_real first = xs[k - size];
                    xs_bar[k] += bar[k] * f[1][k];
                    xs_bar[k - size] += 2 * bar[k] * f[2][k] * first;
                    value_bar[k] += bar[k] * (f[2][k] * xs[k] + f[3][k] * first * first);
                }
        }
    }
}
