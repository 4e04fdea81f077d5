/* score_orthogonalise of matrices whose singular values and vectors are known, in double and float. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/random.h"
#include "nn/orthogonal.h"

enum { MOST = 130 };

/* The reflection 1 - 2 u u^T, u[MOST] of length 1. */
static void make_reflection(uint32_t seed, int n, double *u) {
    score_random random = score_random_stream(seed, 0, 0, 0);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        u[i] = (double)(score_random_uint(&random) % 1001) - 500.5;
        sum += u[i] * u[i];
    }
    for (int i = 0; i < n; i++)
        u[i] /= sqrt(sum);
}

static double reflection(const double *u, int i, int j) {
    return (i == j) - 2 * u[i] * u[j];
}

static double singular_value(int k) {
    return 3.0 / (1 + k);
}

/* What five steps make of a singular value. */
static double mapped(double s) {
    static const double steps[][3] = {{8.426788, -24.936134, 18.492493},
                                      {4.111647, -3.059130, 0.574954},
                                      {3.714570, -2.778125, 0.542939},
                                      {2.781950, -2.074927, 0.463501},
                                      {1.993145, -1.375813, 0.387787}};
    for (int k = 0; k < 5; k++)
        s = steps[k][0] * s + steps[k][1] * pow(s, 3) + steps[k][2] * pow(s, 5);
    return s;
}

/* An error d of s^2 makes one of d (s f' - f)/(2 s^2) in f = Q(s^2) s: at most how many times as much,
 * for s from `smallest` to 1. */
static double amplification(double smallest) {
    double most = 0;
    for (int k = 0; k <= 1000; k++) {
        const double s = pow(smallest, k / 1000.0);
        const double slope = (mapped(s * (1 + 1e-6)) - mapped(s * (1 - 1e-6))) / 2e-6;
        most = fmax(most, fabs(slope - mapped(s)) / (2 * s * s));
    }
    return most;
}

static void check(int rows, int columns) {
    static double u[MOST], v[MOST];
    static score_real matrix[MOST * MOST];
    const int n = rows < columns ? rows : columns;
    make_reflection(1, rows, u);
    make_reflection(2, columns, v);
    double square_sum = 0;
    for (int k = 0; k < n; k++)
        square_sum += singular_value(k) * singular_value(k);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += reflection(u, i, k) * singular_value(k) * reflection(v, j, k);
            matrix[i * columns + j] = (score_real)sum;
        }
    score_real *work = malloc(score_orthogonalise_size(rows, columns) * sizeof *work);
    assert_non_null(work);
    score_orthogonalise(rows, columns, matrix, work);
    free(work);
    const double tolerance = 16 * SCORE_EPSILON *
                             amplification(singular_value(n - 1) / sqrt(square_sum));
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += reflection(u, i, k) * mapped(singular_value(k) / sqrt(square_sum)) *
                       reflection(v, j, k);
            if (!(fabs((double)matrix[i * columns + j] - sum) <= tolerance))
                fail_msg("%d x %d: element (%d, %d) is %.17g, expected %.17g", rows, columns, i, j,
                         (double)matrix[i * columns + j], sum);
        }
}

static void singular_values_are_mapped(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1},     {3, 3},     {2, 17},  {17, 2}, {64, 64},
                                   {24, MOST}, {MOST, 24}, {32, 99}, {99, 32}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        check(sizes[k][0], sizes[k][1]);
}

/* The bounds that the header states. */
static void singular_values_come_near_one(void **state) {
    (void)state;
    for (int k = 0; k <= 10000; k++) {
        const double s = pow(0.002, k / 10000.0);
        if (!(fabs(mapped(s) - 1) < 0.03))
            fail_msg("%g is mapped to %g", s, mapped(s));
    }
}

static void zero_stays_zero(void **state) {
    (void)state;
    score_real matrix[6] = {0}, *work = malloc(score_orthogonalise_size(2, 3) * sizeof *work);
    assert_non_null(work);
    score_orthogonalise(2, 3, matrix, work);
    free(work);
    for (int k = 0; k < 6; k++)
        assert_true(matrix[k] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular_values_are_mapped),
        cmocka_unit_test(singular_values_come_near_one),
        cmocka_unit_test(zero_stays_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
