#include "molecules.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "text_file.h"

kernel_list all_kernels(void) {
    static const char *const names[] = {"v1", "v3", "v4"};
    kernel_list list = {.count = 0};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const peptide_kernel *kernel = peptide_kernel_named(names[k]);
        if (kernel != NULL)
            list.kernel[list.count++] = kernel;
    }
    return list;
}

static void expect_ok(score_status status, const score_error *error) {
    char text[1024];
    if (status != SCORE_OK)
        fail_msg("%s", score_error_text(error, text, sizeof text));
}

static void fixture_path(const char *name, const char *suffix, char path[4096]) {
    snprintf(path, 4096, "%s/%s%s", PEPTIDE_FIXTURES, name, suffix);
}

peptide_molecule read_molecule(const char *name) {
    char path[4096];
    peptide_molecule molecule;
    score_error error = {0};
    fixture_path(name, ".system", path);
    expect_ok(peptide_molecule_read(path, &molecule, &error), &error);
    return molecule;
}

check_file read_check(const char *name, const peptide_molecule *molecule) {
    enum { MOST = 16 };
    char path[4096];
    text_file file;
    score_error error = {0};
    fixture_path(name, ".check", path);
    expect_ok(text_file_open(path, &file, &error), &error);
    const size_t size = 6 * (size_t)molecule->atoms;
    check_file check = {.atoms = molecule->atoms,
                        .energy_kj_mol = calloc(MOST, sizeof(double)),
                        .rows = calloc(MOST * size, sizeof(double))};
    assert_true(check.energy_kj_mol != NULL && check.rows != NULL);
    while (text_file_try(&file, "structure")) {
        const int k = check.structures++;
        assert_true(k < MOST);
        expect_ok(text_file_number(&file, "an energy", &check.energy_kj_mol[k], &error), &error);
        expect_ok(text_file_numbers(&file, "a position or force", (int)size,
                                    &check.rows[(size_t)k * size], &error),
                  &error);
    }
    text_file_close(&file);
    assert_true(check.structures > 0);
    return check;
}

void free_check(check_file *check) {
    free(check->energy_kj_mol);
    free(check->rows);
}

const double *check_row(const check_file *check, int structure, int atom) {
    return &check->rows[6 * (structure * check->atoms + atom)];
}

double *centred_positions(const check_file *check, int structure) {
    double *positions = calloc(3 * (size_t)check->atoms, sizeof *positions);
    assert_non_null(positions);
    for (int c = 0; c < 3; c++) {
        double centre = 0;
        for (int i = 0; i < check->atoms; i++)
            centre += check_row(check, structure, i)[c] / check->atoms;
        for (int i = 0; i < check->atoms; i++)
            positions[3 * i + c] = check_row(check, structure, i)[c] - centre;
    }
    return positions;
}

static void *allocate(size_t size) {
    void *memory = score_allocate_aligned(size);
    assert_non_null(memory);
    memset(memory, 0, size);
    return memory;
}

bench make_bench(const peptide_kernel *kernel, const peptide_molecule *molecule,
                 double temperature_k) {
    const size_t lanes = (size_t)kernel->lanes, size = 3 * (size_t)molecule->atoms * lanes;
    bench b = {.kernel = kernel,
               .molecule = molecule,
               .state = {.positions_nm = allocate(size * sizeof(float)),
                         .velocities = allocate(size * sizeof(float)),
                         .kt = allocate(lanes * sizeof(float)),
                         .copy = allocate(lanes * sizeof(uint32_t))},
               .forces = allocate(size * sizeof(float)),
               .memory = allocate(kernel->memory_size(molecule))};
    for (int l = 0; l < kernel->lanes; l++) {
        b.state.kt[l] = (float)(0.00831446261815324 * temperature_k);
        b.state.copy[l] = (uint32_t)l;
        for (int k = 0; k < 3 * molecule->atoms; k++)
            *lane_at(&b, b.state.positions_nm, l, k) = molecule->start[k / 3][k % 3];
    }
    return b;
}

void free_bench(bench *b) {
    free(b->state.positions_nm);
    free(b->state.velocities);
    free(b->state.kt);
    free(b->state.copy);
    free(b->forces);
    free(b->memory);
}

void evaluate(bench *b) {
    const peptide_energies energies = {.potential = b->potential, .bias = b->bias};
    b->kernel->evaluate(b->molecule, &b->state, &energies, b->forces, b->memory);
}

float *lane_at(const bench *b, float *array, int lane, int coordinate) {
    return &array[coordinate * b->kernel->lanes + lane];
}

void set_lane(bench *b, int lane, const double *positions) {
    for (int k = 0; k < 3 * b->molecule->atoms; k++)
        *lane_at(b, b->state.positions_nm, lane, k) = (float)positions[k];
}

double size_of_terms(const peptide_molecule *m, const double *x, int atom) {
    double squares = 0;
#define ADD_ROW(i, j0, j1, p)                                                                      \
    for (int j = (j0); j < (j1); j++) {                                                            \
        const double *at_i = &x[3 * (i)], *at_j = &x[3 * j];                                       \
        const double d[3] = {at_i[0] - at_j[0], at_i[1] - at_j[1], at_i[2] - at_j[2]};             \
        const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];                                 \
        const peptide_born *a = &m->born[i], *b = &m->born[j];                                     \
        const double product = (double)a->radius * (double)b->radius;                              \
        const double born = (double)a->charge * (double)b->charge;                                 \
        const double coulomb = (double)m->pair[(p) + j - (j0)].charge;                             \
        squares += born * born / (r2 + product * exp(-r2 / (4 * product)));                        \
        if (atom < 0 || atom == (i) || atom == j)                                                  \
            squares += coulomb * coulomb / r2;                                                     \
    }
    PEPTIDE_FOR_ALL_ROWS(m->atoms, ADD_ROW)
#undef ADD_ROW
    for (int i = 0; i < m->atoms; i++)
        squares += pow((double)m->born[i].charge, 4) / (4 * pow((double)m->born[i].radius, 2));
    return sqrt(squares);
}

double bound_of_energy(double size) {
    return 8 * (double)FLT_EPSILON * size;
}
