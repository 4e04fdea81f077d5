/* The numbers of base/random.h's streams (seed, purpose, step, index) for all lanes at once: the
 * index is that of a lane's copy, and each call takes one block of four numbers of the stream. */
#ifndef PEPTIDE_RANDOM_LANES_H
#define PEPTIDE_RANDOM_LANES_H

#include "lanes.h"

/* The halves of the 64-bit products of all lanes with one number. */
SCORE_INLINE void lane_multiply(lane_bits a, uint32_t b, lane_bits *high, lane_bits *low) {
#if defined(__AVX512F__)
    const __m512i factor = _mm512_set1_epi32((int)b), x = (__m512i)a;
    const __m512i even = _mm512_mul_epu32(x, factor);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(x, 32), factor);
    *low = (lane_bits)_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
    *high = (lane_bits)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
#elif defined(__AVX2__)
    const __m256i factor = _mm256_set1_epi32((int)b), x = (__m256i)a;
    const __m256i even = _mm256_mul_epu32(x, factor);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(x, 32), factor);
    *low = (lane_bits)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
    *high = (lane_bits)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
#else
    for (int l = 0; l < SCORE_LANES; l++) {
        const uint64_t product = (uint64_t)a[l] * b;
        (*high)[l] = (uint32_t)(product >> 32);
        (*low)[l] = (uint32_t)product;
    }
#endif
}

typedef struct lane_stream {
    lane_bits copy;
    uint32_t key[2];
    uint32_t purpose;
    uint32_t step;
} lane_stream;

/* The numbers 4 block, ..., 4 block + 3 of each lane's stream: Philox4x32-10. */
SCORE_INLINE void lane_random(const lane_stream *stream, uint32_t block, lane_bits out[4]) {
    const lane_bits zero = {0};
    lane_bits c0 = zero + block, c1 = stream->copy, c2 = zero + stream->step;
    lane_bits c3 = zero + stream->purpose;
    uint32_t k0 = stream->key[0], k1 = stream->key[1];
    SCORE_UNROLL
    for (int round = 0; round < 10; round++) {
        lane_bits high0, low0, high1, low1;
        lane_multiply(c0, 0xD2511F53u, &high0, &low0);
        lane_multiply(c2, 0xCD9E8D57u, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* Uniform in (0, 1], 24 bits: the highest number rounds to 1. */
SCORE_INLINE score_vector lane_uniform(lane_bits random) {
    const score_mask whole = (score_mask)(random >> 8);
    return (__builtin_convertvector(whole, score_vector) + 0.5f) * 5.9604644775390625e-8f;
}

/* Two standard normal numbers a lane (Box and Muller 1958), at most 5.9 in size. */
SCORE_INLINE void lane_normals(lane_bits first, lane_bits second, score_vector *a,
                               score_vector *b) {
    const score_vector radius = lane_sqrt(-2.0f * lane_log(lane_uniform(first)));
    score_vector cosine, sine;
    lane_cos_sin(lane_uniform(second), &cosine, &sine);
    *a = radius * cosine;
    *b = radius * sine;
}

#endif
