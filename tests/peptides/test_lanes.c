/* The bounds that lanes.h states for its functions, in float against the C library's in double; and
 * random_lanes.h against base/random.h and the distributions that its numbers are to have. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "random_lanes.h"
#include "unit_test.h"

/* A step of Newton's method improves the processor's estimates. AVX2's may be wrong by 1.5 x 2^-12
 * (Intel's manual; by less on many processors), which leaves 3/2 of its square, 2.01e-7, of
 * inverse_sqrt, and its square, 1.34e-7, of inverse. There is besides the rounding of the step
 * where nothing is fused: by 6e-8 of each product of (x y) y, which counts half, or of x y; and by
 * 6e-8 of the last sum. tanh has the error of inverse, and by rounding 6e-8 of 1 + exp and 3e-8 of
 * each of 1 - exp and the product. */
#if defined(__AVX2__) && !defined(__AVX512F__)
#define INVERSE_SQRT_BOUND 3.3e-7
#define INVERSE_BOUND 2.6e-7
#define TANH_BOUND 3.8e-7
#else
#define INVERSE_SQRT_BOUND 1.05e-7
#define INVERSE_BOUND 1.2e-7
#define TANH_BOUND 1.8e-7
#endif

typedef struct function {
    const char *name;
    score_vector (*compute)(score_vector x);
    double (*exact)(double x);
    double absolute, relative; /* the error is at most their sum, the second of the exact value */
} function;

static score_vector inverse_sqrt(score_vector x) {
    return lane_inverse_sqrt(x);
}

static double exact_inverse_sqrt(double x) {
    return 1 / sqrt(x);
}

static score_vector inverse(score_vector x) {
    return lane_inverse(x);
}

static double exact_inverse(double x) {
    return 1 / x;
}

static score_vector logarithm(score_vector x) {
    return lane_log(x);
}

static score_vector hyperbolic_tangent(score_vector x) {
    return lane_tanh(x);
}

static score_vector arc_cosine(score_vector x) {
    return lane_acos(x);
}

static score_vector exp_of_negative(score_vector x) {
    return lane_exp_of_negative(x);
}

static double exact_exp_of_negative(double x) {
    return exp(fmax(x, -SCORE_EXP_RANGE));
}

static score_vector cosine_of_turns(score_vector x) {
    score_vector cosine, sine;
    lane_cos_sin(x, &cosine, &sine);
    return cosine;
}

static score_vector sine_of_turns(score_vector x) {
    score_vector cosine, sine;
    lane_cos_sin(x, &cosine, &sine);
    return sine;
}

static const double TURN = 6.28318530717958647692;

static double exact_cosine_of_turns(double x) {
    return cos(TURN * x);
}

static double exact_sine_of_turns(double x) {
    return sin(TURN * x);
}

static const function INVERSE_SQRT = {"inverse_sqrt", inverse_sqrt, exact_inverse_sqrt, 0,
                                      INVERSE_SQRT_BOUND};
static const function INVERSE = {"inverse", inverse, exact_inverse, 0, INVERSE_BOUND};
static const function LOG = {"log", logarithm, log, 0, 8.2e-8};
static const function TANH = {"tanh", hyperbolic_tangent, tanh, TANH_BOUND, 0};
static const function ACOS = {"acos", arc_cosine, acos, 3.1e-7, 0};
static const function EXP = {"exp_of_negative", exp_of_negative, exact_exp_of_negative, 0, 1.2e-7};
static const function COS = {"cos", cosine_of_turns, exact_cosine_of_turns, 1e-7, 0};
static const function SIN = {"sin", sine_of_turns, exact_sine_of_turns, 1e-7, 0};

static void expect(const function *of, const float *x) {
    const score_vector found = of->compute(score_load(x));
    for (int l = 0; l < SCORE_LANES; l++) {
        const double exact = of->exact((double)x[l]), error = fabs((double)found[l] - exact);
        if (!(error <= of->absolute + of->relative * fabs(exact)))
            fail_msg("%s(%.9g): %.9g, expected %.9g (error %.3g, relative %.3g)", of->name,
                     (double)x[l], (double)found[l], exact, error, error / fabs(exact));
    }
}

/* The floats in their order, -0 after 0. */
static int64_t place_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >= 0 ? bits : (int64_t)INT32_MIN - bits - 1;
}

