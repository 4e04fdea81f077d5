/* A copy's run depends on its number alone: not on the lane, vector or thread that it has, nor on
 * which others run beside it, nor on whether it was stored and loaded again. */
#include "molecules.h"

#include <string.h>

#include "ensemble.h"
#include "programs/executor_openmp.h"

enum { STEPS = 300 };

static const double LADDER_K[] = {300, 320, 341, 364, 388};

/* What a run is made of. `levels` 1: no ladder. */
typedef struct plan {
    int levels, copies, first_copy, threads;
} plan;

typedef struct ensemble {
    peptide_dynamics dynamics;
    peptide_ladder ladder;
    score_executor executor;
    peptide_ensemble *e;
    plan plan;
} ensemble;

static peptide_molecule aa;

static int read_aa(void **state) {
    aa = read_molecule("AA");
    return enter_folder(state);
}

static int free_aa(void **state) {
    peptide_molecule_free(&aa);
    return leave_folder(state);
}

static score_status create(ensemble *to, plan from, score_error *error) {
    *to = (ensemble){
        .dynamics = {.molecule = &aa, .timestep_ps = 0.002f, .friction_per_ps = 1, .seed = 11},
        .ladder = {.levels = from.levels,
                   .temperatures_k = LADDER_K,
                   .swap_steps = from.levels > 1 ? 10 : 0},
        .plan = from};
    to->executor = score_executor_openmp(&to->plan.threads);
    return peptide_ensemble_create(&to->dynamics, &to->ladder, from.copies, from.first_copy,
                                   &to->executor, &to->e, error);
}

/* For free(), with `to`. */
static ensemble *make(plan from) {
    ensemble *to = calloc(1, sizeof *to);
    score_error error = {0};
    assert_non_null(to);
    if (create(to, from, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return to;
}

static void destroy(ensemble *to) {
    peptide_ensemble_destroy(to->e);
    free(to);
}

static ensemble *run(plan from, uint32_t steps) {
    ensemble *to = make(from);
    peptide_ensemble_advance(to->e, 1, steps);
    return to;
}

static float *stored(const ensemble *of, bool velocities) {
    float *array = calloc((size_t)of->e->copies, 3 * (size_t)aa.atoms * sizeof *array);
    assert_non_null(array);
    peptide_ensemble_store(of->e, velocities, array);
    return array;
}

/* The copies of `part` are the same in `whole`, bit by bit. */
static void expect_part(const ensemble *whole, const ensemble *part) {
    const int shift = part->plan.first_copy - whole->plan.first_copy, size = 3 * aa.atoms;
    peptide_ensemble_evaluate(whole->e);
    peptide_ensemble_evaluate(part->e);
    for (int kind = 0; kind < 2; kind++) {
        float *all = stored(whole, kind == 1), *some = stored(part, kind == 1);
        for (int copy = 0; copy < part->e->copies; copy++)
            if (memcmp(&all[(shift + copy) * size], &some[copy * size],
                       (size_t)size * sizeof *all) != 0)
                fail_msg("%s of copy %d differ: %d copies from %d on, %d threads, and %d from %d, "
                         "%d threads",
                         kind == 1 ? "velocities" : "positions", part->plan.first_copy + copy,
                         whole->e->copies, whole->plan.first_copy, whole->plan.threads,
                         part->e->copies, part->plan.first_copy, part->plan.threads);
        free(all);
        free(some);
    }
    for (int copy = 0; copy < part->e->copies; copy++) {
        assert_int_equal(whole->e->level[shift + copy], part->e->level[copy]);
        assert_true(whole->e->potential[shift + copy] == part->e->potential[copy]);
    }
}

/* A last vector that is not full, for any number of lanes; runs of few copies, which begin and end
 * anywhere in it. */
static void a_copy_is_the_same_in_any_run(void **state) {
    (void)state;
    const plan parts[] = {{1, 37, 0, 2}, {1, 37, 0, 3}, {1, 1, 0, 1},
                          {1, 1, 17, 1}, {1, 7, 20, 2}, {1, 5, 32, 1}};
    ensemble *whole = run((plan){1, 37, 0, 1}, STEPS);
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        ensemble *part = run(parts[k], STEPS);
        expect_part(whole, part);
        destroy(part);
    }
    destroy(whole);
}

static void copies_differ(void **state) {
    (void)state;
    ensemble *of = run((plan){1, 37, 0, 1}, 1);
    const int size = 3 * aa.atoms;
    float *v = stored(of, true);
    for (int a = 0; a < of->e->copies; a++)
        for (int b = 0; b < a; b++)
            assert_true(memcmp(&v[a * size], &v[b * size], (size_t)size * sizeof *v) != 0);
    free(v);
    destroy(of);
}

/* Ladders of 5 fill no vector, and of 4 one of the narrowest. */
static void a_ladder_is_the_same_in_any_run(void **state) {
    (void)state;
    for (int levels = 4; levels <= 5; levels++) {
        const plan parts[] = {{levels, 6 * levels, 0, 2},
                              {levels, 6 * levels, 0, 3},
                              {levels, levels, 0, 1},
                              {levels, levels, 3 * levels, 1},
                              {levels, 2 * levels, 4 * levels, 2}};
        ensemble *whole = run((plan){levels, 6 * levels, 0, 1}, STEPS);
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            ensemble *part = run(parts[k], STEPS);
            expect_part(whole, part);
            for (int level = 0; level < levels - 1; level++) {
                assert_true(part->e->accepted[level] <= part->e->attempted[level]);
                if (part->e->copies == whole->e->copies) {
                    assert_int_equal(part->e->attempted[level], whole->e->attempted[level]);
                    assert_int_equal(part->e->accepted[level], whole->e->accepted[level]);
                }
            }
            destroy(part);
        }
        /* 30 times, of the even and the odd pairs in turn, in each of six ladders */
        for (int level = 0; level < levels - 1; level++)
            assert_int_equal(whole->e->attempted[level], 6 * STEPS / 10 / 2);
        destroy(whole);
    }
}

