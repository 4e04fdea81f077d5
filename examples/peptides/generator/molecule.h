/* A molecule and its force field as numbers (build.py writes them), units nm, ps, amu, kJ/mol, rad,
 * e: harmonic bonds and angles, periodic torsions, Coulomb and Lennard-Jones with exceptions, and
 * generalized Born with the surface term, in OpenMM's formulas. Plain C without vectors. */
#ifndef PEPTIDE_MOLECULE_H
#define PEPTIDE_MOLECULE_H

#include <stdbool.h>
#include <stdint.h>

#include "score/status.h"

enum {
    PEPTIDE_MAX_ATOMS = 1000,
    PEPTIDE_MAX_PERIOD = 6, /* of a torsion */
    PEPTIDE_MAX_RADII = 64, /* distinct ones, of the necks */
    PEPTIDE_TILE = 32       /* atoms whose coordinates and forces stay in the first cache */
};

typedef struct peptide_bond {
    int atoms[2];
    float length, k; /* k/2 (r - length)^2 */
} peptide_bond;

typedef struct peptide_angle {
    int atoms[3];
    float angle, k; /* k/2 (theta - angle)^2 */
} peptide_angle;

/* All terms of the same four atoms: constant + sum over n of cosines[n-1] cos(n phi) + sines[n-1]
 * sin(n phi). */
typedef struct peptide_torsion {
    int atoms[4];
    int highest; /* n */
    float constant;
    float cosines[PEPTIDE_MAX_PERIOD], sines[PEPTIDE_MAX_PERIOD];
} peptide_torsion;

/* charge/r + c12/r^12 - c6/r^6. From the distance root far2 on r > radius + |screened| of the other,
 * and (screened/r)^2 < PEPTIDE_FAR_RANGE, for both atoms (peptide_born). */
typedef struct peptide_pair {
    float charge, c12, c6, far2;
} peptide_pair;

#define PEPTIDE_FAR_RANGE 0.4

/* Of OpenMM's CustomGBForce; `radius` is the offset one, `or` there, `screened` is sr. */
typedef struct peptide_born {
    float charge; /* times the root of 138.935485 (1/solute - 1/solvent dielectric) */
    float radius, screened, alpha, beta, gamma;
    float whole;   /* radius + offset */
    float surface; /* kJ/mol of (whole / B)^6 */
    int kind;      /* of the radius, for the necks */
} peptide_born;

/* scale m0 / (1 + 100 (r - d0)^2 + 3e5 (r - d0)^6), where r is below the sum of the whole radii + cut */
typedef struct peptide_neck {
    float m0, d0;
} peptide_neck;

typedef struct peptide_molecule {
    char name[64];
    int atoms, bonds, angles, torsions, beads, equivalents;
    float *mass;
    float (*start)[3];
    peptide_bond *bond;
    peptide_angle *angle;
    peptide_torsion *torsion;
    peptide_pair *pair; /* in the order of peptide_pair_index */
    peptide_born *born;
    int radii; /* distinct ones; 0: no necks */
    float neck_cut;
    peptide_neck *neck; /* radii x radii, times the scale */
    int *bead;
    int (*equivalent)[2];                /* atoms that a symmetry of the force field exchanges */
    char *bead_topology, *atom_topology; /* MDTraj's JSON */
    uint32_t checksum;                   /* CRC-32 of the file */
    bool biased;
    peptide_torsion bias; /* not among the torsions */
} peptide_molecule;

/* Reads NAME.system. SCORE_ERROR_FILE, SCORE_ERROR_FORMAT (with the line), SCORE_ERROR_MEMORY. */
score_status peptide_molecule_read(const char *path, peptide_molecule *molecule,
                                   score_error *error);
/* Adds the bias of a file, `bias i j k l terms` and a line a term n = 1...: cos sin (kJ/mol). */
score_status peptide_bias_read(const char *path, peptide_molecule *molecule, score_error *error);
void peptide_molecule_free(peptide_molecule *molecule);

/* Pairs i < j are met tile by tile of j, there by i, there by j: what belongs to a pair lies in that
 * order. body(i, j0, j1, p): the pairs of atom i with j0 <= j < j1, p the number of the first. */
#define PEPTIDE_FOR_ALL_ROWS(count, body)                                                          \
    for (int tile_ = 0, pair_ = 0; tile_ < (count); tile_ += PEPTIDE_TILE) {                       \
        const int end_ = tile_ + PEPTIDE_TILE < (count) ? tile_ + PEPTIDE_TILE : (count);          \
        for (int i_ = 0; i_ < end_ - 1; i_++) {                                                    \
            const int begin_ = i_ + 1 > tile_ ? i_ + 1 : tile_;                                    \
            body(i_, begin_, end_, pair_);                                                         \
            pair_ += end_ - begin_;                                                                \
        }                                                                                          \
    }

#endif
