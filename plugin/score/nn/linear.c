#include "nn/linear.h"

#include "base/gemm.h"

void score_linear_forward(unsigned streams, int rows, int in, int out, const score_real *weight,
                          const score_real *bias, const score_real *x, score_real *y) {
    const ptrdiff_t x_stride = (ptrdiff_t)rows * in, y_stride = (ptrdiff_t)rows * out;
    for (score_run run = {0}; score_next_run(streams, &run);)
        score_gemm(run.count * rows, out, in, x + run.first * x_stride, weight, 0,
                   y + run.first * y_stride);
    if (score_has_stream(streams, 0))
        for (int i = 0; i < rows; i++, y += out)
            for (int k = 0; k < out; k++)
                y[k] += bias[k];
}

void score_linear_backward(unsigned streams, int rows, int in, int out, const score_real *weight,
                           const score_real *x, const score_real *y_bar, score_real *x_bar,
                           score_real *weight_bar, score_real *bias_bar) {
    const ptrdiff_t x_stride = (ptrdiff_t)rows * in, y_stride = (ptrdiff_t)rows * out;
    for (score_run run = {0}; score_next_run(streams, &run);) {
        const score_real *bar = y_bar + run.first * y_stride;
        if (x_bar != NULL)
            score_gemm_nt(run.count * rows, in, out, bar, weight, x_bar + run.first * x_stride);
        if (weight_bar != NULL)
            score_gemm_tn(in, out, run.count * rows, x + run.first * x_stride, bar, weight_bar);
    }
    if (bias_bar != NULL && score_has_stream(streams, 0))
        for (int i = 0; i < rows; i++, y_bar += out)
            for (int k = 0; k < out; k++)
                bias_bar[k] += y_bar[k];
}
