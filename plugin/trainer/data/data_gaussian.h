/* The Gaussian of the training frames, which lies beneath experts with base="gaussian". Of all
 * Gaussians of its kind it has the greatest likelihood: its mean and covariance are those of the
 * frames, as they are weighted, whatever a stage emphasises.
 *   over beads        frames are turned at random, so the mean is 0 and the covariance, the mean over
 *                     all rotations, G times the unit matrix: G = mean over frames and dimensions of
 *                     x_d x_d^T, beads x beads
 *   over coordinates  mean and covariance of the coordinates
 *   over all          molecules of any size: the mean of the squares of what the model sees of the
 *                     coordinates
 * Where the model is centred, it is worked out in coordinates that do not have the mean over beads:
 * h_k = (x_1 + ... + x_k - k x_(k+1))/sqrt(k (k + 1)), which leave lengths as they are. */
#ifndef SCORE_DATA_GAUSSIAN_H
#define SCORE_DATA_GAUSSIAN_H

#include "data/dataset.h"

/* Modes in order of their variance, the largest first. Directions along which the frames do not move
 * at all, as in a molecule of beads on a line, have the variance 1e-12, less than is left of a
 * coordinate in float. SCORE_ERROR_MEMORY; SCORE_ERROR_FILE. */
score_status score_data_gaussian_create(const score_recipe *recipe, const score_dataset *dataset,
                                        score_gaussian **gaussian, score_error *error);
void score_data_gaussian_destroy(score_gaussian *gaussian);

#endif
