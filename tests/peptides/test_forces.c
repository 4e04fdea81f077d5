/* Energies and forces of every kernel: against OpenMM's, against differences of the energy, and
 * that a lane does not see what the others hold. */
#include "molecules.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/random.h"

static const char *const NAMES[] = {"AA", "DCK"};
enum { FIXTURES = 2 };

/* ---- What rounding does ---- */

/* The bonds are the stiffest of all: a place that is wrong by d changes their force by k d, and a
 * length r that is computed with an error of 5 eps by 5 eps k r (1 eps of r^2's rounding, 3 of
 * AVX2's 1/r, 1 of the products and of the difference with the bond's length). The other forces of
 * an atom, whose curvatures are smaller (of an angle k/r^2, a fifth of a bond's or less, six of
 * which meet at an atom with four bonds, and six end at a neighbour), get the same again. `wrong`:
 * by how much the places are, atoms. */
static double bound_of_forces(const peptide_molecule *m, int atom, const double *wrong) {
    double bound = 0;
    for (int k = 0; k < m->bonds; k++) {
        const peptide_bond *bond = &m->bond[k];
        const double stiffness = (double)bond->k, length = (double)bond->length;
        if (bond->atoms[0] == atom || bond->atoms[1] == atom)
            bound += stiffness * (wrong[bond->atoms[0]] + wrong[bond->atoms[1]] +
                                  5 * (double)FLT_EPSILON * length);
    }
    return 2 * bound;
}

/* ---- OpenMM's ---- */

