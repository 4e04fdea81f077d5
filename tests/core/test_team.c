/* Threads that share the molecules, or one molecule, change no bit of the result; constants in place
 * of the first attention change nothing but rounding; a molecule without a result is named. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "score/batch.h"

enum {
    MAX_THREADS = 3,
    MAX_BEADS = 9,
    FEW_MOLECULES = 5, /* fewer than 4 a thread: the threads share a tile */
    MAX_MOLECULES = 40,
    SIZE = MAX_MOLECULES * MAX_BEADS * 3,
};

typedef struct worker {
    pthread_t thread;
    int index;
    int step;
    int tasks;
    score_task task;
    void *argument;
} worker;

static void *work(void *argument) {
    const worker *self = argument;
    for (int k = self->index; k < self->tasks; k += self->step)
        self->task(self->argument, k, self->index);
    return NULL;
}

typedef struct team {
    int threads;
    int tasks; /* of the last run */
} team;

/* A thread for each of the first tasks, so that they run together. */
static void run_together(void *context, int tasks, score_task task, void *argument) {
    team *of = context;
    const int threads = of->threads;
    worker workers[MAX_THREADS];
    of->tasks = tasks;
    for (int k = 0; k < threads; k++) {
        workers[k] = (worker){
            .index = k, .step = threads, .tasks = tasks, .task = task, .argument = argument};
        assert_int_equal(pthread_create(&workers[k].thread, NULL, work, &workers[k]), 0);
    }
    for (int k = 0; k < threads; k++)
        pthread_join(workers[k].thread, NULL);
}

typedef struct result {
    double energy[MAX_MOLECULES], score[SIZE], rate[MAX_MOLECULES];
} result;

static void fill_positions(double *x) {
    score_random random = score_random_stream(5, 0, 0, 0);
    for (int k = 0; k < SIZE; k++)
        x[k] = 0.3 * score_random_normal(&random);
}

/* Returns the number of tasks that the work was cut into; `together` allows them to be parts of one
 * tile, which wait for each other. */
static int evaluate(const score_model *model, score_precision precision, int molecule_count,
                    const score_molecule *molecules, int threads, bool together, bool wants_time,
                    result *out) {
    static double x[SIZE];
    fill_positions(x);
    memset(out, 0, sizeof *out);
    team members = {.threads = threads};
    const score_executor executor = {threads, together, &members, run_together};
    score_batch *batch;
    assert_int_equal(
        score_batch_create(model, precision, molecule_count, molecules, threads, &batch, NULL),
        SCORE_OK);
    assert_int_equal(score_batch_evaluate(batch, x, 0.03, &executor, out->energy, out->score,
                                          wants_time ? out->rate : NULL, NULL),
                     SCORE_OK);
    score_batch_destroy(batch);
    return members.tasks;
}

static score_model *random_model(int head_width, score_base base) {
    static const double variance = 1.2;
    static const score_gaussian gaussian = {
        .over = SCORE_OVER_ALL, .modes = 1, .variances = &variance};
    const score_model_config config = {.dimensions = 3,
                                       .centred = 1,
                                       .scale_nm = 0.3,
                                       .temperature_k = 300,
                                       .schedule = {0, {0.1, 20}},
                                       .feature_count = 1,
                                       .feature_sizes = {4},
                                       .gaussian = &gaussian,
                                       .expert_count = 1,
                                       .experts = {{.hidden = 128,
                                                    .layers = 2,
                                                    .heads = 3,
                                                    .head_width = head_width,
                                                    .t_end = 1,
                                                    .base = base}}};
    score_model *model;
    assert_int_equal(score_model_create(&config, &model, NULL), SCORE_OK);
    score_random random = score_random_stream(1, 0, 0, 0);
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        score_model_parameters(model, 0)[k] = 0.07 * score_random_normal(&random);
    return model;
}

