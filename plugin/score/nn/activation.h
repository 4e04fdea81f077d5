/* Elementwise functions. */
#ifndef SCORE_ACTIVATION_H
#define SCORE_ACTIVATION_H

#include <stddef.h>

#include "nn/streams.h"

#define score_activation_forward SCORE_TYPED(score_activation_forward)
#define score_activation_backward SCORE_TYPED(score_activation_backward)

typedef enum score_activation {
    SCORE_GELU, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), arXiv 1606.08415 */
    SCORE_SWISH /* x / (1 + exp(-x)) */
} score_activation;

/* x, y: [streams][rows][width], of which the columns of `range` are handled. */
void score_activation_forward(score_activation kind, const score_streams *layout, unsigned streams,
                              int rows, int width, score_range range, const score_real *x,
                              score_real *y);

/* In place of y's adjoint, that of x. */
void score_activation_backward(score_activation kind, const score_streams *layout, unsigned streams,
                               int rows, int width, score_range range, const score_real *x,
                               score_real *bar);

#endif
