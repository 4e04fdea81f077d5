/* The step of an optimizer over the whole parameter vector, part by part: pieces of fixed size, or with
 * Muon whole tensors, those that it moves matrix by matrix. The same bits for any number of threads. */
#ifndef SCORE_WEIGHT_UPDATE_H
#define SCORE_WEIGHT_UPDATE_H

#include "optimizer.h"
#include "score/executor.h"

#define score_weight_update_create SCORE_TYPED(score_weight_update_create)
#define score_weight_update_destroy SCORE_TYPED(score_weight_update_destroy)
#define score_weight_update_run SCORE_TYPED(score_weight_update_run)

typedef struct score_weight_update score_weight_update;

/* One parameter each. */
typedef struct score_weight_arrays {
    const score_real *gradient;
    score_real *parameters;
    score_real *first; /* moments of AdamW; the first is Muon's average of gradients */
    score_real *second;
} score_weight_arrays;

/* `network` and `config` must outlive it. SCORE_ERROR_MEMORY. */
score_status score_weight_update_create(const score_network *network,
                                        const score_optimizer_config *config,
                                        const score_executor *executor,
                                        score_weight_update **update, score_error *error);
void score_weight_update_destroy(score_weight_update *update);

void score_weight_update_run(score_weight_update *update, const score_adamw *step,
                             const score_weight_arrays *arrays, const score_executor *executor);

#endif
