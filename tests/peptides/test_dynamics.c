/* Constant energy: what a kernel's steps keep of it, and with which power of the step's length the
 * rest goes away. */
#include "molecules.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double TEMPERATURE_K = 310;
enum { MAX_COORDINATES = 100 };

/* Velocities at the time of the positions, half a step after those of the state. */
static double velocity(const bench *b, int lane, int k, double dt) {
    const double behind = (double)*lane_at(b, b->state.velocities, lane, k);
    const double force = (double)*lane_at(b, b->forces, lane, k);
    return behind + 0.5 * dt * force / (double)b->molecule->mass[k / 3];
}

/* After `evaluate`. */
static double energy(const bench *b, int lane, double dt) {
    double kinetic = 0;
    for (int k = 0; k < 3 * b->molecule->atoms; k++)
        kinetic += 0.5 * (double)b->molecule->mass[k / 3] * pow(velocity(b, lane, k, dt), 2);
    return b->potential[lane] + kinetic;
}

/* A picosecond at the temperature, from the molecule's start; then velocities for steps of dt_ps.
 * */
static bench make_warm(const peptide_kernel *kernel, const peptide_molecule *molecule,
                       double dt_ps) {
    bench b = make_bench(kernel, molecule, TEMPERATURE_K);
    const peptide_dynamics warm = {
        .molecule = molecule, .timestep_ps = 0.001f, .friction_per_ps = 5, .seed = 1};
    kernel->draw_velocities(&warm, &b.state);
    kernel->advance(&warm, &b.state, 1, 1000, b.memory);
    evaluate(&b);
    for (int l = 0; l < kernel->lanes; l++)
        for (int k = 0; k < 3 * molecule->atoms; k++) {
            float *v = lane_at(&b, b.state.velocities, l, k);
            const double force = (double)*lane_at(&b, b.forces, l, k);
            *v = (float)((double)*v - 0.5 * dt_ps * force / (double)molecule->mass[k / 3]);
        }
    return b;
}

static void advance(bench *b, double dt_ps, uint32_t first, uint32_t count) {
    const peptide_dynamics constant = {.molecule = b->molecule, .timestep_ps = (float)dt_ps};
    b->kernel->advance(&constant, &b->state, first, count, b->memory);
}

/* ---- The error of a step's length ---- */

/* Root mean square over the lanes and 100 fs, of how far the energy is from where it was. */
static double deviation(const peptide_kernel *kernel, const peptide_molecule *molecule,
                        double dt_ps) {
    double begin[PEPTIDE_MAX_LANES], squares = 0;
    const double time_ps = 0.1;
    const uint32_t steps = (uint32_t)lround(time_ps / dt_ps);
    bench b = make_warm(kernel, molecule, dt_ps);
    for (int l = 0; l < kernel->lanes; l++)
        begin[l] = energy(&b, l, dt_ps);
    for (uint32_t step = 1; step <= steps; step++) {
        advance(&b, dt_ps, step, 1);
        evaluate(&b);
        for (int l = 0; l < kernel->lanes; l++)
            squares += pow(energy(&b, l, dt_ps) - begin[l], 2);
    }
    free_bench(&b);
    return sqrt(squares / (steps * (uint32_t)kernel->lanes));
}

static double fastest_square(const peptide_molecule *m) {
    double fastest = 0;
    for (int k = 0; k < m->bonds; k++) {
        const double a = (double)m->mass[m->bond[k].atoms[0]];
        const double b = (double)m->mass[m->bond[k].atoms[1]];
        fastest = fmax(fastest, (double)m->bond[k].k * (1 / a + 1 / b));
    }
    return fastest;
}

/* Half the step, a quarter of the deviation; but for terms of (omega dt)^2. */
static void the_energy_is_kept_to_the_second_order_of_the_step(void **state) {
    (void)state;
    const kernel_list kernels = all_kernels();
    const double dt_ps = 0.0005;
    peptide_molecule molecule = read_molecule("AA");
    const double rest = fastest_square(&molecule) * dt_ps * dt_ps;
    for (int n = 0; n < kernels.count; n++) {
        const peptide_kernel *kernel = kernels.kernel[n];
        const double whole = deviation(kernel, &molecule, dt_ps);
        const double half = deviation(kernel, &molecule, dt_ps / 2);
        if (!(fabs(whole / half / 4 - 1) <= rest))
            fail_msg("%s: the energy is off by %.3g kJ/mol, with half the step by %.3g: %.3f times "
                     "as much, 4 (1 +- %.3g) expected",
                     kernel->name, whole, half, whole / half, rest);
    }
    peptide_molecule_free(&molecule);
}

