#define _POSIX_C_SOURCE 200809L

#include "weights/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/input_file.h"

enum { BUFFER_SIZE = 1 << 16, GZIP_WINDOW = 15 + 16 };

struct score_source {
    const char *name;
    FILE *file;    /* NULL: memory */
    uint64_t size; /* as stored */
    const char *text;
    size_t text_left;
    bool started;
    bool compressed;
    bool in_member; /* inside compressed data whose end has not been seen */
    z_stream zlib;
    size_t buffered; /* raw bytes: buffer[taken .. buffered) */
    size_t taken;
    unsigned char buffer[BUFFER_SIZE];
};

static score_status create(const char *name, score_source **result, score_error *error) {
    *result = calloc(1, sizeof **result);
    if (*result == NULL)
        return score_fail_at(error, SCORE_ERROR_MEMORY, name, 0, "cannot allocate a read buffer");
    (*result)->name = name;
    return SCORE_OK;
}

score_status score_source_open_file(const char *path, score_source **result, score_error *error) {
    score_status status = create(path, result, error);
    if (status != SCORE_OK)
        return status;
    struct stat information;
    status = score_open_input(path, &(*result)->file, error);
    if (status == SCORE_OK && fstat(fileno((*result)->file), &information) != 0)
        status = score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be read: %s",
                               strerror(errno));
    if (status == SCORE_OK) {
        (*result)->size = (uint64_t)information.st_size;
        return SCORE_OK;
    }
    score_source_close(*result);
    *result = NULL;
    return status;
}

uint64_t score_source_size(const score_source *source) {
    return source->size;
}

score_status score_source_open_memory(const char *text, size_t size, const char *name,
                                      score_source **result, score_error *error) {
    score_status status = create(name, result, error);
    if (status != SCORE_OK)
        return status;
    (*result)->text = text;
    (*result)->text_left = size;
    (*result)->size = size;
    return SCORE_OK;
}

void score_source_close(score_source *source) {
    if (source == NULL)
        return;
    if (source->file != NULL)
        fclose(source->file);
    if (source->compressed)
        inflateEnd(&source->zlib);
    free(source);
}

/* Up to `size` bytes as they are stored; *count is 0 only at the end. */
static score_status read_raw(score_source *source, void *bytes, size_t size, size_t *count,
                             score_error *error) {
    if (source->file == NULL) {
        *count = size < source->text_left ? size : source->text_left;
        if (*count > 0)
            memcpy(bytes, source->text, *count);
        source->text += *count;
        source->text_left -= *count;
        return SCORE_OK;
    }
    *count = fread(bytes, 1, size, source->file);
    if (*count == 0 && ferror(source->file))
        return score_fail_at(error, SCORE_ERROR_FILE, source->name, 0, "cannot be read: %s",
                             strerror(errno));
    return SCORE_OK;
}

static score_status refill(score_source *source, score_error *error) {
    source->taken = 0;
    return read_raw(source, source->buffer, sizeof source->buffer, &source->buffered, error);
}

static score_status start(score_source *source, score_error *error) {
    source->started = true;
    score_status status = refill(source, error);
    if (status != SCORE_OK)
        return status;
    if (source->buffered < 2 || source->buffer[0] != 0x1f || source->buffer[1] != 0x8b)
        return SCORE_OK;
    if (inflateInit2(&source->zlib, GZIP_WINDOW) != Z_OK)
        return score_fail_at(error, SCORE_ERROR_MEMORY, source->name, 0, "cannot start zlib");
    source->compressed = true;
    return SCORE_OK;
}

/* One call of inflate on what is buffered; *count may be 0 before the end. */
static score_status inflate_some(score_source *source, long line, char *bytes, size_t size,
                                 size_t *count, score_error *error) {
    z_stream *zlib = &source->zlib;
    zlib->next_in = source->buffer + source->taken;
    zlib->avail_in = (uInt)(source->buffered - source->taken);
    zlib->next_out = (Bytef *)bytes;
    zlib->avail_out = (uInt)(size < BUFFER_SIZE ? size : BUFFER_SIZE);
    source->in_member = true;
    uInt room = zlib->avail_out;
    int code = inflate(zlib, Z_NO_FLUSH);
    source->taken = source->buffered - zlib->avail_in;
    *count = room - zlib->avail_out;
    if (code == Z_STREAM_END) {
        source->in_member = false;
        code = inflateReset(zlib); /* another member may follow */
    }
    if (code == Z_MEM_ERROR)
        return score_fail_at(error, SCORE_ERROR_MEMORY, source->name, line,
                             "out of memory in zlib");
    if (code != Z_OK && code != Z_BUF_ERROR)
        return score_fail_at(error, SCORE_ERROR_FORMAT, source->name, line,
                             "the compressed file is corrupt: %s",
                             zlib->msg != NULL ? zlib->msg : "unknown reason");
    return SCORE_OK;
}

score_status score_source_read(score_source *source, long line, char *bytes, size_t size,
                               size_t *count, score_error *error) {
    score_status status = source->started ? SCORE_OK : start(source, error);
    for (*count = 0; status == SCORE_OK && *count == 0;) {
        if (source->taken == source->buffered && (status = refill(source, error)) != SCORE_OK)
            break;
        if (source->buffered == 0) {
            if (source->in_member)
                status = score_fail_at(error, SCORE_ERROR_FORMAT, source->name, line,
                                       "the compressed file is truncated");
            break;
        }
        if (source->compressed) {
            status = inflate_some(source, line, bytes, size, count, error);
            continue;
        }
        size_t left = source->buffered - source->taken;
        *count = size < left ? size : left;
        memcpy(bytes, source->buffer + source->taken, *count);
        source->taken += *count;
    }
    return status;
}
