/* A step of the optimizer over a whole parameter vector, tensor by tensor, or matrix by matrix where
 * Muon moves them. The same bits for any number of threads. */
#ifndef SCORE_WEIGHT_UPDATE_H
#define SCORE_WEIGHT_UPDATE_H

#include "run/optimizer.h"
#include "score/executor.h"

#define score_weight_update_create SCORE_TYPED(score_weight_update_create)
#define score_weight_update_destroy SCORE_TYPED(score_weight_update_destroy)
#define score_weight_update_run SCORE_TYPED(score_weight_update_run)

typedef struct score_weight_update score_weight_update;

/* [parameter_count] each; the gradient may be longer. */
typedef struct score_weight_arrays {
    const score_real *gradient;
    score_real *parameters;
    score_real *first;  /* AdamW's first moments, Muon's averages of gradients */
    score_real *second; /* AdamW's; Muon leaves them alone */
} score_weight_arrays;

/* For steps of `config`. `network` must outlive it. SCORE_ERROR_MEMORY. */
score_status score_weight_update_create(const score_network *network,
                                        const score_optimizer_config *config, int threads,
                                        score_weight_update **update, score_error *error);
void score_weight_update_destroy(score_weight_update *update);

/* `executor` has at most the threads that it was created for. */
void score_weight_update_run(const score_weight_update *update, const score_optimizer_step *step,
                             const score_weight_arrays *arrays, const score_executor *executor);

#endif
