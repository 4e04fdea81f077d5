/* score_orthogonalise of matrices whose singular values and vectors are known, in double and in
 * float. */
#include <math.h>

#include "base/random.h"
#include "nn/orthogonal.h"
#include "unit_test.h"

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

/* Of n; the second half may be missing. */
static double singular_value(int k, int n, bool full_rank) {
    return full_rank || k < (n + 1) / 2 ? 3.0 / (1 + k) : 0;
}

static const double steps[][3] = {{8.426788, -24.936134, 18.492493},
                                  {4.111647, -3.059130, 0.574954},
                                  {3.714570, -2.778125, 0.542939},
                                  {2.781950, -2.074927, 0.463501},
                                  {1.993145, -1.375813, 0.387787}};
enum { STEPS = 5 };
static const double LEAST = 0.002, NEAR_ONE = 0.022;

static double polynomial(const double *step, double s) {
    return step[0] * s + step[1] * pow(s, 3) + step[2] * pow(s, 5);
}

/* What the steps make of a singular value. */
static double mapped(double s) {
    for (int k = 0; k < STEPS; k++)
        s = polynomial(steps[k], s);
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

static void check(int rows, int columns, bool full_rank) {
    static double u[MOST], v[MOST];
    static score_real matrix[MOST * MOST];
    const int n = rows < columns ? rows : columns;
    make_reflection(1, rows, u);
    make_reflection(2, columns, v);
    double square_sum = 0;
    for (int k = 0; k < n; k++)
        square_sum += pow(singular_value(k, n, full_rank), 2);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += reflection(u, i, k) * singular_value(k, n, full_rank) * reflection(v, j, k);
            matrix[i * columns + j] = (score_real)sum;
        }
    score_real *work = malloc(score_orthogonalise_size(rows, columns) * sizeof *work);
    assert_non_null(work);
    score_orthogonalise(rows, columns, matrix, work);
    free(work);
    /* Each of the five steps takes three products of rounded matrices; where singular values are zero,
     * the square is wrong by SCORE_EPSILON too, and f by its slope at zero times the root of that. */
    const double least = full_rank ? singular_value(n - 1, n, true) / sqrt(square_sum)
                                   : sqrt(SCORE_EPSILON);
    const double tolerance = 3 * STEPS * SCORE_EPSILON * amplification(least);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += reflection(u, i, k) *
                       mapped(singular_value(k, n, full_rank) / sqrt(square_sum)) *
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
        check(sizes[k][0], sizes[k][1], true);
}

static void what_is_not_there_stays_away(void **state) {
    (void)state;
    check(24, MOST, false);
    check(MOST, 24, false);
}

/* Of all linear s + cubic s^3 + quintic s^5 the one that differs least from 1 on an interval is the one
 * whose difference is as large, with changing sign, at four places; here both ends and two extrema.
 * The next interval is where this one has led. */
static void every_step_is_the_best_of_its_degree(void **state) {
    (void)state;
    double from = LEAST, to = 1;
    for (int k = 0; k < STEPS; k++) {
        const double *c = steps[k];
        const double largest = 1 - polynomial(c, from);
        /* Roots in s^2 of the slope. */
        const double root = sqrt(9 * c[1] * c[1] - 20 * c[0] * c[2]);
        const double up = sqrt((-3 * c[1] - root) / (10 * c[2]));
        const double down = sqrt((-3 * c[1] + root) / (10 * c[2]));
        assert_true(from < up && up < down && down < to);
        /* Six digits behind the point, and numbers up to 2. */
        const double tolerance = 1e-4;
        assert_true(fabs(polynomial(c, up) - 1 - largest) < tolerance);
        assert_true(fabs(1 - polynomial(c, down) - largest) < tolerance);
        assert_true(fabs(polynomial(c, to) - 1 - largest) < tolerance);
        from = 1 - largest;
        to = 1 + largest;
    }
    assert_true(to - 1 < NEAR_ONE);
    for (int k = 0; k <= 10000; k++) {
        const double s = pow(LEAST, k / 10000.0);
        if (!(fabs(mapped(s) - 1) < NEAR_ONE))
            fail_msg("%g is mapped to %g", s, mapped(s));
        assert_true(mapped(s * LEAST) <= 714 * s * LEAST);
    }
}

static void what_is_almost_zero_stays(void **state) {
    (void)state;
    static const score_real tiny = (score_real)1e-35;
    score_real matrix[6] = {0, tiny, 0, 0, 0, -tiny};
    score_real *work = malloc(score_orthogonalise_size(2, 3) * sizeof *work);
    assert_non_null(work);
    score_orthogonalise(2, 3, matrix, work);
    free(work);
    for (int k = 0; k < 6; k++)
        assert_true(matrix[k] == (k == 1 ? tiny : k == 5 ? -tiny : 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singular_values_are_mapped),
        cmocka_unit_test(what_is_not_there_stays_away),
        cmocka_unit_test(every_step_is_the_best_of_its_degree),
        cmocka_unit_test(what_is_almost_zero_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
