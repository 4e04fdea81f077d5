/* Matrix products, panels' and OpenBLAS's, in double and in float. Of small integers, and halves of
 * them, every sum is exact in either, so plain loops must be met to the last bit. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "nn/product.h"
#include "unit_test.h"

/* k about the length that is copied at a time, 96, n about whole panels, and m about the rows of a
 * transposed matrix that are, 8 blocks. */
enum {
    FEW_M = 33,
    COPIED_M = 8 * SCORE_PRODUCT_ROWS,
    MAX_M = 2 * COPIED_M + 1,
    MAX_K = 300,
    MAX_N = 3 * SCORE_PANEL,
    MARGIN = 3,
    LD = MAX_N + MARGIN,
    RESULT_ROWS = MAX_M + SCORE_PRODUCT_ROWS, /* the last block must stay untouched */
};
static const int k_sizes[] = {1, 5, 95, 96, 97, 192, 193, MAX_K};
static const int n_sizes[] = {1, SCORE_PANEL - 1, SCORE_PANEL, SCORE_PANEL + 1, MAX_N - 3, MAX_N};
enum { K_SIZES = sizeof k_sizes / sizeof *k_sizes, N_SIZES = sizeof n_sizes / sizeof *n_sizes };

#define UNTOUCHED 12345

typedef struct problem {
    score_real left[MAX_M * (MAX_K + MARGIN)];
    score_real right[MAX_K * LD];
    score_real bias[MAX_N];
    score_real start[RESULT_ROWS * LD];
    score_real result[RESULT_ROWS * LD];
    score_real panels[MAX_K * MAX_N];
} problem;

static problem it;

