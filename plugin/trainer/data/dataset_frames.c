#include "data/dataset_frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PIECE_BYTES = 4 << 20 };

static double value_of(const score_frame_source *source, const void *frames, size_t k) {
    return source->is_double ? ((const double *)frames)[k] : (double)((const float *)frames)[k];
}

/* Frames that were never written are zeros, all beads in one point. */
static bool is_point(const score_frame_source *source, int dimensions, const void *frames,
                     size_t first) {
    const size_t size = (size_t)dimensions;
    for (size_t k = size; k < source->values; k++)
        if (value_of(source, frames, first + k) != value_of(source, frames, first + k % size))
            return false;
    return source->values > size;
}

static score_status check_frames(const score_frame_source *source, const char *noun, int apart,
                                 const void *frames, uint64_t first, uint64_t count,
                                 score_error *error) {
    for (size_t k = 0; k < count * source->values; k++) {
        const double value = value_of(source, frames, k);
        if (!isfinite((float)value)) /* as models are trained */
            return score_fail_at(error, SCORE_ERROR_FORMAT, source->data->path, 0,
                                 "frame %llu has %s %g (number %zu of the frame)",
                                 (unsigned long long)(first + k / source->values), noun, value,
                                 k % source->values);
    }
    for (uint64_t frame = 0; frame < count && apart > 0; frame++)
        if (is_point(source, apart, frames, frame * source->values))
            return score_fail_at(error, SCORE_ERROR_FORMAT, source->data->path, 0,
                                 "frame %llu has all its beads in one point",
                                 (unsigned long long)(first + frame));
    return SCORE_OK;
}

static uint32_t sum(uint32_t checksum, const void *bytes, size_t size) {
    return (uint32_t)crc32_z(checksum, bytes, size);
}

score_status score_frames_read(score_frames *frames, score_frame_source *source, const char *noun,
                               int apart, uint64_t memory, const char *scratch, uint32_t *checksum,
                               score_error *error) {
    const size_t size = source->values * (source->is_double ? sizeof(double) : sizeof(float));
    *frames = (score_frames){source->values, source->is_double, source->unit, {.file = -1}};
    *checksum = sum(*checksum, &source->unit, sizeof source->unit);
    score_status status = score_store_open(&frames->store, source->frames, size, memory, scratch,
                                           error);
    if (status != SCORE_OK)
        return status;
    const uint64_t most = size < PIECE_BYTES ? PIECE_BYTES / size : 1;
    void *piece = malloc(most * size);
    if (piece == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s",
                          source->data->path);
    for (uint64_t first = 0; first < source->frames && status == SCORE_OK; first += most) {
        const uint64_t left = source->frames - first, count = left < most ? left : most;
        if ((status = source->kind->read(source, count, piece, error)) == SCORE_OK &&
            (status = check_frames(source, noun, apart, piece, first, count, error)) == SCORE_OK)
            status = score_store_append(&frames->store, piece, count, error);
        if (status == SCORE_OK)
            *checksum = sum(*checksum, piece, count * size);
    }
    free(piece);
    return status;
}

void score_frames_close(score_frames *frames) {
    score_store_close(&frames->store);
}

score_status score_frames_get(const score_frames *frames, uint64_t frame, double unit, double *x,
                              score_error *error) {
    /* Floats are read into the upper half of x: x[k] then only covers floats already taken. */
    const size_t shift = frames->is_double ? 0 : frames->values * sizeof(float);
    const char *stored = (const char *)x + shift;
    const score_status status = score_store_read(&frames->store, frame, (char *)x + shift, error);
    for (size_t k = 0; k < frames->values && status == SCORE_OK; k++) {
        float single;
        if (!frames->is_double) {
            memcpy(&single, stored + k * sizeof single, sizeof single);
            x[k] = single;
        }
        x[k] *= unit;
    }
    return status;
}
