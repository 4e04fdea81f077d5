/* Diffusion times and their pairs: range and distribution, and that the stated odds are those of
 * drawing a pair the other way around. */
#include <math.h>

#include "base/random.h"
#include "temporary_folder.h"
#include "recipe/time_scale.h"
#include "random_models.h"

static const score_time_scale SCALE = {
    .schedule = RANDOM_MODEL_SCHEDULE, .t_begin = 1e-5, .t_end = 0.1, .variance = 1e-3};

static score_time_pairs make_pairs(double width) {
    return (score_time_pairs){.scale = SCALE, .width = width};
}

static double height(double t) {
    const double m = exp(-t * t * 19.9 / 4 - 0.05 * t);
    return log(1 - m * m + 1e-3);
}

/* Equal fractions of the times lie between equally spaced heights, or equally spaced times. */
static void times_are_even_where_they_should_be(void **state) {
    (void)state;
    for (int even = 0; even < 2; even++) {
        const score_times times = {.scale = SCALE, .even_in_t = even};
        for (int k = 0; k <= 8; k++) {
            const double t = score_times_at(&times, k / 8.0);
            const double place = even ? (t - 1e-5) / (0.1 - 1e-5)
                                      : (height(t) - height(1e-5)) / (height(0.1) - height(1e-5));
            /* 1 - m^2 is exact to epsilon, its logarithm to epsilon/variance. */
            assert_true(fabs(place - k / 8.0) <= 1e-12);
        }
    }
}

static void slope_is_the_derivative_of_the_height(void **state) {
    (void)state;
    for (int k = 0; k < 6; k++) {
        const double t = 2e-3 * (1 << k), h = 1e-5,
                     slope = exp(score_time_scale_log_slope(&SCALE, t));
        const double expected = (8 * (height(t + h) - height(t - h)) -
                                 (height(t + 2 * h) - height(t - 2 * h))) /
                                (12 * h);
        /* Rounding: epsilon/variance/h; truncation some (h/t)^4. */
        assert_true(fabs(slope - expected) <= 1e-7 + 1e-8 * expected);
    }
}

static const score_times EVEN = {
    .scale = {.schedule = RANDOM_MODEL_SCHEDULE, .t_begin = 1e-5, .t_end = 0.1}, .even_in_t = true};

static void partners_are_near_and_in_range(void **state) {
    (void)state;
    const double widths[] = {0.8, 50}; /* 50: many reflections */
    for (int w = 0; w < 2; w++) {
        const score_time_pairs pairs = make_pairs(widths[w]);
        score_random random = score_random_stream(1, 0, 0, 0);
        for (int k = 0; k < 2000; k++) {
            const double t = 1e-5 + (0.1 - 1e-5) * score_random_uniform(&random);
            double odds;
            const double other = score_time_pair(&EVEN, &pairs, t, score_random_uniform(&random),
                                                 &odds);
            assert_true(other >= 1e-5 && other <= 0.1 && isfinite(odds));
            assert_true(fabs(height(other) - height(t)) <= widths[w] + 1e-9);
        }
    }
}

/* The odds are those of having drawn the pair the other way around, so over many pairs of times,
 * the density of (t, t') over that of (t', t) in a cell is exp(-odds). */
static void check_odds(const score_times *times) {
    enum { CELLS = 4, N = 400000 };
    const score_time_pairs pairs = make_pairs(0.8);
    score_random random = score_random_stream(2, 0, 0, 0);
    double drawn[CELLS][CELLS] = {{0}}, reversed[CELLS][CELLS] = {{0}};
    double square[CELLS][CELLS] = {{0}};
    for (int k = 0; k < N; k++) {
        const double t = score_times_at(times, score_random_uniform(&random));
        double odds;
        const double other = score_time_pair(times, &pairs, t, score_random_uniform(&random),
                                             &odds);
        const int a = (int)fmin(t * CELLS / 0.1, CELLS - 1);
        const int b = (int)fmin(other * CELLS / 0.1, CELLS - 1);
        drawn[a][b] += 1;
        reversed[b][a] += exp(-odds); /* as (t, t') stands, weighed as (t', t) */
        square[b][a] += exp(-2 * odds);
    }
    for (int a = 0; a < CELLS; a++)
        for (int b = 0; b < CELLS; b++) {
            const double error = sqrt(drawn[a][b] + square[a][b]); /* of independent counts */
            assert_true(fabs(drawn[a][b] - reversed[a][b]) <= 5 * error);
        }
    assert_true(drawn[0][1] > 1000 && drawn[1][0] > 1000);
}

static void odds_are_those_of_the_reverse_draw(void **state) {
    (void)state;
    check_odds(&EVEN);
    const score_time_scale other = {
        .schedule = RANDOM_MODEL_SCHEDULE, .t_begin = 1e-5, .t_end = 0.1, .variance = 0.02};
    check_odds(&(score_times){.scale = other});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_even_where_they_should_be),
        cmocka_unit_test(slope_is_the_derivative_of_the_height),
        cmocka_unit_test(partners_are_near_and_in_range),
        cmocka_unit_test(odds_are_those_of_the_reverse_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
