/* Loops over rows. Sums are taken in parts that fill vectors, added in a fixed order. */
#ifndef SCORE_VECTOR_H
#define SCORE_VECTOR_H

#include "base/simd.h"

SCORE_INLINE score_real score_dot(int n, const score_real *a, const score_real *b) {
    enum { L = SCORE_LANES };
    score_vector s0 = {0}, s1 = {0};
    score_real rest = 0;
    int k = 0;
    for (; k + 2 * L <= n; k += 2 * L) {
        s0 += score_load(a + k) * score_load(b + k);
        s1 += score_load(a + k + L) * score_load(b + k + L);
    }
    for (; k + L <= n; k += L)
        s0 += score_load(a + k) * score_load(b + k);
    for (; k < n; k++)
        rest += a[k] * b[k];
    return n < L ? rest : rest + score_lane_sum(s0 + s1);
}

SCORE_INLINE score_real score_sum(int n, const score_real *a) {
    enum { L = SCORE_LANES };
    score_vector s0 = {0}, s1 = {0};
    score_real rest = 0;
    int k = 0;
    for (; k + 2 * L <= n; k += 2 * L) {
        s0 += score_load(a + k);
        s1 += score_load(a + k + L);
    }
    for (; k + L <= n; k += L)
        s0 += score_load(a + k);
    for (; k < n; k++)
        rest += a[k];
    return n < L ? rest : rest + score_lane_sum(s0 + s1);
}

/* y += factor x */
SCORE_INLINE void score_add(int n, score_real factor, const score_real *x, score_real *y) {
#pragma omp simd
    for (int k = 0; k < n; k++)
        y[k] += factor * x[k];
}

/* The first `count` numbers, and zeros. */
SCORE_INLINE score_vector score_load_some(int count, const score_real *p) {
    if (count >= SCORE_LANES)
        return score_load(p);
    score_vector v = {0};
    memcpy(&v, p, (size_t)count * sizeof *p);
    return v;
}

SCORE_INLINE void score_store_some(int count, score_real *p, score_vector v) {
    if (count >= SCORE_LANES)
        score_store(p, v);
    else
        memcpy(p, &v, (size_t)count * sizeof *p);
}

/* Runs the statements for a register's worth of a row at a time, the numbers from k on. `count` is
 * how many these are: SCORE_LANES, a constant, except in the copy of the statements for the end. */
#define SCORE_EACH_VECTOR(width, ...)                                                              \
    do {                                                                                           \
        int k = 0;                                                                                 \
        for (; k + SCORE_LANES <= (width); k += SCORE_LANES) {                                     \
            enum { count = SCORE_LANES };                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
        if (k < (width)) {                                                                         \
            const int count = (width)-k;                                                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    } while (0)

/* In these statements, the numbers of a row from k on. */
#define SCORE_READ(row) score_load_some(count, (row) + k)
#define SCORE_WRITE(row, vector) score_store_some(count, (row) + k, vector)

#endif
