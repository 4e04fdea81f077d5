#include "data/dataset_source.h"

#include <stdio.h>

void score_frame_source_close(score_frame_source *source) {
    if (source != NULL)
        source->kind->close(source);
}

static const char *shape_text(int rank, const uint64_t *shape, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (int k = 0; k < rank && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, k == 0 ? "%llu" : " x %llu",
                                 (unsigned long long)shape[k]);
    return text;
}

score_status score_frame_source_set_shape(score_frame_source *source, const char *name, int rank,
                                          const uint64_t *shape, int beads, int dimensions,
                                          score_error *error) {
    char text[128];
    const char *path = source->data->path;
    bool fits = rank == 3 ? shape[1] == (uint64_t)beads && shape[2] == (uint64_t)dimensions
                          : rank == 2 && beads == 1 && shape[1] == (uint64_t)dimensions;
    if (!fits)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "%s has shape (%s), must be (frames x %d x %d), %d beads in %d "
                             "dimensions as the recipe has",
                             name, shape_text(rank, shape, text, sizeof text), beads, dimensions,
                             beads, dimensions);
    if (shape[0] == 0 || shape[0] > SCORE_MAX_FRAMES)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "%s has %llu frames, must have 1 to %llu", name,
                             (unsigned long long)shape[0], (unsigned long long)SCORE_MAX_FRAMES);
    source->frames = shape[0];
    source->values = (size_t)beads * (size_t)dimensions;
    return SCORE_OK;
}
