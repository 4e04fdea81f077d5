/* The dynamics of a few copies of a molecule, one a lane, compiled for every set of instructions. */
#ifndef PEPTIDE_KERNEL_H
#define PEPTIDE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "molecule.h"

/* Steps of OpenMM's LangevinMiddleIntegrator (Zhang et al., J. Phys. Chem. A 123, 6056, 2019). */
typedef struct peptide_dynamics {
    const peptide_molecule *molecule;
    float timestep_ps;
    float friction_per_ps; /* 0: constant energy */
    uint64_t seed;
} peptide_dynamics;

/* The state of `lanes` copies: arrays of atoms x 3 x lanes. Lanes without a copy of their own
 * repeat that of the first. */
typedef struct peptide_state {
    float *positions_nm;
    float *velocities; /* nm/ps, half a step behind */
    float *kt;         /* lanes, kJ/mol */
    uint32_t *copy;    /* lanes: the numbers of the copies, which decide their random numbers */
} peptide_state;

typedef struct peptide_energies {
    double *potential; /* lanes, kJ/mol; without the bias */
    double *bias;
} peptide_energies;

enum { PEPTIDE_MAX_LANES = 16 };

typedef struct peptide_kernel {
    const char *name;
    int lanes;
    /* Bytes of memory that one call needs, on a boundary of 64. */
    size_t (*memory_size)(const peptide_molecule *molecule);
    /* Maxwell and Boltzmann's distribution, by the numbers of (seed, copy). */
    void (*draw_velocities)(const peptide_dynamics *dynamics, const peptide_state *state);
    /* Steps number `first` to first + count - 1. */
    void (*advance)(const peptide_dynamics *dynamics, const peptide_state *state, uint32_t first,
                    uint32_t count, void *memory);
    /* At the positions; forces: NULL, or atoms x 3 x lanes, with the bias's. */
    void (*evaluate)(const peptide_molecule *molecule, const peptide_state *state,
                     const peptide_energies *energies, float *forces, void *memory);
} peptide_kernel;

/* The one that suits the processor; SCORE_ISA=v1, v3 or v4 can ask for less. */
const peptide_kernel *peptide_kernel_best(void);
/* NULL where the processor or the build has none of this name. */
const peptide_kernel *peptide_kernel_named(const char *name);

/* Purposes of random numbers (base/random.h). */
enum {
    PEPTIDE_DRAW_NOISE = 101, /* step, copy: a block of four an atom */
    PEPTIDE_DRAW_VELOCITIES,  /* 0, copy: the same */
    PEPTIDE_DRAW_SWAP,        /* step, ladder: one a pair of neighbours */
    PEPTIDE_DRAW_NAMES        /* step, copy: one a pair of equivalent atoms */
};

#endif
