#define _POSIX_C_SOURCE 200809L
#include "data/dataset_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static score_status fail_file(const score_store *store, const char *what, score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FILE, store->folder, 0,
                         "cannot %s the scratch file for frames beyond memory: %s", what,
                         strerror(errno));
}

static score_status open_scratch(score_store *store, score_error *error) {
    static const char NAME[] = "/frames.XXXXXX";
    const size_t size = strlen(store->folder) + sizeof NAME;
    char *path = malloc(size);
    if (path == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
    snprintf(path, size, "%s%s", store->folder, NAME);
    store->file = mkstemp(path);
    score_status status = SCORE_OK;
    if (store->file < 0)
        status = fail_file(store, "make", error);
    else /* The file lives for as long as it is open, however the program ends. */
        unlink(path);
    free(path);
    return status;
}

score_status score_store_open(score_store *store, uint64_t frames, size_t frame_size,
                              uint64_t most_memory, const char *folder, score_error *error) {
    *store = (score_store){.frame_size = frame_size, .file = -1};
    store->folder = strdup(folder);
    if (store->folder == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
    uint64_t bytes = frames * frame_size;
    if (bytes > most_memory || bytes > SIZE_MAX)
        return open_scratch(store, error);
    store->memory = malloc(bytes);
    if (store->memory == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %llu bytes for the frames",
                          (unsigned long long)bytes);
    return SCORE_OK;
}

void score_store_close(score_store *store) {
    free(store->memory);
    free(store->folder);
    if (store->file >= 0)
        close(store->file);
    store->memory = NULL;
    store->folder = NULL;
    store->file = -1;
}

score_status score_store_append(score_store *store, const void *frames, uint64_t count,
                                score_error *error) {
    const char *bytes = frames;
    size_t left = count * store->frame_size;
    if (store->memory != NULL) {
        memcpy(store->memory + store->filled, bytes, left);
        store->filled += left;
        return SCORE_OK;
    }
    while (left > 0) {
        ssize_t done = write(store->file, bytes, left);
        if (done < 0 && errno != EINTR)
            return fail_file(store, "write", error);
        if (done > 0) {
            bytes += done;
            left -= (size_t)done;
            store->filled += (uint64_t)done;
        }
    }
    return SCORE_OK;
}

score_status score_store_read(const score_store *store, uint64_t frame, void *copy,
                              score_error *error) {
    uint64_t offset = frame * store->frame_size;
    if (store->memory != NULL) {
        memcpy(copy, store->memory + offset, store->frame_size);
        return SCORE_OK;
    }
    char *bytes = copy;
    size_t left = store->frame_size;
    while (left > 0) {
        ssize_t done = pread(store->file, bytes, left, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail_file(store, "read", error);
        if (done == 0)
            return score_fail_at(error, SCORE_ERROR_FILE, store->folder, 0,
                                 "the scratch file ends before frame %llu",
                                 (unsigned long long)frame);
        bytes += done;
        left -= (size_t)done;
        offset += (uint64_t)done;
    }
    return SCORE_OK;
}
