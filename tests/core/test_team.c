/* Threads that share the molecules, or one molecule, change no bit of the result; constants in place
 * of the first attention change nothing but rounding. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "score/batch.h"

enum { MAX_THREADS = 3, MAX_BEADS = 9, MAX_MOLECULES = 40, SIZE = MAX_MOLECULES * MAX_BEADS * 3 };

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

/* A thread for each of the first tasks, so that they run together. */
static void run_together(void *context, int tasks, score_task task, void *argument) {
    const int threads = *(const int *)context;
    worker workers[MAX_THREADS];
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

static void evaluate(const score_model *model, score_precision precision, int molecule_count,
                     const score_molecule *molecules, int threads, bool wants_time, result *out) {
    static double x[SIZE];
    score_random random = score_random_stream(5, 0, 0, 0);
    for (int k = 0; k < SIZE; k++)
        x[k] = 0.3 * score_random_normal(&random);
    memset(out, 0, sizeof *out);
    score_executor executor = score_executor_serial();
    if (threads > 1)
        executor = (score_executor){threads, true, &threads, run_together};
    score_batch *batch;
    assert_int_equal(
        score_batch_create(model, precision, molecule_count, molecules, threads, &batch, NULL),
        SCORE_OK);
    assert_int_equal(score_batch_evaluate(batch, x, 0.03, &executor, out->energy, out->score,
                                          wants_time ? out->rate : NULL, NULL),
                     SCORE_OK);
    score_batch_destroy(batch);
}

static score_model *random_model(int head_width) {
    const score_model_config config = {
        .dimensions = 3,
        .centred = 1,
        .scale_nm = 0.3,
        .temperature_k = 300,
        .beta_min = 0.1,
        .beta_max = 20,
        .feature_count = 1,
        .feature_sizes = {4},
        .expert_count = 1,
        .experts = {
            {.hidden = 128, .layers = 2, .heads = 3, .head_width = head_width, .t_end = 1}}};
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
    const int widths[] = {64, 12}, counts[] = {1, 2, 5, MAX_MOLECULES};
    for (int w = 0; w < 2; w++) {
        score_model *model = random_model(widths[w]);
        for (int c = 0; c < 4; c++) {
            check(model, SCORE_SINGLE_PRECISION, counts[c], molecules);
            check(model, SCORE_DOUBLE_PRECISION, counts[c], molecules);
        }
        score_model_destroy(model);
    }
}

static void check_threads(const score_model *model, score_precision precision, int count,
                          const score_molecule *molecules) {
    static result one, many;
    for (int wants_time = 0; wants_time < 2; wants_time++) {
        evaluate(model, precision, count, molecules, 1, wants_time != 0, &one);
        for (int threads = 2; threads <= MAX_THREADS; threads++) {
            evaluate(model, precision, count, molecules, threads, wants_time != 0, &many);
            assert_memory_equal(&one, &many, sizeof one);
        }
    }
}

static void threads_change_no_bit(void **state) {
    (void)state;
    for_every_case(check_threads);
}

/* What one rounding does to the sum of squares' root of `count` numbers, some hundred times over:
 * as many roundings lie between the positions and a force. */
static void check_same(score_precision precision, int count, const double *a, const double *b) {
    const double epsilon = precision == SCORE_SINGLE_PRECISION ? 0x1p-24 : 0x1p-53;
    double size = 0, difference = 0;
    for (int k = 0; k < count; k++) {
        size = fmax(size, fabs(a[k]));
        difference = fmax(difference, fabs(a[k] - b[k]));
    }
    if (!(difference <= 300 * epsilon * size))
        fail_msg("they differ by %g of %g", difference, size);
}

static void check_constants(const score_model *model, score_precision precision, int count,
                            const score_molecule *molecules) {
    static result constant, computed;
    int beads = 0;
    for (int m = 0; m < count; m++)
        beads += molecules[m].beads;
    evaluate(model, precision, count, molecules, 1, false, &constant);
    evaluate(model, precision, count, molecules, 1, true, &computed);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_constant_first_layer_changes_nothing_but_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
