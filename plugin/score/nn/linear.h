/* y = x W + b. x [streams][rows][in], W [in][out], b [out], y [streams][rows][out]. */
#ifndef SCORE_LINEAR_H
#define SCORE_LINEAR_H

#include <stddef.h>

#include "nn/streams.h"

#define score_linear_forward SCORE_TYPED(score_linear_forward)
#define score_linear_backward SCORE_TYPED(score_linear_backward)

void score_linear_forward(unsigned streams, int rows, int in, int out, const score_real *weight,
                          const score_real *bias, const score_real *x, score_real *y);

/* x_bar += y_bar W^T, weight_bar += x^T y_bar, bias_bar += sum over rows of the value's y_bar;
 * x_bar may be NULL, and weight_bar together with bias_bar. */
void score_linear_backward(unsigned streams, int rows, int in, int out, const score_real *weight,
                           const score_real *x, const score_real *y_bar, score_real *x_bar,
                           score_real *weight_bar, score_real *bias_bar);

#endif
