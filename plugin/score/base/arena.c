#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

void *score_arena_take(score_arena *arena, size_t count, size_t element) {
    if (element != 0 && count > (SIZE_MAX / 4) / element) {
        arena->overflow = 1;
        return NULL;
    }
    size_t size = (count * element + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (arena->used > SIZE_MAX / 4) {
        arena->overflow = 1;
        return NULL;
    }
    char *piece = arena->memory == NULL ? NULL : arena->memory + arena->used;
    arena->used += size;
    return piece;
}

score_status score_arena_allocate(score_arena *arena, score_error *error) {
    size_t size = arena->used > 0 ? arena->used : ALIGNMENT;
    arena->memory = arena->overflow ? NULL : aligned_alloc(ALIGNMENT, size);
    if (arena->memory == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", size);
    memset(arena->memory, 0, size);
    arena->size = size;
    arena->used = 0;
    return SCORE_OK;
}

void score_arena_free(score_arena *arena) {
    free(arena->memory);
    *arena = (score_arena){0};
}
