/* Temperatures: of a molecule whose energies are known exactly, means and variances of potential
 * energy, bias and kinetic energy at every level of a ladder whose copies swap, and without one. */
#include "temporary_folder.h"

#include <math.h>
#include <string.h>

#include "ensemble.h"

static const double BOLTZMANN = 0.00831446261815324, PI = 3.14159265358979323846;

/* A chain of bonds and angles, and a bias along its dihedral; nothing else: no charges, no
 * Lennard-Jones, no surface. The bonds are soft enough that r^2 matters. */
enum { ATOMS = 4, BONDS = 3, ANGLES = 2 };
static const double MASSES[ATOMS] = {12, 10, 14, 3};
static const double LENGTH_NM = 0.15, BOND_K = 5000, ANGLE = 1.9, ANGLE_K = 150;
static const double COSINE = 3, SINE = -2; /* of the bias, kJ/mol: of phi and of 2 phi */

static void write_springs(FILE *file) {
    static const double places[ATOMS][3] = {{0.15, 0, 0}, {0, 0, 0}, {0, 0, 0.15}, {0, 0.15, 0.2}};
    fprintf(file, "score-peptide-md 1\nname springs\natoms %d\n", ATOMS);
    for (int i = 0; i < ATOMS; i++)
        fprintf(file, "%g %g %g %g 0 0.1 0\n", MASSES[i], places[i][0], places[i][1], places[i][2]);
    fprintf(file, "bonds %d\n", BONDS);
    for (int k = 0; k < BONDS; k++)
        fprintf(file, "%d %d %g %g\n", k, k + 1, LENGTH_NM, BOND_K);
    fprintf(file, "angles %d\n", ANGLES);
    for (int k = 0; k < ANGLES; k++)
        fprintf(file, "%d %d %d %g %g\n", k, k + 1, k + 2, ANGLE, ANGLE_K);
    fprintf(file, "torsions 0\nexceptions 0\nborn 0 1 78.5 0\n");
    for (int i = 0; i < ATOMS; i++)
        fprintf(file, "0 0.15 0.1 0.8 0 2.9\n");
    fprintf(file, "beads 1\n0\nbead_topology {}\natom_topology {}\nequivalent 0\nend\n");
}

static void read_springs(peptide_molecule *molecule) {
    score_error error = {0};
    FILE *system = fopen("springs.system", "w"), *bias = fopen("springs.bias", "w");
    assert_true(system != NULL && bias != NULL);
    write_springs(system);
    fprintf(bias, "bias 0 1 2 3 2\n%g 0\n0 %g\n", COSINE, SINE);
    fclose(system);
    fclose(bias);
    assert_int_equal(peptide_molecule_read("springs.system", molecule, &error), SCORE_OK);
    assert_int_equal(peptide_bias_read("springs.bias", molecule, &error), SCORE_OK);
}

/* ---- What is exact ---- */

typedef struct expectation {
    double mean, variance;
} expectation;

/* An energy along a coordinate x, the weight of x in space, and its range. */
typedef struct coordinate {
    double (*energy)(double x);
    double (*weight)(double x);
    double from, to;
} coordinate;

static double energy_of_bond(double r) {
    return 0.5 * BOND_K * pow(r - LENGTH_NM, 2);
}

static double square(double r) {
    return r * r;
}

static double energy_of_angle(double theta) {
    return 0.5 * ANGLE_K * pow(theta - ANGLE, 2);
}

static double energy_of_bias(double phi) {
    return COSINE * cos(phi) + SINE * sin(2 * phi);
}

static double one(double phi) {
    (void)phi;
    return 1;
}

/* With the density exp(-energy/kT) weight(x), by Simpson's rule. */
static expectation quadrature(const coordinate *along, double kt) {
    enum { PIECES = 10000 };
    double sums[3] = {0};
    for (int n = 0; n <= PIECES; n++) {
        const double x = along->from + (along->to - along->from) * n / PIECES;
        const double energy = along->energy(x);
        const double factor = n == 0 || n == PIECES ? 1 : n % 2 == 1 ? 4 : 2;
        for (int power = 0; power < 3; power++)
            sums[power] += factor * along->weight(x) * exp(-energy / kt) * pow(energy, power);
    }
    const double mean = sums[1] / sums[0];
    return (expectation){.mean = mean, .variance = sums[2] / sums[0] - mean * mean};
}

