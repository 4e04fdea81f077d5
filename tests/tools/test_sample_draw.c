/* Batches and threads change no bit of a sample. */
#include "temporary_folder.h"

#include <math.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "sampled_models.h"
#include "sample_draw.h"

enum { COUNT = 61, MOST = COUNT * 9 };

/* Where samples go. */
typedef struct results {
    float *positions;
    double *density;
    int size; /* numbers of a sample */
    double greatest;
    double stop; /* as soon as so many samples are drawn */
} results;

static score_status take(void *context, uint32_t first, uint32_t count, const float *positions_nm,
                         const double *log_density, score_error *error) {
    (void)error;
    const results *to = context;
    const size_t size = (size_t)to->size;
    memcpy(to->positions + first * size, positions_nm, count * size * sizeof(float));
    if (log_density != NULL)
        memcpy(to->density + first, log_density, count * sizeof(double));
    return SCORE_OK;
}

static score_sample_plan plan_of(const score_model *model, int solver, int batch) {
    return (score_sample_plan){.model = model,
                               .take = take,
                               .solver = &SCORE_SOLVERS[solver],
                               .steps = 8,
                               .seed = 3,
                               .count = COUNT,
                               .batch = batch};
}

static void draw(const score_sample_plan *given, int threads, float *positions, double *density) {
    const score_executor executor = score_executor_openmp(&threads);
    const score_model_config *config = score_model_get_config(given->model);
    results to = {positions, density, config->bead_count * config->dimensions, 0, 0};
    score_sample_plan plan = *given;
    score_error error = {0};
    plan.has_density = density != NULL;
    plan.context = &to;
    if (score_sample_draw(&plan, &executor, &error) != SCORE_OK)
        fail_msg("%s", error.message);
}

static void neither_threads_nor_batches_change_a_bit(void **state) {
    (void)state;
    static const struct {
        int threads;
        int batch;
    } ways[] = {{1, 1}, {1, 7}, {2, 256}, {3, 8}, {5, 256}};
    for (int kind = 0; kind < MODEL_LATE; kind++) {
        score_model *model = make_sampled_model((sampled_model)kind);
        const score_model_config *config = score_model_get_config(model);
        const size_t size = (size_t)config->bead_count * (size_t)config->dimensions;
        const bool has_density = kind != MODEL_SCORES;
        for (int solver = 0; solver < SCORE_SOLVER_COUNT; solver++) {
            float expected[MOST], found[MOST];
            double expected_density[COUNT] = {0}, density[COUNT] = {0};
            score_sample_plan plan = plan_of(model, solver, 256);
            draw(&plan, 1, expected, has_density ? expected_density : NULL);
            for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
                plan.batch = ways[k].batch;
                draw(&plan, ways[k].threads, found, has_density ? density : NULL);
                assert_memory_equal(found, expected, COUNT * size * sizeof(float));
                assert_memory_equal(density, expected_density, sizeof density);
            }
            plan.count = 1; /* the first of many is the first of few */
            draw(&plan, 2, found, NULL);
            assert_memory_equal(found, expected, size * sizeof(float));
        }
        score_model_destroy(model);
    }
}

/* What happens to a network whose weights leave the range of float. */
static void a_score_that_is_not_finite_names_sample_and_time(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const int threads = 1;
    const score_executor executor = score_executor_openmp(&threads);
    score_error error = {0};
    double *parameters = score_model_parameters(model, 0);
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        parameters[k] *= 1e30;
    const score_sample_plan plan = plan_of(model, 0, 256);
    assert_int_equal(score_sample_draw(&plan, &executor, &error), SCORE_ERROR_NUMERIC);
    if (strcmp(error.message, "the score of sample 0 is not finite at diffusion time 1") != 0)
        fail_msg("%s", error.message);
    score_model_destroy(model);
}

static score_status watch(void *context, double done, score_error *error) {
    results *watching = context;
    watching->greatest = fmax(watching->greatest, done);
    return done < watching->stop ? SCORE_OK : score_fail(error, SCORE_ERROR_INTERRUPTED, "stopped");
}

static void the_watcher_sees_every_step_and_can_end_the_work(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_TOY);
    float positions[MOST];
    score_error error = {0};
    results all = {positions, NULL, 2, 0, INFINITY}, some = {positions, NULL, 2, 0, 25};
    score_sample_plan plan = plan_of(model, 0, 10);
    plan.watch = watch;
    plan.context = &all;
    const int threads = 1;
    const score_executor executor = score_executor_openmp(&threads);
    assert_int_equal(score_sample_draw(&plan, &executor, &error), SCORE_OK);
    assert_true(all.greatest == COUNT);
    plan.context = &some;
    assert_int_equal(score_sample_draw(&plan, &executor, &error), SCORE_ERROR_INTERRUPTED);
    assert_string_equal(error.message, "stopped");
    /* A batch of 10 advances an eighth of 10 samples at a time. */
    assert_true(some.greatest >= 25 && some.greatest < 26.25);
    score_model_destroy(model);
}

static score_status refuse(void *context, uint32_t first, uint32_t count, const float *positions_nm,
                           const double *log_density, score_error *error) {
    (void)context;
    (void)count;
    (void)positions_nm;
    (void)log_density;
    return first < 20 ? SCORE_OK : score_fail(error, SCORE_ERROR_FILE, "full");
}

static void samples_that_cannot_be_taken_end_the_work(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_TOY);
    score_error error = {0};
    score_sample_plan plan = plan_of(model, 0, 10);
    plan.take = refuse;
    const int threads = 2;
    const score_executor executor = score_executor_openmp(&threads);
    assert_int_equal(score_sample_draw(&plan, &executor, &error), SCORE_ERROR_FILE);
    assert_string_equal(error.message, "full");
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neither_threads_nor_batches_change_a_bit),
        cmocka_unit_test(a_score_that_is_not_finite_names_sample_and_time),
        cmocka_unit_test(the_watcher_sees_every_step_and_can_end_the_work),
        cmocka_unit_test(samples_that_cannot_be_taken_end_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
