/* AdamW (Loshchilov and Hutter, arXiv 1711.05101), Muon (K. Jordan et al., "Muon: an optimizer for
 * hidden layers in neural networks", 2024) and the moving average of the weights. Every weight
 * decays, biases and norms included, as in the paper's training (optax.adamw without a mask). But for
 * score_muon_update, which takes a whole matrix, all functions work on any piece of the parameter
 * vector, so that pieces may be handled by different threads. */
#ifndef SCORE_OPTIMIZER_H
#define SCORE_OPTIMIZER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/real.h"
#include "model/network.h"
#include "recipe/number_range.h"
#include "recipe/recipe.h"

#define score_optimizer_at SCORE_TYPED(score_optimizer_at)
#define score_optimizer_step_at SCORE_TYPED(score_optimizer_step_at)
#define score_adamw_update SCORE_TYPED(score_adamw_update)
#define score_muon_work_size SCORE_TYPED(score_muon_work_size)
#define score_muon_update SCORE_TYPED(score_muon_update)
#define score_average_update SCORE_TYPED(score_average_update)
#define score_square_sum SCORE_TYPED(score_square_sum)

/* The numbers of one step, the same for every parameter. */
typedef struct score_optimizer_step {
    double number; /* n, from 1 */
    double rate;
    double decay;           /* weight_decay times rate */
    double gradient_scale;  /* from clipping, at most 1 */
    const double *settings; /* of the optimizer */
} score_optimizer_step;

/* Step number `index` counts from 0; `norm` is the gradient's. `config` must outlive it. */
score_optimizer_step score_optimizer_step_at(const score_optimizer_config *config, uint64_t index,
                                             double rate, double norm);

/* One optimizer. It has two arrays as large as the parameters, which checkpoints hold and which are 0
 * at first. */
typedef struct score_optimizer {
    const char *element; /* in recipes */
    score_number_attribute
        attributes[SCORE_OPTIMIZER_SETTINGS + 1]; /* its own; a name NULL ends them */
    /* Writes what it is and its settings, as lines of a run's identity. */
    void (*identify)(FILE *out, int stage, const double *settings);
    /* Moves a piece of `size` parameters. */
    void (*update)(const score_optimizer_step *step, size_t size, const score_real *gradient,
                   score_real *parameters, score_real *first, score_real *second);
    /* Moves a hidden matrix, at matrix->offset of all arrays, with room for `work_size` numbers. NULL:
     * such matrices are parameters like others. */
    size_t (*work_size)(const score_hidden_matrix *matrix);
    void (*update_matrix)(const score_optimizer_step *step, const score_hidden_matrix *matrix,
                          const score_real *gradient, score_real *parameters, score_real *first,
                          score_real *work);
} score_optimizer;

/* NULL after the last. */
const score_optimizer *score_optimizer_at(int kind);

/* size values each: with g the scaled gradient, m = beta1 m + (1 - beta1) g,
 * v = beta2 v + (1 - beta2) g^2, in step n m^ = m/(1 - beta1^n) and v^ = v/(1 - beta2^n),
 * p -= rate m^/(sqrt(v^) + epsilon) + decay p. */
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
