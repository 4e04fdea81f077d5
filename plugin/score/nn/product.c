#include "nn/product.h"

#include <string.h>

enum {
    /* Numbers of the panels to fetch ahead of their use, 4 KiB in float: measured, half and twice
     * as many do as well. */
    AHEAD = 1024,
    /* Longest part of k that is copied at a time: a panel's copy stays in the first-level cache. */
    CHUNK = 128,
};

/* What becomes of a block of sums: c = start + factor sums; start may be NULL for zero. */
typedef struct target {
    score_real *c;
    ptrdiff_t ldc;
    const score_real *start;
    ptrdiff_t start_ld;
    score_real factor;
} target;

SCORE_INLINE void fetch(const score_real *next) {
    for (int k = 0; k < SCORE_PANEL; k += 64 / (int)sizeof *next)
        __builtin_prefetch(next + k);
}

/* A block of `rows` rows of one panel; `rows` and `fetches` are constants. */
SCORE_INLINE void block(int rows, bool fetches, int k, score_matrix a, const score_real *b,
                        ptrdiff_t ldb, const target *to) {
    score_vector sum[SCORE_PRODUCT_ROWS][2];
    SCORE_UNROLL
    for (int i = 0; i < rows; i++)
        sum[i][0] = sum[i][1] = (score_vector){0};
    for (int q = 0; q < k; q++, b += ldb) {
        if (fetches)
            fetch(b + AHEAD);
        const score_vector b0 = score_load(b), b1 = score_load(b + SCORE_LANES);
        const score_real *x = a.data + q * a.column;
        SCORE_UNROLL
        for (int i = 0; i < rows; i++) {
            const score_vector xi = score_splat(x[i * a.row]);
            sum[i][0] += xi * b0;
            sum[i][1] += xi * b1;
        }
    }
    const score_vector factor = score_splat(to->factor);
    SCORE_UNROLL
    for (int i = 0; i < rows; i++) {
        SCORE_UNROLL
        for (int v = 0; v < 2; v++) {
            sum[i][v] *= factor;
            if (to->start != NULL)
                sum[i][v] += score_load(to->start + i * to->start_ld + v * SCORE_LANES);
            score_store(to->c + i * to->ldc + v * SCORE_LANES, sum[i][v]);
        }
    }
}

#define CASE(rows)                                                                                 \
    case rows:                                                                                     \
        block(rows, fetches, k, a, b, ldb, to);                                                    \
        break;

SCORE_INLINE void choose_block(int rows, bool fetches, int k, score_matrix a, const score_real *b,
                               ptrdiff_t ldb, const target *to) {
    switch (rows) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
#if defined(__AVX512F__)
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
        CASE(13)
        CASE(14)
#endif
    }
}

/* All rows of one panel, in blocks of nearly equal size. */
SCORE_INLINE void panel(bool fetches, int m, int k, score_matrix a, const score_real *b,
                        ptrdiff_t ldb, target to) {
    int blocks = (m + SCORE_PRODUCT_ROWS - 1) / SCORE_PRODUCT_ROWS;
    for (; blocks > 0; blocks--) {
        const int rows = (m + blocks - 1) / blocks;
        choose_block(rows, fetches, k, a, b, ldb, &to);
        m -= rows;
        a.data += rows * a.row;
        to.c += rows * to.ldc;
        if (to.start != NULL)
            to.start += rows * to.start_ld;
    }
}

