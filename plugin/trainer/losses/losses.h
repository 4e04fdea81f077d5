/* The losses of one tile of samples and their gradient, in one pass over the network
 * (arXiv 2506.17139, sections 2 and 3; arXiv 2601.21025).
 *
 * l = log q_t = -E, s = dl/dx, D coordinates, D_r of them without the mean over beads, w(t) the
 * weight score_equal_weight. Each loss has its formula in its own loss_<name>.h; it is multiplied by
 * its weight in the recipe and, at x_t, by the sample's own (sampler.h).
 *
 * The gradient of a loss is that of a weighted sum of l, its first derivatives along directions in
 * (x, t) and its second ones, with weights and directions that are known once the score is. The first
 * derivatives share ONE direction, to which every loss adds. So a pass is
 *     forward   the value, and, where a loss has probes, z_1 and z_2 with their second order
 *     backward  the value to the inputs: s and dl/dt
 *     weigh     every loss adds to its sum, to the direction and to the weights
 *     forward   the direction
 *     backward  all streams, to the parameters
 * and, of a loss with a tile of its own, the same for that.
 *
 * An expert that predicts the score by itself is trained without directions: one forward and one
 * backward sweep. */
#ifndef SCORE_LOSSES_H
#define SCORE_LOSSES_H

#include "losses/loss.h"

#define score_losses SCORE_TYPED(score_losses)
#define score_losses_create SCORE_TYPED(score_losses_create)
#define score_losses_destroy SCORE_TYPED(score_losses_destroy)
#define score_losses_room SCORE_TYPED(score_losses_room)
#define score_losses_draw SCORE_TYPED(score_losses_draw)
#define score_losses_evaluate SCORE_TYPED(score_losses_evaluate)

/* Workspace of one thread. */
typedef struct score_losses score_losses;

/* Room for up to max_samples samples. `network` must outlive it; the features are copied. A loss that
 * needs an energy needs an energy expert. */
score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **losses, score_error *error);
void score_losses_destroy(score_losses *losses);

/* Lays out `samples` samples for the losses in `use`, a set of bits 1 << score_loss_kind; the places
 * are valid until the next call. */
score_loss_samples score_losses_room(score_losses *losses, int samples, unsigned use);

/* Draws what the losses that the samples were laid out for need of sample m beside x_t, eps and t.
 * SCORE_ERROR_FILE: the data cannot be read. */
score_status score_losses_draw(const score_losses *losses, const score_loss_draw *of,
                               const score_loss_samples *room, int m, score_error *error);

/* For the losses that the samples were laid out for: adds to sums[kind] the sum over the tile's
 * samples, and, where `gradient` is not NULL, the gradient of the sum over kinds of share[kind]
 * times that to `gradient` (score_packed_gradient_size values, not yet folded). */
void score_losses_evaluate(score_losses *losses, const score_packed *packed,
                           const double share[SCORE_LOSS_KINDS], score_real *gradient,
                           double sums[SCORE_LOSS_KINDS]);

#endif
