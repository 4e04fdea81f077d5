/* y = x W + b. x [streams][rows][in], W [in][out], b [out], y [streams][rows][out]. W comes packed
 * (nn/product.h): as it is for the forward, transposed for the adjoint of x. */
#ifndef SCORE_LINEAR_H
#define SCORE_LINEAR_H

#include <stddef.h>

#include "nn/product.h"
#include "nn/streams.h"

#define score_linear_forward SCORE_TYPED(score_linear_forward)
#define score_linear_backward SCORE_TYPED(score_linear_backward)
#define score_linear_gradient SCORE_TYPED(score_linear_gradient)

/* The columns of `range` of y; it begins at a whole panel and ends at one or at the last column. */
void score_linear_forward(unsigned streams, int rows, int in, int out, score_range range,
                          const score_real *panels, const score_real *bias, const score_real *x,
                          score_real *y);

/* x_bar = y_bar W^T, the columns of `range` of it, likewise. panels: of W^T. */
void score_linear_backward(unsigned streams, int rows, int in, int out, score_range range,
                           const score_real *panels, const score_real *y_bar, score_real *x_bar);

/* weight_bar += x^T y_bar, bias_bar += sum over rows of the value's y_bar. */
void score_linear_gradient(unsigned streams, int rows, int in, int out, const score_real *x,
                           const score_real *y_bar, score_real *weight_bar, score_real *bias_bar);

#endif
