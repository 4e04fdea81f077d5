/* The numerical core is compiled several times from one source: with SCORE_SINGLE for float,
 * without for double; and what does the arithmetic (nn/ and the blocks of model/) once for every
 * set of instructions SCORE_ISA of base/simd.h, and once as `openblas`, with that library's products.
 * host/dispatch.c chooses one of them at run time, so that one binary runs on every machine and makes
 * the most of it. SCORE_TYPED(name) gives each copy its own symbol. */
#ifndef SCORE_REAL_H
#define SCORE_REAL_H

#ifdef SCORE_SINGLE
typedef float score_real;
#define SCORE_EPSILON 1.1920928955078125e-07
#define SCORE_PRECISION_SUFFIX f32
#else
typedef double score_real;
#define SCORE_EPSILON 2.220446049250313e-16
#define SCORE_PRECISION_SUFFIX f64
#endif

#define SCORE_JOIN2_(a, b) a##_##b
#define SCORE_JOIN3_(a, b, c) a##_##b##_##c
#define SCORE_JOIN2(a, b) SCORE_JOIN2_(a, b)
#define SCORE_JOIN3(a, b, c) SCORE_JOIN3_(a, b, c)
#ifdef SCORE_ISA
#define SCORE_TYPED(name) SCORE_JOIN3(name, SCORE_PRECISION_SUFFIX, SCORE_ISA)
#else
#define SCORE_TYPED(name) SCORE_JOIN2(name, SCORE_PRECISION_SUFFIX)
#endif

/* The same for what is compiled once for each precision, whatever the caller is compiled for. */
#define SCORE_PRECISE(name) SCORE_JOIN2(name, SCORE_PRECISION_SUFFIX)

/* Helpers of a hot loop must be part of it. */
#define SCORE_INLINE static inline __attribute__((always_inline))

/* In front of a loop with a constant number of turns whose arrays are to live in registers. */
#ifdef __clang__
#define SCORE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SCORE_UNROLL _Pragma("GCC unroll 32")
#endif

#endif
