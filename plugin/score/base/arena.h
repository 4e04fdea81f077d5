/* One allocation, sized once, handed out in pieces of 64-byte alignment. An arena without memory
 * only counts, so that the same code first measures and then carves:
 *
 *     score_arena arena = {0};
 *     carve(&arena, views);                 measures
 *     score_arena_allocate(&arena, error);
 *     carve(&arena, views);                 hands out
 */
#ifndef SCORE_ARENA_H
#define SCORE_ARENA_H

#include <stddef.h>

#include "score/status.h"

typedef struct score_arena {
    char *memory;
    size_t used;
    size_t size;
    int overflow; /* a size was not representable */
} score_arena;

/* Room for count x element bytes, or NULL while measuring. */
void *score_arena_take(score_arena *arena, size_t count, size_t element);

/* Allocates what has been measured, all zero, and starts from its beginning. */
score_status score_arena_allocate(score_arena *arena, score_error *error);
void score_arena_free(score_arena *arena);

/* Memory on a boundary of 64 bytes, for free(); not zeroed. Large pieces ask for huge pages, with
 * which matrices whose rows are kilobytes apart are read and written faster. NULL: there is none. */
void *score_allocate_aligned(size_t size);

#endif
