/* Every kind of noise schedule, with its usual settings and others: its functions against each
 * other, by integrals, differences and inversion. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ladder.h"
#include "model/noise_schedule.h"

typedef void test_of_schedule(score_noise_schedule schedule);

static const score_noise_schedule OTHERS[] = {{0, {3, 3}}, {1, {1e-4}}, {1, {1}}};

static void of_every_schedule(test_of_schedule *test) {
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++)
        test(score_noise_schedule_usual(kind));
    for (size_t k = 0; k < sizeof OTHERS / sizeof OTHERS[0]; k++)
        test(OTHERS[k]);
}

/* Gauss-Legendre nodes and weights of 8 points on [-1, 1], the positive half. */
static const double NODES[] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                               0.9602898564975363};
static const double WEIGHTS[] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                                 0.1012285362903763};

/* log m(t) = -(integral of beta from 0 to t)/2, over pieces that become shorter towards t = 1. */
static double integrated_log_signal(score_noise_schedule schedule, double t) {
    double sum = 0, begin = 0;
    for (int piece = 1; begin < t; piece++) {
        const double end = fmin(1 - pow(0.8, piece) + 1e-9 * piece, t), half = (end - begin) / 2;
        for (int k = 0; k < 4; k++)
            sum += WEIGHTS[k] * half *
                   (score_beta(schedule, begin + half * (1 - NODES[k])) +
                    score_beta(schedule, begin + half * (1 + NODES[k])));
        begin = end;
    }
    return -sum / 2;
}

/* Exact also where sigma is small, and m near t = 1. */
static void check_integral(score_noise_schedule schedule) {
    for (int step = 0; step <= 40; step++) {
        const double t = step <= 20 ? pow(10, -5 + step / 4.0) : (step - 20) / 20.0;
        const double log_m = integrated_log_signal(schedule, t);
        const double sigma = sqrt(-expm1(2 * log_m)), m = score_signal(schedule, t);
        /* The error of a logarithm of up to 6 is the relative one of m. */
        check_close(m, exp(log_m), 1e-11 * m, "m at %g", t);
        check_close(score_noise(schedule, t), sigma, 1e-13 * sigma, "sigma at %g", t);
    }
}

static void signal_and_noise_are_integrals_of_beta(void **state) {
    (void)state;
    of_every_schedule(check_integral);
}

static void check_squares(score_noise_schedule schedule) {
    assert_true(score_signal(schedule, 0) == 1 && score_noise(schedule, 0) == 0);
    for (int k = 0; k <= 100; k++) {
        const double m = score_signal(schedule, k / 100.0), s = score_noise(schedule, k / 100.0);
        check_close(m * m + s * s, 1, 8 * SCORE_EPSILON, "m^2 + sigma^2 at %d/100", k);
    }
}

static void variance_is_preserved(void **state) {
    (void)state;
    of_every_schedule(check_squares);
}

/* Fourth-order differences of beta and of its derivative; h is far below the distance over which
 * they change, which is (1 - t) or so at the end. */
static void check_derivatives(score_noise_schedule schedule) {
    for (int k = 0; k <= 100; k++) {
        const double t = k / 100.0, h = 2e-5;
        double at[5][3];
        for (int j = 0; j < 5; j++)
            score_beta_derivatives(schedule, t + (j - 2) * h, at[j]);
        assert_true(at[2][0] == score_beta(schedule, t));
        for (int n = 0; n < 2; n++) {
            const double expected = (8 * (at[3][n] - at[1][n]) - (at[4][n] - at[0][n])) / (12 * h);
            /* Truncation h^4 f''''' /30; rounding epsilon f/h. */
            check_close(at[2][n + 1], expected, 1e-6 * fabs(expected) + 1e-10 * fabs(at[2][n]),
                        "derivative %d of beta at %g", n + 1, t);
        }
    }
}

static void derivatives_of_beta_are_its_slopes(void **state) {
    (void)state;
    of_every_schedule(check_derivatives);
}

