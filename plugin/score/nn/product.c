#include "nn/product.h"

#include <string.h>

const char score_products[] = "panels";

enum {
    /* Numbers of the panels to fetch ahead of their use, 4 KiB in float: measured, half and twice
     * as many do as well. */
    AHEAD = 1024,
    /* What is copied at a time for a product whose matrices are used once: so much of k and of m
     * that a panel's copy stays in the first-level cache and the left matrix's in the second. */
    CHUNK = 96,
    CHUNK_BLOCKS = 8,
    BLOCK_LD = (SCORE_PRODUCT_ROWS + SCORE_LANES - 1) / SCORE_LANES * SCORE_LANES,
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
    if (!fetches) { /* the panel is a copy in the cache, but what is added to may be far */
        SCORE_UNROLL
        for (int i = 0; i < rows; i++)
            fetch(to->c + i * to->ldc);
    }
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

static int blocks_of(int rows) {
    return (rows + SCORE_PRODUCT_ROWS - 1) / SCORE_PRODUCT_ROWS;
}

/* Rows of the left matrix in blocks: `next` numbers from the first of one block to that of the
 * next, or 0 where they follow each other. */
typedef struct row_blocks {
    score_matrix a;
    ptrdiff_t next;
} row_blocks;

/* All rows of one panel, in blocks of nearly equal size. */
SCORE_INLINE void panel(bool fetches, int m, int k, row_blocks left, const score_real *b,
                        ptrdiff_t ldb, target to) {
    for (int blocks = blocks_of(m); blocks > 0; blocks--) {
        const int rows = (m + blocks - 1) / blocks;
        choose_block(rows, fetches, k, left.a, b, ldb, &to);
        m -= rows;
        left.a.data += left.next > 0 ? left.next : rows * left.a.row;
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
        panel(false, rows, k, (row_blocks){here, 0}, b, ldb,
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

void score_product_panels(int m, int k, int begin, int end, score_matrix a,
                          const score_real *panels, const score_real *bias, score_real *c,
                          ptrdiff_t ldc, bool adds) {
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
            panel(true, m, k, (row_blocks){a, 0}, b, SCORE_PANEL, to);
        else
            narrow_panel(m, end - j, k, a, b, SCORE_PANEL, to);
    }
}

/* Copies a transposed matrix of m rows in the blocks that panel() takes them in, BLOCK_LD numbers
 * for every k: rows far apart, as its columns are, fall on each other in the cache. */
static void pack_blocks(int m, int k, score_matrix a, score_real *to) {
    for (int blocks = blocks_of(m); blocks > 0; blocks--) {
        const int rows = (m + blocks - 1) / blocks;
        for (int q = 0; q < k; q++, to += BLOCK_LD)
            for (int i = 0; i < rows; i++)
                to[i] = a.data[q * a.column + i];
        a.data += rows;
        m -= rows;
    }
}

/* Part of a product: k is at most CHUNK, and m at most CHUNK_BLOCKS blocks where `a` is transposed. */
static void product_part(int m, int n, int k, score_real factor, score_matrix a,
                         const score_real *b, ptrdiff_t ldb, score_real *c, ptrdiff_t ldc,
                         bool adds) {
    score_real copy[CHUNK * SCORE_PANEL], left[CHUNK_BLOCKS * CHUNK * BLOCK_LD];
    row_blocks rows = {a, 0};
    if (a.row == 1 && m > SCORE_PRODUCT_ROWS) {
        pack_blocks(m, k, a, left);
        rows = (row_blocks){{left, 1, BLOCK_LD}, (ptrdiff_t)k * BLOCK_LD};
    }
    for (int j = 0; j < n; j += SCORE_PANEL) {
        const int width = n - j < SCORE_PANEL ? n - j : SCORE_PANEL;
        const score_real *from = b + j;
        ptrdiff_t from_ld = ldb;
        if (width < SCORE_PANEL || m > SCORE_PRODUCT_ROWS) {
            score_panels_pack(k, 0, width, (score_matrix){from, ldb, 1}, copy);
            from = copy;
            from_ld = SCORE_PANEL;
        }
        const target to = {c + j, ldc, adds ? c + j : NULL, ldc, factor};
        if (width < SCORE_PANEL)
            narrow_panel(m, width, k, a, from, from_ld, to);
        else
            panel(false, m, k, rows, from, from_ld, to);
    }
}

void score_product(int m, int n, int k, score_real factor, score_matrix a, const score_real *b,
                   ptrdiff_t ldb, score_real *c, ptrdiff_t ldc, bool adds) {
    const int most = a.row == 1 ? CHUNK_BLOCKS * SCORE_PRODUCT_ROWS : m;
    for (int i = 0; i < m; i += most)
        for (int q = 0; q < k || q == 0; q += CHUNK)
            product_part(m - i < most ? m - i : most, n, k - q < CHUNK ? k - q : CHUNK, factor,
                         (score_matrix){a.data + i * a.row + q * a.column, a.row, a.column},
                         b + q * ldb, ldb, c + i * ldc, ldc, adds || q > 0);
}
