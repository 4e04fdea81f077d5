/* exp, tanh and the logistic function in a form that compilers vectorise. In float: relative error
 * of exp at most 3e-7 on [-87, 88], beyond which it saturates; absolute error of tanh and logistic
 * at most 3e-7. In double they are the C library's. */
#ifndef SCORE_VECTOR_MATH_H
#define SCORE_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/real.h"

#ifdef SCORE_SINGLE

SCORE_INLINE float score_exp(float x) {
    /* exp(x) = 2^n exp(r), |r| <= ln(2)/2: Taylor series to r^7, remainder below 6e-9 */
    const float shift = 12582912.0f; /* 1.5 x 2^23: adding it rounds to an integer */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float biased = x * 1.44269504f + shift, n = biased - shift;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &biased, sizeof bits);
    bits = (bits + 127u) << 23; /* the low bits of `biased` hold n */
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

SCORE_INLINE float score_tanh(float x) {
    return 1.0f - 2.0f / (score_exp(2.0f * x) + 1.0f);
}

#else

SCORE_INLINE double score_exp(double x) {
    return exp(x);
}

SCORE_INLINE double score_tanh(double x) {
    return tanh(x);
}

#endif

SCORE_INLINE score_real score_logistic(score_real x) {
    return 1 / (1 + score_exp(-x));
}

#endif
