/* The force field of a molecule for all lanes at once. All arrays are of vectors, one lane a copy. */
#ifndef PEPTIDE_FIELD_H
#define PEPTIDE_FIELD_H

#include "lanes.h"
#include "molecule.h"

#define PEPTIDE_TYPED(name) SCORE_JOIN2(name, SCORE_ISA)

/* Energies in double: a sum of thousands of kJ/mol is wanted to a thousandth. */
typedef struct field_energy {
    double lanes[SCORE_LANES];
} field_energy;

typedef struct field {
    const peptide_molecule *molecule;
    const score_vector *x; /* atoms x 3, nm */
    score_vector *f;       /* atoms x 3, kJ/mol/nm; added to */
    bool wants_energy;
    field_energy potential, bias;
    /* Generalized Born, an atom each: the integral I (nm^-1), later dE/dI; the Born radius and its
     * inverse; dE/dB. */
    score_vector *integral, *radius, *inverse, *slope;
    score_vector *descreening; /* pairs x 2: (dI_i/dr)/r and (dI_j/dr)/r */
} field;

/* Bytes of the arrays but x and f. */
size_t PEPTIDE_TYPED(field_memory_size)(const peptide_molecule *molecule);
/* Gives the field its arrays, on a boundary of 64 bytes. */
void PEPTIDE_TYPED(field_place)(field *to, void *memory);

/* Adds to forces and, where wanted, energies. */
void PEPTIDE_TYPED(field_bonded)(field *to);
void PEPTIDE_TYPED(field_nonbonded)(field *to);

#define field_memory_size PEPTIDE_TYPED(field_memory_size)
#define field_place PEPTIDE_TYPED(field_place)
#define field_bonded PEPTIDE_TYPED(field_bonded)
#define field_nonbonded PEPTIDE_TYPED(field_nonbonded)

SCORE_INLINE void field_add_energy(field_energy *to, score_vector energy) {
    for (int l = 0; l < SCORE_LANES; l++)
        to->lanes[l] += (double)energy[l];
}

SCORE_INLINE score_vector dot3(const score_vector a[3], const score_vector b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

SCORE_INLINE void difference3(const score_vector *a, const score_vector *b, score_vector out[3]) {
    for (int d = 0; d < 3; d++)
        out[d] = a[d] - b[d];
}

SCORE_INLINE void cross3(const score_vector a[3], const score_vector b[3], score_vector out[3]) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

#endif
