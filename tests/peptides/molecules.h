/* The fixtures, and a kernel with lanes to put structures into. */
#ifndef MOLECULES_H
#define MOLECULES_H

#include "temporary_folder.h"

#include "kernel.h"

/* Those that the processor has the instructions for. */
typedef struct kernel_list {
    int count;
    const peptide_kernel *kernel[3];
} kernel_list;

kernel_list all_kernels(void);

/* Never fails: a test cannot go on without. `name` is that of a fixture, AA or DCK. */
peptide_molecule read_molecule(const char *name);

/* OpenMM's energies and forces. */
typedef struct check_file {
    int structures, atoms;
    double *energy_kj_mol; /* structures */
    double *rows;          /* structures x atoms x 6: position, force */
} check_file;

check_file read_check(const char *name, const peptide_molecule *molecule);
void free_check(check_file *check);
const double *check_row(const check_file *check, int structure, int atom);

/* The positions of one of its structures, atoms x 3, about their centre, for free(). */
double *centred_positions(const check_file *check, int structure);

typedef struct bench {
    const peptide_kernel *kernel;
    const peptide_molecule *molecule;
    peptide_state state;
    float *forces;                                                /* atoms x 3 x lanes */
    double potential[PEPTIDE_MAX_LANES], bias[PEPTIDE_MAX_LANES]; /* kJ/mol */
    void *memory;
} bench;

/* The copies 0, 1, ... at temperature_k, all at the molecule's start, with zero velocities. */
bench make_bench(const peptide_kernel *kernel, const peptide_molecule *molecule,
                 double temperature_k);
void free_bench(bench *b);
/* Energies and forces of all lanes. */
void evaluate(bench *b);

/* A number of an array of atoms x 3 x lanes. */
float *lane_at(const bench *b, float *array, int lane, int coordinate);
void set_lane(bench *b, int lane, const double *positions);

/* The root of the sum of squares of the largest terms of the energy: Coulomb's (with `atom` < 0 of
 * all pairs, else of its own), and those of generalized Born, which are smaller than with the radii
 * in the place of the Born radii. */
double size_of_terms(const peptide_molecule *m, const double *x, int atom);
/* A term errs by up to 4 eps, as a rule by half as much, and of either sign: their sum by 2 eps
 * times the root of the sum of their squares. Four times that. */
double bound_of_energy(double size);

#endif