/* The last, narrower panel of c: b is padded, c must not be written behind its end. */
static void narrow_panel(int m, int width, int k, score_matrix a, const score_real *b,
                         ptrdiff_t ldb, target to) {
    score_real out[SCORE_PRODUCT_ROWS][SCORE_PANEL], in[SCORE_PRODUCT_ROWS][SCORE_PANEL] = {{0}};
    const size_t bytes = (size_t)width * sizeof out[0][0];
    for (int i = 0; i < m; i += SCORE_PRODUCT_ROWS) {
        const int rows = m - i < SCORE_PRODUCT_ROWS ? m - i : SCORE_PRODUCT_ROWS;
        for (int r = 0; to.start != NULL && r < rows; r++)
            memcpy(in[r], to.start + (i + r) * to.start_ld, bytes);
        const score_matrix here = {a.data + i * a.row, a.row, a.column};
        panel(false, rows, k, here, b, ldb,
              (target){out[0], SCORE_PANEL, in[0], SCORE_PANEL, to.factor});
        for (int r = 0; r < rows; r++)
            memcpy(to.c + (i + r) * to.ldc, out[r], bytes);
    }
}

size_t score_panels_size(int k, int n) {
    return (size_t)((n + SCORE_PANEL - 1) / SCORE_PANEL) * SCORE_PANEL * (size_t)k;
}

/* Whole rows of a panel that stand in one piece. */
static void copy_panel(int k, const score_real *from, ptrdiff_t row, score_real *to) {
    for (int q = 0; q < k; q++, to += SCORE_PANEL, from += row) {
        score_store(to, score_load(from));
        score_store(to + SCORE_LANES, score_load(from + SCORE_LANES));
    }
}

void score_panels_pack(int k, int begin, int end, score_matrix b, score_real *panels) {
    for (int j = begin; j < end; j += SCORE_PANEL) {
        const int width = end - j < SCORE_PANEL ? end - j : SCORE_PANEL;
        score_real *to = panels + (ptrdiff_t)j * k;
        const score_real *from = b.data + j * b.column;
        if (width == SCORE_PANEL && b.column == 1) {
            copy_panel(k, from, b.row, to);
            continue;
        }
        for (int q = 0; q < k; q++, to += SCORE_PANEL, from += b.row) {
            for (int c = 0; c < width; c++)
                to[c] = from[c * b.column];
            for (int c = width; c < SCORE_PANEL; c++)
                to[c] = 0;
        }
    }
}

void score_product_panels(int m, int k, int begin, int end, const score_real *a, ptrdiff_t lda,
                          const score_real *panels, const score_real *bias, score_real *c,
                          ptrdiff_t ldc, bool adds) {
    const score_matrix left = {a, lda, 1};
    for (int j = begin; j < end; j += SCORE_PANEL) {
        const score_real *b = panels + (ptrdiff_t)j * k;
        target to = {c + j, ldc, NULL, 0, 1};
        if (adds) {
            to.start = c + j;
            to.start_ld = ldc;
        } else if (bias != NULL) {
            to.start = bias + j;
        }
        if (end - j >= SCORE_PANEL)
            panel(true, m, k, left, b, SCORE_PANEL, to);
        else
            narrow_panel(m, end - j, k, left, b, SCORE_PANEL, to);
    }
}

void score_product(int m, int n, int k, score_real factor, score_matrix a, const score_real *b,
                   ptrdiff_t ldb, score_real *c, ptrdiff_t ldc, bool adds) {
    score_real copy[CHUNK * SCORE_PANEL];
    for (int j = 0; j < n; j += SCORE_PANEL) {
        const int width = n - j < SCORE_PANEL ? n - j : SCORE_PANEL;
        /* Rows far apart fall on each other in the cache, which matters when they are read again
         * for the next block of rows. */
        const bool copies = width < SCORE_PANEL || m > SCORE_PRODUCT_ROWS;
        target to = {c + j, ldc, adds ? c + j : NULL, ldc, factor};
        for (int q = 0; q < k || q == 0; q += CHUNK) {
            const int length = k - q < CHUNK ? k - q : CHUNK;
            const score_real *from = b + q * ldb + j;
            const score_matrix left = {a.data + q * a.column, a.row, a.column};
            if (copies)
                score_panels_pack(length, 0, width, (score_matrix){from, ldb, 1}, copy);
            if (width < SCORE_PANEL)
                narrow_panel(m, width, length, left, copy, SCORE_PANEL, to);
            else if (copies)
                panel(false, m, length, left, copy, SCORE_PANEL, to);
            else
                panel(false, m, length, left, from, ldb, to);
            to.start = to.c;
        }
    }
}

