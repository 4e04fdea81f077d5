/* NumPy's .npy: a magic string, a version, the length of a header, the header (a Python literal
 * with the keys descr, fortran_order and shape), then the array;
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
#define _POSIX_C_SOURCE 200809L
#include "data/dataset_npy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/input_file.h"

enum { MOST_HEADER = 1 << 16, MOST_DIMENSIONS = 4 };

typedef struct npy_source {
    score_frame_source base;
    FILE *file;
} npy_source;

typedef struct npy_header {
    char type[16];
    bool fortran;
    int rank;
    uint64_t shape[MOST_DIMENSIONS];
} npy_header;

static score_status fail_format(const score_data_config *data, const char *what,
                                score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0, "%s", what);
}

static score_status fail_read(const score_data_config *data, FILE *file, score_error *error) {
    if (ferror(file))
        return score_fail_at(error, SCORE_ERROR_FILE, data->path, 0, "cannot be read: %s",
                             strerror(errno));
    return fail_format(data, "is truncated", error);
}

/* -------- the header's literal: each function takes what it expects and moves *at behind it ---- */

static void skip_spaces(const char **at) {
    while (**at == ' ' || **at == '\n')
        ++*at;
}

static bool take(const char **at, const char *word) {
    skip_spaces(at);
    size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static bool take_text(const char **at, char *text, size_t size) {
    skip_spaces(at);
    char quote = **at;
    if (quote != '\'' && quote != '"')
        return false;
    const char *end = strchr(*at + 1, quote);
    if (end == NULL || (size_t)(end - *at - 1) >= size)
        return false;
    snprintf(text, size, "%.*s", (int)(end - *at - 1), *at + 1);
    *at = end + 1;
    return true;
}

static bool take_size(const char **at, uint64_t *value) {
    skip_spaces(at);
    if (**at < '0' || **at > '9')
        return false;
    for (*value = 0; **at >= '0' && **at <= '9'; ++*at) {
        unsigned digit = (unsigned)(**at - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

/* (n, beads, dimensions), with or without a comma after the last. */
static bool take_shape(const char **at, npy_header *header) {
    if (!take(at, "("))
        return false;
    header->rank = 0;
    while (!take(at, ")")) {
        if (header->rank == MOST_DIMENSIONS || (header->rank > 0 && !take(at, ",")))
            return false;
        if (take(at, ")"))
            return true;
        if (!take_size(at, &header->shape[header->rank++]))
            return false;
    }
    return true;
}

static bool take_entry(const char **at, npy_header *header, unsigned *seen) {
    static const char *const names[] = {"descr", "fortran_order", "shape"};
    char name[16];
    unsigned key = 0;
    if (!take_text(at, name, sizeof name) || !take(at, ":"))
        return false;
    while (key < 3 && strcmp(name, names[key]) != 0)
        key++;
    if (key == 3 || (*seen & 1u << key) != 0)
        return false;
    *seen |= 1u << key;
    if (key == 0)
        return take_text(at, header->type, sizeof header->type);
    if (key == 2)
        return take_shape(at, header);
    header->fortran = take(at, "True");
    return header->fortran || take(at, "False");
}

static bool parse_header(const char *text, npy_header *header) {
    const char *at = text;
    unsigned seen = 0;
    if (!take(&at, "{"))
        return false;
    while (!take(&at, "}")) {
        if (seen != 0 && !take(&at, ","))
            return false;
        if (seen != 0 && take(&at, "}"))
            break;
        if (!take_entry(&at, header, &seen))
            return false;
    }
    skip_spaces(&at);
    return seen == 7 && *at == '\0';
}

/* -------- the file -------- */

static uint64_t little_endian(const unsigned char *bytes, int count) {
    uint64_t value = 0;
    for (int k = count - 1; k >= 0; k--)
        value = value << 8 | bytes[k];
    return value;
}

/* Reads up to the array's first byte, whose place is *offset. */
static score_status read_header(const score_data_config *data, FILE *file, npy_header *header,
                                uint64_t *offset, score_error *error) {
    unsigned char start[12];
    if (fread(start, 1, 8, file) != 8)
        return fail_read(data, file, error);
    int major = start[6], minor = start[7], width = major == 1 ? 2 : 4;
    if (major < 1 || major > 3 || minor != 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "has .npy version %d.%d, must be 1.0, 2.0 or 3.0", major, minor);
    if (fread(start + 8, 1, (size_t)width, file) != (size_t)width)
        return fail_read(data, file, error);
    uint64_t length = little_endian(start + 8, width);
    if (length > MOST_HEADER)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "claims a header of %llu bytes, the limit is %d",
                             (unsigned long long)length, MOST_HEADER);
    char *text = calloc(1, length + 1);
    if (text == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", data->path);
    score_status status = SCORE_OK;
    if (fread(text, 1, length, file) != length)
        status = fail_read(data, file, error);
    else if (strlen(text) != length || !parse_header(text, header))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                               "has a .npy header that cannot be understood: '%.80s'", text);
    free(text);
    *offset = 8 + (uint64_t)width + length;
    return status;
}

static score_status check_header(npy_source *source, const npy_header *header, int beads,
                                 int dimensions, score_error *error) {
    const score_data_config *data = source->base.data;
    bool is_float = strcmp(header->type, "<f4") == 0;
    source->base.is_double = strcmp(header->type, "<f8") == 0;
    if (!is_float && !source->base.is_double)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "has type '%s', must be '<f4' or '<f8' (float32 or float64)",
                             header->type);
    if (header->fortran)
        return fail_format(data, "is in Fortran order, must be in C order", error);
    if (data->unit_nm == 0)
        return fail_format(data,
                           "has no unit of its own: the recipe's <Data> must have unit=\"nm\" "
                           "or unit=\"angstrom\"",
                           error);
    if (data->log_weights != NULL)
        return fail_format(data, "has no log-weights; weighted frames need an HDF5 file", error);
    source->base.unit = data->unit_nm;
    return score_frame_source_set_shape(&source->base, "the array", header->rank, header->shape,
                                        beads, dimensions, error);
}

/* The file must hold the array that its header claims, and nothing else. */
static score_status check_size(const npy_source *source, uint64_t offset, score_error *error) {
    const score_frame_source *base = &source->base;
    struct stat info;
    if (fstat(fileno(source->file), &info) != 0)
        return score_fail_at(error, SCORE_ERROR_FILE, base->data->path, 0, "cannot be read: %s",
                             strerror(errno));
    /* At most 2^32 frames of 3 x 2^16 values of 8 bytes: no overflow. */
    uint64_t expected = offset + base->frames * base->values * (base->is_double ? 8 : 4);
    if ((uint64_t)info.st_size != expected)
        return score_fail_at(error, SCORE_ERROR_FORMAT, base->data->path, 0,
                             "has %llu bytes, its header claims %llu%s",
                             (unsigned long long)info.st_size, (unsigned long long)expected,
                             (uint64_t)info.st_size < expected ? " (truncated?)" : "");
    return SCORE_OK;
}

static score_status read_frames(score_frame_source *base, uint64_t count, void *frames,
                                score_error *error) {
    npy_source *source = (npy_source *)base;
    size_t values = count * base->values, width = base->is_double ? 8 : 4;
    if (fread(frames, width, values, source->file) != values)
        return fail_read(base->data, source->file, error);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the array is little-endian: swap its bytes here"
#endif
    base->next += count;
    return SCORE_OK;
}

static void close_file(score_frame_source *base) {
    npy_source *source = (npy_source *)base;
    if (source->file != NULL)
        fclose(source->file);
    free(source);
}

score_status score_frame_source_open_npy(const score_data_config *data, int beads, int dimensions,
                                         score_frame_source **result, score_error *error) {
    static const score_frame_source_kind kind = {.read = read_frames, .close = close_file};
    npy_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", data->path);
    source->base.kind = &kind;
    source->base.data = data;
    npy_header header = {{0}, false, 0, {0}};
    uint64_t offset = 0;
    score_status status = score_open_input(data->path, &source->file, error);
    if (status == SCORE_OK &&
        (status = read_header(data, source->file, &header, &offset, error)) == SCORE_OK &&
        (status = check_header(source, &header, beads, dimensions, error)) == SCORE_OK)
        status = check_size(source, offset, error);
    if (status == SCORE_OK)
        *result = &source->base;
    else
        close_file(&source->base);
    return status;
}
