#include "ensemble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"

static const double BOLTZMANN = 0.00831446261815324; /* kJ/mol/K */

/* ---- Where a copy is ---- */

typedef struct place {
    int vector, lane;
} place;

static place place_of(const peptide_ensemble *e, int copy) {
    const int unit = copy / e->unit_copies, within = copy % e->unit_copies;
    return (place){.vector = unit * e->unit_vectors + within / e->kernel->lanes,
                   .lane = within % e->kernel->lanes};
}

/* The copy whose start, temperature and number a lane has; lanes to spare repeat one. */
static int copy_at(const peptide_ensemble *e, int vector, int lane) {
    const int unit = vector / e->unit_vectors;
    int within = vector % e->unit_vectors * e->kernel->lanes + lane;
    if (within >= e->unit_copies)
        within = 0;
    const int copy = unit * e->unit_copies + within;
    return copy < e->copies ? copy : e->copies - 1;
}

float *peptide_ensemble_at(const peptide_ensemble *e, bool velocities, int copy, int atom,
                           int axis) {
    const place at = place_of(e, copy);
    const peptide_state *state = &e->state[at.vector];
    float *array = velocities ? state->velocities : state->positions_nm;
    return &array[(3 * atom + axis) * e->kernel->lanes + at.lane];
}

void peptide_ensemble_store(const peptide_ensemble *e, bool velocities, float *array) {
    for (int copy = 0; copy < e->copies; copy++)
        for (int i = 0; i < e->dynamics.molecule->atoms; i++)
            for (int c = 0; c < 3; c++)
                *array++ = *peptide_ensemble_at(e, velocities, copy, i, c);
}

void peptide_ensemble_load(peptide_ensemble *e, bool velocities, const float *array) {
    const int lanes = e->kernel->lanes, size = 3 * e->dynamics.molecule->atoms;
    for (int vector = 0; vector < e->vectors; vector++)
        for (int lane = 0; lane < lanes; lane++) {
            const float *from = array + (size_t)copy_at(e, vector, lane) * (size_t)size;
            float *to = velocities ? e->state[vector].velocities : e->state[vector].positions_nm;
            for (int k = 0; k < size; k++)
                to[k * lanes + lane] = from[k];
        }
}

void peptide_ensemble_set_levels(peptide_ensemble *e) {
    for (int vector = 0; vector < e->vectors; vector++)
        for (int lane = 0; lane < e->kernel->lanes; lane++)
            e->state[vector].kt[lane] = e->kt[e->level[copy_at(e, vector, lane)]];
}

/* ---- Swaps ---- */

/* Level k of a ladder goes to another copy, and the velocities to their new temperature. */
static void give_level(peptide_ensemble *e, int copy, int level) {
    const place at = place_of(e, copy);
    const int lanes = e->kernel->lanes;
    const float factor = sqrtf(e->kt[level] / e->kt[e->level[copy]]);
    float *velocities = e->state[at.vector].velocities;
    for (int k = 0; k < 3 * e->dynamics.molecule->atoms; k++)
        velocities[k * lanes + at.lane] *= factor;
    e->state[at.vector].kt[at.lane] = e->kt[level];
    e->level[copy] = level;
}

/* The energies of a unit's copies. */
static void evaluate_unit(peptide_ensemble *e, int unit, void *memory) {
    double potential[PEPTIDE_MAX_LANES], bias[PEPTIDE_MAX_LANES];
    const peptide_energies energies = {.potential = potential, .bias = bias};
    const int lanes = e->kernel->lanes;
    for (int v = 0; v < e->unit_vectors; v++) {
        const peptide_state *state = &e->state[unit * e->unit_vectors + v];
        e->kernel->evaluate(e->dynamics.molecule, state, &energies, NULL, memory);
        for (int lane = 0; lane < lanes; lane++) {
            const int within = v * lanes + lane, copy = unit * e->unit_copies + within;
            if (within < e->unit_copies && copy < e->copies) {
                e->potential[copy] = potential[lane];
                e->bias[copy] = bias[lane];
            }
        }
    }
}

/* Neighbours, beginning with the even ones and the odd ones in turn, swap with probability
 * min(1, exp((1/kT_k - 1/kT_k+1)(U_k - U_k+1))). Ladders are counted by their first copy's number, so
 * a ladder has the same random numbers in any run. */
static void swap(peptide_ensemble *e, int unit, uint32_t step, void *memory) {
    const int levels = e->ladder.levels, first = unit * e->unit_copies;
    evaluate_unit(e, unit, memory);
    int *holder = memory; /* by level */
    for (int copy = first; copy < first + levels; copy++)
        holder[e->level[copy]] = copy;
    score_random random = score_random_stream(e->dynamics.seed, PEPTIDE_DRAW_SWAP, step,
                                              (uint32_t)((e->first_copy + first) / levels));
    for (int k = (int)(step / e->ladder.swap_steps % 2); k + 1 < levels; k += 2) {
        const int a = holder[k], b = holder[k + 1];
        const double difference = (e->potential[a] + e->bias[a]) - (e->potential[b] + e->bias[b]);
        const double exponent = (1 / (double)e->kt[k] - 1 / (double)e->kt[k + 1]) * difference;
        const bool accepted = score_random_uniform(&random) < exp(fmin(exponent, 0));
        /* Ladders of other threads count too. */
        __atomic_fetch_add(&e->attempted[k], 1, __ATOMIC_RELAXED);
        if (!accepted)
            continue;
        __atomic_fetch_add(&e->accepted[k], 1, __ATOMIC_RELAXED);
        give_level(e, a, k + 1);
        give_level(e, b, k);
    }
}

/* ---- Steps ---- */

typedef struct steps {
    peptide_ensemble *ensemble;
    uint32_t first, count;
} steps;