/* Bonds, angles and the dihedral are independent: the volume is that of r^2 dr of each bond,
 * sin(theta) dtheta of each angle, and dphi. */
static expectation exact_potential(double kt) {
    const coordinate a_bond = {energy_of_bond, square, 0, 4 * LENGTH_NM};
    const coordinate an_angle = {energy_of_angle, sin, 0, PI};
    const expectation bond = quadrature(&a_bond, kt), angle = quadrature(&an_angle, kt);
    return (expectation){.mean = BONDS * bond.mean + ANGLES * angle.mean,
                         .variance = BONDS * bond.variance + ANGLES * angle.variance};
}

static expectation exact_bias(double kt) {
    const coordinate dihedral = {energy_of_bias, one, -PI, PI};
    return quadrature(&dihedral, kt);
}

/* Of all velocities, kT/2 each with the variance (kT)^2/2. */
static expectation exact_kinetic(double kt) {
    return (expectation){.mean = 1.5 * ATOMS * kt, .variance = 1.5 * ATOMS * kt * kt};
}

/* ---- What is found ---- */

enum { LADDERS = 64, MAX_LEVELS = 16, ENERGIES = 3, QUANTITIES = 2 * ENERGIES };
static const char *const NAMES[QUANTITIES] = {
    "mean potential energy", "variance of it",      "mean bias",
    "variance of it",        "mean kinetic energy", "variance of it"};

/* Sums over time, for each energy, of how far it is from its exact mean, in standard deviations,
 * and of the square of that less one: zero is expected of both. */
typedef double totals[LADDERS][MAX_LEVELS][QUANTITIES];

static double kinetic_energy(const peptide_ensemble *e, int copy) {
    double sum = 0;
    for (int i = 0; i < ATOMS; i++)
        for (int c = 0; c < 3; c++)
            sum += 0.5 * MASSES[i] * pow((double)*peptide_ensemble_at(e, true, copy, i, c), 2);
    return sum;
}

static void add_frame(peptide_ensemble *e, const expectation exact[MAX_LEVELS][ENERGIES],
                      totals total) {
    peptide_ensemble_evaluate(e);
    for (int copy = 0; copy < e->copies; copy++) {
        const int level = e->level[copy], ladder = copy * LADDERS / e->copies;
        const double energies[ENERGIES] = {e->potential[copy], e->bias[copy],
                                           kinetic_energy(e, copy)};
        for (int k = 0; k < ENERGIES; k++) {
            const expectation *is = &exact[level][k];
            const double off = (energies[k] - is->mean) / sqrt(is->variance);
            total[ladder][level][2 * k] += off;
            total[ladder][level][2 * k + 1] += off * off - 1;
        }
    }
}

/* The ladders are independent, so their scatter says how well their mean is known. */
static void expect_one(const double values[LADDERS], const char *name, const char *where) {
    double mean = 0, squares = 0;
    for (int k = 0; k < LADDERS; k++)
        mean += values[k] / LADDERS;
    for (int k = 0; k < LADDERS; k++)
        squares += pow(values[k] - mean, 2);
    const double error = sqrt(squares / (LADDERS - 1.0) / LADDERS);
    if (!(fabs(mean) <= 4 * error))
        fail_msg("%s: the %s is off by %.4f(%.4f) standard deviations or variances", where, name,
                 mean, error);
    assert_true(error < 0.1);
}

