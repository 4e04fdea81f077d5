/* Gaussians of every kind, and their density at any time by linear algebra that knows no modes. */
#ifndef GAUSSIANS_H
#define GAUSSIANS_H

#include "model/diffusion.h"
#include "score/model.h"

enum { GAUSSIAN_KINDS = 9, GAUSSIAN_MOST = 12 }; /* coordinates */

typedef struct gaussian_kind {
    const char *name;
    score_gaussian gaussian;
    int dimensions;
    int centred;
    int beads; /* where over all, those of the larger of two sizes of molecules */
} gaussian_kind;

/* Kind k, 0 to GAUSSIAN_KINDS - 1; what it points to is there until the next call with this k. */
gaussian_kind gaussian_of_kind(int k);

/* log g_t(x) of x (beads x dimensions), normalised in what a model of this kind sees of x: the mean
 * over beads does not matter where it is centred. */
double exact_log_density(const gaussian_kind *kind, score_noise_schedule schedule, int beads,
                         double t, const double *x);

/* D_r: how many coordinates that is a density of. */
int density_dimensions(const gaussian_kind *kind, int beads);

#endif