static void advance_unit(void *argument, int unit, int thread) {
    const steps *todo = argument;
    peptide_ensemble *e = todo->ensemble;
    const uint32_t every = e->ladder.swap_steps;
    void *memory = e->memory[thread];
    for (uint32_t step = todo->first, end = todo->first + todo->count; step != end;) {
        uint32_t count = end - step;
        if (every > 0 && count > every - (step - 1) % every)
            count = every - (step - 1) % every;
        for (int v = 0; v < e->unit_vectors; v++)
            e->kernel->advance(&e->dynamics, &e->state[unit * e->unit_vectors + v], step, count,
                               memory);
        step += count;
        if (every > 0 && (step - 1) % every == 0)
            swap(e, unit, step - 1, memory);
    }
}

void peptide_ensemble_advance(peptide_ensemble *e, uint32_t first, uint32_t count) {
    steps todo = {.ensemble = e, .first = first, .count = count};
    e->executor->run(e->executor->context, e->units, advance_unit, &todo);
}

static void evaluate_task(void *argument, int unit, int thread) {
    peptide_ensemble *e = argument;
    evaluate_unit(e, unit, e->memory[thread]);
}

void peptide_ensemble_evaluate(peptide_ensemble *e) {
    e->executor->run(e->executor->context, e->units, evaluate_task, e);
}

/* ---- Beginning and end ---- */

static void carve(score_arena *arena, peptide_ensemble *e) {
    const size_t lanes = (size_t)e->kernel->lanes, copies = (size_t)e->copies;
    const size_t coordinates = 3 * (size_t)e->dynamics.molecule->atoms * lanes;
    const size_t levels = (size_t)e->ladder.levels;
    e->state = score_arena_take(arena, (size_t)e->vectors, sizeof *e->state);
    e->memory = score_arena_take(arena, (size_t)e->executor->threads, sizeof *e->memory);
    e->kt = score_arena_take(arena, levels, sizeof *e->kt);
    e->level = score_arena_take(arena, copies, sizeof *e->level);
    e->potential = score_arena_take(arena, copies, sizeof *e->potential);
    e->bias = score_arena_take(arena, copies, sizeof *e->bias);
    e->attempted = score_arena_take(arena, levels, sizeof *e->attempted);
    e->accepted = score_arena_take(arena, levels, sizeof *e->accepted);
    for (int v = 0; v < e->vectors; v++) {
        const peptide_state state = {
            .positions_nm = score_arena_take(arena, coordinates, sizeof(float)),
            .velocities = score_arena_take(arena, coordinates, sizeof(float)),
            .kt = score_arena_take(arena, lanes, sizeof(float)),
            .copy = score_arena_take(arena, lanes, sizeof(uint32_t))};
        if (arena->memory != NULL)
            e->state[v] = state;
    }
    const size_t kernels = e->kernel->memory_size(e->dynamics.molecule);
    const size_t size = kernels > levels * sizeof(int) ? kernels : levels * sizeof(int);
    for (int t = 0; t < e->executor->threads; t++) {
        void *memory = score_arena_take(arena, size, 1);
        if (arena->memory != NULL)
            e->memory[t] = memory;
    }
}

static void begin(peptide_ensemble *e) {
    const peptide_molecule *m = e->dynamics.molecule;
    const int lanes = e->kernel->lanes;
    for (int k = 0; k < e->ladder.levels; k++)
        e->kt[k] = (float)(BOLTZMANN * e->ladder.temperatures_k[k]);
    for (int copy = 0; copy < e->copies; copy++)
        e->level[copy] = copy % e->ladder.levels;
    peptide_ensemble_set_levels(e);
    for (int vector = 0; vector < e->vectors; vector++) {
        const peptide_state *state = &e->state[vector];
        for (int lane = 0; lane < lanes; lane++) {
            state->copy[lane] = (uint32_t)(e->first_copy + copy_at(e, vector, lane));
            for (int i = 0; i < m->atoms; i++)
                for (int c = 0; c < 3; c++)
                    state->positions_nm[(3 * i + c) * lanes + lane] = m->start[i][c];
        }
        e->kernel->draw_velocities(&e->dynamics, state);
    }
}

score_status peptide_ensemble_create(const peptide_dynamics *dynamics, const peptide_ladder *ladder,
                                     int copies, int first_copy, const score_executor *executor,
                                     peptide_ensemble **ensemble, score_error *error) {
    const int levels = ladder->levels;
    *ensemble = NULL;
    if (copies % levels != 0 || first_copy % levels != 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "%d copies from number %d on, must be whole ladders of %d temperatures",
                          copies, first_copy, levels);
    peptide_ensemble *e = calloc(1, sizeof *e);
    if (e == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", sizeof *e);
    *e = (peptide_ensemble){.kernel = peptide_kernel_best(),
                            .dynamics = *dynamics,
                            .ladder = *ladder,
                            .copies = copies,
                            .first_copy = first_copy,
                            .executor = executor};
    const int lanes = e->kernel->lanes;
    e->unit_copies = levels > 1 ? levels : lanes;
    e->unit_vectors = (e->unit_copies + lanes - 1) / lanes;
    e->units = (copies + e->unit_copies - 1) / e->unit_copies;
    e->vectors = e->units * e->unit_vectors;
    score_arena arena = {0};
    carve(&arena, e);
    const score_status status = score_arena_allocate(&arena, error);
    if (status != SCORE_OK) {
        free(e);
        return status;
    }
    e->block = arena.memory;
    carve(&arena, e);
    begin(e);
    *ensemble = e;
    return SCORE_OK;
}

void peptide_ensemble_destroy(peptide_ensemble *e) {
    if (e == NULL)
        return;
    free(e->block);
    free(e);
}
