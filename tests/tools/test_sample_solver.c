/* The reverse process on distributions whose scores are known exactly. */
#include <math.h>
#include <string.h>

#include "temporary_folder.h"

#include "base/random.h"
#include "random_models.h"
#include "sample_solver.h"
#include "score/model.h"

static score_noise_schedule schedule; /* every kind in turn */

/* -------- distributions in one dimension -------- */

/* Normals of means +-`mean`; the one at -mean has the weight `low`. */
typedef struct normals {
    double mean;
    double variance;
    double low;
} normals;

static double score_at(const normals *data, double x, double t) {
    const double m = score_signal(schedule, t), sigma = score_noise(schedule, t);
    const double variance = m * m * data->variance + sigma * sigma, mean = m * data->mean;
    if (data->low == 0)
        return (mean - x) / variance;
    const double log_odds = log(data->low / (1 - data->low)) - 2 * x * mean / variance;
    return (-mean * tanh(log_odds / 2) - x) / variance;
}

typedef struct subject {
    normals data;
    int coordinates;
    int size;      /* of x */
    int steps;     /* done */
    int bad_step;  /* one score is not finite then, if it is not 0; */
    int bad_index; /* this one */
    score_status bad_status;
    int stop_step; /* watch ends the process then, if it is not 0 */
} subject;

static score_status exact_score(void *context, const double *x, double t, double *score,
                                score_error *error) {
    subject *test = context;
    for (int k = 0; k < test->size; k++)
        score[k] = score_at(&test->data, x[k], t);
    if (test->bad_step == 0 || test->steps + 1 < test->bad_step)
        return SCORE_OK;
    if (test->bad_index >= 0)
        score[test->bad_index] = NAN;
    return test->bad_status == SCORE_OK ? SCORE_OK
                                        : score_fail(error, test->bad_status, "from the score");
}

static score_status count_steps(void *context, score_error *error) {
    subject *test = context;
    if (++test->steps == test->stop_step)
        return score_fail(error, SCORE_ERROR_INTERRUPTED, "stopped");
    return SCORE_OK;
}

static score_reverse_process process_of(subject *test, const score_solver *solver, int steps,
                                        int count) {
    test->coordinates = test->coordinates == 0 ? 1 : test->coordinates;
    test->size = count * test->coordinates;
    return (score_reverse_process){.solver = solver,
                                   .schedule = schedule,
                                   .steps = steps,
                                   .seed = 11,
                                   .count = count,
                                   .coordinates = test->coordinates,
                                   .context = test,
                                   .score = exact_score,
                                   .watch = count_steps};
}

static void run(const score_reverse_process *process, double *x) {
    score_error error = {0};
    if (score_reverse_process_run(process, x, &error) != SCORE_OK)
        fail_msg("%s", error.message);
}

static const score_solver *reference(void) {
    return score_solver_find("euler-maruyama");
}

static const score_solver *second_order(void) {
    return score_solver_find("sde-dpm-solver++");
}

static void assert_near(double found, double expected, double tolerance, const char *what) {
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%s is %.17g, not %.17g +- %.3g", what, found, expected, tolerance);
}

/* -------- formulas -------- */

static void solvers_are_found_by_name(void **state) {
    (void)state;
    assert_non_null(reference());
    assert_non_null(second_order());
    assert_ptr_equal(second_order(), &SCORE_SOLVERS[0]);
    assert_null(score_solver_find("heun"));
    assert_null(score_solver_find(""));
}

/* x += (beta x/2 + beta s) dt + sqrt(beta dt) z at every point of linspace(1, 0, 1000). */
static void the_reference_is_euler_and_maruyamas_formula(void **state) {
    (void)state;
    enum { COUNT = 2, SIZE = 3, STEPS = 1000 };
    subject test = {.data = {0.7, 0.3, 0.4}, .coordinates = SIZE};
    double found[COUNT * SIZE];
    const score_reverse_process process = process_of(&test, reference(), STEPS, COUNT);
    run(&process, found);
    assert_int_equal(test.steps, STEPS);
    for (int n = 0; n < COUNT; n++) {
        double x[SIZE];
        score_random random = score_random_stream(11, SCORE_PURPOSE_SAMPLES, 0, (uint32_t)n);
        for (int k = 0; k < SIZE; k++)
            x[k] = score_random_normal(&random);
        for (int step = 0; step < STEPS; step++) {
            const double t = 1 - step / 999.0, dt = 1 / 999.0, beta = score_beta(schedule, t);
            random = score_random_stream(11, SCORE_PURPOSE_SAMPLES, (uint32_t)step + 1,
                                         (uint32_t)n);
            for (int k = 0; k < SIZE; k++)
                x[k] += (beta * x[k] / 2 + beta * score_at(&test.data, x[k], fmax(t, 1e-5))) * dt +
                        sqrt(beta * dt) * score_random_normal(&random);
        }
        /* Each step rounds values of up to 4 some ten times, and the growth of exp(5) of what is
         * rounded first is undone by the score. */
        for (int k = 0; k < SIZE; k++)
            assert_near(found[n * SIZE + k], x[k], STEPS * 40 * 2.3e-16, "a coordinate");
    }
}

