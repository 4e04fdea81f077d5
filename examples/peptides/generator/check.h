/* Compares energies and forces with those of a file that build.py has written with OpenMM's. */
#ifndef PEPTIDE_CHECK_H
#define PEPTIDE_CHECK_H

#include "molecule.h"

typedef struct peptide_check_result {
    int structures;
    double energy_kj_mol; /* largest difference */
    double force;         /* largest difference of a component, over the rms of all */
} peptide_check_result;

/* `path`: for each structure a line `structure ENERGY` and a line an atom: position and force. All
 * lanes compute it, each from a place of its own, and all count. SCORE_ERROR_FILE,
 * SCORE_ERROR_FORMAT, SCORE_ERROR_MEMORY. */
score_status peptide_check(const peptide_molecule *molecule, const char *path,
                           peptide_check_result *result, score_error *error);

#endif
