/* How many weights a model file may claim to have, given its size: weights that have been trained do
 * not compress, and a reader takes no memory on the word of a few bytes. */
#ifndef SCORE_CLAIM_H
#define SCORE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Eight bytes of memory a weight: 2 to 3 to a byte of a file of trained weights. */
#define SCORE_ALWAYS_CLAIMED ((size_t)8 << 20) /* weights; 64 MiB, whatever the size */
enum { SCORE_CLAIMED_PER_BYTE = 16 };          /* weights */

static inline bool score_claim_fits(size_t weights, uint64_t file_bytes) {
    return weights <= SCORE_ALWAYS_CLAIMED ||
           (weights - SCORE_ALWAYS_CLAIMED) / SCORE_CLAIMED_PER_BYTE < file_bytes;
}

#endif