/* The second order's formula in the words of the paper, from the denoised states. */
static void the_second_order_is_the_papers_formula(void **state) {
    (void)state;
    enum { STEPS = 6 };
    subject test = {.data = {0.7, 0.3, 0.4}};
    double found, x, before = 0;
    const score_reverse_process process = process_of(&test, second_order(), STEPS, 1);
    run(&process, &found);
    assert_int_equal(test.steps, STEPS);
    score_random random = score_random_stream(11, SCORE_PURPOSE_SAMPLES, 0, 0);
    x = score_random_normal(&random);
    const double first = log(score_signal(schedule, 1) / score_noise(schedule, 1));
    const double last = log(score_signal(schedule, 1e-5) / score_noise(schedule, 1e-5));
    const double h = (last - first) / STEPS;
    for (int step = 0; step < STEPS; step++) {
        /* sigma^2 = 1/(1 + exp(2 lambda)) */
        const double now = first + h * step;
        const double sigma_0 = 1 / sqrt(1 + exp(2 * now)), m_0 = 1 / sqrt(1 + exp(-2 * now));
        const double sigma = 1 / sqrt(1 + exp(2 * (now + h))),
                     m = 1 / sqrt(1 + exp(-2 * now - 2 * h));
        const double t = score_time_of_noise(schedule, sigma_0);
        const double d = (x + sigma_0 * sigma_0 * score_at(&test.data, x, t)) / m_0;
        const double D = step == 0 ? d : d + (d - before) / 2;
        random = score_random_stream(11, SCORE_PURPOSE_SAMPLES, (uint32_t)step + 1, 0);
        x = sigma / sigma_0 * exp(-h) * x + m * (1 - exp(-2 * h)) * D +
            sigma * sqrt(1 - exp(-2 * h)) * score_random_normal(&random);
        before = d;
    }
    /* At the start 1/m_0 = 150 makes the rounding of x and s that of d. */
    assert_near(found, x, STEPS * 150 * 20 * 2.3e-16, "the sample");
}

/* -------- the law of a solver, without sampling -------- */

typedef struct law {
    double mean;
    double variance;
} law;

/* Of normal data all steps are linear: (x, d) stay normal, and mean and covariance of the next step
 * follow from those of this one. */
static law law_of(const score_solver *solver, int steps, const normals *data) {
    double mean[2] = {0, 0}, c[3] = {1, 0, 0}; /* <x x>, <x d>, <d d> */
    for (int step = 0; step < steps; step++) {
        const score_solver_step w = solver->step(schedule, steps, step);
        const double m = score_signal(schedule, w.t), sigma = score_noise(schedule, w.t);
        const double v = m * m * data->variance + sigma * sigma;
        /* s = a (x - m mean) */
        const double a = -1 / v, shift = -a * m * data->mean;
        const double xx = w.state + w.score * a, xd = w.before;
        const double dx = (1 + sigma * sigma * a) / m;
        const double next[2] = {xx * mean[0] + xd * mean[1] + w.score * shift,
                                dx * mean[0] + sigma * sigma * shift / m};
        const double covariance[3] = {xx * xx * c[0] + 2 * xx * xd * c[1] + xd * xd * c[2] +
                                          w.noise * w.noise,
                                      dx * (xx * c[0] + xd * c[1]), dx * dx * c[0]};
        memcpy(mean, next, sizeof mean);
        memcpy(c, covariance, sizeof c);
    }
    return (law){mean[0], c[0]};
}

/* What q at the end time is: the second order ends at SCORE_TIME_MIN. */
static law target(const normals *data) {
    const double m = score_signal(schedule, SCORE_TIME_MIN);
    const double sigma = score_noise(schedule, SCORE_TIME_MIN);
    return (law){m * data->mean, m * m * data->variance + sigma * sigma};
}