static float float_at(int64_t place) {
    const int32_t bits = (int32_t)(place >= 0 ? place : (int64_t)INT32_MIN - place - 1);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Every `step`th float of [from, to], and `to`. */
static void sweep(const function *of, float from, float to, int64_t step) {
    const int64_t last = place_of(to);
    for (int64_t place = place_of(from); place <= last; place += step * SCORE_LANES) {
        float x[SCORE_LANES];
        for (int l = 0; l < SCORE_LANES; l++)
            x[l] = float_at(place + step * l < last ? place + step * l : last);
        expect(of, x);
    }
}

enum { STEP = 4099 /* a prime, so that all low bits occur */, NEIGHBOURS = 64 };

/* All floats next to a place, within [from, to]. */
static void sweep_next_to(const function *of, float place, float from, float to) {
    const float low = float_at(place_of(place) - NEIGHBOURS);
    const float high = float_at(place_of(place) + NEIGHBOURS);
    sweep(of, low > from ? low : from, high < to ? high : to, 1);
}

static void inverse_square_roots_are_within_their_bound(void **state) {
    (void)state;
    sweep(&INVERSE_SQRT, FLT_MIN, FLT_MAX, STEP);
    sweep(&INVERSE_SQRT, 1, 4, 7); /* errors repeat with every factor of 4 */
}

static void inverses_are_within_their_bound(void **state) {
    (void)state;
    sweep(&INVERSE, 1e-30f, 1e30f, STEP);
    sweep(&INVERSE, -1e30f, -1e-30f, STEP);
    sweep(&INVERSE, 1, 2, 3); /* errors repeat with every factor of 2 */
}

static void logarithms_are_within_their_bound(void **state) {
    (void)state;
    sweep(&LOG, FLT_MIN, FLT_MAX, STEP);
    for (int n = -125; n <= 127; n++) {
        sweep_next_to(&LOG, ldexpf(0.707106781f, n), FLT_MIN, FLT_MAX);
        sweep_next_to(&LOG, ldexpf(1, n), FLT_MIN, FLT_MAX);
    }
    sweep(&LOG, 0.5f, 2, 7);
}

static void hyperbolic_tangents_are_within_their_bound(void **state) {
    (void)state;
    sweep(&TANH, -INFINITY, INFINITY, STEP);
    sweep(&TANH, 0.01f, 10, 13);
    sweep_next_to(&TANH, 0, -1, 1);
    sweep_next_to(&TANH, 0.5f * SCORE_EXP_RANGE, 0, FLT_MAX);
}

static void arc_cosines_are_within_their_bound(void **state) {
    (void)state;
    sweep(&ACOS, -1, 1, STEP);
    const float places[] = {-1, -0.5f, 0, 0.5f, 1};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++)
        sweep_next_to(&ACOS, places[k], -1, 1);
    sweep(&ACOS, -1, -0.1f, 7);
    sweep(&ACOS, 0.1f, 1, 7);
}

static void exponentials_are_within_their_bound(void **state) {
    (void)state;
    sweep(&EXP, -INFINITY, -0.0f, STEP);
    for (int n = 0; n <= 125; n++)
        sweep_next_to(&EXP, (float)(-(n + 0.5) * log(2)), -FLT_MAX, 0);
    sweep_next_to(&EXP, -SCORE_EXP_RANGE, -FLT_MAX, 0);
}

static void cosines_and_sines_are_within_their_bound(void **state) {
    (void)state;
    const function *const of[] = {&COS, &SIN};
    for (int k = 0; k < 2; k++) {
        sweep(of[k], 0, 1, STEP);
        for (int eighth = 0; eighth <= 8; eighth++)
            sweep_next_to(of[k], 0.125f * (float)eighth, 0, 1);
        sweep(of[k], 0.01f, 1, 7);
    }
}

/* ---- Random numbers ---- */

static const uint64_t SEEDS[] = {0, 1, 0x123456789abcdef0};

static lane_stream make_stream(uint64_t seed, uint32_t purpose, uint32_t step) {
    lane_stream stream = {
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)}, .purpose = purpose, .step = step};
    for (uint32_t l = 0; l < SCORE_LANES; l++)
        stream.copy[l] = l % 2 == 0 ? 1000 * l : UINT32_MAX - l;
    return stream;
}

