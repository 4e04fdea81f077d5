/* exp and the logistic function for whole vectors. Outside [-SCORE_EXP_RANGE, SCORE_EXP_RANGE] they
 * are what they are at the nearer end; what is not a number stays so. In double they are the C
 * library's.
 *
 * In float the relative error of exp is at most 1.2e-7 and that of the logistic function at most
 * 2e-7 (largest of all floats: 1.07e-7 and 1.74e-7, with and without fused multiply-add). tanh is
 * left out: the activations need (1 + tanh u)/2, which is the logistic function of 2u, and without
 * the loss of precision where tanh approaches -1.
 *
 * SLEEF 3.5's exp of 1 ulp takes 1.08 times as long, 16 numbers at a time, and its tanh of 1 ulp
 * and of 3.5 ulp 4.8 and 1.6 times as long as the logistic function. */
#ifndef SCORE_VECTOR_MATH_H
#define SCORE_VECTOR_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/simd.h"

/* Where exp saturates, so that it and its reciprocal are finite, and normal numbers, which are
 * faster than denormal ones. */
#ifdef SCORE_SINGLE
#define SCORE_EXP_RANGE 87
#else
#define SCORE_EXP_RANGE 700
#endif

/* The comparisons let pass what is not a number. */
SCORE_INLINE score_real score_exp_argument(score_real x) {
    x = x < -SCORE_EXP_RANGE ? -SCORE_EXP_RANGE : x;
    return x > SCORE_EXP_RANGE ? SCORE_EXP_RANGE : x;
}

#ifdef SCORE_SINGLE

typedef uint32_t score_vector_bits __attribute__((vector_size(SCORE_VECTOR_BYTES)));

/* Where it does not saturate, exp(x) = 2^n exp(r), |r| <= ln(2)/2. Adding 1.5 x 2^23 rounds to an
 * integer and leaves it in the low bits; 127 more is the bias of an exponent. ln 2 comes in two
 * parts, the first of so few bits that its product with n is exact. `real` is a number or a vector
 * of them, `bits` integers of the same shape. */
#define SCORE_DEFINE_EXP(name, real, bits)                                                         \
    SCORE_INLINE real name(real x) {                                                               \
        const float shift = 12582912.0f + 127.0f;                                                  \
        const real biased = x * 1.44269504f + shift, n = biased - shift;                           \
        const real r = (x - n * 0.693359375f) + n * 2.12194440e-4f;                                \
        real p = r * 1.34088048e-3f + 8.35727037e-3f;                                              \
        p = p * r + 4.16728047e-2f;                                                                \
        p = p * r + 1.66666662e-1f;                                                                \
        p = p * r + 0.5f;                                                                          \
        p = p * r + 1.0f;                                                                          \
        p = p * r + 1.0f;                                                                          \
        bits exponent;                                                                             \
        memcpy(&exponent, &biased, sizeof exponent);                                               \
        exponent <<= 23;                                                                           \
        real power;                                                                                \
        memcpy(&power, &exponent, sizeof power);                                                   \
        return p * power;                                                                          \
    }

SCORE_DEFINE_EXP(score_exp_inside, float, uint32_t)
SCORE_DEFINE_EXP(score_exp_inside_lanes, score_vector, score_vector_bits)

SCORE_INLINE float score_exp(float x) {
    return score_exp_inside(score_exp_argument(x));
}

/* exp of every lane. */
SCORE_INLINE score_vector score_exp_lanes(score_vector x) {
    const score_vector low = score_splat(-SCORE_EXP_RANGE), high = score_splat(SCORE_EXP_RANGE);
    x = score_select(x < low, low, x);
    x = score_select(x > high, high, x);
    return score_exp_inside_lanes(x);
}

#else

SCORE_INLINE double score_exp(double x) {
    return exp(score_exp_argument(x));
}

SCORE_INLINE score_vector score_exp_lanes(score_vector x) {
    for (int l = 0; l < SCORE_LANES; l++)
        x[l] = score_exp(x[l]);
    return x;
}

#endif

/* Q(|x|) = erfc(|x|/sqrt(2))/2, what a normal variable has beyond |x|, from e = exp(-x^2/2). In float
 * it is t/2 exp(P(2 t - 1)) e with t = 1/(1 + |x|/sqrt(8)): the polynomial interpolates the logarithm
 * of the rest at Chebyshev's points, to 1.1e-8. */
SCORE_INLINE score_vector score_normal_tail_lanes(score_vector x, score_vector e) {
#ifdef SCORE_SINGLE
    static const float coefficients[] = {-8.72838106e-05f, 8.00073823e-06f,  5.73766373e-04f,
                                         -2.27910966e-04f, -2.28876524e-03f, 1.79406625e-03f,
                                         8.80882537e-03f,  -9.88001932e-03f, -4.68936406e-02f,
                                         4.73438876e-02f,  6.72643155e-01f,  -6.71794092e-01f};
    const score_vector size = score_select(x < score_splat(0), -x, x);
    const score_vector t = 1 / (1 + size * 0.353553391f), s = 2 * t - 1;
    score_vector p = score_splat(coefficients[0]);
    for (size_t k = 1; k < sizeof coefficients / sizeof coefficients[0]; k++)
        p = p * s + coefficients[k];
    return t * score_exp_inside_lanes(p) * e * 0.5f;
#else
    for (int l = 0; l < SCORE_LANES; l++)
        e[l] = erfc(fabs(x[l]) * 0.70710678118654752440) / 2;
    return e;
#endif
}

SCORE_INLINE score_real score_logistic(score_real x) {
    return 1 / (1 + score_exp(-x));
}

#endif