static void the_second_order_is_of_second_order(void **state) {
    (void)state;
    static const normals all[] = {{0.7, 0.3, 0}, {0.2, 0.0025, 0}, {-0.5, 4e-4, 0}};
    for (int k = 0; k < 3; k++) {
        const law exact = target(&all[k]);
        double before = NAN;
        for (int steps = 100; steps <= 800; steps *= 2) {
            const law found = law_of(second_order(), steps, &all[k]);
            const double error = fabs(found.variance / exact.variance - 1);
            /* The end stops halving where the start, which has the mean 0 and not m(1) mean, is
             * what is left: exp(-2 x 12) of it, nothing. A ratio of 4, less terms of third order. */
            if (steps > 100 && !(before / error > 3.3 && before / error < 4.7))
                fail_msg("variance %g: %d steps divide the error of %.3g by %.3f", all[k].variance,
                         steps, before, before / error);
            before = error;
        }
    }
}

static void print_row(const score_solver *solver, const normals *data) {
    static const int steps[] = {25, 50, 100, 200, 1000};
    print_message("  width %4g, %-16s", sqrt(data->variance), solver->name);
    for (int k = 0; k < 5; k++)
        print_message("  %4d: %8.1e", steps[k],
                      law_of(solver, steps[k], data).variance / data->variance - 1);
    print_message("\n");
}

/* The error of the second order is the same for data of all widths, that of the reference grows as
 * they get narrow: it ends with noise of the standard deviation sqrt(beta dt) = .01. */
static void a_hundred_steps_are_as_good_as_the_references_thousand(void **state) {
    (void)state;
    static const struct {
        normals data;
        double most;  /* of the variance, relative: nothing is drawn, so it is what it is */
        double times; /* as far off is the reference, at least */
    } all[] = {{{0, 1, 0}, 0.006, 0},
               {{0.7, 0.3, 0}, 0.006, 0},
               {{0.2, 0.0025, 0}, 0.006, 3},
               {{-0.5, 4e-4, 0}, 0.008, 10}};
    print_message("relative error of the variance\n");
    for (int k = 0; k < 4; k++) {
        const normals *data = &all[k].data;
        print_row(second_order(), data);
        print_row(reference(), data);
        const law slow = law_of(reference(), 1000, data), fast = law_of(second_order(), 100, data);
        const double reference_error = fabs(slow.variance / data->variance - 1);
        const double error = fabs(fast.variance / data->variance - 1);
        /* The reference's equal steps suit a beta that ends high less badly. */
        const double times = schedule.kind == 0 ? all[k].times : 0;
        if (!(error <= all[k].most && reference_error >= times * error))
            fail_msg("variance %g: %.2e of it wrong in 100 steps, %.2e in the reference's 1000",
                     data->variance, error, reference_error);
        assert_near(fast.mean, data->mean, 1e-4 * sqrt(data->variance), "the mean");
    }
}

/* -------- sampling -------- */

static void mean_and_variance(const double *x, int count, double *mean, double *variance) {
    *mean = *variance = 0;
    for (int k = 0; k < count; k++)
        *mean += x[k] / count;
    for (int k = 0; k < count; k++)
        *variance += (x[k] - *mean) * (x[k] - *mean) / (count - 1);
}

/* Five standard errors of a mean and of a normal's variance; the law is that of the solver, exactly. */
static void samples_of_a_normal_have_the_law_of_the_solver(void **state) {
    (void)state;
    enum { COUNT = 4000 };
    static double x[COUNT];
    for (int k = 0; k < SCORE_SOLVER_COUNT; k++) {
        const score_solver *solver = &SCORE_SOLVERS[k];
        subject test = {.data = {0.7, 0.04, 0}};
        const score_reverse_process process = process_of(&test, solver, solver->default_steps / 2,
                                                         COUNT);
        const law expected = law_of(solver, process.steps, &test.data);
        double mean, variance;
        run(&process, x);
        mean_and_variance(x, COUNT, &mean, &variance);
        assert_near(mean, expected.mean, 5 * sqrt(expected.variance / COUNT), solver->name);
        assert_near(variance, expected.variance, 5 * expected.variance * sqrt(2.0 / COUNT),
                    solver->name);
    }
}

/* Five standard errors, plus the solver's own error: at most .002 of a weight and .01 of a
 * variance, measured with 300,000 samples. */
