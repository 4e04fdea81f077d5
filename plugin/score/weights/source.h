/* The bytes of a file or of memory, inflated on the way if they are gzip's (told by their first two
 * bytes, whatever the name). */
#ifndef SCORE_SOURCE_H
#define SCORE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "score/status.h"

typedef struct score_source score_source;

/* `path` must outlive the source. SCORE_ERROR_FILE, SCORE_ERROR_MEMORY. */
score_status score_source_open_file(const char *path, score_source **source, score_error *error);
/* `text` and `name` must outlive the source. SCORE_ERROR_MEMORY. */
score_status score_source_open_memory(const char *text, size_t size, const char *name,
                                      score_source **source, score_error *error);
void score_source_close(score_source *source);

/* Bytes of the file or text as they are stored; UINT64_MAX where that cannot be known, of a pipe. */
uint64_t score_source_size(const score_source *source);

/* Puts the next bytes, at least one, in bytes[size]; *count is 0 only at the end. `line` is the
 * line that has been reached, for errors. SCORE_ERROR_FILE: a read failed; SCORE_ERROR_FORMAT: the
 * compressed data are corrupt or break off. */
score_status score_source_read(score_source *source, long line, char *bytes, size_t size,
                               size_t *count, score_error *error);

#endif
