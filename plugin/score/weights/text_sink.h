/* Where the writer's text goes: a file, a file through gzip, or memory. Errors stay in the sink, so
 * that only its end need be checked. */
#ifndef SCORE_TEXT_SINK_H
#define SCORE_TEXT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <zlib.h>

#include "base/atomic_file.h"
#include "score/status.h"

enum { SCORE_SINK_BUFFER = 1 << 16 };

typedef struct score_text_sink {
    score_atomic_file *file; /* NULL: memory */
    bool compressed;
    bool out_of_memory;
    z_stream zlib;
    char *text;  /* memory; ends with a zero that `size` does not count */
    size_t size; /* of all that went to the file or memory */
    size_t room;
    unsigned char buffer[SCORE_SINK_BUFFER]; /* of compressed bytes */
} score_text_sink;

void score_sink_open_memory(score_text_sink *sink);
/* `file` stays the caller's. Compressed files have no name and no time in them. */
score_status score_sink_open_file(score_text_sink *sink, score_atomic_file *file, bool compressed,
                                  score_error *error);

void score_sink_write(score_text_sink *sink, const char *text, size_t size);
void score_sink_print(score_text_sink *sink, const char *format, ...) SCORE_PRINTF(2, 3);
/* So that a parser gives back every byte: in an element, or in an attribute in double quotes. */
void score_sink_escape_text(score_text_sink *sink, const char *text);
void score_sink_escape_attribute(score_text_sink *sink, const char *text);
/* The shortest decimal number that reads back as `value`, in every locale. */
void score_sink_number(score_text_sink *sink, double value);

/* Writes what is left. SCORE_ERROR_MEMORY; errors of a file are told when it is committed. */
score_status score_sink_finish(score_text_sink *sink, score_error *error);
/* Frees all but `file`; `text` too, if it has not been taken away. */
void score_sink_close(score_text_sink *sink);

/* True if XML can hold `text`: UTF-8 without control characters but tab and ends of lines. */
bool score_is_xml_text(const char *text);

#endif
