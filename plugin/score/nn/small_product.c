#include "nn/small_product.h"

#include <string.h>

SCORE_INLINE const score_real *find_row(const score_rows *rows, int i) {
    return i < rows->more_from ? rows->data + i * rows->ld
                               : rows->more + (i - rows->more_from) * rows->more_ld;
}

/* A block of rows of c = start + factor a b, one, two or four vectors of columns. */
typedef struct block {
    int k;
    score_real factor;
    score_matrix a;
    score_rows b;
    const score_real *start;
    ptrdiff_t start_ld;
    score_real *c;
    ptrdiff_t ldc;
} block;

enum {
    ROWS = 6,
    WIDEST = SCORE_VECTOR_REGISTERS == 32 ? 4 : 2, /* vectors */
    CHUNK = 64, /* rows of b of which the last columns are copied at a time */
};

/* `rows` and `vectors` are constants. */
SCORE_INLINE void add_block(int rows, int vectors, const block *at) {
    const score_real *a = at->a.data, *b = at->b.data, *start = at->start;
    const ptrdiff_t row = at->a.row, column = at->a.column;
    const ptrdiff_t start_ld = at->start_ld, ldc = at->ldc;
    ptrdiff_t ldb = at->b.ld;
    score_real *c = at->c;
    score_vector sum[ROWS][WIDEST];
    SCORE_UNROLL
    for (int i = 0; i < rows; i++) {
        SCORE_UNROLL
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (score_vector){0};
    }
    for (int q = 0, end = at->b.more_from; q < at->k; end = at->k) {
        for (; q < end; q++, a += column, b += ldb) {
            score_vector right[WIDEST];
            SCORE_UNROLL
            for (int v = 0; v < vectors; v++)
                right[v] = score_load(b + v * SCORE_LANES);
            SCORE_UNROLL
            for (int i = 0; i < rows; i++) {
                const score_vector left = score_splat(a[i * row]);
                SCORE_UNROLL
                for (int v = 0; v < vectors; v++)
                    sum[i][v] += left * right[v];
            }
        }
        b = at->b.more;
        ldb = at->b.more_ld;
    }
    const score_vector factor = score_splat(at->factor);
    SCORE_UNROLL
    for (int i = 0; start == NULL && i < rows; i++) {
        SCORE_UNROLL
        for (int v = 0; v < vectors; v++)
            score_store(c + i * ldc + v * SCORE_LANES, factor * sum[i][v]);
    }
    SCORE_UNROLL
    for (int i = 0; start != NULL && i < rows; i++) {
        SCORE_UNROLL
        for (int v = 0; v < vectors; v++)
            score_store(c + i * ldc + v * SCORE_LANES,
                        score_load(start + i * start_ld + v * SCORE_LANES) + factor * sum[i][v]);
    }
}

/* Functions of their own: in one, compilers would work out the addresses of all in advance. */
#define BLOCK(rows, vectors)                                                                       \
    static __attribute__((noinline)) void block_##rows##_##vectors(const block *at) {              \
        add_block(rows, vectors, at);                                                              \
    }
