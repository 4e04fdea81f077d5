/* Numbers as they lie in a file: little-endian IEEE 754, on any machine. */
#ifndef SCORE_SCALAR_BYTES_H
#define SCORE_SCALAR_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "score/model.h"

static inline size_t score_dtype_bytes(score_dtype dtype) {
    return dtype == SCORE_FLOAT32 ? 4 : 8;
}

static inline double score_scalar_load(score_dtype dtype, const unsigned char *bytes) {
    uint64_t bits = 0;
    for (size_t b = score_dtype_bytes(dtype); b-- > 0;)
        bits = bits << 8 | bytes[b];
    if (dtype == SCORE_FLOAT32) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* float32: rounds to nearest. */
static inline void score_scalar_store(score_dtype dtype, double value, unsigned char *bytes) {
    uint64_t bits;
    if (dtype == SCORE_FLOAT32) {
        float rounded = (float)value;
        uint32_t half;
        memcpy(&half, &rounded, sizeof half);
        bits = half;
    } else {
        memcpy(&bits, &value, sizeof bits);
    }
    for (size_t b = 0; b < score_dtype_bytes(dtype); b++)
        bytes[b] = (unsigned char)(bits >> 8 * b);
}

#endif
