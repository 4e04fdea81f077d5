/* Elementwise functions. */
#ifndef SCORE_ACTIVATION_H
#define SCORE_ACTIVATION_H

#include <stddef.h>

#include "nn/activation_kind.h"
#include "nn/streams.h"

#define score_activation_forward SCORE_TYPED(score_activation_forward)
#define score_activation_backward SCORE_TYPED(score_activation_backward)

/* x, y: [streams][rows][width], of which the columns of `range` are handled. slope: [rows][width],
 * the derivative at the value, set by a pass with the value and kept for the others: with it, a
 * pass of first orders alone, and the backward of the value alone, do not read the value of x. */
void score_activation_forward(score_activation kind, const score_streams *layout, unsigned streams,
                              int rows, int width, score_range range, const score_real *x,
                              score_real *y, score_real *slope);

/* In place of y's adjoint, that of x. */
void score_activation_backward(score_activation kind, const score_streams *layout, unsigned streams,
                               int rows, int width, score_range range, const score_real *x,
                               const score_real *slope, score_real *bar);

#endif