#define BLOCKS(vectors)                                                                            \
    BLOCK(1, vectors)                                                                              \
    BLOCK(2, vectors)                                                                              \
    BLOCK(3, vectors)                                                                              \
    BLOCK(4, vectors)                                                                              \
    BLOCK(5, vectors)                                                                              \
    BLOCK(6, vectors)                                                                              \
    static void (*const blocks_##vectors[ROWS])(const block *) = {                                 \
        block_1_##vectors, block_2_##vectors, block_3_##vectors,                                   \
        block_4_##vectors, block_5_##vectors, block_6_##vectors};

BLOCKS(1)
BLOCKS(2)
#if defined(__AVX512F__)
BLOCKS(4)
#endif

/* By the number of vectors. */
static void (*const *const blocks[WIDEST + 1])(const block *) = {
    [1] = blocks_1,
    [2] = blocks_2,
#if defined(__AVX512F__)
    [4] = blocks_4,
#endif
};

/* The last columns, fewer than a vector, of a block of rows. */
static void add_rest(int rows, int columns, block at) {
    score_real panel[CHUNK][SCORE_LANES] = {{0}}, sum[ROWS][SCORE_LANES] = {{0}};
    const score_rows b = at.b;
    const size_t bytes = (size_t)columns * sizeof(score_real);
    for (int i = 0; at.start != NULL && i < rows; i++)
        memcpy(sum[i], at.start + i * at.start_ld, bytes);
    score_real *c = at.c;
    block part = {.factor = at.factor,
                  .a = at.a,
                  .b = {panel[0], SCORE_LANES, NULL, 0, 0},
                  .start = sum[0],
                  .start_ld = SCORE_LANES,
                  .c = sum[0],
                  .ldc = SCORE_LANES};
    for (int q = 0; q < at.k; q += part.k) {
        part.k = part.b.more_from = at.k - q < CHUNK ? at.k - q : CHUNK;
        for (int p = 0; p < part.k; p++)
            memcpy(panel[p], find_row(&b, q + p), bytes);
        blocks_1[rows - 1](&part);
        part.a.data += part.k * at.a.column;
    }
    for (int i = 0; i < rows; i++)
        memcpy(c + i * at.ldc, sum[i], bytes);
}

/* All rows of a panel of `vectors` vectors of columns, or of the last columns where that is 0. */
SCORE_INLINE void add_panel(int m, int vectors, int columns, block at) {
    int rows;
    for (; m > 0; m -= rows) {
        rows = m <= ROWS ? m : m < 2 * ROWS ? (m + 1) / 2 : ROWS;
        if (vectors > 0)
            blocks[vectors][rows - 1](&at);
        else
            add_rest(rows, columns, at);
        at.a.data += rows * at.a.row;
        if (at.start != NULL)
            at.start += rows * at.start_ld;
        at.c += rows * at.ldc;
    }
}

void score_small_product(int m, int n, int k, score_real factor, score_matrix a,
                         const score_rows *b, const score_real *start, ptrdiff_t start_ld,
                         score_real *c, ptrdiff_t ldc) {
    block at = {k, factor, a, *b, start, start_ld, c, ldc};
    int width;
    for (int left = n; left > 0; left -= width) {
        int vectors = left / SCORE_LANES < WIDEST ? left / SCORE_LANES : WIDEST;
        if (vectors == 3)
            vectors = 2;
        width = (vectors > 0 ? vectors : 1) * SCORE_LANES;
        add_panel(m, vectors, left, at);
        at.b.data += width;
        if (at.b.more != NULL)
            at.b.more += width;
        if (start != NULL)
            at.start += width;
        at.c += width;
    }
}

/* Products a b^T: for up to DOT_ROWS rows of a and DOT_COLUMNS rows of b, a vector of partial sums
 * for each pair of rows. FOLD adds neighbours within two of them: lanes of the one, then lanes of
 * the other, single ones (NEXT) or four together (FOURS). SCORE_LANES vectors folded two by two
 * until one is left are the sums in their order. */
#if defined(__AVX512F__) && defined(SCORE_SINGLE)
#define SUMS 16
#define NEXT(i)                                                                                    \
    (i), (i) + 2, (i) + 16, (i) + 18, (i) + 4, (i) + 6, (i) + 20, (i) + 22, (i) + 8, (i) + 10,     \
        (i) + 24, (i) + 26, (i) + 12, (i) + 14, (i) + 28, (i) + 30
#define FOURS(i)                                                                                   \
    (i), (i) + 1, (i) + 2, (i) + 3, (i) + 8, (i) + 9, (i) + 10, (i) + 11, (i) + 16, (i) + 17,      \
        (i) + 18, (i) + 19, (i) + 24, (i) + 25, (i) + 26, (i) + 27
#elif defined(__AVX512F__) || (defined(__AVX2__) && defined(SCORE_SINGLE))
#define SUMS 8
#define NEXT(i) (i), (i) + 2, (i) + 8, (i) + 10, (i) + 4, (i) + 6, (i) + 12, (i) + 14
#define FOURS(i) (i), (i) + 1, (i) + 2, (i) + 3, (i) + 8, (i) + 9, (i) + 10, (i) + 11
#elif defined(__AVX2__) || defined(SCORE_SINGLE)
#define SUMS 4
#define NEXT(i) (i), (i) + 2, (i) + 4, (i) + 6
#else
#define SUMS 2
#define NEXT(i) (i), (i) + 2
#endif
#define FOLD(u, v, order, step)                                                                    \
    (__builtin_shufflevector(u, v, order(0)) + __builtin_shufflevector(u, v, order(step)))

enum {
    DOT_COLUMNS = SUMS == 2 ? 2 : 4,
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

void score_small_sums(int m, int n, const score_real *a, ptrdiff_t lda, score_real *sums) {
    const int last = (n - 1) / SCORE_LANES * SCORE_LANES;
    score_real within[SCORE_LANES];
    for (int l = 0; l < SCORE_LANES; l++)
        within[l] = last + l < n ? 1 : 0;
    for (int i = 0; i < m; i += SUMS) {
        score_vector sum[DOT_ROWS][DOT_COLUMNS];
        SCORE_UNROLL
        for (int r = 0; r < SUMS; r++) {
            const score_real *row = a + (i + r < m ? i + r : i) * lda;
            score_vector s = score_load(within) * score_load(row + last);
            for (int q = 0; q < last; q += SCORE_LANES)
                s += score_load(row + q);
            sum[r / DOT_COLUMNS][r % DOT_COLUMNS] = s;
        }
        score_store(sums + i, add_lanes(sum));
    }
}

/* A block of c = factor a b^T: a few rows of a and b. */
typedef struct dots {
    int k; /* a multiple of SCORE_LANES */
    score_real factor;
    bool adds;
    const score_real *a[DOT_ROWS];
    const score_real *b;
    ptrdiff_t ldb;
    score_real *c;
    ptrdiff_t ldc;
} dots;

/* `rows` and `columns` are constants. */
SCORE_INLINE void add_dots(int rows, int columns, const dots *at) {
    score_vector sum[DOT_ROWS][DOT_COLUMNS];
    SCORE_UNROLL
    for (int i = 0; i < DOT_ROWS; i++) {
        SCORE_UNROLL
        for (int j = 0; j < DOT_COLUMNS; j++)
            sum[i][j] = (score_vector){0};
    }
    const score_real *a[DOT_ROWS], *b[DOT_COLUMNS];
    SCORE_UNROLL
    for (int i = 0; i < rows; i++)
        a[i] = at->a[i];
    SCORE_UNROLL
    for (int j = 0; j < columns; j++)
        b[j] = at->b + j * at->ldb;
    for (int k = at->k; k > 0; k -= SCORE_LANES) {
        score_vector left[DOT_ROWS], right[DOT_COLUMNS];
        SCORE_UNROLL
        for (int i = 0; i < rows; i++, a[i - 1] += SCORE_LANES)
            left[i] = score_load(a[i]);
        SCORE_UNROLL
        for (int j = 0; j < columns; j++, b[j - 1] += SCORE_LANES)
            right[j] = score_load(b[j]);
        SCORE_UNROLL
        for (int i = 0; i < rows; i++) {
            SCORE_UNROLL
            for (int j = 0; j < columns; j++)
                sum[i][j] += left[i] * right[j];
        }
    }
    score_real out[SCORE_LANES], *c = at->c;
    const ptrdiff_t ldc = at->ldc;
    const bool adds = at->adds;
    score_store(out, add_lanes(sum) * score_splat(at->factor));
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
    static __attribute__((noinline)) void dots_##rows##_##columns(const dots *at) {                \
        add_dots(rows, columns, at);                                                               \
    }

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

static void (*const all_dots[DOT_ROWS][DOT_COLUMNS])(const dots *) = {
#if SUMS == 2
    {dots_1_1, dots_1_2},
#else
    {dots_1_1, dots_1_2, dots_1_3, dots_1_4},
#endif
#if SUMS > 4
    {dots_2_1, dots_2_2, dots_2_3, dots_2_4},
#endif
#if SUMS > 8
    {dots_3_1, dots_3_2, dots_3_3, dots_3_4},
    {dots_4_1, dots_4_2, dots_4_3, dots_4_4},
#endif
};

/* What the last columns, too few for a vector, add to the sums. */
static void add_last_dots(int m, int n, int from, int k, score_real factor, const score_rows *a,
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

static void add_all_dots(int m, int n, int k, score_real factor, const score_rows *a,
                         const score_real *b, ptrdiff_t ldb, score_real *c, ptrdiff_t ldc,
                         bool adds) {
    const int whole = k - k % SCORE_LANES;
    dots at = {.k = whole, .factor = factor, .adds = adds, .ldb = ldb, .ldc = ldc};
    int rows, columns;
    for (int i = 0; i < m; i += rows) {
        rows = m - i < DOT_ROWS ? m - i : DOT_ROWS;
        for (int r = 0; r < rows; r++)
            at.a[r] = find_row(a, i + r);
        at.b = b;
        at.c = c + i * ldc;
        for (int j = 0; j < n; j += columns, at.b += columns * ldb, at.c += columns) {
            columns = n - j < DOT_COLUMNS ? n - j : DOT_COLUMNS;
            all_dots[rows - 1][columns - 1](&at);
        }
    }
    if (whole < k)
        add_last_dots(m, n, whole, k, factor, a, b, ldb, c, ldc);
}

#if SUMS > 2
enum { DEPTH = 64 }; /* columns of b that are transposed at a time */

/* Transposes 4 x 4: single numbers within every four (NEXT), or fours of numbers (FOURS). */
#define DEFINE_TRANSPOSE(name, order, step)                                                        \
    SCORE_INLINE void name(score_vector *x0, score_vector *x1, score_vector *x2,                   \
                           score_vector *x3) {                                                     \
        const score_vector even0 = __builtin_shufflevector(*x0, *x1, order(0));                    \
        const score_vector even1 = __builtin_shufflevector(*x2, *x3, order(0));                    \
        const score_vector odd0 = __builtin_shufflevector(*x0, *x1, order(step));                  \
        const score_vector odd1 = __builtin_shufflevector(*x2, *x3, order(step));                  \
        *x0 = __builtin_shufflevector(even0, even1, order(0));                                     \
        *x1 = __builtin_shufflevector(odd0, odd1, order(0));                                       \
        *x2 = __builtin_shufflevector(even0, even1, order(step));                                  \
        *x3 = __builtin_shufflevector(odd0, odd1, order(step));                                    \
    }

DEFINE_TRANSPOSE(transpose_next, NEXT, 1)
#if SUMS == 16
DEFINE_TRANSPOSE(transpose_fours, FOURS, 4)
#endif

/* Up to SCORE_LANES rows of k numbers to k rows, filled up with zeros. */
static void transpose(int rows, int k, const score_real *from, ptrdiff_t ld, score_real *to,
                      ptrdiff_t to_ld) {
    enum { L = SCORE_LANES };
    int q = 0;
    for (; q + L <= k; q += L) {
        score_vector x[L];
        SCORE_UNROLL
        for (int i = 0; i < L; i++) {
            x[i] = (score_vector){0};
            if (i < rows)
                x[i] = score_load(from + i * ld + q);
        }
        SCORE_UNROLL
        for (int i = 0; i < L; i += 4)
            transpose_next(&x[i], &x[i + 1], &x[i + 2], &x[i + 3]);
        /* Now x[4 g + t] holds number 4 b + t of rows 4 g to 4 g + 3 in its four b. */
        SCORE_UNROLL
        for (int t = 0; t < 4; t++) {
#if SUMS == 16
            transpose_fours(&x[t], &x[t + 4], &x[t + 8], &x[t + 12]);
#elif SUMS == 8
            const score_vector low = __builtin_shufflevector(x[t], x[t + 4], FOURS(0));
            x[t + 4] = __builtin_shufflevector(x[t], x[t + 4], FOURS(4));
            x[t] = low;
#endif
        }
        SCORE_UNROLL
        for (int i = 0; i < L; i++)
            score_store(to + (q + i) * to_ld, x[i]);
    }
    for (; q < k; q++)
        for (int i = 0; i < L; i++)
            to[q * to_ld + i] = i < rows ? from[i * ld + q] : 0;
}

/* By forming b^T, a panel at a time. */
static void multiply_transpose(int m, int n, int k, score_real factor, const score_rows *a,
                               const score_real *b, ptrdiff_t ldb, score_real *c, ptrdiff_t ldc,
                               bool adds) {
    enum { L = SCORE_LANES, WIDTH = WIDEST * L };
    score_real panel[DEPTH * WIDTH];
    for (int j = 0; j < n; j += WIDTH, b += WIDTH * ldb, c += WIDTH) {
        const int columns = n - j < WIDTH ? n - j : WIDTH, width = (columns + L - 1) / L * L;
        for (int q = 0; q < k; q += DEPTH) {
            const int depth = k - q < DEPTH ? k - q : DEPTH;
            for (int i = 0; i < columns; i += L)
                transpose(columns - i, depth, b + i * ldb + q, ldb, panel + i, width);
            const score_rows right = {panel, width, NULL, 0, depth};
            const int first = m < a->more_from ? m : a->more_from;
            score_real *more = c + first * ldc;
            const bool starts = adds || q > 0;
            score_small_product(first, width, depth, factor, (score_matrix){a->data + q, a->ld, 1},
                                &right, starts ? c : NULL, ldc, c, ldc);
            if (first < m)
                score_small_product(m - first, width, depth, factor,
                                    (score_matrix){a->more + q, a->more_ld, 1}, &right,
                                    starts ? more : NULL, ldc, more, ldc);
        }
    }
}
#endif

void score_small_product_transposed(int m, int n, int k, score_real factor, const score_rows *a,
                                    const score_real *b, ptrdiff_t ldb, score_real *c,
                                    ptrdiff_t ldc, bool adds) {
#if SUMS > 2
    /* Measured, with vectors of 8 and of 16 numbers: from here on b^T is worth while. */
    if (n > 16) {
        multiply_transpose(m, n, k, factor, a, b, ldb, c, ldc, adds);
        return;
    }
#endif
    add_all_dots(m, n, k, factor, a, b, ldb, c, ldc, adds);
}
