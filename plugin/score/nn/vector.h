/* Loops over rows, with sums in an order the compiler may choose. */
#ifndef SCORE_VECTOR_H
#define SCORE_VECTOR_H

#include "base/real.h"

SCORE_INLINE score_real score_dot(int n, const score_real *a, const score_real *b) {
    score_real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

SCORE_INLINE score_real score_sum(int n, const score_real *a) {
    score_real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int k = 0; k < n; k++)
        sum += a[k];
    return sum;
}

/* y += factor x */
SCORE_INLINE void score_add(int n, score_real factor, const score_real *x, score_real *y) {
#pragma omp simd
    for (int k = 0; k < n; k++)
        y[k] += factor * x[k];
}

#endif
