#include "nn/linear.h"

#include "nn/vector.h"

void score_linear_forward(unsigned streams, int rows, int in, int out, score_range range,
                          const score_real *panels, const score_real *bias, const score_real *x,
                          score_real *y) {
    const ptrdiff_t x_stride = (ptrdiff_t)rows * in, y_stride = (ptrdiff_t)rows * out;
    if (score_has_stream(streams, 0))
        score_product_panels(rows, in, range.begin, range.end, (score_matrix){x, in, 1}, panels,
                             bias, y, out, false);
    for (score_run run = {0}; score_next_run(streams & ~1u, &run);)
        score_product_panels(run.count * rows, in, range.begin, range.end,
                             (score_matrix){x + run.first * x_stride, in, 1}, panels, NULL,
                             y + run.first * y_stride, out, false);
}

void score_linear_backward(unsigned streams, int rows, int in, int out, score_range range,
                           const score_real *panels, const score_real *y_bar, score_real *x_bar) {
    const ptrdiff_t x_stride = (ptrdiff_t)rows * in, y_stride = (ptrdiff_t)rows * out;
    for (score_run run = {0}; score_next_run(streams, &run);)
        score_product_panels(run.count * rows, out, range.begin, range.end,
                             (score_matrix){y_bar + run.first * y_stride, out, 1}, panels, NULL,
                             x_bar + run.first * x_stride, in, false);
}

void score_linear_gradient(unsigned streams, int rows, int in, int out, const score_real *x,
                           const score_real *y_bar, score_real *weight_bar, score_real *bias_bar) {
    const ptrdiff_t x_stride = (ptrdiff_t)rows * in, y_stride = (ptrdiff_t)rows * out;
    for (score_run run = {0}; score_next_run(streams, &run);)
        score_product(in, out, run.count * rows, 1, (score_matrix){x + run.first * x_stride, 1, in},
                      y_bar + run.first * y_stride, out, weight_bar, out, true);
    if (score_has_stream(streams, 0))
        for (int i = 0; i < rows; i++, y_bar += out)
            score_add(out, 1, y_bar, bias_bar);
}
