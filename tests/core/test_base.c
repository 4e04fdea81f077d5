#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"
#include "base/text.h"
#include "ladder.h"
#include "model/diffusion.h"
#include "random_models.h"
#include "unit_test.h"

/* The known-answer vectors of the authors' Random123 library for philox4x32-10. */
static void philox_gives_the_published_numbers(void **state) {
    (void)state;
    const uint32_t zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    const uint32_t ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    score_random random = score_random_stream(0, 0, 0, 0);
    for (int k = 0; k < 4; k++)
        assert_int_equal(score_random_uint(&random), zero[k]);
    random = score_random_stream(UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    random.counter[0] = UINT32_MAX;
    for (int k = 0; k < 4; k++)
        assert_int_equal(score_random_uint(&random), ones[k]);
}

static void streams_differ_by_every_key(void **state) {
    (void)state;
    const uint32_t base = score_random_uint(&(score_random){.key = {1}, .counter = {0, 4, 3, 2}});
    score_random streams[] = {
        score_random_stream(1, 2, 3, 4), score_random_stream(2, 2, 3, 4),
        score_random_stream(1, 3, 3, 4), score_random_stream(1, 2, 4, 4),
        score_random_stream(1, 2, 3, 5), score_random_stream(1 + (UINT64_C(1) << 32), 2, 3, 4)};
    for (size_t k = 0; k < sizeof streams / sizeof *streams; k++)
        assert_int_equal(score_random_uint(&streams[k]) == base, k == 0);
}

/* With n = 1e5 independent numbers, each average below is within 5 standard errors. */
static void normals_have_the_moments_of_a_normal(void **state) {
    (void)state;
    enum { N = 100000 };
    score_random random = score_random_stream(7, 0, 0, 0);
    double sum[5] = {0};
    for (int k = 0; k < N; k++) {
        const double x = score_random_normal(&random);
        double power = 1;
        for (int n = 1; n < 5; n++)
            sum[n] += power *= x;
    }
    const double expected[5] = {1, 0, 1, 0, 3}, deviation[5] = {0, 1, 1.4142, 3.8730, 9.7980};
    for (int n = 1; n < 5; n++)
        check_close(sum[n] / N, expected[n], 5 * deviation[n] / sqrt(N), "moment %d", n);
}

static void rotations_are_rotations_and_uniform(void **state) {
    (void)state;
    enum { N = 20000 };
    double mean[9] = {0}, square[9] = {0};
    for (uint32_t n = 0; n < N; n++) {
        score_random random = score_random_stream(8, 0, 0, n);
        double r[9];
        score_random_rotation(&random, r);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 3; j++)
                check_close(r[3 * i] * r[3 * j] + r[3 * i + 1] * r[3 * j + 1] +
                                r[3 * i + 2] * r[3 * j + 2],
                            i == j, 1e-14, "row %d times row %d", i, j);
        check_close(r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) +
                        r[2] * (r[3] * r[7] - r[4] * r[6]),
                    1, 1e-14, "determinant");
        for (int k = 0; k < 9; k++) {
            mean[k] += r[k] / N;
            square[k] += r[k] * r[k] / N;
        }
    }
    /* an entry of a uniform rotation is uniform in (-1, 1): variance 1/3, that of its square 4/45 */
    for (int k = 0; k < 9; k++) {
        check_close(mean[k], 0, 5 * sqrt(1.0 / 3 / N), "mean of entry %d", k);
        check_close(square[k], 1.0 / 3, 5 * sqrt(4.0 / 45 / N), "square of entry %d", k);
    }
}

static void arenas_measure_and_carve_alike(void **state) {
    (void)state;
    score_arena arena = {0};
    score_error error = {0};
    assert_null(score_arena_take(&arena, 3, 8));
    assert_null(score_arena_take(&arena, 100, 4));
    assert_int_equal(score_arena_allocate(&arena, &error), SCORE_OK);
    char *first = score_arena_take(&arena, 3, 8), *second = score_arena_take(&arena, 100, 4);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_true(second - first >= 24);
    memset(second, 1, 400);
    assert_int_equal(arena.used, arena.size);
    score_arena_free(&arena);
    score_arena_take(&arena, SIZE_MAX / 2, 8);
    assert_int_equal(score_arena_allocate(&arena, &error), SCORE_ERROR_MEMORY);
    score_arena_free(&arena);
}

static const score_time_encoding PUBLISHED = {.t_begin = 0.1, .t_end = 0.6};
static const score_time_encoding WITH_NOISE = {
    .t_begin = 0.1, .t_end = 0.6, .variance = 0.02, .schedule = RANDOM_MODEL_SCHEDULE};

static void time_features_are_those_of_the_design(void **state) {
    (void)state;
    const double pi = acos(-1), t = 0.23, u = (0.23 - 0.1) / 0.5;
    double f[4][SCORE_MAX_TIME_FEATURES];
    assert_int_equal(score_time_feature_count(&(score_time_encoding){.t_end = 1}), 4);
    assert_int_equal(score_time_feature_count(&PUBLISHED), 7);
    score_time_features(t, &PUBLISHED, f);
    const double expected[7] = {t - 0.25,        cos(2 * pi * t), sin(2 * pi * t), -cos(4 * pi * t),
                                cos(2 * pi * u), sin(2 * pi * u), -cos(4 * pi * u)};
    for (int k = 0; k < 7; k++)
        check_close(f[0][k], expected[k], 1e-14, "feature %d", k);
}

