/* The vector mathematics of base/vector_math.h, in float against the C library's in double; and
 * what the activations make of its ends. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/vector_math.h"
#include "ladder.h"
#include "nn/activation.h"
#include "unit_test.h"

#ifdef SCORE_SINGLE
#define EXP_BOUND 1.2e-7
#define LOGISTIC_BOUND 2e-7
#else
#define EXP_BOUND 0
#define LOGISTIC_BOUND (2 * SCORE_EPSILON)
#endif

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double clamped(score_real x) {
    return fmin(fmax((double)x, -SCORE_EXP_RANGE), SCORE_EXP_RANGE);
}

static void expect(const char *what, score_real x, score_real value, double exact, double bound) {
    const double error = fabs((double)value - exact) / exact;
    if (!(error <= bound))
        fail_msg("%s(%.9g): %.9g, expected %.9g (relative error %.3g)", what, (double)x,
                 (double)value, exact, error);
}

/* Of SCORE_LANES numbers at once, and one by one. */
static void expect_all(const score_real *x) {
    const score_vector e = score_exp_lanes(score_load(x));
    for (int l = 0; l < SCORE_LANES; l++) {
        expect("exp", x[l], e[l], exp(clamped(x[l])), EXP_BOUND);
        expect("exp of one", x[l], score_exp(x[l]), exp(clamped(x[l])), EXP_BOUND);
        expect("logistic", x[l], score_logistic(x[l]), 1 / (1 + exp(-clamped(x[l]))),
               LOGISTIC_BOUND);
    }
}

/* Every 4099th float (a prime, so that all low bits occur) of either sign, up to infinity. */
static void errors_are_within_their_bounds_over_all_floats(void **state) {
    (void)state;
    enum { STEP = 4099 };
    const uint32_t infinity = 0x7f800000;
    for (uint32_t sign = 0; sign < 2; sign++)
        for (uint32_t bits = 0; bits <= infinity; bits += STEP * SCORE_LANES) {
            score_real x[SCORE_LANES];
            for (uint32_t l = 0; l < SCORE_LANES; l++) {
                const uint32_t here = bits + STEP * l;
                x[l] = float_of((here < infinity ? here : infinity) | sign << 31);
            }
            expect_all(x);
        }
}

/* All floats next to where the nearest power of two changes, and next to the ends. */
static void errors_are_within_their_bounds_where_cases_meet(void **state) {
    (void)state;
    enum { NEIGHBOURS = 64 };
    for (int n = -125; n <= 126; n++) {
        score_real x[SCORE_LANES];
        float place = (float)((n - 0.5) * log(2));
        for (int k = 0; k < NEIGHBOURS; k++)
            place = nextafterf(place, -INFINITY);
        for (int k = 0; k < 2 * NEIGHBOURS; k += SCORE_LANES) {
            for (int l = 0; l < SCORE_LANES; l++)
                x[l] = place = nextafterf(place, INFINITY);
            expect_all(x);
        }
    }
    const float ends[] = {SCORE_EXP_RANGE, -SCORE_EXP_RANGE, 88,        -88,     FLT_MAX,
                          -FLT_MAX,        INFINITY,         -INFINITY, FLT_MIN, -FLT_MIN,
                          1e-45f,          -1e-45f,          1e-40f,    -1e-40f, FLT_EPSILON};
    for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        score_real x[SCORE_LANES];
        for (int l = 0; l < SCORE_LANES; l++)
            x[l] = l % 3 == 0 ? ends[k] : nextafterf(ends[k], l % 3 == 1 ? -INFINITY : INFINITY);
        expect_all(x);
    }
}

/* A softmax's largest term and a gate's middle are exact. */
static void zero_is_exact(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        const score_real zero = copysignf(0, (float)sign);
        assert_true(score_exp(zero) == 1);
        assert_true(score_logistic(zero) == (score_real)0.5);
        const score_vector e = score_exp_lanes(score_splat(zero));
        for (int l = 0; l < SCORE_LANES; l++)
            assert_true(e[l] == 1);
    }
}

/* So that a broken model is noticed: quiet and signalling, of either sign, in any lane. */
static void what_is_not_a_number_stays_so(void **state) {
    (void)state;
    const uint32_t bits[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff};
    for (size_t k = 0; k < sizeof bits / sizeof *bits; k++) {
        assert_true(isnan(score_exp(float_of(bits[k]))));
        assert_true(isnan(score_logistic(float_of(bits[k]))));
        for (int lane = 0; lane < SCORE_LANES; lane++) {
            score_real x[SCORE_LANES] = {0};
            x[lane] = float_of(bits[k]);
            const score_vector e = score_exp_lanes(score_load(x));
            for (int l = 0; l < SCORE_LANES; l++)
                assert_true(l == lane ? isnan(e[l]) : e[l] == 1);
        }
    }
}

/* Far out, where the logistic function saturates, an activation is x or 0 and its derivatives are
 * those: no overflow within may show. */
static void activations_are_straight_far_out(void **state) {
    (void)state;
    enum { WIDTH = 8 };
    const score_real places[WIDTH] = {40, -40, 100, -100, 1000, -1000, 10000, -10000};
    const score_streams layout = {.count = 3, .order = {0, 1, 2}};
    const score_range range = {0, WIDTH};
    const score_activation kinds[] = {SCORE_GELU, SCORE_GELU_ERF, SCORE_SWISH};
    for (int i = 0; i < 3; i++) {
        const score_activation kind = kinds[i];
        /* x' = 1 and x'' = 0, so y' and y'' are derivatives; of y'' then x' gets twice the second,
         * x the third */
        score_real x[3 * WIDTH] = {0}, y[3 * WIDTH], bar[3 * WIDTH] = {0}, kept[WIDTH];
        for (int k = 0; k < WIDTH; k++) {
            x[k] = places[k];
            x[WIDTH + k] = bar[2 * WIDTH + k] = 1;
        }
        score_activation_forward(kind, &layout, 7u, 1, WIDTH, range, x, y, kept);
        score_activation_backward(kind, &layout, 7u, 1, WIDTH, range, x, kept, bar);
        for (int k = 0; k < WIDTH; k++) {
            const double at = (double)places[k], slope = at > 0, bound = 4 * SCORE_EPSILON;
            check_close((double)kept[k], slope, bound, "slope kept of %d at %g", i, at);
            check_close((double)y[k], at * slope, bound * fabs(at), "value of %d at %g", i, at);
            check_close((double)y[WIDTH + k], slope, bound, "slope of %d at %g", i, at);
            check_close((double)y[2 * WIDTH + k], 0, bound, "second of %d at %g", i, at);
            check_close((double)bar[WIDTH + k], 0, bound, "adjoint of x', %d at %g", i, at);
            check_close((double)bar[k], 0, bound, "third of %d at %g", i, at);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_within_their_bounds_over_all_floats),
        cmocka_unit_test(errors_are_within_their_bounds_where_cases_meet),
        cmocka_unit_test(zero_is_exact),
        cmocka_unit_test(what_is_not_a_number_stays_so),
        cmocka_unit_test(activations_are_straight_far_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
