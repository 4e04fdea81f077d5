#define _DEFAULT_SOURCE /* madvise */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 1 << 21 };

void *score_allocate_aligned(size_t size) {
    const size_t alignment = size < 2 * HUGE_PAGE ? ALIGNMENT : HUGE_PAGE;
    if (size > SIZE_MAX - alignment)
        return NULL;
    size = (size + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, size);
#ifdef MADV_HUGEPAGE
    if (memory != NULL && alignment == HUGE_PAGE)
        madvise(memory, size, MADV_HUGEPAGE);
#endif
    return memory;
}

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
    arena->memory = arena->overflow ? NULL : score_allocate_aligned(size);
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