static void lanes_have_the_numbers_of_their_streams(void **state) {
    (void)state;
    enum { BLOCKS = 300 };
    const uint32_t steps[] = {0, 7, UINT32_MAX};
    for (int s = 0; s < 3; s++)
        for (int t = 0; t < 3; t++) {
            const lane_stream stream = make_stream(SEEDS[s], 100 + (uint32_t)s, steps[t]);
            score_random expected[SCORE_LANES];
            for (int l = 0; l < SCORE_LANES; l++)
                expected[l] = score_random_stream(SEEDS[s], stream.purpose, steps[t],
                                                  stream.copy[l]);
            for (uint32_t block = 0; block < BLOCKS; block++) {
                lane_bits found[4];
                lane_random(&stream, block, found);
                for (int l = 0; l < SCORE_LANES; l++)
                    for (int k = 0; k < 4; k++)
                        assert_int_equal(found[k][l], score_random_uint(&expected[l]));
            }
        }
}

/* Of all 24 bits; the highest number rounds to 1, which has a logarithm and a cosine too. */
static void uniform_numbers_are_in_their_range(void **state) {
    (void)state;
    enum { ALL = 1 << 24, STEP_OF_BITS = 37 };
    float before = 0;
    for (uint32_t bits = 0; bits < ALL; bits += STEP_OF_BITS) {
        const lane_bits random = (lane_bits){0} + (bits << 8 | 0xff);
        const float x = lane_uniform(random)[0];
        assert_true(x > before && x < 1);
        before = x;
    }
    assert_true(lane_uniform((lane_bits){0})[0] == 0x1p-25f);
    const lane_bits highest = (lane_bits){0} + UINT32_MAX;
    assert_true(lane_uniform(highest)[0] == 1);
    score_vector a, b;
    lane_normals(highest, highest, &a, &b);
    assert_true(a[0] == 0 && b[0] == 0);
}

enum { PAIRS = 1 << 19, MOMENTS = 4 };

typedef struct sums {
    double moment[MOMENTS], product, squares;
} sums;

static void add_numbers(sums *to, double a, double b) {
    assert_true(fabs(a) <= 5.9 && fabs(b) <= 5.9);
    for (int k = 0; k < MOMENTS; k++)
        to->moment[k] += pow(a, k + 1) + pow(b, k + 1);
    to->product += a * b;
    to->squares += (a * a - 1) * (b * b - 1);
}

static void expect_mean(const char *of, double sum, double count, double mean, double variance) {
    const double error = fabs(sum / count - mean), scale = sqrt(variance / count);
    if (!(error <= 5 * scale))
        fail_msg("%s is %g, expected %g within 5 x %g", of, sum / count, mean, scale);
}

/* x^k has the mean m_k and the variance m_2k - m_k^2, with m_2 = 1, m_4 = 3, m_6 = 15, m_8 = 105.
 * */
static void normal_numbers_are_normal_and_a_pair_is_independent(void **state) {
    (void)state;
    sums sum = {0};
    uint32_t block = 0;
    const lane_stream stream = make_stream(1, 101, 1);
    for (int count = 0; count < PAIRS; count += 2 * SCORE_LANES, block++) {
        lane_bits random[4];
        score_vector a[2], b[2];
        lane_random(&stream, block, random);
        lane_normals(random[0], random[1], &a[0], &b[0]);
        lane_normals(random[2], random[3], &a[1], &b[1]);
        for (int k = 0; k < 2; k++)
            for (int l = 0; l < SCORE_LANES; l++)
                add_numbers(&sum, (double)a[k][l], (double)b[k][l]);
    }
    const double means[MOMENTS] = {0, 1, 0, 3}, variances[MOMENTS] = {1, 2, 15, 96};
    const char *const names[MOMENTS] = {"the mean", "the second moment", "the third", "the fourth"};
    for (int k = 0; k < MOMENTS; k++)
        expect_mean(names[k], sum.moment[k], 2 * PAIRS, means[k], variances[k]);
    expect_mean("the mean of a pair's product", sum.product, PAIRS, 0, 1);
    expect_mean("that of its squares, less one,", sum.squares, PAIRS, 0, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inverse_square_roots_are_within_their_bound),
        cmocka_unit_test(inverses_are_within_their_bound),
        cmocka_unit_test(logarithms_are_within_their_bound),
        cmocka_unit_test(hyperbolic_tangents_are_within_their_bound),
        cmocka_unit_test(arc_cosines_are_within_their_bound),
        cmocka_unit_test(exponentials_are_within_their_bound),
        cmocka_unit_test(cosines_and_sines_are_within_their_bound),
        cmocka_unit_test(lanes_have_the_numbers_of_their_streams),
        cmocka_unit_test(uniform_numbers_are_in_their_range),
        cmocka_unit_test(normal_numbers_are_normal_and_a_pair_is_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
