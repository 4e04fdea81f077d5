#include "data/dataset_order.h"

#include "base/random.h"

/* A Feistel network on numbers of low_bits + high_bits bits (Luby and Rackoff 1988): each round
 * changes one half by a random function of the other, so it can be undone, whatever the function. */
static uint64_t feistel(uint64_t seed, uint32_t purpose, uint32_t epoch, int low_bits,
                        int high_bits, uint64_t value) {
    uint32_t low_mask = (uint32_t)((1ull << low_bits) - 1);
    uint32_t high_mask = (uint32_t)((1ull << high_bits) - 1);
    uint32_t low = (uint32_t)value & low_mask, high = (uint32_t)(value >> low_bits);
    for (uint32_t round = 0; round < SCORE_PERMUTATION_ROUNDS; round++) {
        score_random random = score_random_stream(seed, purpose + round, epoch,
                                                  round % 2 == 0 ? high : low);
        if (round % 2 == 0)
            low ^= score_random_uint(&random) & low_mask;
        else
            high ^= score_random_uint(&random) & high_mask;
    }
    return (uint64_t)high << low_bits | low;
}

/* The network permutes [0, 2^bits), 2^bits < 2 size. Following its cycle from k until it is back in
 * [0, size) permutes that (cycle walking; Black and Rogaway 2002), in less than two steps on
 * average. */
uint64_t score_permute(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t size, uint64_t k) {
    int bits = 0;
    while (bits < 32 && (1ull << bits) < size)
        bits++;
    do
        k = feistel(seed, purpose, epoch, bits / 2, bits - bits / 2, k);
    while (k >= size);
    return k;
}

score_partition score_partition_make(uint64_t frames, double fraction, uint64_t seed) {
    score_partition partition = {
        .frames = frames, .held_out = (uint64_t)(fraction * (double)frames), .parts = 1};
    uint64_t held = partition.held_out;
    if (held > 0)
        partition.parts = held < SCORE_MOST_PARTS ? (int)held : SCORE_MOST_PARTS;
    uint64_t parts = (uint64_t)partition.parts;
    for (uint64_t p = 0; p < parts; p++) {
        uint64_t begin = frames * p / parts, end = frames * (p + 1) / parts;
        uint64_t length = held * (p + 1) / parts - held * p / parts;
        score_random random = score_random_stream(seed, SCORE_PURPOSE_SPLIT, 0, (uint32_t)p);
        double places = (double)(end - begin - length + 1);
        uint64_t held_begin = begin + (uint64_t)(score_random_uniform(&random) * places);
        partition.part[p].begin = begin;
        partition.part[p].held_begin = held_begin;
        partition.part[p].held_end = held_begin + length;
        partition.part[p].end = end;
    }
    return partition;
}

uint64_t score_partition_training(const score_partition *partition, uint64_t index) {
    for (int p = 0;; p++) {
        uint64_t before = partition->part[p].held_begin - partition->part[p].begin;
        uint64_t after = partition->part[p].end - partition->part[p].held_end;
        if (index < before)
            return partition->part[p].begin + index;
        if (index < before + after)
            return partition->part[p].held_end + (index - before);
        index -= before + after;
    }
}

uint64_t score_partition_held_out(const score_partition *partition, uint64_t index) {
    for (int p = 0;; p++) {
        uint64_t length = partition->part[p].held_end - partition->part[p].held_begin;
        if (index < length)
            return partition->part[p].held_begin + index;
        index -= length;
    }
}
