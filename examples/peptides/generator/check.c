#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "kernel.h"
#include "text_file.h"

typedef struct comparison {
    const peptide_kernel *kernel;
    const peptide_molecule *molecule;
    double *rows;            /* atoms x 6 */
    double squares, largest; /* of the exact forces; difference */
    float *positions, *forces;
    void *memory;
} comparison;

/* Lanes apart, so that the rounding of their coordinates differs. */
static double offset(int lane, int axis) {
    return 0.001 * lane * (axis + 1);
}

static void compare(comparison *with, double energy, peptide_check_result *result) {
    const int lanes = with->kernel->lanes, atoms = with->molecule->atoms;
    double potential[PEPTIDE_MAX_LANES], bias[PEPTIDE_MAX_LANES];
    for (int c = 0; c < 3; c++) {
        double centre = 0;
        for (int i = 0; i < atoms; i++)
            centre += with->rows[6 * i + c] / atoms;
        for (int i = 0; i < atoms; i++)
            for (int l = 0; l < lanes; l++)
                with->positions[(3 * i + c) * lanes + l] = (float)(with->rows[6 * i + c] - centre +
                                                                   offset(l, c));
    }
    const peptide_state state = {.positions_nm = with->positions};
    const peptide_energies energies = {.potential = potential, .bias = bias};
    with->kernel->evaluate(with->molecule, &state, &energies, with->forces, with->memory);
    for (int i = 0; i < atoms; i++)
        for (int c = 0; c < 3; c++) {
            const double exact = with->rows[6 * i + 3 + c];
            with->squares += exact * exact;
            for (int l = 0; l < lanes; l++)
                with->largest = fmax(with->largest,
                                     fabs((double)with->forces[(3 * i + c) * lanes + l] - exact));
        }
    for (int l = 0; l < lanes; l++)
        result->energy_kj_mol = fmax(result->energy_kj_mol, fabs(potential[l] - energy));
    result->structures++;
}

static score_status compare_all(comparison *with, text_file *file, peptide_check_result *result,
                                score_error *error) {
    score_status status;
    while (text_file_try(file, "structure")) {
        double energy;
        if ((status = text_file_number(file, "an energy", &energy, error)) ||
            (status = text_file_numbers(file, "a position or force", 6 * with->molecule->atoms,
                                        with->rows, error)))
            return status;
        compare(with, energy, result);
    }
    if (result->structures == 0)
        return text_file_fail(file, error, "no structure");
    const int components = 3 * with->molecule->atoms * result->structures;
    result->force = with->largest / sqrt(with->squares / components);
    return text_file_end(file, error);
}

score_status peptide_check(const peptide_molecule *molecule, const char *path,
                           peptide_check_result *result, score_error *error) {
    *result = (peptide_check_result){0};
    text_file file;
    score_status status = text_file_open(path, &file, error);
    if (status != SCORE_OK)
        return status;
    const size_t atoms = (size_t)molecule->atoms;
    comparison with = {.kernel = peptide_kernel_best(), .molecule = molecule};
    const size_t lanes = 3 * atoms * (size_t)with.kernel->lanes * sizeof(float);
    with.rows = calloc(6 * atoms, sizeof *with.rows);
    with.positions = score_allocate_aligned(lanes);
    with.forces = score_allocate_aligned(lanes);
    with.memory = score_allocate_aligned(with.kernel->memory_size(molecule));
    if (!with.rows || !with.positions || !with.forces || !with.memory)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu atoms", atoms);
    else
        status = compare_all(&with, &file, result, error);
    free(with.rows);
    free(with.positions);
    free(with.forces);
    free(with.memory);
    text_file_close(&file);
    return status;
}
