#include "nn/gate.h"

#include "base/vector_math.h"
#include "nn/vector.h"

/* With d = new - old, out = old + d g; the logit is linear, g elementwise, d g bilinear. */

SCORE_INLINE void derive_gate(const score_streams *layout, int rows, const score_real *logit,
                              score_real *l, score_real f[4], score_real *g) {
    for (int s = 0; s < layout->count; s++)
        l[s] = logit[(ptrdiff_t)s * rows];
    f[0] = score_logistic(l[0]);
    f[1] = f[0] * (1 - f[0]);
    f[2] = f[1] * (1 - 2 * f[0]);
    f[3] = f[2] * (1 - 2 * f[0]) - 2 * f[1] * f[1];
    score_chain_forward(layout, ~0u, f, l, g);
}

SCORE_MULTIVERSION
void score_gate_forward(const score_streams *layout, unsigned streams, int rows, int width,
                        const score_real *weight, const score_real *fresh, const score_real *old,
                        score_real *out, score_real *logit) {
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    const score_real *w_new = weight, *w_old = weight + width, *w_change = weight + 2 * width;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int i = 0; i < rows; i++, fresh += width, old += width, out += width, logit++) {
        for (int s = 0; s < layout->count; s++) {
            if (!score_has_stream(streams, s))
                continue;
            const score_real *y = fresh + s * stride, *z = old + s * stride;
            score_real sum = 0;
#pragma omp simd reduction(+ : sum)
            for (int k = 0; k < width; k++)
                sum += w_new[k] * y[k] + w_old[k] * z[k] + w_change[k] * (y[k] - z[k]);
            logit[(ptrdiff_t)s * rows] = sum;
            for (int k = 0; k < width; k++)
                out[s * stride + k] = z[k];
        }
        score_real l[SCORE_MAX_STREAMS] = {0}, f[4], g[SCORE_MAX_STREAMS] = {0};
        derive_gate(layout, rows, logit, l, f, g);
        for (int n = 0; n < term_count; n++) {
            const score_real factor = terms[n].factor * g[terms[n].b];
            const score_real *y = fresh + terms[n].a * stride, *z = old + terms[n].a * stride;
            score_real *o = out + terms[n].out * stride;
            for (int k = 0; k < width; k++)
                o[k] += factor * (y[k] - z[k]);
        }
    }
}

SCORE_MULTIVERSION
void score_gate_backward(const score_streams *layout, unsigned streams, int rows, int width,
                         const score_real *weight, const score_real *fresh, const score_real *old,
                         const score_real *logit, const score_real *out_bar, score_real *fresh_bar,
                         score_real *old_bar, score_real *weight_bar) {
    const ptrdiff_t stride = (ptrdiff_t)rows * width;
    const score_real *w_new = weight, *w_old = weight + width, *w_change = weight + 2 * width;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int i = 0; i < rows; i++, logit++) {
        const ptrdiff_t row = (ptrdiff_t)i * width;
        score_real l[SCORE_MAX_STREAMS] = {0}, f[4], g[SCORE_MAX_STREAMS] = {0};
        score_real g_bar[SCORE_MAX_STREAMS] = {0}, l_bar[SCORE_MAX_STREAMS] = {0};
        derive_gate(layout, rows, logit, l, f, g);
        for (int n = 0; n < term_count; n++) {
            const score_term term = terms[n];
            const ptrdiff_t a = term.a * stride + row;
            const score_real *bar = out_bar + term.out * stride + row;
            const score_real factor = term.factor * g[term.b];
            score_real dot = 0;
#pragma omp simd reduction(+ : dot)
            for (int k = 0; k < width; k++) {
                dot += bar[k] * (fresh[a + k] - old[a + k]);
                fresh_bar[a + k] += factor * bar[k];
                old_bar[a + k] -= factor * bar[k];
            }
            g_bar[term.b] += term.factor * dot;
        }
        score_chain_backward(layout, streams, f, l, g_bar, l_bar);
        for (int s = 0; s < layout->count; s++) {
            if (!score_has_stream(streams, s))
                continue;
            const ptrdiff_t a = s * stride + row;
            for (int k = 0; k < width; k++) {
                fresh_bar[a + k] += l_bar[s] * (w_new[k] + w_change[k]);
                old_bar[a + k] += out_bar[a + k] + l_bar[s] * (w_old[k] - w_change[k]);
            }
            if (weight_bar == NULL)
                continue;
            score_add(width, l_bar[s], fresh + a, weight_bar);
            score_add(width, l_bar[s], old + a, weight_bar + width);
            for (int k = 0; k < width; k++)
                weight_bar[2 * width + k] += l_bar[s] * (fresh[a + k] - old[a + k]);
        }
    }
}
