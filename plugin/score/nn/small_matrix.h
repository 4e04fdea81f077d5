/* Products of the small matrices of one head of one molecule, with leading dimensions. */
#ifndef SCORE_SMALL_MATRIX_H
#define SCORE_SMALL_MATRIX_H

#include <stddef.h>

#include "nn/vector.h"

/* c (m x n) += factor a (m x k) b^T (b: n x k) */
SCORE_INLINE void score_small_nt(int m, int n, int k, score_real factor, const score_real *a,
                                 ptrdiff_t lda, const score_real *b, ptrdiff_t ldb, score_real *c,
                                 ptrdiff_t ldc) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            c[i * ldc + j] += factor * score_dot(k, a + i * lda, b + j * ldb);
}

/* c (m x n) += factor a (m x k) b (k x n) */
SCORE_INLINE void score_small_nn(int m, int n, int k, score_real factor, const score_real *a,
                                 ptrdiff_t lda, const score_real *b, ptrdiff_t ldb, score_real *c,
                                 ptrdiff_t ldc) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < k; j++)
            score_add(n, factor * a[i * lda + j], b + j * ldb, c + i * ldc);
}

/* c (m x n) += factor a^T (a: k x m) b (k x n) */
SCORE_INLINE void score_small_tn(int m, int n, int k, score_real factor, const score_real *a,
                                 ptrdiff_t lda, const score_real *b, ptrdiff_t ldb, score_real *c,
                                 ptrdiff_t ldc) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < k; j++)
            score_add(n, factor * a[j * lda + i], b + j * ldb, c + i * ldc);
}

#endif