/* ---- Drift ---- */

/* What the steps keep but for the fourth order of dt, with velocities and forces at one time
 * (Hairer, Lubich and Wanner, Acta Numerica 12, 399, 2003):
 *   E + dt^2 (v.U''v/12 - f.f/(24 m)),   U''v = -(f(t + dt) - f(t - dt))/(2 dt). */
typedef struct shadow {
    double energy[PEPTIDE_MAX_LANES];
    double step_square; /* of the energy that rounding gives in a step */
} shadow;

/* Takes two steps, numbers `first` and the next. */
static shadow shadow_energy(bench *b, double dt, uint32_t first) {
    enum { MOST = MAX_COORDINATES * PEPTIDE_MAX_LANES };
    static float before[MOST];
    const int lanes = b->kernel->lanes, count = 3 * b->molecule->atoms;
    static double v[MOST];
    shadow s = {.step_square = 0};
    assert_true(count <= MAX_COORDINATES);
    evaluate(b);
    memcpy(before, b->forces, (size_t)(count * lanes) * sizeof *before);
    advance(b, dt, first, 1);
    evaluate(b);
    for (int l = 0; l < lanes; l++) {
        s.energy[l] = energy(b, l, dt);
        for (int k = 0; k < count; k++) {
            const double mass = (double)b->molecule->mass[k / 3];
            const double force = (double)*lane_at(b, b->forces, l, k);
            const double place = (double)*lane_at(b, b->state.positions_nm, l, k);
            v[k * lanes + l] = velocity(b, l, k, dt);
            s.energy[l] -= dt * dt * force * force / (24 * mass);
            s.step_square += (pow(force * place, 2) +
                              pow(mass * v[k * lanes + l], 4) / (mass * mass)) *
                             pow((double)FLT_EPSILON, 2) / 12 / lanes;
        }
    }
    advance(b, dt, first + 1, 1);
    evaluate(b);
    for (int l = 0; l < lanes; l++)
        for (int k = 0; k < count; k++) {
            const double change = (double)b->forces[k * lanes + l] - (double)before[k * lanes + l];
            s.energy[l] -= dt * v[k * lanes + l] * change / 24;
        }
    return s;
}

/* 10 ps of steps of half a femtosecond. Rounding moves a coordinate x by up to eps x/2, evenly, so
 * by eps x/root 12, and the energy by the force times that; a velocity the same way, and the energy
 * by m v times that. Of either sign, in N steps by root N of it; five times that is hardly ever
 * passed. The energies that are compared are rounded themselves, and of the fourth order there is
 * as much as kT (omega dt)^4. */
static void the_energy_does_not_drift(void **state) {
    (void)state;
    const kernel_list kernels = all_kernels();
    enum { STEPS = 20000, BETWEEN = 200 };
    const double dt_ps = 0.0005;
    peptide_molecule molecule = read_molecule("AA");
    const double rest = fastest_square(&molecule) * dt_ps * dt_ps;
    double start[MAX_COORDINATES];
    for (int k = 0; k < 3 * molecule.atoms; k++)
        start[k] = (double)molecule.start[k / 3][k % 3];
    for (int n = 0; n < kernels.count; n++) {
        const peptide_kernel *kernel = kernels.kernel[n];
        bench b = make_warm(kernel, &molecule, dt_ps);
        const shadow begin = shadow_energy(&b, dt_ps, 1);
        const double step = sqrt(begin.step_square), kt = (double)b.state.kt[0];
        const double fixed = bound_of_energy(size_of_terms(&molecule, start, -1)) +
                             kt * rest * rest;
        for (uint32_t done = 2; done < STEPS; done += BETWEEN) {
            advance(&b, dt_ps, done + 1, BETWEEN - 2);
            const shadow now = shadow_energy(&b, dt_ps, done + BETWEEN - 1);
            const double bound = fixed + 5 * step * sqrt((double)done + BETWEEN);
            for (int l = 0; l < kernel->lanes; l++) {
                const double drift = now.energy[l] - begin.energy[l];
                if (!(fabs(drift) <= bound))
                    fail_msg("%s, lane %d: after %d steps the energy is off by %.3g kJ/mol, %.3g "
                             "expected at most",
                             kernel->name, l, (int)done + BETWEEN, drift, bound);
            }
        }
        free_bench(&b);
    }
    peptide_molecule_free(&molecule);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_energy_is_kept_to_the_second_order_of_the_step),
        cmocka_unit_test(the_energy_does_not_drift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
