/* out = g new + (1 - g) old with g = sigmoid(w . [new, old, new - old]), one g a row. */
#ifndef SCORE_GATE_H
#define SCORE_GATE_H

#include <stddef.h>

#include "nn/streams.h"

#define score_gate_forward SCORE_TYPED(score_gate_forward)
#define score_gate_backward SCORE_TYPED(score_gate_backward)

/* fresh ("new"), old, out: [streams][rows][width], of which the rows of `range` are handled;
 * weight: [3][width]; logit: [streams][rows], the argument of the sigmoid, kept for the backward. */
void score_gate_forward(const score_streams *layout, unsigned streams, int rows, score_range range,
                        int width, const score_real *weight, const score_real *fresh,
                        const score_real *old, score_real *out, score_real *logit);

/* fresh_bar, old_bar = adjoints (not in place of out_bar); weight_bar += adjoint, may be NULL. */
void score_gate_backward(const score_streams *layout, unsigned streams, int rows, score_range range,
                         int width, const score_real *weight, const score_real *fresh,
                         const score_real *old, const score_real *logit, const score_real *out_bar,
                         score_real *fresh_bar, score_real *old_bar, score_real *weight_bar);

#endif