/* Products a b^T: for up to DOT_ROWS rows of a and DOT_COLUMNS rows of b, a vector of partial sums
 * for each pair of rows. FOLD adds neighbours within two of them: lanes of the one, lanes of the
 * other. SCORE_LANES vectors folded two by two until one is left are the sums in their order. */
#if defined(__AVX512F__) && defined(SCORE_SINGLE)
#define SUMS 16
#define NEXT(i)                                                                                    \
    i, i + 2, i + 16, i + 18, i + 4, i + 6, i + 20, i + 22, i + 8, i + 10, i + 24, i + 26, i + 12, \
        i + 14, i + 28, i + 30
#define FOURS(i)                                                                                   \
    i, i + 1, i + 2, i + 3, i + 8, i + 9, i + 10, i + 11, i + 16, i + 17, i + 18, i + 19, i + 24,  \
        i + 25, i + 26, i + 27
#elif defined(__AVX512F__) || (defined(__AVX2__) && defined(SCORE_SINGLE))
#define SUMS 8
#define NEXT(i) i, i + 2, i + 8, i + 10, i + 4, i + 6, i + 12, i + 14
#define FOURS(i) i, i + 1, i + 2, i + 3, i + 8, i + 9, i + 10, i + 11
#elif defined(__AVX2__) || defined(SCORE_SINGLE)
#define SUMS 4
#define NEXT(i) i, i + 2, i + 4, i + 6
#else
#define SUMS 2
#define NEXT(i) i, i + 2
#endif
#define FOLD(u, v, order, step)                                                                    \
    (__builtin_shufflevector(u, v, order(0)) + __builtin_shufflevector(u, v, order(step)))

enum {
    DOT_COLUMNS = SUMS < 4 ? SUMS : 4,
    DOT_ROWS = SUMS / DOT_COLUMNS,
};

typedef score_real dot_row __attribute__((vector_size(DOT_COLUMNS * sizeof(score_real)),
                                          aligned(sizeof(score_real)), may_alias));

/* Lane l is the sum over the lanes of sum[l], the first of them rows. */
SCORE_INLINE score_vector add_lanes(score_vector sum[DOT_ROWS][DOT_COLUMNS]) {
    score_vector row[DOT_ROWS];
    SCORE_UNROLL
    for (int i = 0; i < DOT_ROWS; i++) {
#if SUMS > 2
        const score_vector low = FOLD(sum[i][0], sum[i][1], NEXT, 1);
        const score_vector high = FOLD(sum[i][2], sum[i][3], NEXT, 1);
        row[i] = FOLD(low, high, NEXT, 1);
#else
        row[i] = FOLD(sum[i][0], sum[i][1], NEXT, 1);
#endif
    }
#if SUMS == 16
    const score_vector low = FOLD(row[0], row[1], FOURS, 4);
    const score_vector high = FOLD(row[2], row[3], FOURS, 4);
    return FOLD(low, high, FOURS, 4);
#elif SUMS == 8
    return FOLD(row[0], row[1], FOURS, 4);
#else
    return row[0];
#endif
}

