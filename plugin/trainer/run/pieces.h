/* Long vectors are handled in pieces of fixed size, one task each, so that sums over pieces do not
 * depend on the number of threads. */
#ifndef SCORE_PIECES_H
#define SCORE_PIECES_H

#include <stddef.h>

/* Copies of a loop for wider vectors, chosen by what the processor can when the program is loaded.
 * (arch=haswell and the like would be taken on exactly that processor.) */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(SCORE_SANITIZE)
#define SCORE_MULTIVERSION                                                                         \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SCORE_MULTIVERSION
#endif

enum { SCORE_PIECE_SIZE = 16384 };

static inline int score_piece_count(size_t size) {
    return (int)((size + SCORE_PIECE_SIZE - 1) / SCORE_PIECE_SIZE);
}

static inline size_t score_piece_begin(int piece) {
    return (size_t)piece * SCORE_PIECE_SIZE;
}

static inline size_t score_piece_end(int piece, size_t size) {
    size_t end = ((size_t)piece + 1) * SCORE_PIECE_SIZE;
    return end < size ? end : size;
}

#endif