static void noise_features_follow_the_logarithm_of_the_noise(void **state) {
    (void)state;
    const double pi = acos(-1), t = 0.23;
    double height[3], f[4][SCORE_MAX_TIME_FEATURES];
    for (int k = 0; k < 3; k++) {
        const double at = k == 0 ? 0.1 : k == 1 ? t : 0.6;
        height[k] = log(1 - exp(-0.1 * at - at * at * 19.9 / 2) + 0.02);
    }
    const double u = (height[1] - height[0]) / (height[2] - height[0]);
    assert_int_equal(score_time_feature_count(&WITH_NOISE), 11);
    score_time_features(t, &WITH_NOISE, f);
    const double expected[4] = {u - 0.5, cos(2 * pi * u), sin(2 * pi * u), -cos(4 * pi * u)};
    for (int k = 0; k < 4; k++)
        check_close(f[0][7 + k], expected[k], 1e-13, "feature %d", 7 + k);
}

/* Each against a difference of the one before, of fourth order: h^4 f^(n+4)/30, which is below
 * h^4 (8 pi)^(n+4)/30 also where u moves at most twice as fast as t over the range, and eps/h of the
 * values. */
static void check_derivatives(score_noise_schedule schedule) {
    score_time_encoding encoding = WITH_NOISE;
    encoding.schedule = schedule;
    const double t = 0.43, h = 1e-4;
    double f[4][SCORE_MAX_TIME_FEATURES], near[4][4][SCORE_MAX_TIME_FEATURES];
    score_time_features(t, &encoding, f);
    for (int k = 0; k < 4; k++)
        score_time_features(t + (k < 2 ? k - 2 : k - 1) * h, &encoding, near[k]);
    for (int n = 1; n < 4; n++)
        for (int k = 0; k < 11; k++) {
            const double difference = (8 * (near[2][n - 1][k] - near[1][n - 1][k]) -
                                       (near[3][n - 1][k] - near[0][n - 1][k])) /
                                      (12 * h);
            check_close(f[n][k], difference,
                        pow(h, 4) * pow(8 * acos(-1), n + 4) / 30 +
                            1e-15 / h * pow(8 * acos(-1), n - 1),
                        "derivative %d of feature %d", n, k);
        }
}

static void time_features_have_their_derivatives(void **state) {
    (void)state;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++)
        check_derivatives(score_noise_schedule_usual(kind));
}

static void time_is_clipped_to_its_range(void **state) {
    (void)state;
    double f[4][SCORE_MAX_TIME_FEATURES], clipped[4][SCORE_MAX_TIME_FEATURES];
    score_time_features(0.05, &WITH_NOISE, clipped);
    score_time_features(0.1, &WITH_NOISE, f);
    for (int k = 0; k < 11; k++) {
        check_close(clipped[0][k], f[0][k], 0, "feature %d before the range", k);
        check_close(clipped[1][k], 0, 0, "slope of feature %d before the range", k);
    }
}

static void equal_weight_gives_both_halves_the_same_area(void **state) {
    (void)state;
    const double t0 = 0.1, t1 = 0.6, middle = 0.35;
    check_close(score_equal_weight(0.2, 0.3, t0, t1) * 0.2, 0.25, 1e-15, "left of .3");
    check_close(score_equal_weight(0.5, 0.3, t0, t1) * 0.3, 0.25, 1e-15, "right of .3");
    check_close(score_equal_weight(middle, middle, t0, t1), 1, 1e-15, "a middle in the middle");
}

static void errors_keep_the_end_of_a_long_name_and_no_control_characters(void **state) {
    (void)state;
    static score_error error;
    static char path[6000], text[SCORE_ERROR_TEXT_SIZE];
    for (int k = 0; k < (int)sizeof path - 1; k++)
        path[k] = (char)('a' + k % 26);
    memcpy(path + sizeof path - 6, "/x.h5", 6);
    const size_t sizes[] = {300, 4000, 4095, 4096, 5999};
    for (int k = 0; k < 5; k++) {
        const char *name = path + sizeof path - 1 - sizes[k];
        score_fail_at(&error, SCORE_ERROR_FILE, name, 7, "is bad: %s", "reason");
        score_error_text(&error, text, sizeof text);
        const char *kept = sizes[k] <= 4095 ? name : name + sizes[k] - 4092;
        assert_int_equal(strncmp(text, "...", 3) == 0, sizes[k] > 4095);
        const char *shown = text + (sizes[k] > 4095 ? 3 : 0);
        assert_int_equal(strncmp(shown, kept, strlen(kept)), 0);
        assert_string_equal(shown + strlen(kept), ":7: is bad: reason");
    }
    score_fail(&error, SCORE_ERROR_FILE, "%s", path);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_string_equal(error.message + sizeof error.message - 4, "...");
    score_fail_at(&error, SCORE_ERROR_FILE, "a\nb", 0, "c\x1b[2J\x7f \xc2\x9b \xc3\xa9 \xc2\xa0");
    assert_string_equal(score_error_text(&error, text, sizeof text),
                        "a?b: c?[2J? ? \xc3\xa9 \xc2\xa0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_numbers),
        cmocka_unit_test(streams_differ_by_every_key),
        cmocka_unit_test(normals_have_the_moments_of_a_normal),
        cmocka_unit_test(rotations_are_rotations_and_uniform),
        cmocka_unit_test(arenas_measure_and_carve_alike),
        cmocka_unit_test(time_features_are_those_of_the_design),
        cmocka_unit_test(noise_features_follow_the_logarithm_of_the_noise),
        cmocka_unit_test(time_features_have_their_derivatives),
        cmocka_unit_test(time_is_clipped_to_its_range),
        cmocka_unit_test(equal_weight_gives_both_halves_the_same_area),
        cmocka_unit_test(errors_keep_the_end_of_a_long_name_and_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
