/* The copies of a molecule that are simulated together, in vectors of lanes. Without a ladder each
 * vector is on its own. With a ladder of K temperatures, copies k K to k K + K - 1 are one ladder:
 * they have different temperatures, and those of neighbouring ones may be swapped (replica
 * exchange, Sugita and Okamoto 1999). What belongs together is a unit, the work of one thread. */
#ifndef PEPTIDE_ENSEMBLE_H
#define PEPTIDE_ENSEMBLE_H

#include "kernel.h"
#include "score/executor.h"

typedef struct peptide_ladder {
    int levels; /* at least 1 */
    const double *temperatures_k;
    uint32_t swap_steps; /* between attempts; 0: none */
} peptide_ladder;

typedef struct peptide_ensemble {
    const peptide_kernel *kernel;
    peptide_dynamics dynamics;
    peptide_ladder ladder;
    int copies, first_copy;
    int units, vectors, unit_vectors, unit_copies;
    peptide_state *state; /* vectors */
    float *kt;            /* levels, kJ/mol */
    /* By copy. */
    int32_t *level;
    double *potential, *bias; /* at the last peptide_ensemble_evaluate */
    /* levels - 1, over all ladders of this run: level k with k + 1. */
    uint64_t *attempted, *accepted;
    void **memory; /* one a thread */
    void *block;
    const score_executor *executor;
} peptide_ensemble;

/* All copies at the molecule's start, each with velocities of its own; ladders begin with level k at
 * copy k. Everything that dynamics, ladder and executor point to must outlive the ensemble.
 * SCORE_ERROR_ARGUMENT: copies that are no whole ladders; SCORE_ERROR_MEMORY. */
score_status peptide_ensemble_create(const peptide_dynamics *dynamics, const peptide_ladder *ladder,
                                     int copies, int first_copy, const score_executor *executor,
                                     peptide_ensemble **ensemble, score_error *error);
void peptide_ensemble_destroy(peptide_ensemble *ensemble);

/* Steps first to first + count - 1; swaps are tried after those that swap_steps divides. */
void peptide_ensemble_advance(peptide_ensemble *ensemble, uint32_t first, uint32_t count);
/* Energies of all copies at their positions. */
void peptide_ensemble_evaluate(peptide_ensemble *ensemble);

/* A coordinate of a copy: positions of the vector, or velocities. */
float *peptide_ensemble_at(const peptide_ensemble *ensemble, bool velocities, int copy, int atom,
                           int axis);
/* Copies positions or velocities from or to an array of copies x atoms x 3. */
void peptide_ensemble_store(const peptide_ensemble *ensemble, bool velocities, float *array);
void peptide_ensemble_load(peptide_ensemble *ensemble, bool velocities, const float *array);
/* After `level` has been set. */
void peptide_ensemble_set_levels(peptide_ensemble *ensemble);

#endif
