/* AdamW, the moving average and the learning rate, in double, each against its definition written
 * out as a sum or in closed form. */
#include <math.h>
#include <string.h>

#include "run/optimizer.h"
#include "run/learning_rate.h"
#include "temporary_folder.h"

static const score_optimizer_config CONFIG = {
    .rate = 1e-3, .final_rate = 1e-5, .settings = {0.9, 0.999, 1e-8}, .weight_decay = 0.1};
enum { STEPS = 30 };
/* Sums of 30 terms of order 1, and a square root: some 100 epsilon. */
static const double TOLERANCE = 2.2e-14;

static void assert_close(double value, double expected) {
    if (!(fabs(value - expected) <= TOLERANCE * fmax(1, fabs(expected))))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static double gradient_at(int step) {
    return sin(1.7 * step) + 0.3;
}

static void adamw_is_its_sum(void **state) {
    (void)state;
    double parameter = 0.7, first = 0, second = 0, expected = 0.7;
    for (int n = 0; n < STEPS; n++) {
        const double gradient = gradient_at(n), rate = 1e-2 / (1 + n);
        score_optimizer_step adamw = score_optimizer_step_at(&CONFIG, (uint64_t)n, rate,
                                                             fabs(gradient));
        score_adamw_update(&adamw, 1, &gradient, &parameter, &first, &second);
        /* Both moments as weighted means over all gradients so far: no recurrence. */
        double m = 0, v = 0, m_weights = 0, v_weights = 0;
        for (int k = 0; k <= n; k++) {
            m += pow(0.9, n - k) * gradient_at(k);
            m_weights += pow(0.9, n - k);
            v += pow(0.999, n - k) * gradient_at(k) * gradient_at(k);
            v_weights += pow(0.999, n - k);
        }
        expected -= rate * (m / m_weights / (sqrt(v / v_weights) + 1e-8) + 0.1 * expected);
        assert_close(parameter, expected);
    }
}

static void adamw_treats_all_parameters_alike(void **state) {
    (void)state;
    enum { SIZE = 37 };
    double gradient[SIZE], together[SIZE], first[SIZE] = {0}, second[SIZE] = {0};
    double alone[SIZE], alone_first[SIZE] = {0}, alone_second[SIZE] = {0};
    for (int k = 0; k < SIZE; k++)
        together[k] = alone[k] = 0.1 * k;
    for (int n = 0; n < 3; n++) {
        for (int k = 0; k < SIZE; k++)
            gradient[k] = gradient_at(SIZE * n + k);
        score_optimizer_step adamw = score_optimizer_step_at(&CONFIG, (uint64_t)n, 1e-3, 1);
        score_adamw_update(&adamw, SIZE, gradient, together, first, second);
        for (int k = 0; k < SIZE; k++)
            score_adamw_update(&adamw, 1, &gradient[k], &alone[k], &alone_first[k],
                               &alone_second[k]);
    }
    for (int k = 0; k < SIZE; k++)
        assert_close(together[k], alone[k]);
}

static void clipping_limits_the_norm(void **state) {
    (void)state;
    score_optimizer_config config = CONFIG;
    config.clip_norm = 2;
    assert_close(score_optimizer_step_at(&config, 0, 1e-3, 8).gradient_scale, 0.25);
    assert_close(score_optimizer_step_at(&config, 0, 1e-3, 1.5).gradient_scale, 1);
    config.clip_norm = 0; /* off */
    assert_close(score_optimizer_step_at(&config, 0, 1e-3, 1e9).gradient_scale, 1);

    /* The scale is applied: clipped to a tenth, the moments are those of a tenth. */
    config.clip_norm = 0.5;
    const double gradient = 5, small = 0.5;
    double p = 0, m = 0, v = 0, q = 0, small_m = 0, small_v = 0;
    score_optimizer_step adamw = score_optimizer_step_at(&config, 0, 1e-3, 5);
    score_adamw_update(&adamw, 1, &gradient, &p, &m, &v);
    adamw.gradient_scale = 1;
    score_adamw_update(&adamw, 1, &small, &q, &small_m, &small_v);
    assert_close(m, small_m);
    assert_close(v, small_v);
    assert_close(p, q);
}

static void square_sum_is_the_sum_of_squares(void **state) {
    (void)state;
    enum { SIZE = 1001 };
    double values[SIZE];
    for (int k = 0; k < SIZE; k++)
        values[k] = k;
    assert_close(score_square_sum(SIZE, values), 1000.0 * 1001 * 2001 / 6);
}

/* Half as much per half-life: 4 steps of 5 samples at a half-life of 20. */
static void average_weighs_by_age(void **state) {
    (void)state;
    double average = 1e6; /* nothing of it must be left */
    for (int n = 0; n < STEPS; n++) {
        const double parameter = gradient_at(n);
        score_average_update(score_average_share(20, (uint64_t)n, 5), 1, &parameter, &average);
        double sum = 0, weights = 0;
        for (int k = 0; k <= n; k++) {
            double weight = pow(0.5, (n - k) / 4.0);
            sum += weight * gradient_at(k);
            weights += weight;
        }
        /* The first step takes 1e6 away again, which is rounded to its epsilon. */
        assert_true(fabs(average - sum / weights) <= 1e6 * 2.2e-16 + TOLERANCE);
    }
    assert_close(score_average_share(0, 17, 5), 1);
}

static void rate_rises_then_falls_to_its_end(void **state) {
    (void)state;
    score_optimizer_config config = CONFIG;
    config.warm_up = 1000; /* 10 steps of 100 */
    const uint64_t steps = 111;
    assert_close(score_learning_rate(&config, 0, steps, 100), 1e-4);
    assert_close(score_learning_rate(&config, 4, steps, 100), 5e-4);
    assert_close(score_learning_rate(&config, 9, steps, 100), 1e-3);
    assert_close(score_learning_rate(&config, 10, steps, 100), 1e-3);
    assert_close(score_learning_rate(&config, 60, steps, 100), (1e-3 + 1e-5) / 2);
    assert_close(score_learning_rate(&config, 35, steps, 100),
                 1e-5 + (1e-3 - 1e-5) * (1 + sqrt(0.5)) / 2);
    assert_close(score_learning_rate(&config, 110, steps, 100), 1e-5);
    for (uint64_t step = 10; step + 1 < steps; step++)
        assert_true(score_learning_rate(&config, step + 1, steps, 100) <
                    score_learning_rate(&config, step, steps, 100));
}

static void every_decay_falls_to_the_end(void **state) {
    (void)state;
    score_optimizer_config config = CONFIG;
    config.warm_up = 1000; /* 10 steps of 100 */
    const uint64_t steps = 111;
    for (; score_rate_decay_word(config.decay) != NULL; config.decay++) {
        assert_close(score_learning_rate(&config, 9, steps, 100), 1e-3);
        assert_close(score_learning_rate(&config, 10, steps, 100), 1e-3);
        assert_close(score_learning_rate(&config, steps - 1, steps, 100), 1e-5);
        assert_close(score_learning_rate(&config, steps, steps, 100), 1e-5);
        for (uint64_t step = 10; step + 1 < steps; step++)
            assert_true(score_learning_rate(&config, step + 1, steps, 100) <=
                        score_learning_rate(&config, step, steps, 100));
    }
}

static void linear_decay_is_a_line(void **state) {
    (void)state;
    score_optimizer_config config = CONFIG;
    config.warm_up = 1000;
    while (strcmp(score_rate_decay_word(config.decay), "linear") != 0)
        config.decay++;
    for (uint64_t step = 10; step <= 110; step++)
        assert_close(score_learning_rate(&config, step, 111, 100),
                     1e-3 - (1e-3 - 1e-5) * (double)(step - 10) / 100);
}

static void rate_of_short_stages_is_finite(void **state) {
    (void)state;
    score_optimizer_config config = CONFIG;
    assert_close(score_learning_rate(&config, 0, 1, 100), 1e-3);
    config.warm_up = 1000; /* longer than the stage */
    assert_close(score_learning_rate(&config, 1, 2, 100), 2e-4);
    config.warm_up = 50; /* shorter than a step */
    assert_close(score_learning_rate(&config, 0, 2, 100), 1e-3);
    assert_close(score_learning_rate(&config, 1, 2, 100), 1e-5);
}

/* The steps of a stage of that length; 0 where there are too many. */
static uint64_t steps_of(uint64_t samples, double epochs, int batch, uint64_t frames) {
    char path[] = "recipe.xml";
    static score_recipe recipe;
    recipe = (score_recipe){.path = path, .stage_count = 2};
    recipe.stages[1] = (score_stage){
        .samples = samples, .epochs = epochs, .batch = batch, .line = 33};
    uint64_t steps = 7;
    score_error error = {0};
    score_status status = score_stage_steps(&recipe, 1, frames, &steps, &error);
    if (status == SCORE_OK)
        return steps;
    assert_int_equal(status, SCORE_ERROR_ARGUMENT);
    assert_string_equal(error.file, "recipe.xml");
    assert_int_equal(error.line, 33);
    return 0;
}

static void length_is_rounded_up_to_whole_batches(void **state) {
    (void)state;
    assert_int_equal(steps_of(1, 0, 128, 5), 1);
    assert_int_equal(steps_of(128, 0, 128, 5), 1);
    assert_int_equal(steps_of(129, 0, 128, 5), 2);
    assert_int_equal(steps_of(0, 1.5, 1, 10), 15);
    assert_int_equal(steps_of(0, 0.3, 1, 10), 3); /* whatever 0.3 is in binary */
    assert_int_equal(steps_of(0, 1e-9, 64, 10), 1);
}

static void length_has_an_end(void **state) {
    (void)state;
    assert_int_equal(steps_of(UINT32_MAX, 0, 1, 5), UINT32_MAX);
    assert_int_equal(steps_of((uint64_t)UINT32_MAX + 1, 0, 1, 5), 0);
    assert_int_equal(steps_of((uint64_t)1 << 53, 0, 1 << 24, 5), (uint64_t)1 << 29);
    assert_int_equal(steps_of(0, 9007199254740992.0, 1 << 24, 1), (uint64_t)1 << 29);
    assert_int_equal(steps_of(0, 9007199254740992.0, 1 << 24, 2), 0);
    assert_int_equal(steps_of(0, 1e300, 1 << 24, UINT32_MAX), 0);
    assert_int_equal(steps_of(0, 1.7e308, 1 << 24, UINT32_MAX), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_is_its_sum),
        cmocka_unit_test(adamw_treats_all_parameters_alike),
        cmocka_unit_test(clipping_limits_the_norm),
        cmocka_unit_test(square_sum_is_the_sum_of_squares),
        cmocka_unit_test(average_weighs_by_age),
        cmocka_unit_test(rate_rises_then_falls_to_its_end),
        cmocka_unit_test(every_decay_falls_to_the_end),
        cmocka_unit_test(linear_decay_is_a_line),
        cmocka_unit_test(rate_of_short_stages_is_finite),
        cmocka_unit_test(length_is_rounded_up_to_whole_batches),
        cmocka_unit_test(length_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