/* Molecules of three kinds, of different sizes. */
static void fill_molecules(score_molecule *molecules) {
    static const int kinds[3][MAX_BEADS] = {{0, 1, 2, 3, 0, 1, 2, 3, 0}, {3, 2, 1}, {0, 1, 2, 0}};
    static const int beads[3] = {9, 3, 4};
    static int features[MAX_MOLECULES * MAX_BEADS];
    int *next = features;
    for (int m = 0; m < MAX_MOLECULES; m++) {
        const int kind = m % 3;
        memcpy(next, kinds[kind], sizeof kinds[kind]);
        molecules[m] = (score_molecule){beads[kind], next};
        next += beads[kind];
    }
}

static void for_every_case(void (*check)(const score_model *, score_precision, int,
                                         const score_molecule *)) {
    score_molecule molecules[MAX_MOLECULES];
    fill_molecules(molecules);
    /* A head of 64 is whole panels of the products in all precisions; one of 12 never is. */
    const int widths[] = {64, 12}, counts[] = {1, 2, FEW_MOLECULES, MAX_MOLECULES};
    const score_base bases[] = {SCORE_BASE_GAUSSIAN, SCORE_BASE_NONE};
    for (int w = 0; w < 2; w++) {
        score_model *model = random_model(widths[w], bases[w]);
        for (int c = 0; c < 4; c++) {
            check(model, SCORE_SINGLE_PRECISION, counts[c], molecules);
            check(model, SCORE_DOUBLE_PRECISION, counts[c], molecules);
        }
        score_model_destroy(model);
    }
}

static void check_threads(const score_model *model, score_precision precision, int count,
                          const score_molecule *molecules) {
    static result one, apart, together;
    for (int k = 0; k < 2; k++) {
        const bool wants_time = k != 0;
        evaluate(model, precision, count, molecules, 1, false, wants_time, &one);
        for (int threads = 2; threads <= MAX_THREADS; threads++) {
            const int tiles = evaluate(model, precision, count, molecules, threads, false,
                                       wants_time, &apart);
            assert_memory_equal(&one, &apart, sizeof one);
            const int parts = evaluate(model, precision, count, molecules, threads, true,
                                       wants_time, &together);
            assert_memory_equal(&one, &together, sizeof one);
            if (count <= FEW_MOLECULES) { /* a single tile, and all share it */
                assert_int_equal(tiles, 1);
                assert_int_equal(parts, threads);
            } else { /* whole tiles for every thread */
                assert_int_equal(tiles % threads, 0);
                assert_int_equal(parts, tiles);
            }
        }
    }
}

static void threads_change_no_bit(void **state) {
    (void)state;
    for_every_case(check_threads);
}

/* What one rounding does to the largest of `count` numbers, some hundred times over: as many
 * roundings lie between the positions and a force. */
static void check_same(score_precision precision, int count, const double *a, const double *b) {
    const double epsilon = precision == SCORE_SINGLE_PRECISION ? 0x1p-24 : 0x1p-53;
    double largest = 0;
    for (int k = 0; k < count; k++)
        largest = fmax(largest, fabs(a[k]));
    for (int k = 0; k < count; k++)
        if (!(fabs(a[k] - b[k]) <= 300 * epsilon * largest))
            fail_msg("number %d is %g and %g; the largest is %g", k, a[k], b[k], largest);
}

static void check_constants(const score_model *model, score_precision precision, int count,
                            const score_molecule *molecules) {
    static result constant, computed;
    int beads = 0;
    for (int m = 0; m < count; m++)
        beads += molecules[m].beads;
    evaluate(model, precision, count, molecules, 1, false, false, &constant);
    evaluate(model, precision, count, molecules, 1, false, true, &computed);
    check_same(precision, count, constant.energy, computed.energy);
    check_same(precision, 3 * beads, constant.score, computed.score);
    /* else the same was computed twice */
    assert_memory_not_equal(constant.score, computed.score, sizeof constant.score);
}

/* The derivative by time, which needs the whole network, keeps the constants from being used. */
static void a_constant_first_layer_changes_nothing_but_rounding(void **state) {
    (void)state;
    for_every_case(check_constants);
}

