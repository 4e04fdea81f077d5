/* Loss and gradient of all samples of a step, by several threads.
 *
 * The samples are cut into a fixed number of groups of neighbours, a group into tiles; a group
 * adds up its tiles, in order, into a gradient of its own, and the groups are added in order. So
 * the result does not depend, to the last bit, on the number of threads. */
#ifndef SCORE_MINIBATCH_H
#define SCORE_MINIBATCH_H

#include "losses/losses.h"
#include "losses/sampler.h"
#include "score/executor.h"

#define score_minibatch SCORE_TYPED(score_minibatch)
#define score_minibatch_create SCORE_TYPED(score_minibatch_create)
#define score_minibatch_destroy SCORE_TYPED(score_minibatch_destroy)
#define score_minibatch_evaluate SCORE_TYPED(score_minibatch_evaluate)
#define score_minibatch_tile_samples SCORE_TYPED(score_minibatch_tile_samples)

enum { SCORE_GRADIENT_GROUPS = 8 };

typedef struct score_minibatch score_minibatch;

/* Workspace for at most `threads` threads. `network` must outlive it. A loss is evaluated for the first
 * samples of every group, its share of them and at least one. */
score_status score_minibatch_create(const score_network *network, const score_packed *packed,
                                    const score_loss_setting *setting, int threads,
                                    score_minibatch **minibatch, score_error *error);
void score_minibatch_destroy(score_minibatch *minibatch);

/* The losses in `use` (loss.h) for step `step`: the mean of each over the samples that it is
 * evaluated for, and the gradient of their sum by the parameters, where `gradient` is not NULL
 * (score_packed_gradient_size values, folded: the parameters come first). Losses not in `use` are 0.
 * Not finite where the network's output is not. SCORE_ERROR_FILE: the data cannot be read. */
score_status score_minibatch_evaluate(score_minibatch *minibatch, const score_packed *packed,
                                      const score_sampler *sampler, uint32_t step, unsigned use,
                                      const score_executor *executor,
                                      double losses[SCORE_LOSS_KINDS], score_real *gradient,
                                      score_error *error);

/* Samples in a tile of a model with `beads` beads. */
int score_minibatch_tile_samples(int beads);

#endif
