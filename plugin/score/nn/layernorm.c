#include "nn/layernorm.h"

#include <math.h>

#include "nn/vector.h"

/* With c = x - mean, v = mean(c c) and r = (v + eps)^(-1/2): y = scale c r + bias. c is linear in
 * x, v and the product c r are bilinear, r is elementwise. */

/* The streams of v of one row, and from them r with the derivatives f of v -> r. */
SCORE_INLINE void derive_root(const score_streams *layout, int rows, const score_real *variance,
                              score_real *v, score_real f[4], score_real *root) {
    for (int s = 0; s < layout->count; s++)
        v[s] = variance[(ptrdiff_t)s * rows];
    const score_real square = 1 / (v[0] + (score_real)SCORE_LAYERNORM_EPSILON);
    f[0] = (score_real)sqrt((double)square);
    f[1] = -f[0] * square / 2;
    f[2] = -3 * f[1] * square / 2;
    f[3] = -5 * f[2] * square / 2;
    score_chain_forward(layout, ~0u, f, v, root);
}

SCORE_MULTIVERSION
void score_layernorm_forward(const score_streams *layout, unsigned streams, int rows, int width,
                             const score_real *scale, const score_real *bias, const score_real *x,
                             score_real *y, score_real *centred, score_real *variance) {
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int i = 0; i < rows; i++, x += width, y += width, centred += width, variance++) {
        for (int s = 0; s < layout->count; s++) {
            if (!score_has_stream(streams, s))
                continue;
            const score_real *xs = x + s * stride;
            score_real *cs = centred + s * stride, *ys = y + s * stride;
            const score_real mean = score_sum(width, xs) / (score_real)width;
            for (int k = 0; k < width; k++)
                cs[k] = xs[k] - mean;
            for (int k = 0; k < width; k++)
                ys[k] = layout->order[s] == 0 ? bias[k] : 0;
            variance[(ptrdiff_t)s * rows] = 0;
        }
        for (int n = 0; n < term_count; n++) {
            const score_term term = terms[n];
            variance[(ptrdiff_t)term.out * rows] += term.factor / (score_real)width *
                                                    score_dot(width, centred + term.a * stride,
                                                              centred + term.b * stride);
        }
        score_real v[SCORE_MAX_STREAMS] = {0}, f[4], root[SCORE_MAX_STREAMS] = {0};
        derive_root(layout, rows, variance, v, f, root);
        for (int n = 0; n < term_count; n++) {
            const score_real factor = terms[n].factor * root[terms[n].b];
            const score_real *ca = centred + terms[n].a * stride;
            score_real *yo = y + terms[n].out * stride;
            for (int k = 0; k < width; k++)
                yo[k] += factor * scale[k] * ca[k];
        }
    }
}

SCORE_MULTIVERSION
void score_layernorm_backward(const score_streams *layout, unsigned streams, int rows, int width,
                              const score_real *scale, const score_real *centred,
                              const score_real *variance, const score_real *y_bar,
                              score_real *x_bar, score_real *scale_bar, score_real *bias_bar) {
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int i = 0; i < rows; i++, y_bar += width, x_bar += width, centred += width, variance++) {
        score_real v[SCORE_MAX_STREAMS] = {0}, f[4], root[SCORE_MAX_STREAMS] = {0};
        derive_root(layout, rows, variance, v, f, root);
        /* n = c r: the adjoint of n is scale y_bar, and c's part of it is left in x_bar; what the
         * mean takes away is collected on the way. */
        score_real root_bar[SCORE_MAX_STREAMS] = {0}, v_bar[SCORE_MAX_STREAMS] = {0};
        score_real mean_bar[SCORE_MAX_STREAMS] = {0};
        for (int n = 0; n < term_count; n++) {
            const score_term term = terms[n];
            const score_real *bar = y_bar + term.out * stride, *ca = centred + term.a * stride;
            const score_real factor = term.factor * root[term.b];
            score_real *xa = x_bar + term.a * stride;
            score_real dot = 0, sum = 0;
#pragma omp simd reduction(+ : dot, sum)
            for (int k = 0; k < width; k++) {
                const score_real product = scale[k] * bar[k];
                dot += product * ca[k];
                sum += product;
                xa[k] += factor * product;
            }
            root_bar[term.b] += term.factor * dot;
            mean_bar[term.a] += factor * sum;
            if (scale_bar != NULL)
                for (int k = 0; k < width; k++)
                    scale_bar[k] += factor * bar[k] * ca[k];
        }
        if (bias_bar != NULL && score_has_stream(streams, 0))
            score_add(width, 1, y_bar, bias_bar);
        score_chain_backward(layout, streams, f, v, root_bar, v_bar);
        /* v = mean(c c), whose two factors are the same c */
        for (int n = 0; n < term_count; n++) {
            const score_term term = terms[n];
            const score_real factor = term.factor * v_bar[term.out] / (score_real)width;
            score_add(width, factor, centred + term.a * stride, x_bar + term.b * stride);
            score_add(width, factor, centred + term.b * stride, x_bar + term.a * stride);
        }
        for (int s = 0; s < layout->count; s++)
            if (mean_bar[s] != 0)
                for (int k = 0; k < width; k++)
                    x_bar[s * stride + k] -= mean_bar[s] / (score_real)width;
    }
}