/* Whatever has been swapped, and with the temperature that belongs to it. */
static void levels_stay_a_permutation(void **state) {
    (void)state;
    enum { LEVELS = 5, LADDERS = 6, PARTS = 50 };
    ensemble *of = make((plan){LEVELS, LEVELS * LADDERS, 0, 1});
    bool moved = false;
    for (uint32_t part = 0; part < PARTS; part++) {
        peptide_ensemble_advance(of->e, 10 * part + 1, 10);
        for (int ladder = 0; ladder < LADDERS; ladder++) {
            int seen[LEVELS] = {0};
            for (int k = 0; k < LEVELS; k++) {
                const int level = of->e->level[ladder * LEVELS + k];
                assert_true(level >= 0 && level < LEVELS && seen[level] == 0);
                seen[level] = 1;
                moved |= level != k;
            }
        }
    }
    assert_true(moved);
    destroy(of);
}

static void parts_of_a_run_are_the_run(void **state) {
    (void)state;
    const plan plans[] = {{1, 21, 3, 1}, {5, 25, 10, 2}};
    const uint32_t ends[] = {1, 4, 10, 11, 128, 129, 257, STEPS};
    for (int k = 0; k < 2; k++) {
        ensemble *whole = run(plans[k], STEPS), *parts = make(plans[k]);
        uint32_t done = 0;
        for (size_t end = 0; end < sizeof ends / sizeof *ends; end++) {
            peptide_ensemble_advance(parts->e, done + 1, ends[end] - done);
            peptide_ensemble_evaluate(parts->e); /* which changes nothing */
            done = ends[end];
        }
        expect_part(whole, parts);
        destroy(whole);
        destroy(parts);
    }
}

static void what_is_stored_can_be_loaded(void **state) {
    (void)state;
    enum { HALF = 157 };
    const plan plans[] = {{1, 21, 3, 1}, {5, 25, 10, 1}};
    for (int k = 0; k < 2; k++) {
        ensemble *whole = run(plans[k], STEPS), *first = run(plans[k], HALF);
        ensemble *second = make(plans[k]);
        float *positions = stored(first, false), *velocities = stored(first, true);
        peptide_ensemble_load(second->e, false, positions);
        peptide_ensemble_load(second->e, true, velocities);
        memcpy(second->e->level, first->e->level,
               (size_t)first->e->copies * sizeof *first->e->level);
        peptide_ensemble_set_levels(second->e);
        expect_part(first, second);
        peptide_ensemble_advance(second->e, HALF + 1, STEPS - HALF);
        expect_part(whole, second);
        for (int copy = 0, at = 0; copy < first->e->copies; copy++)
            for (int i = 0; i < aa.atoms; i++)
                for (int c = 0; c < 3; c++, at++) {
                    assert_true(*peptide_ensemble_at(first->e, false, copy, i, c) == positions[at]);
                    assert_true(*peptide_ensemble_at(first->e, true, copy, i, c) == velocities[at]);
                }
        free(positions);
        free(velocities);
        destroy(whole);
        destroy(first);
        destroy(second);
    }
}

static void copies_must_be_whole_ladders(void **state) {
    (void)state;
    const plan plans[] = {{5, 6, 0, 1}, {5, 5, 3, 1}, {5, 4, 0, 1}};
    for (int k = 0; k < 3; k++) {
        ensemble of;
        score_error error = {0};
        assert_int_equal(create(&of, plans[k], &error), SCORE_ERROR_ARGUMENT);
        assert_null(of.e);
        assert_non_null(strstr(error.message, "whole ladders of 5 temperatures"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_the_same_in_any_run),
        cmocka_unit_test(copies_differ),
        cmocka_unit_test(a_ladder_is_the_same_in_any_run),
        cmocka_unit_test(levels_stay_a_permutation),
        cmocka_unit_test(parts_of_a_run_are_the_run),
        cmocka_unit_test(what_is_stored_can_be_loaded),
        cmocka_unit_test(copies_must_be_whole_ladders),
    };
    return cmocka_run_group_tests(tests, read_aa, free_aa);
}
