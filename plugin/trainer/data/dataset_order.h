/* Which frame comes when: the split into training and validation frames, and a permutation for
 * every epoch. Both are computed from a seed and numbers alone, without tables that grow with the
 * number of frames. */
#ifndef SCORE_DATASET_ORDER_H
#define SCORE_DATASET_ORDER_H

#include <stdint.h>

/* `purpose` of random streams, inside the range that purposes.h leaves. A permutation takes one a
 * round. */
enum {
    SCORE_PURPOSE_SPLIT = 0x100,
    SCORE_PURPOSE_STRATUM = 0x102,     /* + split */
    SCORE_PURPOSE_PERMUTATION = 0x110, /* + 0x10 split + round */
    SCORE_PERMUTATION_ROUNDS = 8
};

/* The place of k in a permutation of [0, size) keyed by (seed, purpose, epoch); 0 < size <= 2^32. */
uint64_t score_permute(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t size, uint64_t k);

enum { SCORE_MOST_PARTS = 10 };

/* The series is cut into parts of equal length, and each part holds one block of held-out frames. */
typedef struct score_partition {
    uint64_t frames;
    uint64_t held_out;
    int parts;
    struct {
        uint64_t begin;
        uint64_t held_begin; /* held out: [held_begin, held_end) */
        uint64_t held_end;
        uint64_t end;
    } part[SCORE_MOST_PARTS];
} score_partition;

/* Holds out floor(fraction x frames) of them, fraction in [0, .5]. */
score_partition score_partition_make(uint64_t frames, double fraction, uint64_t seed);
/* Number of the index-th training or held-out frame in the series. */
uint64_t score_partition_training(const score_partition *partition, uint64_t index);
uint64_t score_partition_held_out(const score_partition *partition, uint64_t index);

#endif