/* The papers' formula, whose angle ends at pi/2: slower by w/(pi/2 - theta_0), which is .3 %. */
static void cosine_is_that_of_the_papers(void **state) {
    (void)state;
    const double quarter = acos(-1) / 2, offset = 0.008, first = quarter * offset / (1 + offset);
    const score_noise_schedule schedule = score_noise_schedule_usual(
        score_noise_schedule_find("cosine"));
    const double slower = (acos(0.005 * cos(first)) - first) / (quarter - first);
    assert_true(schedule.settings[0] == offset && slower > 0.996);
    for (int k = 0; k <= 100; k++) {
        const double t = k / 100.0, own = slower * t;
        const double m = cos(quarter * (own + offset) / (1 + offset)) / cos(first);
        check_close(score_signal(schedule, t), m, 1e-15, "m at %g", t);
    }
    check_close(score_signal(schedule, 1), 0.005, 1e-15, "m at 1");
    assert_true(score_beta(schedule, 1) < 999); /* .999 a step of 1/1000 */
}

static void check_inverse(score_noise_schedule schedule) {
    assert_true(score_time_of_noise(schedule, 0) == 0);
    for (int step = 0; step <= 40; step++) {
        const double t = step <= 20 ? pow(10, -5 + step / 4.0) : (step - 20) / 20.0;
        const double found = score_time_of_noise(schedule, score_noise(schedule, t));
        /* Near 1, sigma^2 = 1 - m^2 holds m^2 to epsilon, and so t to epsilon/m^2 of dt/dlog m. */
        const double m = score_signal(schedule, t);
        check_close(found, t, 1e-15 / (m * m) + 1e-14 * t, "time of the noise at %g", t);
    }
}

static void noise_is_inverted(void **state) {
    (void)state;
    of_every_schedule(check_inverse);
}

/* Words and names find what they are of; all settings are numbers that the struct has room for. */
static void kinds_and_settings_are_told_apart(void **state) {
    (void)state;
    int kind = 0;
    for (; score_noise_schedule_word(kind) != NULL; kind++) {
        assert_int_equal(score_noise_schedule_find(score_noise_schedule_word(kind)), kind);
        assert_non_null(score_noise_schedule_title(kind));
        const score_noise_schedule usual = score_noise_schedule_usual(kind);
        const score_setting *settings = score_noise_schedule_settings(kind);
        for (int k = 0; settings[k].name != NULL; k++) {
            assert_true(k < SCORE_SCHEDULE_SETTINGS);
            assert_string_equal(score_noise_schedule_setting(kind, k), settings[k].name);
            assert_int_equal(settings[k].kind, SCORE_SETTING_NUMBER);
            assert_true(usual.settings[k] == settings[k].usual);
        }
        assert_int_equal(score_noise_schedule_check(&usual, NULL), SCORE_OK);
    }
    assert_null(score_noise_schedule_word(-1));
    assert_int_equal(score_noise_schedule_find("exploding"), -1);
}

static void settings_out_of_range_are_refused(void **state) {
    (void)state;
    static const struct {
        score_noise_schedule schedule;
        const char *message;
    } bad[] = {
        {{-1, {0.1, 20}}, "no noise schedule of number -1"},
        {{99, {0.1, 20}}, "no noise schedule of number 99"},
        {{0, {0, 20}}, "betaMin is 0, must be positive"},
        {{0, {0.1, INFINITY}}, "betaMax is inf, must be positive and finite"},
        {{0, {20, 0.1}}, "betaMax is 0.1, less than betaMin 20"},
        {{1, {0}}, "offset is 0, must be positive"},
        {{1, {1.5}}, "offset is 1.5, must be at most 1"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        score_error error = {0};
        assert_int_equal(score_noise_schedule_check(&bad[k].schedule, &error),
                         SCORE_ERROR_ARGUMENT);
        if (strstr(error.message, bad[k].message) == NULL)
            fail_msg("'%s' lacks '%s'", error.message, bad[k].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_and_noise_are_integrals_of_beta),
        cmocka_unit_test(variance_is_preserved),
        cmocka_unit_test(derivatives_of_beta_are_its_slopes),
        cmocka_unit_test(cosine_is_that_of_the_papers),
        cmocka_unit_test(noise_is_inverted),
        cmocka_unit_test(kinds_and_settings_are_told_apart),
        cmocka_unit_test(settings_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
