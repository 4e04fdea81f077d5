/* Energies and scores of a fixed list of molecules by one expert, in one precision. */
#ifndef SCORE_EVALUATOR_H
#define SCORE_EVALUATOR_H

#include "model/network.h"
#include "score/batch.h"

typedef struct score_evaluator score_evaluator;

/* What one call reads and writes; shapes as in score/batch.h. Positions are `scale` times normalised
 * coordinates, and scores in their units. */
typedef struct score_evaluation {
    const double *positions;
    double scale;
    double t;
    double *energy;
    double *score;
    double *time_derivative;
} score_evaluation;

/* `network`, `molecules` and what they point to must outlive the evaluator. Where the
 * network has features, those of all molecules must stand one behind the other. reference: by
 * host/host.h's score_host_reference. */
#define SCORE_DECLARE_EVALUATOR(suffix)                                                            \
    score_status score_evaluator_create_##suffix(                                                  \
        const score_network *network, const double *parameters, int molecule_count,                \
        const score_molecule *molecules, int threads, bool reference, score_evaluator **evaluator, \
        score_error *error);                                                                       \
    void score_evaluator_destroy_##suffix(score_evaluator *evaluator);                             \
    score_status score_evaluator_run_##suffix(score_evaluator *evaluator,                          \
                                              const score_evaluation *evaluation,                  \
                                              const score_executor *executor, score_error *error);

SCORE_DECLARE_EVALUATOR(f32)
SCORE_DECLARE_EVALUATOR(f64)

#endif
