/* The losses of one tile of samples and their gradient, in one pass over the network
 * (arXiv 2506.17139, sections 2 and 3; arXiv 2601.21025).
 *
 * With l = log q_t = -E, s = dl/dx, D coordinates, D_r of them without the mean over beads, and the
 * weight w(t) of score_equal_weight, a sample's losses are
 *     denoising       w/D |eps + sigma s|^2
 *     Fokker-Planck   w/D^2 r_1 r_2,  r_k = dl/dt - beta/2 [z_k . H z_k + |s|^2 + x . s + D_r]
 *     classification  log(1 + exp(l(x, t') - l(x, t) - odds)),  time_scale.h
 * each times its weight in the recipe and the sample's own (sampler.h). Where the recipe names a
 * variance, Fokker-Planck's weight w/D^2 is 1/h'(t)^2 instead, h(t) = log(sigma^2 + variance) the
 * scale of time_scale.h: r/h' is the error of log q_t gained per unit of h, in which early times,
 * where r is largest and lasts shortest, count no more than late ones. r is zero for the true
 * log q_t; H is the Hessian of l, z_1 and z_2 are independent, so r_1 r_2 is an unbiased estimate
 * of r^2.
 *
 * The gradient of each is that of a weighted sum of l, its first derivatives along directions in
 * (x, t) and its second ones, with weights and directions that are known once the score is:
 *     denoising       D_u l,  u = 2 w sigma/D (eps + sigma s) along x
 *     Fokker-Planck   kappa (r_1 + r_2) D_a l - kappa beta/2 (r_2 D^2_z1 l + r_1 D^2_z2 l),
 *                     kappa = w/D^2 or 1/h'^2,  a = -beta/2 (2 s + x) along x and 1 along t
 *     classification  p [l(x, t') - l(x, t)],  p the probability of the wrong answer
 * The first derivatives share ONE direction, u + kappa (r_1 + r_2) a. So a pass is
 *     forward   the value, and z_1 and z_2 with their second order
 *     backward  the value to the inputs: s and dl/dt
 *     weigh     every loss adds to its sum, to the direction and to the weights
 *     forward   the direction
 *     backward  all streams, to the parameters
 * and, for classification, one pass of the value at t' in a tile of its own.
 *
 * An expert that predicts the score by itself is trained on the denoising loss alone, without
 * directions: one forward and one backward sweep. */
#ifndef SCORE_LOSS_H
#define SCORE_LOSS_H

#include "model/diffusion.h"
#include "host/tile.h"
#include "recipe.h"

#define score_losses SCORE_TYPED(score_losses)
#define score_losses_create SCORE_TYPED(score_losses_create)
#define score_losses_destroy SCORE_TYPED(score_losses_destroy)
#define score_losses_room SCORE_TYPED(score_losses_room)
#define score_losses_evaluate SCORE_TYPED(score_losses_evaluate)

/* What is the same for all samples. */
typedef struct score_loss_setting {
    score_schedule schedule;
    double t_begin; /* w(t) = score_equal_weight(t, weight_middle, t_begin, t_end) */
    double t_end;
    double weight_middle;
    double weights[SCORE_LOSS_KINDS]; /* 0: not used */
    double fokker_planck_variance;    /* of h(t) above; below 0: the published weight */
    int beads;                        /* of every sample */
    const int *features; /* beads x feature_count, or NULL where the network has none */
} score_loss_setting;

/* Workspace of one thread. */
typedef struct score_losses score_losses;

/* Where the samples of a tile go, D = beads x dimensions. NULL: of a loss that is not used. */
typedef struct score_loss_samples {
    score_real *x;          /* [samples][D] x_t */
    score_real *noise;      /* [samples][D] eps */
    double *t;              /* [samples] */
    double *weight;         /* [samples] of all its losses */
    score_real *probes[2];  /* [samples][D] z_1 and z_2 */
    double *other_t;        /* [samples] t', time_scale.h */
    double *other_log_odds; /* [samples] log of having drawn (t, t') and not (t', t) */
} score_loss_samples;

/* Room for up to max_samples samples. `network` must outlive it; the features are copied. Losses
 * other than denoising need an energy expert. */
score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **losses, score_error *error);
void score_losses_destroy(score_losses *losses);

/* Lays out `samples` samples for the losses in `use`, a set of bits 1 << score_loss_kind that has
 * denoising; the places are valid until the next call. */
score_loss_samples score_losses_room(score_losses *losses, int samples, unsigned use);

/* For the losses that the samples were laid out for: adds to sums[kind] the sum over the tile's
 * samples, and, where `gradient` is not NULL, the gradient of the sum over kinds of share[kind]
 * times that to `gradient` (score_packed_gradient_size values, not yet folded). */
void score_losses_evaluate(score_losses *losses, const score_packed *packed,
                           const double share[SCORE_LOSS_KINDS], score_real *gradient,
                           double sums[SCORE_LOSS_KINDS]);

#endif
