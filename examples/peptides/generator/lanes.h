/* What the force field needs of mathematics, for all lanes of a vector at once, in float; a lane is
 * a copy of the molecule. exp is base/vector_math.h's. Largest errors, over all arguments of the
 * stated range, with and without fused multiply-add (test_lanes holds them to it):
 *   inverse_sqrt     relative 1.05e-7 (AVX2: 3.3e-7), normal positive numbers
 *   inverse          relative 1.2e-7 (AVX2: 2.6e-7), numbers of either sign of 1e-30 to 1e30
 *   exp_of_negative  relative 1.2e-7, numbers <= 0; below -SCORE_EXP_RANGE, of what it is there
 *   log              relative 8.2e-8, normal positive numbers
 *   tanh             absolute 1.8e-7 (AVX2: 3.8e-7), all numbers
 *   acos             absolute 3.1e-7 rad, [-1, 1]
 *   cos_sin          absolute 1e-7, turns in [0, 1]
 * AVX2's estimates differ from processor to processor; its bounds hold for all that keep to Intel's
 * manual. On AMD's Zen 5 they are 1.9e-7, 2.1e-7 and 2.3e-7. */
#ifndef PEPTIDE_LANES_H
#define PEPTIDE_LANES_H

#ifndef SCORE_SINGLE
#error "the generator computes in float"
#endif

#include <stdbool.h>

#include "base/vector_math.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

typedef score_vector_bits lane_bits;

SCORE_INLINE score_vector lane_abs(score_vector x) {
    return (score_vector)((lane_bits)x & 0x7fffffffu);
}

SCORE_INLINE score_vector lane_max(score_vector a, score_vector b) {
#if defined(__AVX512F__)
    return (score_vector)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (score_vector)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return score_larger(a, b);
#endif
}

SCORE_INLINE score_vector lane_round(score_vector x) {
    const float shift = 12582912.0f; /* 1.5 x 2^23: adding it leaves an integer */
    return (x + shift) - shift;
}

/* Whether any lane of the mask is set. */
SCORE_INLINE bool lane_any(score_mask mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
    return _mm256_testz_si256((__m256i)mask, (__m256i)mask) == 0;
#else
    int any = 0;
    for (int l = 0; l < SCORE_LANES; l++)
        any |= mask[l];
    return any != 0;
#endif
}

/* An estimate of 1/sqrt(x) from the processor, and one step of Newton's method. */
SCORE_INLINE score_vector lane_inverse_sqrt(score_vector x) {
#if defined(__AVX512F__)
    const score_vector y = (score_vector)_mm512_rsqrt14_ps((__m512)x);
#elif defined(__AVX2__)
    const score_vector y = (score_vector)_mm256_rsqrt_ps((__m256)x);
#else
    score_vector y;
    for (int l = 0; l < SCORE_LANES; l++)
        y[l] = 1 / sqrtf(x[l]);
#endif
    const score_vector rest = 1.0f - (x * y) * y;
    return y + (0.5f * y) * rest;
}

SCORE_INLINE score_vector lane_sqrt(score_vector x) {
#if defined(__AVX512F__)
    return (score_vector)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (score_vector)_mm256_sqrt_ps((__m256)x);
#else
    for (int l = 0; l < SCORE_LANES; l++)
        x[l] = sqrtf(x[l]);
    return x;
#endif
}

SCORE_INLINE score_vector lane_inverse(score_vector x) {
#if defined(__AVX512F__)
    const score_vector y = (score_vector)_mm512_rcp14_ps((__m512)x);
    return y + y * (1.0f - x * y);
#elif defined(__AVX2__)
    const score_vector y = (score_vector)_mm256_rcp_ps((__m256)x);
    return y + y * (1.0f - x * y);
#else
    return 1.0f / x;
#endif
}

/* exp(x) for x <= 0; below -SCORE_EXP_RANGE what it is there. */
SCORE_INLINE score_vector lane_exp_of_negative(score_vector x) {
    return score_exp_inside_lanes(lane_max(x, score_splat(-SCORE_EXP_RANGE)));
}

/* x = 2^n m with m in [1/sqrt 2, sqrt 2); the logarithm of m is a polynomial in m - 1 (the minimax
 * one of Moshier's Cephes library, logf). */
