#include "programs/checkpoint.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/atomic_file.h"
#include "base/input_file.h"

static const uint32_t BYTE_ORDER_MARK = 0x01020304;
enum { HEADER_SIZE = 24, CRC_SIZE = 4 };

void score_run_arrays_add(score_run_arrays *arrays, void *data, size_t size) {
    assert(arrays->count < SCORE_MAX_ARRAYS);
    arrays->data[arrays->count] = data;
    arrays->size[arrays->count] = size;
    arrays->count++;
}

static uint32_t add_to_crc(uint32_t crc, const void *data, size_t size) {
    return (uint32_t)crc32_z(crc, data, size);
}

typedef struct writer {
    score_atomic_file *file;
    uint32_t crc;
} writer;

/* An error is seen when the file is committed. */
static void put(writer *out, const void *data, size_t size) {
    score_atomic_write(out->file, data, size);
    out->crc = add_to_crc(out->crc, data, size);
}

static void put_size(writer *out, size_t size) {
    uint64_t value = size;
    put(out, &value, sizeof value);
}

score_status score_checkpoint_write(const char *path, const score_checkpoint_kind *kind,
                                    const void *state, const char *identity,
                                    const score_run_arrays *arrays, score_error *error) {
    const size_t identity_size = strlen(identity);
    size_t size = kind->state_size + sizeof(uint64_t) + identity_size + sizeof(uint64_t);
    for (int k = 0; k < arrays->count; k++)
        size += sizeof(uint64_t) + arrays->size[k];

    score_atomic_file file = {0};
    score_status status = score_atomic_open(path, &file, error);
    if (status != SCORE_OK)
        return status;
    writer out = {.file = &file};
    put(&out, kind->magic, sizeof kind->magic);
    put(&out, &BYTE_ORDER_MARK, sizeof BYTE_ORDER_MARK);
    put(&out, &kind->version, sizeof kind->version);
    put_size(&out, size);
    put(&out, state, kind->state_size);
    put_size(&out, identity_size);
    put(&out, identity, identity_size);
    put_size(&out, (size_t)arrays->count);
    for (int k = 0; k < arrays->count; k++) {
        put_size(&out, arrays->size[k]);
        put(&out, arrays->data[k], arrays->size[k]);
    }
    const uint32_t crc = out.crc;
    put(&out, &crc, sizeof crc);
    return score_atomic_commit(&file, error);
}

static score_status read_file(const char *path, unsigned char **content, size_t *size,
                              score_error *error) {
    FILE *stream = NULL;
    score_status status = score_open_input(path, &stream, error);
    if (status != SCORE_OK)
        return status;
    long length = fseek(stream, 0, SEEK_END) == 0 ? ftell(stream) : -1;
    if (length < 0 || fseek(stream, 0, SEEK_SET) != 0) {
        status = score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be read");
    } else {
        *size = (size_t)length;
        *content = malloc(*size + 1);
        if (*content == NULL)
            status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", *size);
        else if (fread(*content, 1, *size, stream) != *size)
            status = score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be read");
    }
    fclose(stream);
    return status;
}

static score_status check_file(const char *path, const score_checkpoint_kind *kind,
                               const unsigned char *content, size_t size, score_error *error) {
    uint32_t order, version, crc;
    uint64_t inner;
    if (size < HEADER_SIZE || memcmp(content, kind->magic, sizeof kind->magic) != 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0, "is not a checkpoint");
    memcpy(&order, content + 8, sizeof order);
    memcpy(&version, content + 12, sizeof version);
    memcpy(&inner, content + 16, sizeof inner);
    if (order != BYTE_ORDER_MARK)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is a checkpoint of a machine with another byte order");
    if (version != kind->version)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is a checkpoint of version %u, must be %u", version, kind->version);
    if (inner != size - HEADER_SIZE - CRC_SIZE || inner < kind->state_size)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is a checkpoint of the wrong size: %zu bytes, its header says %llu",
                             size, (unsigned long long)inner + HEADER_SIZE + CRC_SIZE);
    memcpy(&crc, content + size - CRC_SIZE, sizeof crc);
    if (crc != add_to_crc(0, content, size - CRC_SIZE))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "is damaged: its CRC-32 does not fit its content");
    return SCORE_OK;
}

/* The size stored at *at, which is moved behind it; 0 where what it announces is not there. */
static int take_size(const score_checkpoint *checkpoint, size_t *at, size_t *size) {
    uint64_t value;
    if (checkpoint->end - *at < sizeof value)
        return 0;
    memcpy(&value, checkpoint->content + *at, sizeof value);
    *at += sizeof value;
    *size = (size_t)value;
    return value <= checkpoint->end - *at;
}

static score_status read_head(const score_checkpoint_kind *kind, void *state,
                              score_checkpoint *checkpoint, score_error *error) {
    size_t at = HEADER_SIZE, size;
    memcpy(state, checkpoint->content + at, kind->state_size);
    at += kind->state_size;
    if (!take_size(checkpoint, &at, &size))
        return score_fail_at(error, SCORE_ERROR_FORMAT, checkpoint->path, 0, "is damaged");
    checkpoint->identity = malloc(size + 1);
    if (checkpoint->identity == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", size);
    memcpy(checkpoint->identity, checkpoint->content + at, size);
    checkpoint->identity[size] = '\0';
    checkpoint->arrays = at + size;
    return SCORE_OK;
}

score_status score_checkpoint_open(const char *path, const score_checkpoint_kind *kind, void *state,
                                   score_checkpoint *checkpoint, score_error *error) {
    *checkpoint = (score_checkpoint){.path = path};
    size_t size = 0;
    score_status status = read_file(path, &checkpoint->content, &size, error);
    if (status == SCORE_OK)
        status = check_file(path, kind, checkpoint->content, size, error);
    if (status == SCORE_OK) {
        checkpoint->end = size - CRC_SIZE;
        status = read_head(kind, state, checkpoint, error);
    }
    if (status != SCORE_OK)
        score_checkpoint_close(checkpoint);
    return status;
}

score_status score_checkpoint_arrays(const score_checkpoint *checkpoint,
                                     const score_run_arrays *arrays, score_error *error) {
    for (int copies = 0; copies < 2; copies++) { /* first only looks */
        size_t at = checkpoint->arrays, count = 0, size = 0;
        int fits = take_size(checkpoint, &at, &count) && count == (size_t)arrays->count;
        for (int k = 0; k < arrays->count && fits; k++) {
            fits = take_size(checkpoint, &at, &size) && size == arrays->size[k];
            if (fits && copies && size > 0)
                memcpy(arrays->data[k], checkpoint->content + at, size);
            at += size;
        }
        if (!fits || at != checkpoint->end)
            return score_fail_at(error, SCORE_ERROR_FORMAT, checkpoint->path, 0,
                                 "does not hold the state of this run");
    }
    return SCORE_OK;
}

void score_checkpoint_close(score_checkpoint *checkpoint) {
    free(checkpoint->identity);
    free(checkpoint->content);
    *checkpoint = (score_checkpoint){0};
}
