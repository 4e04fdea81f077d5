/* Vectors as wide as the registers of the instruction set that this copy of the source is compiled
 * for (base/real.h), in the vector extension of gcc and clang. */
#ifndef SCORE_SIMD_H
#define SCORE_SIMD_H

#include <stddef.h>
#include <string.h>

#include "base/real.h"

#if defined(__AVX512F__)
enum { SCORE_VECTOR_BYTES = 64, SCORE_VECTOR_REGISTERS = 32 };
#elif defined(__AVX2__)
enum { SCORE_VECTOR_BYTES = 32, SCORE_VECTOR_REGISTERS = 16 };
#else
enum { SCORE_VECTOR_BYTES = 16, SCORE_VECTOR_REGISTERS = 16 };
#endif

enum { SCORE_LANES = SCORE_VECTOR_BYTES / (int)sizeof(score_real) };

typedef score_real score_vector __attribute__((vector_size(SCORE_VECTOR_BYTES)));
/* The same anywhere in an array of numbers. */
typedef score_real score_unaligned
    __attribute__((vector_size(SCORE_VECTOR_BYTES), aligned(sizeof(score_real)), may_alias));

/* `count` rounded up to whole vectors. */
SCORE_INLINE ptrdiff_t score_whole_vectors(ptrdiff_t count) {
    return (count + SCORE_LANES - 1) / SCORE_LANES * SCORE_LANES;
}

SCORE_INLINE score_vector score_load(const score_real *p) {
    return *(const score_unaligned *)p;
}

SCORE_INLINE void score_store(score_real *p, score_vector v) {
    *(score_unaligned *)p = v;
}

SCORE_INLINE score_vector score_splat(score_real x) {
    return x - (score_vector){0};
}

/* What comparing two vectors gives: all bits of a lane set or none. */
typedef __typeof__((score_vector){0} < (score_vector){0}) score_mask;

/* a where the mask's bits are set, else b. */
SCORE_INLINE score_vector score_select(score_mask mask, score_vector a, score_vector b) {
    return (score_vector)((mask & (score_mask)a) | (~mask & (score_mask)b));
}

/* The larger of each two lanes. */
SCORE_INLINE score_vector score_larger(score_vector a, score_vector b) {
    return score_select(a > b, a, b);
}

/* The sum of a vector's lanes, in a fixed order: quarters of 16 bytes, then those of one. */
SCORE_INLINE score_real score_lane_sum(score_vector v) {
    enum { N = 16 / (int)sizeof(score_real) };
    typedef score_real quarter __attribute__((vector_size(16)));
    quarter part[4];
    memcpy(part, &v, sizeof v);
    const quarter sum = sizeof v == sizeof *part       ? part[0]
                        : sizeof v == 2 * sizeof *part ? part[0] + part[1]
                                                       : (part[0] + part[2]) + (part[1] + part[3]);
    return N == 2 ? sum[0] + sum[1] : (sum[0] + sum[N - 2]) + (sum[1] + sum[N - 1]);
}

#endif