/* Evaluates `count` molecules like `molecule`, of which `bad` has no position (-1 for none). */
static void check_named(const score_model *model, score_precision precision, int count,
                        score_molecule molecule, int threads, int bad) {
    static double x[SIZE], energy[MAX_MOLECULES], score[SIZE];
    score_molecule molecules[MAX_MOLECULES];
    for (int m = 0; m < count; m++)
        molecules[m] = molecule;
    fill_positions(x);
    for (int k = 0; k < molecule.beads * 3 && bad >= 0; k++)
        x[bad * molecule.beads * 3 + k] = NAN;
    team members = {.threads = threads};
    const score_executor executor = {threads, true, &members, run_together};
    score_batch *batch;
    score_error error = {.message = ""};
    assert_int_equal(score_batch_create(model, precision, count, molecules, threads, &batch, NULL),
                     SCORE_OK);
    const score_status status = score_batch_evaluate(batch, x, 0.03, &executor, energy, score, NULL,
                                                     &error);
    score_batch_destroy(batch);
    char name[40];
    snprintf(name, sizeof name, " molecule %d ", bad);
    assert_int_equal(status, bad >= 0 ? SCORE_ERROR_NUMERIC : SCORE_OK);
    if (bad >= 0 && strstr(error.message, name) == NULL)
        fail_msg("molecule %d of %d, %d threads: '%s'", bad, count, threads, error.message);
}

/* Molecules of one kind, whose first attention reads vectors that reach beyond a molecule's last bead
 * into the next: the one without positions is named, and not the one before it. */
static void what_is_not_finite_is_named(void **state) {
    (void)state;
    score_molecule molecules[MAX_MOLECULES];
    fill_molecules(molecules);
    score_model *model = random_model(64, SCORE_BASE_NONE);
    const score_precision precisions[] = {SCORE_SINGLE_PRECISION, SCORE_DOUBLE_PRECISION};
    const int counts[] = {1, FEW_MOLECULES, MAX_MOLECULES};
    for (int kind = 0; kind < 3; kind++)
        for (int p = 0; p < 2; p++)
            for (int c = 0; c < 3; c++)
                for (int threads = 1; threads <= MAX_THREADS; threads += 2) {
                    const int bad[] = {-1, 0, counts[c] / 2, counts[c] - 1};
                    for (int b = 0; b < 4; b++)
                        check_named(model, precisions[p], counts[c], molecules[kind], threads,
                                    bad[b]);
                }
    score_model_destroy(model);
}

/* Molecule by molecule, as whoever wants to know all of them asks, with one batch. */
static void the_molecules_beside_it_are_fine(void **state) {
    (void)state;
    enum { BAD = MAX_MOLECULES - 1 };
    static double x[SIZE];
    double energy, score[3 * MAX_BEADS];
    score_molecule molecules[MAX_MOLECULES];
    fill_molecules(molecules);
    score_model *model = random_model(64, SCORE_BASE_NONE);
    const int stride = 3 * molecules[0].beads;
    const score_executor serial = score_executor_serial();
    score_batch *batch;
    fill_positions(x);
    for (int k = 0; k < stride; k++)
        x[BAD * stride + k] = NAN;
    assert_int_equal(
        score_batch_create(model, SCORE_SINGLE_PRECISION, 1, molecules, 1, &batch, NULL), SCORE_OK);
    for (int k = 0; k < 2 * MAX_MOLECULES; k++) { /* once more: nothing of the bad one stays */
        const int m = k % MAX_MOLECULES;
        assert_int_equal(score_batch_evaluate(batch, x + (ptrdiff_t)m * stride, 0.03, &serial,
                                              &energy, score, NULL, NULL),
                         m == BAD ? SCORE_ERROR_NUMERIC : SCORE_OK);
    }
    score_batch_destroy(batch);
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_constant_first_layer_changes_nothing_but_rounding),
        cmocka_unit_test(what_is_not_finite_is_named),
        cmocka_unit_test(the_molecules_beside_it_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
