/* Loops over rows. Sums are taken in LANES parts, so that they fill a vector, and the parts added
 * in a fixed order. */
#ifndef SCORE_VECTOR_H
#define SCORE_VECTOR_H

#include "base/real.h"

enum { SCORE_LANES = 16 };

SCORE_INLINE score_real score_add_lanes(score_real part[SCORE_LANES]) {
    for (int width = SCORE_LANES / 2; width > 0; width /= 2)
        for (int l = 0; l < width; l++)
            part[l] += part[l + width];
    return part[0];
}

SCORE_INLINE score_real score_dot(int n, const score_real *a, const score_real *b) {
    score_real part[SCORE_LANES] = {0}, rest = 0;
    int k = 0;
    for (; k + SCORE_LANES <= n; k += SCORE_LANES)
        for (int l = 0; l < SCORE_LANES; l++)
            part[l] += a[k + l] * b[k + l];
    for (; k < n; k++)
        rest += a[k] * b[k];
    return n < SCORE_LANES ? rest : rest + score_add_lanes(part);
}

SCORE_INLINE score_real score_sum(int n, const score_real *a) {
    score_real part[SCORE_LANES] = {0}, rest = 0;
    int k = 0;
    for (; k + SCORE_LANES <= n; k += SCORE_LANES)
        for (int l = 0; l < SCORE_LANES; l++)
            part[l] += a[k + l];
    for (; k < n; k++)
        rest += a[k];
    return n < SCORE_LANES ? rest : rest + score_add_lanes(part);
}

/* y += factor x */
SCORE_INLINE void score_add(int n, score_real factor, const score_real *x, score_real *y) {
#pragma omp simd
    for (int k = 0; k < n; k++)
        y[k] += factor * x[k];
}

#endif
