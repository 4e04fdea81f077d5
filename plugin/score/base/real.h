/* The numerical core is compiled twice from one source: with SCORE_SINGLE for float, without for
 * double. SCORE_TYPED(name) gives each copy its own symbol. */
#ifndef SCORE_REAL_H
#define SCORE_REAL_H

#ifdef SCORE_SINGLE
typedef float score_real;
#define SCORE_TYPED(name) name##_f32
#define SCORE_EPSILON 1.1920928955078125e-07
#else
typedef double score_real;
#define SCORE_TYPED(name) name##_f64
#define SCORE_EPSILON 2.220446049250313e-16
#endif

/* Copies of a function for wider vectors, chosen by what the processor can when the library is
 * loaded, so that one binary runs on every x86-64. (arch=haswell and the like would be taken on
 * exactly that processor.) */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SCORE_SANITIZE)
#define SCORE_MULTIVERSION                                                                         \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SCORE_MULTIVERSION
#endif

/* Helpers of such functions must be part of them to be compiled for their vectors. */
#define SCORE_INLINE static inline __attribute__((always_inline))

#endif
