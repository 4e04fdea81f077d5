#include "dataset_source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

score_status score_frame_source_open(const score_data_config *data, int beads, int dimensions,
                                     score_frame_source **source, score_error *error) {
    static const char npy[6] = "\x93NUMPY", hdf5[8] = "\x89HDF\r\n\x1a\n";
    *source = NULL;
    FILE *file = fopen(data->path, "rb");
    if (file == NULL)
        return score_fail_at(error, SCORE_ERROR_FILE, data->path, 0, "cannot open: %s",
                             strerror(errno));
    char start[8] = {0};
    size_t size = fread(start, 1, sizeof start, file);
    int failed = ferror(file), why = errno;
    fclose(file);
    if (failed)
        return score_fail_at(error, SCORE_ERROR_FILE, data->path, 0, "cannot read: %s",
                             strerror(why));
    if (size >= sizeof npy && memcmp(start, npy, sizeof npy) == 0)
        return score_frame_source_open_npy(data, beads, dimensions, source, error);
    if (size >= sizeof hdf5 && memcmp(start, hdf5, sizeof hdf5) == 0)
        return score_frame_source_open_hdf5(data, beads, dimensions, source, error);
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                         "is neither an HDF5 nor a NumPy .npy file");
}

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
