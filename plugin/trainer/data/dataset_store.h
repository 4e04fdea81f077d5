/* Frames as the file has them, in memory or in an unlinked scratch file. Written once from the
 * first to the last, then read one at a time by any number of threads. */
#ifndef SCORE_DATASET_STORE_H
#define SCORE_DATASET_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "score/status.h"

typedef struct score_store {
    size_t frame_size; /* bytes */
    uint64_t filled;   /* bytes */
    char *memory;      /* NULL where the frames are in the file */
    int file;          /* -1 where they are in memory */
    char *folder;      /* of the file, for errors */
} score_store;

/* Room for `frames` frames; in a file in `folder` where they take more than `most_memory` bytes. */
score_status score_store_open(score_store *store, uint64_t frames, size_t frame_size,
                              uint64_t most_memory, const char *folder, score_error *error);
void score_store_close(score_store *store);

score_status score_store_append(score_store *store, const void *frames, uint64_t count,
                                score_error *error);
/* Copies frame number `frame`. */
score_status score_store_read(const score_store *store, uint64_t frame, void *copy,
                              score_error *error);

#endif