static double length3(const double v[3]) {
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

static void compare_lane(bench *b, const check_file *check, int structure, int lane,
                         const double *wrong, double terms) {
    double of_places = 0;
    for (int i = 0; i < check->atoms; i++) {
        const double *exact = check_row(check, structure, i) + 3;
        const double bound = bound_of_forces(b->molecule, i, wrong);
        of_places += wrong[i] * length3(exact);
        for (int c = 0; c < 3; c++) {
            const double found = (double)*lane_at(b, b->forces, lane, 3 * i + c);
            if (!(fabs(found - exact[c]) <= bound))
                fail_msg("%s, %s, structure %d, lane %d: force %d of atom %d is %.7g, expected "
                         "%.7g within %.2g",
                         b->molecule->name, b->kernel->name, structure, lane, c, i, found, exact[c],
                         bound);
        }
    }
    const double bound = of_places + bound_of_energy(terms);
    const double error = b->potential[lane] - check->energy_kj_mol[structure];
    if (!(fabs(error) <= bound))
        fail_msg("%s, %s, structure %d, lane %d: energy off by %.3g, at most %.3g expected",
                 b->molecule->name, b->kernel->name, structure, lane, error, bound);
    assert_true(b->bias[lane] == 0);
}

/* Lanes lie at places of their own, so that the rounding of their coordinates differs. */
static void compare_structure(bench *b, const check_file *check, int structure) {
    const int atoms = check->atoms, lanes = b->kernel->lanes;
    double *positions = centred_positions(check, structure);
    double *wrong = calloc((size_t)atoms * (size_t)lanes, sizeof *wrong);
    assert_non_null(wrong);
    for (int l = 0; l < lanes; l++)
        for (int i = 0; i < atoms; i++) {
            double off[3];
            for (int c = 0; c < 3; c++) {
                const double exact = positions[3 * i + c] + 0.001 * l * (c + 1);
                const float rounded = (float)exact;
                *lane_at(b, b->state.positions_nm, l, 3 * i + c) = rounded;
                off[c] = (double)rounded - exact;
            }
            wrong[l * atoms + i] = length3(off);
        }
    evaluate(b);
    const double terms = size_of_terms(b->molecule, positions, -1);
    for (int l = 0; l < lanes; l++)
        compare_lane(b, check, structure, l, &wrong[l * atoms], terms);
    free(wrong);
    free(positions);
}

static void energies_and_forces_are_openmms(void **state) {
    (void)state;
    const kernel_list kernels = all_kernels();
    for (int f = 0; f < FIXTURES; f++) {
        peptide_molecule molecule = read_molecule(NAMES[f]);
        check_file check = read_check(NAMES[f], &molecule);
        for (int n = 0; n < kernels.count; n++) {
            const peptide_kernel *kernel = kernels.kernel[n];
            bench b = make_bench(kernel, &molecule, 300);
            for (int s = 0; s < check.structures; s++)
                compare_structure(&b, &check, s);
            free_bench(&b);
        }
        free_check(&check);
        peptide_molecule_free(&molecule);
    }
}

/* ---- Differences ---- */

/* Of the fourth order: (8 (E(h) - E(-h)) - (E(2 h) - E(-2 h)))/(12 h), an energy a lane. Places on
 * a grid that the steps are on too are exact in float. */
enum { POINTS = 4 };
static const double POINT[POINTS] = {1, -1, 2, -2}, WEIGHT[POINTS] = {8, -8, -1, 1};
static const double H_NM = 0x1p-9, GRID_NM = 0x1p-20;

/* What the stencil leaves out is h^4/30 of the fifth derivative, which of k/2 (r - length)^2 is at
 * most 10 k/r^3 (that of r itself is sin^2 cos (45 sin^2 - 60 cos^2)/r^4); as much again for all
 * that is no bond. The energies' errors come with the weights' root of squares, root 130/(12 h). */
static double bound_of_difference(const peptide_molecule *m, const double *x, int atom) {
    double fifth = 0;
    for (int k = 0; k < m->bonds; k++) {
        const peptide_bond *bond = &m->bond[k];
        if (bond->atoms[0] == atom || bond->atoms[1] == atom)
            fifth += 10 * (double)bond->k / pow((double)bond->length, 3);
    }
    return 2 * fifth * pow(H_NM, 4) / 30 +
           sqrt(130) / (12 * H_NM) * bound_of_energy(size_of_terms(m, x, atom));
}

static void compare_coordinate(const bench *b, const double *x, const float *forces,
                               int coordinate) {
    const int atom = coordinate / 3, first = coordinate % (b->kernel->lanes / POINTS) * POINTS;
    double slope = 0;
    for (int k = 0; k < POINTS; k++)
        slope += WEIGHT[k] / (12 * H_NM) * (b->potential[first + k] + b->bias[first + k]);
    const double found = (double)forces[coordinate],
                 bound = bound_of_difference(b->molecule, x, atom);
    if (!(fabs(found + slope) <= bound))
        fail_msg("%s, %s: force %d of atom %d is %.7g, differences of the energy say %.7g within "
                 "%.2g",
                 b->molecule->name, b->kernel->name, coordinate % 3, atom, found, -slope, bound);
}

static void compare_with_differences(bench *b, const double *x, float *forces) {
    const int count = 3 * b->molecule->atoms, together = b->kernel->lanes / POINTS;
    set_lane(b, 0, x);
    evaluate(b);
    for (int k = 0; k < count; k++)
        forces[k] = *lane_at(b, b->forces, 0, k);
    for (int from = 0; from < count; from += together) {
        const int end = from + together < count ? from + together : count;
        for (int l = 0; l < b->kernel->lanes; l++) {
            const int moved = from + l / POINTS;
            set_lane(b, l, x);
            if (moved < end)
                *lane_at(b, b->state.positions_nm, l,
                         moved) = (float)(x[moved] + POINT[l % POINTS] * H_NM);
        }
        evaluate(b);
        for (int k = from; k < end; k++)
            compare_coordinate(b, x, forces, k);
    }
}

/* In every structure of the check file but the minimum, where forces are small. */
static void differences_of_molecule(const peptide_molecule *molecule, const check_file *check) {
    const kernel_list kernels = all_kernels();
    float *forces = calloc(3 * (size_t)molecule->atoms, sizeof *forces);
    assert_non_null(forces);
    for (int s = 1; s < check->structures; s++) {
        double *x = centred_positions(check, s);
        for (int k = 0; k < 3 * molecule->atoms; k++)
            x[k] = GRID_NM * round(x[k] / GRID_NM);
        for (int n = 0; n < kernels.count; n++) {
            const peptide_kernel *kernel = kernels.kernel[n];
            bench b = make_bench(kernel, molecule, 300);
            compare_with_differences(&b, x, forces);
            free_bench(&b);
        }
        free(x);
    }
    free(forces);
}

static void forces_are_slopes_of_the_energy(void **state) {
    (void)state;
    for (int f = 0; f < FIXTURES; f++) {
        peptide_molecule molecule = read_molecule(NAMES[f]);
        check_file check = read_check(NAMES[f], &molecule);
        differences_of_molecule(&molecule, &check);
        free_check(&check);
        peptide_molecule_free(&molecule);
    }
}

/* ---- A bias ---- */

/* Along phi of AA's second residue: C of the first, N, CA, C. */
enum { BIAS_TERMS = 6 };
static const int BIASED[4] = {6, 12, 14, 16};
static const double BIAS[BIAS_TERMS][2] = {{20, -10}, {5, 8}, {-7, 3}, {2, 2}, {1, -3}, {-2, 4}};

static void read_bias(peptide_molecule *molecule) {
    score_error error = {0};
    FILE *file = fopen("bias", "w");
    assert_non_null(file);
    fprintf(file, "# along phi\nbias %d %d %d %d %d\n", BIASED[0], BIASED[1], BIASED[2], BIASED[3],
            BIAS_TERMS);
    for (int n = 0; n < BIAS_TERMS; n++)
        fprintf(file, "%g %g\n", BIAS[n][0], BIAS[n][1]);
    fclose(file);
    assert_int_equal(peptide_bias_read("bias", molecule, &error), SCORE_OK);
}

static void subtract(const double *a, const double *b, double out[3]) {
    for (int c = 0; c < 3; c++)
        out[c] = a[c] - b[c];
}

static void cross(const double a[3], const double b[3], double out[3]) {
    for (int c = 0; c < 3; c++)
        out[c] = a[(c + 1) % 3] * b[(c + 2) % 3] - a[(c + 2) % 3] * b[(c + 1) % 3];
}

static double dot(const double a[3], const double b[3]) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* IUPAC's angle: 0 is cis, positive where the last bond is turned clockwise, seen along the axis.
 * */
static double dihedral(const double *x, const int atoms[4]) {
    double a[3], b[3], c[3], first[3], second[3];
    subtract(&x[3 * atoms[1]], &x[3 * atoms[0]], a);
    subtract(&x[3 * atoms[2]], &x[3 * atoms[1]], b);
    subtract(&x[3 * atoms[3]], &x[3 * atoms[2]], c);
    cross(a, b, first);
    cross(b, c, second);
    return atan2(length3(b) * dot(a, second), dot(first, second));
}

static double bias_at(double phi) {
    double sum = 0;
    for (int n = 1; n <= BIAS_TERMS; n++)
        sum += BIAS[n - 1][0] * cos(n * phi) + BIAS[n - 1][1] * sin(n * phi);
    return sum;
}

/* The angle is wrong by some eps, and cos(n phi), by n additions, by n times that: 6 eps times the
 * sum of n |coefficients| is more. Potential and bias are kept apart. */
static void a_bias_is_its_series(void **state) {
    (void)state;
    const kernel_list kernels = all_kernels();
    peptide_molecule plain = read_molecule("AA"), molecule = read_molecule("AA");
    check_file check = read_check("AA", &molecule);
    read_bias(&molecule);
    assert_int_not_equal(molecule.checksum, plain.checksum);
    double scale = 0;
    for (int n = 1; n <= BIAS_TERMS; n++)
        scale += n * (fabs(BIAS[n - 1][0]) + fabs(BIAS[n - 1][1]));
    for (int n = 0; n < kernels.count; n++) {
        const peptide_kernel *kernel = kernels.kernel[n];
        bench with = make_bench(kernel, &molecule, 300), without = make_bench(kernel, &plain, 300);
        for (int s = 0; s < check.structures; s++) {
            double *x = centred_positions(&check, s);
            set_lane(&with, 0, x);
            set_lane(&without, 0, x);
            evaluate(&with);
            evaluate(&without);
            const double exact = bias_at(dihedral(x, BIASED));
            const double bound = 6 * (double)FLT_EPSILON * scale;
            if (!(fabs(with.bias[0] - exact) <= bound))
                fail_msg("%s: bias %.7g, expected %.7g within %.2g", kernel->name, with.bias[0],
                         exact, bound);
            assert_true(with.potential[0] == without.potential[0]);
            free(x);
        }
        free_bench(&with);
        free_bench(&without);
    }
    differences_of_molecule(&molecule, &check);
    free_check(&check);
    peptide_molecule_free(&plain);
    peptide_molecule_free(&molecule);
}

/* ---- Lanes ---- */

/* The structure, and what is as different from it as can be: 40 % of its size, so that every pair
 * is near, three times it, so that hardly any is, another one of the file, and one with noise. */
enum { VARIANTS = 5, THE_STRUCTURE = 0 };

static void put_variant(bench *b, const check_file *check, int lane, int variant) {
    static const double scale[VARIANTS] = {1, 0.4, 3, 1, 1};
    double *x = centred_positions(check, variant == 3 ? 4 : 1);
    score_random random = score_random_stream(1, 1, 0, (uint32_t)lane);
    for (int k = 0; k < 3 * check->atoms; k++)
        x[k] = scale[variant] * x[k] + (variant == 4 ? 0.01 * score_random_normal(&random) : 0);
    set_lane(b, lane, x);
    free(x);
}

static void expect_same_lane(const bench *a, float *of_a, int lane_a, const bench *b, float *of_b,
                             int lane_b, const char *what) {
    for (int k = 0; k < 3 * a->molecule->atoms; k++)
        if (!(*lane_at(a, of_a, lane_a, k) == *lane_at(b, of_b, lane_b, k)))
            fail_msg("%s, %s: %s %d of lane %d differs from lane %d's among others",
                     a->molecule->name, a->kernel->name, what, k, lane_a, lane_b);
}

static void advance(bench *b, uint32_t steps) {
    const peptide_dynamics dynamics = {
        .molecule = b->molecule, .timestep_ps = 0.002f, .friction_per_ps = 1, .seed = 3};
    b->kernel->advance(&dynamics, &b->state, 1, steps, b->memory);
}

/* All lanes alike; then one lane keeps the structure while the others change. */
static void lanes_of_kernel(const peptide_kernel *kernel, const peptide_molecule *molecule,
                            const check_file *check) {
    enum { STEPS = 3 };
    bench alike = make_bench(kernel, molecule, 300), mixed = make_bench(kernel, molecule, 300);
    for (int shift = 0; shift < VARIANTS; shift++)
        for (int lane = 0; lane < kernel->lanes; lane++) {
            for (int l = 0; l < kernel->lanes; l++) {
                put_variant(&alike, check, l, THE_STRUCTURE);
                put_variant(&mixed, check, l, l == lane ? THE_STRUCTURE : (l + shift) % VARIANTS);
                alike.state.copy[l] = mixed.state.copy[l] = (uint32_t)(l == lane ? 7 : l);
            }
            memset(alike.state.velocities, 0,
                   3 * (size_t)(molecule->atoms * kernel->lanes) * sizeof(float));
            memset(mixed.state.velocities, 0,
                   3 * (size_t)(molecule->atoms * kernel->lanes) * sizeof(float));
            evaluate(&alike);
            evaluate(&mixed);
            assert_true(alike.potential[lane] == mixed.potential[lane]);
            assert_true(alike.bias[lane] == mixed.bias[lane]);
            expect_same_lane(&alike, alike.forces, lane, &mixed, mixed.forces, lane, "force");
            advance(&alike, STEPS);
            advance(&mixed, STEPS);
            expect_same_lane(&alike, alike.state.positions_nm, lane, &mixed,
                             mixed.state.positions_nm, lane, "coordinate");
            expect_same_lane(&alike, alike.state.velocities, lane, &mixed, mixed.state.velocities,
                             lane, "velocity");
        }
    free_bench(&alike);
    free_bench(&mixed);
}

static void a_lane_does_not_see_the_others(void **state) {
    (void)state;
    const kernel_list kernels = all_kernels();
    for (int f = 0; f < FIXTURES; f++) {
        peptide_molecule molecule = read_molecule(NAMES[f]);
        check_file check = read_check(NAMES[f], &molecule);
        if (f == 0)
            read_bias(&molecule);
        for (int k = 0; k < kernels.count; k++)
            lanes_of_kernel(kernels.kernel[k], &molecule, &check);
        free_check(&check);
        peptide_molecule_free(&molecule);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energies_and_forces_are_openmms),
        cmocka_unit_test(forces_are_slopes_of_the_energy),
        cmocka_unit_test(a_bias_is_its_series),
        cmocka_unit_test(a_lane_does_not_see_the_others),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
