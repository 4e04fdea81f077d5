/* AdamW (Loshchilov and Hutter, arXiv 1711.05101), Muon (K. Jordan et al., "Muon: an optimizer for
 * hidden layers in neural networks", 2024) and the moving average of the weights. Every weight
 * decays, biases and norms included, as in the paper's training (optax.adamw without a mask). But for
 * score_muon_update, which takes a whole matrix, all functions work on any piece of the parameter
 * vector, so that pieces may be handled by different threads. */
#ifndef SCORE_OPTIMIZER_H
#define SCORE_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/real.h"
#include "model/network.h"
#include "recipe/recipe.h"

#define score_optimizer_step_at SCORE_TYPED(score_optimizer_step_at)
#define score_adamw_update SCORE_TYPED(score_adamw_update)
#define score_muon_work_size SCORE_TYPED(score_muon_work_size)
#define score_muon_update SCORE_TYPED(score_muon_update)
#define score_average_update SCORE_TYPED(score_average_update)
#define score_square_sum SCORE_TYPED(score_square_sum)

/* The numbers of one step, the same for every parameter. */
typedef struct score_optimizer_step {
    double rate;
    double momentum; /* Muon's */
    double beta1;
    double beta2;
    double epsilon;
    double decay;       /* weight_decay times rate */
    double correction1; /* 1/(1 - beta1^n) in step n, from 1 */
    double correction2;
    double gradient_scale; /* from clipping, at most 1 */
} score_optimizer_step;

/* Step number `index` counts from 0; `norm` is the gradient's. */
score_optimizer_step score_optimizer_step_at(const score_optimizer_config *config, uint64_t index,
                                             double rate, double norm);

/* size values each: with g the scaled gradient, m = beta1 m + (1 - beta1) g,
 * v = beta2 v + (1 - beta2) g^2, p -= rate m^/(sqrt(v^) + epsilon) + decay p. */
void score_adamw_update(const score_optimizer_step *step, size_t size, const score_real *gradient,
                        score_real *parameters, score_real *first, score_real *second);

/* Numbers that score_muon_update needs to work. */
size_t score_muon_work_size(const score_hidden_matrix *matrix);

/* One matrix of the parameter vector, at matrix->offset of all arrays: with G the scaled gradient,
 * V = momentum V + (1 - momentum) G and O the nearest orthonormal matrix of
 * momentum V + (1 - momentum) G (nn/orthogonal.h),
 *     P -= 0.2 rate sqrt(max(rows, columns)) O + decay P.
 * So an update has the root mean square 0.2 rate where V has full rank, about AdamW's
 * (arXiv 2502.16982). */
void score_muon_update(const score_optimizer_step *step, const score_hidden_matrix *matrix,
                       const score_real *gradient, score_real *parameters, score_real *momenta,
                       score_real *work);

/* average += share (parameters - average); double, for the share can be below float's epsilon. */
void score_average_update(double share, size_t size, const score_real *parameters, double *average);

double score_square_sum(size_t size, const score_real *values);

#endif
