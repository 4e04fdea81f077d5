/* Energies and scores of many molecules at once. */
#ifndef SCORE_BATCH_H
#define SCORE_BATCH_H

#include "score/executor.h"
#include "score/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum score_precision {
    SCORE_SINGLE_PRECISION,
    SCORE_DOUBLE_PRECISION,
    /* Double, its matrix products by OpenBLAS: what the others are checked against. As double where
     * there is no OpenBLAS, or SCORE_PRODUCTS says `panels`. OpenBLAS is loaded when it is first used,
     * and set to one thread, for everything in the process that uses the same library. */
    SCORE_REFERENCE_PRECISION,
} score_precision;

/* features: beads x feature_count, or NULL to take those of the model's own bead list. */
typedef struct score_molecule {
    int beads;
    const int *features;
} score_molecule;

typedef struct score_batch score_batch;

/* A workspace for a fixed list of molecules and at most `threads` threads. What an expert needs is
 * allocated when it is first used, and for time derivatives when they are first asked for: nothing in
 * a step after the first. The model is copied in and may be destroyed.
 * SCORE_ERROR_ARGUMENT: a bead count or a feature that the model does not know, with its value. */
SCORE_EXPORT score_status score_batch_create(const score_model *model, score_precision precision,
                                             int molecule_count, const score_molecule *molecules,
                                             int threads, score_batch **batch, score_error *error);
SCORE_EXPORT void score_batch_destroy(score_batch *batch);

/* Evaluates every molecule at diffusion time t. With R the sum of bead counts and d the model's
 * dimensions:
 *   positions_nm     R x d, molecule after molecule, any origin
 *   energy           molecules, E(x, t) in kT, or NULL
 *   score_per_nm     R x d, d log q_t / d r = -dE/dr in 1/nm, or NULL
 *   time_derivative  molecules, dE/dt in kT, or NULL
 * Results do not depend on the number of threads, where products are OpenBLAS's but for rounding;
 * asking for time derivatives changes how energies and scores are rounded. SCORE_ERROR_ARGUMENT: no
 * expert owns t, or energies or time derivatives are asked of a score expert, or SCORE_PRODUCTS of
 * the environment asks for products that there are not; SCORE_ERROR_NUMERIC names the molecule whose
 * energy or score is not finite. */
SCORE_EXPORT score_status score_batch_evaluate(score_batch *batch, const double *positions_nm,
                                               double t, const score_executor *executor,
                                               double *energy, double *score_per_nm,
                                               double *time_derivative, score_error *error);

/* The same by one of the experts that own t (score_batch_evaluate takes the last of them), in
 * normalised coordinates: x as in score/model.h, score = d log q_t / d x.
 * SCORE_ERROR_ARGUMENT also where the expert does not own t, or does not exist. */
SCORE_EXPORT score_status score_batch_evaluate_expert(score_batch *batch, int expert,
                                                      const double *x, double t,
                                                      const score_executor *executor,
                                                      double *energy, double *score,
                                                      double *time_derivative, score_error *error);

#ifdef __cplusplus
}
#endif
#endif
