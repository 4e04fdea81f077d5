/* The loss that can be had without learning anything but the data's covariance: the exact denoising
 * loss of the best Gaussian, a mark that a trained model has to get below.
 *
 * Data of covariance C diffuse to the covariance m^2 C + sigma^2; of all Gaussians, the one with
 * this covariance (and the data's mean) has the least loss. Along an eigenvector of C of eigenvalue
 * l, with v = m^2 l + sigma^2, its residual is eps - sigma (m x_0 + sigma eps)/v, of variance
 * m^2 l/v. Where the model is centred it does not see the mean over beads of x_t, and the residual
 * there is eps, of variance 1: `dimensions` more terms of 1 (along which l = 0). So
 *     loss = mean over t of w(t)/D [unseen + sum over k of m^2 l_k/(m^2 l_k + sigma^2)].
 * Where frames are turned at random, the mean is 0 and the covariance, the mean over all rotations,
 * is <x_a . x_b>/3 times the unit matrix for the beads a and b. */
#ifndef SCORE_GAUSSIAN_H
#define SCORE_GAUSSIAN_H

#include "data/dataset.h"
#include "model/diffusion.h"

/* Eigenvalues (in no order) of the symmetric n x n matrix a, which is overwritten; and, unless it is
 * NULL, the vector of length 1 that belongs to each, a row of `vectors` (n x n). */
void score_symmetric_eigenvalues(int n, double *a, double *eigenvalues, double *vectors);

/* The mean over the stage's times above, of `count` eigenvalues that each count `times` times,
 * and `unseen` directions. */
double score_gaussian_loss(score_noise_schedule schedule, const score_stage *stage, int count,
                           const double *eigenvalues, int times, int unseen);

/* The same for the training frames and stage `stage` of a recipe. Not a number where the model is
 * too large for it to be worth the time. SCORE_ERROR_MEMORY, SCORE_ERROR_FILE. */
score_status score_gaussian_data_loss(const score_recipe *recipe, const score_dataset *dataset,
                                      int stage, double *loss, score_error *error);

#endif
