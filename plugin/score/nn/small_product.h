/* Products of the small matrices of one attention head, each used once, so that
 * nothing is packed (nn/product.h is for matrices that are worth it). */
#ifndef SCORE_SMALL_PRODUCT_H
#define SCORE_SMALL_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/product.h"

#define score_small_product SCORE_TYPED(score_small_product)
#define score_small_product_transposed SCORE_TYPED(score_small_product_transposed)
#define score_small_sums SCORE_TYPED(score_small_sums)

/* Rows of one length, of which those from `more_from` on stand elsewhere. */
typedef struct score_rows {
    const score_real *data;
    ptrdiff_t ld; /* from row to row */
    const score_real *more;
    ptrdiff_t more_ld;
    int more_from;
} score_rows;

/* c (m x n) = start + factor a (m x k) b (k x n); rows of start and c are
 * start_ld and ldc apart. start may be NULL for zero, c to add to it, or, with
 * start_ld = 0, one row for all. */
void score_small_product(int m, int n, int k, score_real factor, score_matrix a,
                         const score_rows *b, const score_real *start, ptrdiff_t start_ld,
                         score_real *c, ptrdiff_t ldc);

/* c (m x n) = factor a (m x k) b^T (b: n x k), or c += where `adds`; rows of b and c are ldb and
 * ldc apart. Sums are taken in SCORE_LANES parts, a multiple of which k should be. Rows of c must
 * have room for n rounded up to a multiple of that: what is added or written there is zero. */
void score_small_product_transposed(int m, int n, int k, score_real factor, const score_rows *a,
                                    const score_real *b, ptrdiff_t ldb, score_real *c,
                                    ptrdiff_t ldc, bool adds);

/* sums[i] = the sum of row i of a (m x n), rows lda apart. What stands behind a row up to a whole
 * vector is read, and must be finite; sums must have room for m rounded up to SCORE_LANES. */
void score_small_sums(int m, int n, const score_real *a, ptrdiff_t lda, score_real *sums);

#endif
