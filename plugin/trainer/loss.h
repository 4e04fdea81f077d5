/* The losses of one tile of samples and their gradient, in one pass over the network
 * (arXiv 2506.17139, sections 2 and 3).
 *
 * With l = log q_t = -E, the gradient of every loss in use is that of a weighted sum of l, its first
 * derivatives along directions in (x, t) and its second ones, with weights and directions that are
 * known once the score is. So a pass is
 *     forward   the value, and what streams a loss needs before the score is known
 *     backward  the value to the inputs: score = dl/dx, and dl/dt where a loss wants it
 *     weigh     every loss adds to its value, to the direction of stream 1 and to the weights
 *     forward   stream 1
 *     backward  all streams, to the parameters
 * A further loss is a further term in this sum: the streams that it needs and its `weigh`.
 *
 * An expert that predicts the score by itself is trained on the same denoising loss, without
 * directions: one forward and one backward sweep. */
#ifndef SCORE_LOSS_H
#define SCORE_LOSS_H

#include "model/diffusion.h"
#include "model/tile.h"
#include "recipe.h"

#define score_losses SCORE_TYPED(score_losses)
#define score_losses_create SCORE_TYPED(score_losses_create)
#define score_losses_destroy SCORE_TYPED(score_losses_destroy)
#define score_losses_room SCORE_TYPED(score_losses_room)
#define score_losses_evaluate SCORE_TYPED(score_losses_evaluate)

/* What is the same for all samples. */
typedef struct score_loss_setting {
    score_schedule schedule;
    double t_begin; /* w(t) = weight score_equal_weight(t, weight_middle, t_begin, t_end) */
    double t_end;
    double weight_middle;
    double weight;
    int beads;           /* of every sample */
    const int *features; /* beads x feature_count, or NULL where the network has none */
} score_loss_setting;

/* Workspace of one thread. */
typedef struct score_losses score_losses;

/* Where the samples of a tile go, D = beads x dimensions. */
typedef struct score_loss_samples {
    score_real *x;     /* [samples][D] x_t */
    score_real *noise; /* [samples][D] eps */
    double *t;         /* [samples] */
} score_loss_samples;

/* Room for up to max_samples samples. `network` must outlive it; the features are copied. */
score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **losses, score_error *error);
void score_losses_destroy(score_losses *losses);

/* Lays out `samples` samples; the places are valid until the next call. */
score_loss_samples score_losses_room(score_losses *losses, int samples);

/* The sum over the tile's samples of their loss, and, where `gradient` is not NULL, the gradient of
 * share times that sum, added to `gradient` (score_packed_gradient_size values, not yet folded).
 * Denoising: per sample w(t) mean over the D coordinates of (eps + sigma score)^2. */
double score_losses_evaluate(score_losses *losses, const score_packed *packed, double share,
                             score_real *gradient);

#endif