/* k is a multiple of SCORE_LANES here; `rows` and `columns` are constants. */
SCORE_INLINE void dots(int rows, int columns, int k, score_real factor,
                       const score_real *const a[DOT_ROWS], const score_real *b, ptrdiff_t ldb,
                       score_real *c, ptrdiff_t ldc, bool adds) {
    score_vector sum[DOT_ROWS][DOT_COLUMNS];
    SCORE_UNROLL
    for (int i = 0; i < DOT_ROWS; i++) {
        SCORE_UNROLL
        for (int j = 0; j < DOT_COLUMNS; j++)
            sum[i][j] = (score_vector){0};
    }
    for (int q = 0; q < k; q += SCORE_LANES) {
        score_vector left[DOT_ROWS], right[DOT_COLUMNS];
        SCORE_UNROLL
        for (int i = 0; i < rows; i++)
            left[i] = score_load(a[i] + q);
        SCORE_UNROLL
        for (int j = 0; j < columns; j++)
            right[j] = score_load(b + j * ldb + q);
        SCORE_UNROLL
        for (int i = 0; i < rows; i++) {
            SCORE_UNROLL
            for (int j = 0; j < columns; j++)
                sum[i][j] += left[i] * right[j];
        }
    }
    score_real out[SCORE_LANES];
    score_store(out, add_lanes(sum) * score_splat(factor));
    SCORE_UNROLL
    for (int i = 0; i < rows; i++) {
        const dot_row *from = (const dot_row *)(out + i * DOT_COLUMNS);
        dot_row *to = (dot_row *)(c + i * ldc);
        if (adds)
            *to += *from;
        else
            *to = *from;
    }
}

#define DOTS(rows, columns)                                                                        \
    case 4 * (rows) + (columns):                                                                   \
        dots(rows, columns, k, factor, a, b, ldb, c, ldc, adds);                                   \
        break;

SCORE_INLINE void choose_dots(int rows, int columns, int k, score_real factor,
                              const score_real *const a[DOT_ROWS], const score_real *b,
                              ptrdiff_t ldb, score_real *c, ptrdiff_t ldc, bool adds) {
    switch (4 * rows + columns) {
        DOTS(1, 1)
        DOTS(1, 2)
#if SUMS > 2
        DOTS(1, 3)
        DOTS(1, 4)
#endif
#if SUMS > 4
        DOTS(2, 1)
        DOTS(2, 2)
        DOTS(2, 3)
        DOTS(2, 4)
#endif
#if SUMS > 8
        DOTS(3, 1)
        DOTS(3, 2)
        DOTS(3, 3)
        DOTS(3, 4)
        DOTS(4, 1)
        DOTS(4, 2)
        DOTS(4, 3)
        DOTS(4, 4)
#endif
    }
}

SCORE_INLINE const score_real *find_row(const score_rows *rows, int i) {
    return i < rows->more_from ? rows->data + i * rows->ld
                               : rows->more + (i - rows->more_from) * rows->more_ld;
}

/* What the last columns, too few for a vector, add to the sums. */
static void add_rest(int m, int n, int from, int k, score_real factor, const score_rows *a,
                     const score_real *b, ptrdiff_t ldb, score_real *c, ptrdiff_t ldc) {
    for (int i = 0; i < m; i++) {
        const score_real *left = find_row(a, i);
        for (int j = 0; j < n; j++) {
            score_real rest = 0;
            for (int q = from; q < k; q++)
                rest += left[q] * b[j * ldb + q];
            c[i * ldc + j] += factor * rest;
        }
    }
}

void score_product_transposed(int m, int n, int k, score_real factor, const score_rows *a,
                              const score_real *b, ptrdiff_t ldb, score_real *c, ptrdiff_t ldc,
                              bool adds) {
    const int whole = k - k % SCORE_LANES;
    int rows, columns;
    for (int i = 0, row_blocks = (m + DOT_ROWS - 1) / DOT_ROWS; i < m; i += rows, row_blocks--) {
        rows = (m - i + row_blocks - 1) / row_blocks;
        const score_real *left[DOT_ROWS];
        for (int r = 0; r < DOT_ROWS; r++)
            left[r] = find_row(a, r < rows ? i + r : i);
        int blocks = (n + DOT_COLUMNS - 1) / DOT_COLUMNS;
        for (int j = 0; j < n; j += columns, blocks--) {
            columns = (n - j + blocks - 1) / blocks;
            choose_dots(rows, columns, whole, factor, left, b + j * ldb, ldb, c + i * ldc + j, ldc,
                        adds);
        }
    }
    if (whole < k)
        add_rest(m, n, whole, k, factor, a, b, ldb, c, ldc);
}