/* Level by level, and all levels together. */
static void expect_all(totals total, int frames, const double *temperatures_k, int levels) {
    for (int q = 0; q < QUANTITIES; q++) {
        double together[LADDERS] = {0};
        for (int level = 0; level < levels; level++) {
            double values[LADDERS];
            char where[32];
            snprintf(where, sizeof where, "%.1f K", temperatures_k[level]);
            for (int k = 0; k < LADDERS; k++) {
                values[k] = total[k][level][q] / frames;
                together[k] += values[k] / levels;
            }
            expect_one(values, NAMES[q], where);
        }
        expect_one(together, NAMES[q], "all");
    }
}

static void find_exact(const double *temperatures_k, int levels,
                       expectation exact[MAX_LEVELS][ENERGIES]) {
    for (int level = 0; level < levels; level++) {
        const double kt = BOLTZMANN * temperatures_k[level];
        exact[level][0] = exact_potential(kt);
        exact[level][1] = exact_bias(kt);
        exact[level][2] = exact_kinetic(kt);
    }
}

/* Copies that are at the lowest temperature and were at the highest since they were here. */
static int count_trips(const peptide_ensemble *e, bool *at_top) {
    int trips = 0;
    for (int copy = 0; copy < e->copies; copy++) {
        const int level = e->level[copy];
        trips += at_top[copy] && level == 0;
        at_top[copy] = level == e->ladder.levels - 1 || (at_top[copy] && level > 0);
    }
    return trips;
}

/* Returns round trips. */
static int follow(peptide_ensemble *e) {
    enum { EQUILIBRATION = 2000, STEPS = 10000, BETWEEN = 50 };
    static totals total;
    const int levels = e->ladder.levels;
    expectation exact[MAX_LEVELS][ENERGIES];
    int trips = 0;
    bool *at_top = calloc((size_t)e->copies, sizeof *at_top);
    assert_non_null(at_top);
    memset(total, 0, sizeof total);
    find_exact(e->ladder.temperatures_k, levels, exact);
    peptide_ensemble_advance(e, 1, EQUILIBRATION);
    for (uint32_t done = 0; done < STEPS; done += BETWEEN) {
        peptide_ensemble_advance(e, EQUILIBRATION + done + 1, BETWEEN);
        add_frame(e, exact, total);
        trips += count_trips(e, at_top);
    }
    expect_all(total, STEPS / BETWEEN * e->copies / LADDERS / levels, e->ladder.temperatures_k,
               levels);
    free(at_top);
    return trips;
}

static int run(const peptide_ladder *ladder, int copies, float timestep_ps) {
    peptide_molecule molecule;
    read_springs(&molecule);
    const peptide_dynamics dynamics = {
        .molecule = &molecule, .timestep_ps = timestep_ps, .friction_per_ps = 2, .seed = 5};
    const score_executor executor = score_executor_serial();
    peptide_ensemble *e;
    score_error error = {0};
    assert_int_equal(peptide_ensemble_create(&dynamics, ladder, copies, 0, &executor, &e, &error),
                     SCORE_OK);
    const int trips = follow(e);
    peptide_ensemble_destroy(e);
    peptide_molecule_free(&molecule);
    return trips;
}

/* Swaps come faster than the friction forgets: wrong ones would show. */
static void every_level_of_a_ladder_has_its_temperature(void **state) {
    (void)state;
    double temperatures_k[MAX_LEVELS];
    for (int level = 0; level < MAX_LEVELS; level++)
        temperatures_k[level] = 200 * pow(4, level / (MAX_LEVELS - 1.0));
    const peptide_ladder ladder = {
        .levels = MAX_LEVELS, .temperatures_k = temperatures_k, .swap_steps = 20};
    assert_true(run(&ladder, LADDERS * MAX_LEVELS, 0.002f) > 0);
}

/* With steps of a third of the fastest motion's inverse frequency: the order of what a step does is
 * exact for springs, whatever its length, and others are wrong by several percent. */
static void copies_without_a_ladder_have_their_temperature(void **state) {
    (void)state;
    const double temperature_k = 310;
    const peptide_ladder none = {.levels = 1, .temperatures_k = &temperature_k};
    run(&none, LADDERS * 16, 0.008f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_of_a_ladder_has_its_temperature),
        cmocka_unit_test(copies_without_a_ladder_have_their_temperature),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
