/* The products of attention, in double and in float. Of small integers every sum is exact in
 * either, so plain loops must be met to the last bit. */
#include <string.h>

#include "base/random.h"
#include "nn/small_product.h"
#include "unit_test.h"

/* About the blocks of rows, whole vectors of all sets of instructions, and what is copied or
 * transposed at a time. */
enum { MOST = 135, MARGIN = 3, LD = MOST + MARGIN, ROOM = MOST + 16, UNTOUCHED = 12345 };
static const int m_sizes[] = {1, 2, 4, 6, 7, 12, 17};
static const int n_sizes[] = {1, 3, 4, 5, 8, 13, 16, 17, 33, 48, 67, MOST};
static const int k_sizes[] = {1, 3, 4, 18, 63, 64, 65, MOST};
enum {
    M_SIZES = sizeof m_sizes / sizeof *m_sizes,
    N_SIZES = sizeof n_sizes / sizeof *n_sizes,
    K_SIZES = sizeof k_sizes / sizeof *k_sizes,
};

static score_real left[MOST * LD], right[MOST * LD], more[MOST * LD], start[MOST * ROOM];
static score_real result[MOST * ROOM];

static void fill(uint32_t seed, size_t count, score_real *x) {
    score_random random = score_random_stream(seed, 0, 0, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (score_real)(score_random_uint(&random) % 9) - 4;
}

static int create(void **state) {
    (void)state;
    fill(1, sizeof left / sizeof *left, left);
    fill(2, sizeof right / sizeof *right, right);
    fill(3, sizeof more / sizeof *more, more);
    fill(4, sizeof start / sizeof *start, start);
    return 0;
}

static const score_real *row_of(const score_rows *rows, int i) {
    return i < rows->more_from ? rows->data + i * rows->ld
                               : rows->more + (i - rows->more_from) * rows->more_ld;
}

/* Fails unless element (i, j) of the result is as expected. */
static void check(double expected, int m, int n, int k, int i, int j, const char *what) {
    const double value = (double)result[i * ROOM + j];
    if (!(value == expected))
        fail_msg("%s, %d x %d x %d: element (%d, %d) is %.17g, expected %.17g", what, m, n, k, i, j,
                 value, expected);
}

static void fill_result(bool adds) {
    for (int i = 0; i < MOST * ROOM; i++)
        result[i] = adds ? start[i] : UNTOUCHED;
}

enum { FROM_ZERO, FROM_ROW, FROM_RESULT, STARTS };

static void check_product(int m, int n, int k, score_matrix a, int kind, const char *what) {
    /* the last three rows stand elsewhere, if there are more */
    const score_rows b = {right, LD, more, LD - 1, k > 3 ? k - 3 : k};
    fill_result(kind == FROM_RESULT);
    const score_real *from = kind == FROM_ZERO ? NULL : kind == FROM_ROW ? start : result;
    score_small_product(m, n, k, 2, a, &b, from, kind == FROM_RESULT ? ROOM : 0, result, ROOM);
    for (int i = 0; i < MOST; i++)
        for (int j = 0; j < ROOM; j++) {
            double expected = kind == FROM_RESULT ? (double)start[i * ROOM + j] : UNTOUCHED;
            if (i < m && j < n) {
                if (kind != FROM_RESULT)
                    expected = kind == FROM_ROW ? (double)start[j] : 0;
                for (int q = 0; q < k; q++)
                    expected += 2 * (double)a.data[i * a.row + q * a.column] *
                                (double)row_of(&b, q)[j];
            }
            check(expected, m, n, k, i, j, what);
        }
}

static void products_are_those_of_plain_loops(void **state) {
    (void)state;
    for (int m = 0; m < M_SIZES; m++)
        for (int n = 0; n < N_SIZES; n++)
            for (int k = 0; k < K_SIZES; k++) {
                const int kind = (m + n + k) % STARTS;
                check_product(m_sizes[m], n_sizes[n], k_sizes[k], (score_matrix){left, LD, 1}, kind,
                              "by rows");
                check_product(m_sizes[m], n_sizes[n], k_sizes[k], (score_matrix){left, 1, LD},
                              (kind + 1) % STARTS, "by columns");
            }
}

static void check_transposed(int m, int n, int k, bool adds) {
    const score_rows a = {left, LD, more, LD - 1, m > 3 ? m - 3 : m};
    fill_result(adds);
    score_small_product_transposed(m, n, k, 2, &a, right, LD, result, ROOM, adds);
    for (int i = 0; i < MOST; i++)
        for (int j = 0; j < ROOM; j++) {
            const bool room = i < m && n <= j && j < n + 16;
            double expected = adds ? (double)start[i * ROOM + j] : UNTOUCHED;
            if (i < m && j < n) {
                expected = adds ? expected : 0;
                for (int q = 0; q < k; q++)
                    expected += 2 * (double)row_of(&a, i)[q] * (double)right[j * LD + q];
            } else if (room && !adds && result[i * ROOM + j] == 0) {
                continue; /* it may be written there, zeros */
            }
            check(expected, m, n, k, i, j, adds ? "transposed, added" : "transposed");
        }
}

static void products_with_a_transpose_are_those_of_plain_loops(void **state) {
    (void)state;
    for (int m = 0; m < M_SIZES; m++)
        for (int n = 0; n < N_SIZES; n++)
            for (int k = 0; k < K_SIZES; k++) {
                check_transposed(m_sizes[m], n_sizes[n], k_sizes[k], false);
                check_transposed(m_sizes[m], n_sizes[n], k_sizes[k], true);
            }
}

static void sums_of_rows_are_those_of_plain_loops(void **state) {
    (void)state;
    for (int m = 0; m < M_SIZES; m++)
        for (int n = 0; n < N_SIZES; n++) {
            score_real sums[MOST + SCORE_LANES];
            score_small_sums(m_sizes[m], n_sizes[n], left, LD, sums);
            for (int i = 0; i < m_sizes[m]; i++) {
                double expected = 0;
                for (int j = 0; j < n_sizes[n]; j++)
                    expected += (double)left[i * LD + j];
                if (!((double)sums[i] == expected))
                    fail_msg("%d x %d: sum %d is %g, expected %g", m_sizes[m], n_sizes[n], i,
                             (double)sums[i], expected);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_plain_loops),
        cmocka_unit_test(products_with_a_transpose_are_those_of_plain_loops),
        cmocka_unit_test(sums_of_rows_are_those_of_plain_loops),
    };
    return cmocka_run_group_tests(tests, create, NULL);
}
