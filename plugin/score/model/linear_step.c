/* A dense layer as part of a step, with the packed weights. */
#include "model/blocks.h"

void score_step_linear_forward(const score_packed *packed, const score_dense *dense,
                               unsigned streams, int rows, score_range range, const score_real *x,
                               score_real *y) {
    score_linear_forward(streams, rows, dense->in, dense->out, range, dense->panels,
                         packed->values + dense->bias, x, y);
}

void score_step_linear_backward(const score_dense *dense, unsigned streams, int rows,
                                score_range range, const score_pass *pass, const score_real *x,
                                const score_real *y_bar, score_real *x_bar) {
    score_linear_backward(streams, rows, dense->in, dense->out, range, dense->transposed, y_bar,
                          x_bar);
    if (pass->gradient != NULL)
        score_linear_gradient(streams, rows, dense->in, dense->out, x, y_bar,
                              pass->gradient + dense->weight, pass->gradient + dense->bias);
}
