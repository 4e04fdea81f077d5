/* y = scale (x - mean) / sqrt(variance + epsilon) + bias over the width of a row (arXiv 1607.06450). */
#ifndef SCORE_LAYERNORM_H
#define SCORE_LAYERNORM_H

#include <stddef.h>

#include "nn/streams.h"

#define score_layernorm_forward SCORE_TYPED(score_layernorm_forward)
#define score_layernorm_backward SCORE_TYPED(score_layernorm_backward)

#define SCORE_LAYERNORM_EPSILON 1e-6 /* unless a model says otherwise */

/* x, y, centred: [streams][rows][width], of which the rows of `range` are handled; variance:
 * [streams][rows]; scale, bias: [width]. centred = x - mean and variance are kept for the
 * backward. */
void score_layernorm_forward(const score_streams *layout, unsigned streams, int rows,
                             score_range range, int width, double epsilon, const score_real *scale,
                             const score_real *bias, const score_real *x, score_real *y,
                             score_real *centred, score_real *variance);

/* x_bar, scale_bar, bias_bar += adjoints; scale_bar and bias_bar may both be NULL. */
void score_layernorm_backward(const score_streams *layout, unsigned streams, int rows,
                              score_range range, int width, double epsilon, const score_real *scale,
                              const score_real *centred, const score_real *variance,
                              const score_real *y_bar, score_real *x_bar, score_real *scale_bar,
                              score_real *bias_bar);

#endif
