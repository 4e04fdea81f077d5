/* Matrix products, row-major, on OpenBLAS with its own threads off. */
#ifndef SCORE_GEMM_H
#define SCORE_GEMM_H

#include "base/real.h"

#define score_gemm SCORE_TYPED(score_gemm)
#define score_gemm_tn SCORE_TYPED(score_gemm_tn)
#define score_gemm_nt SCORE_TYPED(score_gemm_nt)

/* c (m x n) = a (m x k) b (k x n) + beta c */
void score_gemm(int m, int n, int k, const score_real *a, const score_real *b, score_real beta,
                score_real *c);
/* c (m x n) += a^T (a: k x m) b (k x n) */
void score_gemm_tn(int m, int n, int k, const score_real *a, const score_real *b, score_real *c);
/* c (m x n) += a (m x k) b^T (b: n x k) */
void score_gemm_nt(int m, int n, int k, const score_real *a, const score_real *b, score_real *c);

#endif