static void fill_integers(uint32_t seed, size_t count, score_real *x) {
    score_random random = score_random_stream(seed, 0, 0, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (score_real)(score_random_uint(&random) % 9) - 4;
}

static void fill_normal(uint32_t seed, size_t count, score_real *x) {
    score_random random = score_random_stream(seed, 0, 0, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (score_real)score_random_normal(&random);
}

static void fill_problem(void (*fill)(uint32_t seed, size_t count, score_real *x)) {
    fill(1, sizeof it.left / sizeof *it.left, it.left);
    fill(2, sizeof it.right / sizeof *it.right, it.right);
    fill(3, sizeof it.bias / sizeof *it.bias, it.bias);
    fill(4, sizeof it.start / sizeof *it.start, it.start);
}

/* Element (i, j) of a product. */
static double element(int k, score_matrix a, score_matrix b, int i, int j) {
    double sum = 0;
    for (int q = 0; q < k; q++)
        sum += (double)a.data[i * a.row + q * a.column] * (double)b.data[q * b.row + j * b.column];
    return sum;
}

/* What a call must do to element (i, j) of it.result, whose rows are LD apart. */
typedef struct claim {
    int m;
    int begin;
    int end;
    int k;
    double factor;
    score_matrix a;
    score_matrix b;
    const score_real *bias; /* or NULL */
    bool adds;
} claim;

/* The rows of a call, and those that a block too much would write. */
static int rows_of(const claim *of) {
    return of->m + SCORE_PRODUCT_ROWS;
}

static void prepare(const claim *of) {
    for (int i = 0; i < rows_of(of); i++)
        for (int j = 0; j < LD; j++)
            it.result[i * LD + j] = of->adds ? it.start[i * LD + j] : UNTOUCHED;
}

static void check(const claim *of, const char *what) {
    for (int i = 0; i < rows_of(of); i++)
        for (int j = 0; j < LD; j++) {
            double expected = of->adds ? (double)it.start[i * LD + j] : UNTOUCHED;
            if (i < of->m && of->begin <= j && j < of->end) {
                const double sum = of->factor * element(of->k, of->a, of->b, i, j);
                expected = sum + (of->adds ? expected : of->bias != NULL ? (double)of->bias[j] : 0);
            }
            const double value = (double)it.result[i * LD + j];
            if (!(value == expected))
                fail_msg("%s, %d x [%d, %d) x %d: element (%d, %d) is %.17g, expected %.17g", what,
                         of->m, of->begin, of->end, of->k, i, j, value, expected);
        }
}

static void run_panels(const claim *of, const char *what) {
    prepare(of);
    score_product_panels(of->m, of->k, of->begin, of->end, of->a, it.panels, of->bias, it.result,
                         LD, of->adds);
    check(of, what);
}

/* Columns from the first, or from the second panel on. */
static void products_with_panels_are_exact(void **state) {
    (void)state;
    fill_problem(fill_integers);
    for (int x = 0; x < K_SIZES; x++)
        for (int y = 0; y < N_SIZES; y++) {
            const int k = k_sizes[x], n = n_sizes[y];
            const score_matrix b = {it.right, LD, 1};
            score_panels_pack(k, 0, n, b, it.panels);
            for (int m = 1; m <= FEW_M; m++)
                for (int begin = 0; begin < n && begin <= SCORE_PANEL; begin += SCORE_PANEL) {
                    claim of = {m, begin, n, k, 1, {it.left, k + MARGIN, 1}, b, NULL, false};
                    run_panels(&of, "product");
                    of.bias = it.bias;
                    run_panels(&of, "product and bias");
                    of.adds = true; /* then there is no bias */
                    run_panels(&of, "added product");
                }
        }
}

static void a_range_may_end_at_a_whole_panel(void **state) {
    (void)state;
    fill_problem(fill_integers);
    const score_matrix b = {it.right, LD, 1};
    score_panels_pack(MAX_K, 0, MAX_N, b, it.panels);
    for (int begin = 0; begin <= MAX_N; begin += SCORE_PANEL)
        for (int end = begin; end <= MAX_N; end += SCORE_PANEL) {
            const claim of = {FEW_M, begin, end, MAX_K, 1, {it.left, MAX_K, 1}, b, it.bias, false};
            run_panels(&of, "range of columns");
        }
}

/* Panels promise more than a library. */
static void skip_unless_panels(void) {
    if (strcmp(score_products, "panels") != 0)
        skip();
}

/* Of a transposed matrix, in two calls; nothing but the panels is written. */
static void a_matrix_is_packed_in_parts(void **state) {
    (void)state;
    skip_unless_panels();
    fill_problem(fill_integers);
    const int k = 20, n = 2 * SCORE_PANEL - 1;
    const score_matrix b = {it.right, 1, LD};
    const size_t size = score_panels_size(k, n);
    assert_int_equal(size, (size_t)(2 * SCORE_PANEL * k));
    for (size_t i = 0; i < sizeof it.panels / sizeof *it.panels; i++)
        it.panels[i] = UNTOUCHED;
    score_panels_pack(k, SCORE_PANEL, n, b, it.panels);
    for (int i = 0; i < SCORE_PANEL * k; i++)
        assert_true(it.panels[i] == UNTOUCHED);
    score_panels_pack(k, 0, SCORE_PANEL, b, it.panels);
    for (int j = 0; j < 2 * SCORE_PANEL; j++)
        for (int q = 0; q < k; q++) {
            const int panel = j / SCORE_PANEL, column = j % SCORE_PANEL;
            const score_real value = it.panels[(panel * k + q) * SCORE_PANEL + column];
            assert_true(value == (j < n ? it.right[j * LD + q] : 0));
        }
    assert_true(it.panels[size] == UNTOUCHED);
    const claim of = {FEW_M, 0, n, k, 1, {it.left, k, 1}, b, NULL, false};
    run_panels(&of, "product with a transposed matrix");
}

/* The left matrix by rows that stand apart, and transposed; with a factor, added, both and none. */
static void check_strided(int m, int n, int k) {
    const score_matrix rows = {it.left, k + MARGIN, 1}, columns = {it.left, 1, m};
    for (int variant = 0; variant < 8; variant++) {
        const claim of = {m,
                          0,
                          n,
                          k,
                          (variant & 1) != 0 ? 0.5 : 1,
                          (variant & 2) != 0 ? columns : rows,
                          {it.right, LD, 1},
                          NULL,
                          (variant & 4) != 0};
        prepare(&of);
        score_product(m, n, k, (score_real)of.factor, of.a, it.right, LD, it.result, LD, of.adds);
        check(&of, "strided product");
    }
}

static void products_of_strided_matrices_are_exact(void **state) {
    (void)state;
    fill_problem(fill_integers);
    for (int x = 0; x < K_SIZES; x++)
        for (int y = 0; y < N_SIZES; y++)
            for (int m = 1; m <= FEW_M; m++)
                check_strided(m, n_sizes[y], k_sizes[x]);
}

/* A whole panel and a narrow one, of more rows than are copied at a time. */
static void products_of_long_strided_matrices_are_exact(void **state) {
    (void)state;
    static const int m_sizes[] = {COPIED_M - 1, COPIED_M, COPIED_M + 1,
                                  COPIED_M + SCORE_PRODUCT_ROWS + 1, MAX_M};
    fill_problem(fill_integers);
    for (int x = 0; x < K_SIZES; x++)
        for (size_t y = 0; y < sizeof m_sizes / sizeof *m_sizes; y++)
            check_strided(m_sizes[y], SCORE_PANEL + 1, k_sizes[x]);
}

/* Of numbers whose sums are rounded, in any order: each of the k products and its place in the sum, the
 * factor, and what is added are at most k + 2 roundings, each of u = epsilon / 2, of any term:
 * (k + 2) u / (1 - (k + 2) u) times the sum of the terms' magnitudes. */
static void check_rounding(const claim *of, const char *what) {
    const long double u = SCORE_EPSILON / 2, roundings = of->k + 2;
    for (int i = 0; i < of->m; i++)
        for (int j = of->begin; j < of->end; j++) {
            long double sum = of->adds ? it.start[i * LD + j] : of->bias != NULL ? of->bias[j] : 0;
            long double magnitude = fabsl(sum);
            for (int q = 0; q < of->k; q++) {
                const long double term = (long double)of->factor *
                                         of->a.data[i * of->a.row + q * of->a.column] *
                                         of->b.data[q * of->b.row + j * of->b.column];
                sum += term;
                magnitude += fabsl(term);
            }
            const long double error = fabsl(it.result[i * LD + j] - sum);
            const long double bound = roundings * u / (1 - roundings * u) * magnitude;
            if (!(error <= bound))
                fail_msg("%s, %d x [%d, %d) x %d: element (%d, %d) is off by %Lg, at most %Lg",
                         what, of->m, of->begin, of->end, of->k, i, j, error, bound);
        }
}

static void products_are_rounded_no_more_than_their_sums(void **state) {
    (void)state;
    fill_problem(fill_normal);
    const score_matrix b = {it.right, LD, 1};
    for (int x = 0; x < K_SIZES; x++)
        for (int m = 1; m <= FEW_M; m += 8)
            for (int variant = 0; variant < 4; variant++) {
                const int k = k_sizes[x], n = MAX_N - 3;
                const bool adds = (variant & 1) != 0, by_columns = (variant & 2) != 0;
                const score_matrix a = {it.left, by_columns ? 1 : k, by_columns ? m : 1};
                claim of = {m, SCORE_PANEL, n, k, 1, a, b, adds ? NULL : it.bias, adds};
                score_panels_pack(k, 0, n, b, it.panels);
                prepare(&of);
                score_product_panels(m, k, of.begin, n, a, it.panels, of.bias, it.result, LD, adds);
                check_rounding(&of, "product with panels");
                of.begin = 0;
                of.factor = (double)(score_real)0.3;
                of.bias = NULL;
                prepare(&of);
                score_product(m, n, k, (score_real)0.3, a, it.right, LD, it.result, LD, adds);
                check_rounding(&of, "strided product");
            }
}

/* Of numbers whose sums are rounded: a row comes out the same however many stand beside it. */
static void rows_do_not_depend_on_each_other(void **state) {
    (void)state;
    static score_real alone[MAX_N];
    skip_unless_panels();
    fill_problem(fill_normal);
    const int k = MAX_K, n = MAX_N - 3;
    const score_matrix b = {it.right, LD, 1};
    score_panels_pack(k, 0, n, b, it.panels);
    for (int m = 1; m <= FEW_M; m++) {
        score_product_panels(m, k, 0, n, (score_matrix){it.left, k, 1}, it.panels, it.bias,
                             it.result, LD, false);
        for (int i = 0; i < m; i++) {
            score_product_panels(1, k, 0, n, (score_matrix){it.left + (ptrdiff_t)i * k, k, 1},
                                 it.panels, it.bias, alone, n, false);
            assert_memory_equal(alone, it.result + (ptrdiff_t)i * LD, (size_t)n * sizeof *alone);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_with_panels_are_exact),
        cmocka_unit_test(a_range_may_end_at_a_whole_panel),
        cmocka_unit_test(a_matrix_is_packed_in_parts),
        cmocka_unit_test(products_of_strided_matrices_are_exact),
        cmocka_unit_test(products_of_long_strided_matrices_are_exact),
        cmocka_unit_test(products_are_rounded_no_more_than_their_sums),
        cmocka_unit_test(rows_do_not_depend_on_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