SCORE_INLINE score_vector lane_log(score_vector x) {
    const lane_bits bits = (lane_bits)x;
    const lane_bits offset = bits - 0x3f3504f3u; /* 1/sqrt 2 */
    const score_mask n = (score_mask)offset >> 23;
    const score_vector power = __builtin_convertvector(n, score_vector);
    const score_vector z = (score_vector)((offset & 0x007fffffu) + 0x3f3504f3u) - 1.0f, z2 = z * z;
    score_vector p = z * 7.0376836292e-2f - 1.1514610310e-1f;
    p = p * z + 1.1676998740e-1f;
    p = p * z - 1.2420140846e-1f;
    p = p * z + 1.4249322787e-1f;
    p = p * z - 1.6668057665e-1f;
    p = p * z + 2.0000714765e-1f;
    p = p * z - 2.4999993993e-1f;
    p = p * z + 3.3333331174e-1f;
    score_vector rest = (p * z) * z2 - 2.12194440e-4f * power;
    rest = rest - 0.5f * z2;
    return (z + rest) + 0.693359375f * power;
}

/* 1 - 2 / (1 + exp 2|x|), with the sign of x. */
SCORE_INLINE score_vector lane_tanh(score_vector x) {
    const score_vector decay = lane_exp_of_negative(-2.0f * lane_abs(x));
    const score_vector size = (1.0f - decay) * lane_inverse(1.0f + decay);
    return (score_vector)((lane_bits)size | ((lane_bits)x & 0x80000000u));
}

/* asin of x in [0, 1/2], a polynomial (Cephes, asinf); beyond, acos |x| = 2 asin sqrt((1 - |x|)/2). */
SCORE_INLINE score_vector lane_acos(score_vector x) {
    const float pi = 3.14159265f, half_pi = 1.57079633f;
    const score_vector size = lane_abs(x);
    const score_mask far = size > 0.5f;
    const score_vector half = 0.5f * (1.0f - size);
    const score_vector z = score_select(far, half, size * size);
    const score_vector s = score_select(far, lane_sqrt(half), size);
    score_vector p = z * 4.2163199048e-2f + 2.4181311049e-2f;
    p = p * z + 4.5470025998e-2f;
    p = p * z + 7.4953002686e-2f;
    p = p * z + 1.6666752422e-1f;
    const score_vector asin = s + s * (z * p);
    const score_vector near_zero = score_select(x < 0.0f, half_pi + asin, half_pi - asin);
    const score_vector near_one = score_select(x < 0.0f, pi - 2.0f * asin, 2.0f * asin);
    return score_select(far, near_one, near_zero);
}

/* cos and sin of 2 pi `turns`: the nearest quarter turn, and polynomials in the rest, at most an
 * eighth (Taylor's, whose next terms are below 4e-9). */
SCORE_INLINE void lane_cos_sin(score_vector turns, score_vector *cosine, score_vector *sine) {
    const score_vector quarters = lane_round(4.0f * turns);
    const score_vector a = 6.28318531f * (turns - 0.25f * quarters), a2 = a * a;
    score_vector s = a2 * 2.75573192e-6f - 1.98412698e-4f;
    s = s * a2 + 8.33333333e-3f;
    s = s * a2 - 1.66666667e-1f;
    s = a + a * (a2 * s);
    score_vector c = a2 * -2.75573192e-7f + 2.48015873e-5f;
    c = c * a2 - 1.38888889e-3f;
    c = c * a2 + 4.16666667e-2f;
    c = c * a2 - 0.5f;
    c = 1.0f + a2 * c;
    const score_mask quarter = __builtin_convertvector(quarters, score_mask);
    const score_mask odd = (quarter & 1) != 0;
    const score_vector swapped_c = score_select(odd, s, c), swapped_s = score_select(odd, c, s);
    const lane_bits sign_c = ((lane_bits)(quarter + 1) & 2u) << 30;
    const lane_bits sign_s = ((lane_bits)quarter & 2u) << 30;
    *cosine = (score_vector)((lane_bits)swapped_c ^ sign_c);
    *sine = (score_vector)((lane_bits)swapped_s ^ sign_s);
}

#endif
