/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11, doi 10.1145/2063384.2063405).
 * A number depends on (seed, purpose, step, index) alone, so a resumed run is the uninterrupted
 * run and the order of threads does not matter. */
#ifndef SCORE_RANDOM_H
#define SCORE_RANDOM_H

#include <stdint.h>

typedef struct score_random {
    double spare;        /* the second normal of a pair */
    uint32_t counter[4]; /* block, index, step, purpose */
    uint32_t block[4];
    uint32_t key[2];
    int left;
    int has_spare;
} score_random;

/* The stream of numbers of (seed, purpose, step, index). */
score_random score_random_stream(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t index);

uint32_t score_random_uint(score_random *random);
/* Uniform in (0, 1), 52 bits, never 0 or 1. */
double score_random_uniform(score_random *random);
/* Standard normal (Box and Muller 1958). */
double score_random_normal(score_random *random);
/* A uniformly distributed rotation, row-major 3 x 3 (a normal quaternion, normalised). */
void score_random_rotation(score_random *random, double rotation[9]);

#endif