static void samples_of_two_normals_have_their_weights(void **state) {
    (void)state;
    enum { COUNT = 4000 };
    static double x[COUNT], high[COUNT];
    for (int k = 0; k < SCORE_SOLVER_COUNT; k++) {
        const score_solver *solver = &SCORE_SOLVERS[k];
        subject test = {.data = {2, 0.05, 0.2}};
        const score_reverse_process process = process_of(&test, solver, solver->default_steps,
                                                         COUNT);
        double mean, variance;
        int count = 0;
        run(&process, x);
        for (int n = 0; n < COUNT; n++)
            if (x[n] > 0)
                high[count++] = x[n];
        assert_near((double)count / COUNT, 0.8, 5 * sqrt(0.16 / COUNT) + 0.002, solver->name);
        mean_and_variance(high, count, &mean, &variance);
        assert_near(mean, 2, 5 * sqrt(0.05 / count) + 0.01 * sqrt(0.05), solver->name);
        assert_near(variance, 0.05, 5 * 0.05 * sqrt(2.0 / count) + 0.01 * 0.05, solver->name);
    }
}

static void a_sample_does_not_depend_on_its_batch(void **state) {
    (void)state;
    enum { COUNT = 7, SIZE = 5 };
    for (int k = 0; k < SCORE_SOLVER_COUNT; k++) {
        subject test = {.data = {0.7, 0.3, 0.4}, .coordinates = SIZE};
        double all[COUNT * SIZE], part[3 * SIZE];
        score_reverse_process process = process_of(&test, &SCORE_SOLVERS[k], 20, COUNT);
        run(&process, all);
        process = process_of(&test, &SCORE_SOLVERS[k], 20, 3);
        process.first = 2;
        run(&process, part);
        assert_memory_equal(part, all + 2 * SIZE, sizeof part);
        process.seed = 12;
        run(&process, part);
        for (int c = 0; c < 3 * SIZE; c++)
            assert_true(part[c] != all[2 * SIZE + c]);
    }
}

/* -------- errors -------- */

static void assert_fails(subject *test, score_status status, const char *message) {
    enum { COUNT = 5 };
    double x[3 * COUNT];
    score_error error = {0};
    test->data = (normals){0.7, 0.3, 0.4};
    test->coordinates = 3;
    score_reverse_process process = process_of(test, reference(), 11, COUNT);
    process.first = 4000000000u;
    assert_int_equal(score_reverse_process_run(&process, x, &error), status);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' is not in: %s", message, error.message);
}

static void a_score_that_is_not_finite_names_sample_and_time(void **state) {
    (void)state;
    static const char message[] =
        "the score of sample 4000000003 is not finite at diffusion time 0.6";
    assert_fails(&(subject){.bad_step = 5, .bad_index = 10}, SCORE_ERROR_NUMERIC, message);
    assert_fails(&(subject){.bad_step = 5, .bad_index = 10, .bad_status = SCORE_ERROR_NUMERIC},
                 SCORE_ERROR_NUMERIC, message);
}

static void other_errors_are_handed_on(void **state) {
    (void)state;
    assert_fails(&(subject){.bad_step = 2, .bad_index = -1, .bad_status = SCORE_ERROR_NUMERIC},
                 SCORE_ERROR_NUMERIC, "from the score");
    assert_fails(&(subject){.bad_step = 2, .bad_index = 1, .bad_status = SCORE_ERROR_ARGUMENT},
                 SCORE_ERROR_ARGUMENT, "from the score");
    subject stopped = {.stop_step = 4};
    assert_fails(&stopped, SCORE_ERROR_INTERRUPTED, "stopped");
    assert_int_equal(stopped.steps, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solvers_are_found_by_name),
        cmocka_unit_test(the_reference_is_euler_and_maruyamas_formula),
        cmocka_unit_test(the_second_order_is_the_papers_formula),
        cmocka_unit_test(the_second_order_is_of_second_order),
        cmocka_unit_test(a_hundred_steps_are_as_good_as_the_references_thousand),
        cmocka_unit_test(samples_of_a_normal_have_the_law_of_the_solver),
        cmocka_unit_test(samples_of_two_normals_have_their_weights),
        cmocka_unit_test(a_sample_does_not_depend_on_its_batch),
        cmocka_unit_test(a_score_that_is_not_finite_names_sample_and_time),
        cmocka_unit_test(other_errors_are_handed_on),
    };
    int failed = 0;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++) {
        schedule = score_noise_schedule_usual(kind);
        failed += cmocka_run_group_tests_name(score_noise_schedule_word(kind), tests, NULL, NULL);
    }
    return failed;
}
