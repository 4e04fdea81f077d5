/* An XML document in pieces: libxml2's push parser, with neither network nor document type nor
 * entities nor a tree, and with every error at its line. Memory does not grow with the text.
 *
 * A start tag's line is that of its end, where libxml2 reports it. */
#ifndef SCORE_XML_STREAM_H
#define SCORE_XML_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "score/status.h"

enum {
    SCORE_XML_MAX_ATTRIBUTES = 32,
    SCORE_XML_MAX_ATTRIBUTE_BYTES = 4096 /* names and values of one element */
};

typedef struct score_xml_attribute {
    const char *name;
    const char *value;
    bool used; /* set by weights/attributes.h, which refuses what nobody asked for */
} score_xml_attribute;

/* A start tag. Valid until the handler returns. */
typedef struct score_xml_element {
    const char *name;
    const char *file;
    long line;
    score_error *error;
    int attribute_count;
    score_xml_attribute attributes[SCORE_XML_MAX_ATTRIBUTES];
} score_xml_element;

/* A handler that fails has filled the stream's error; no other is called after it. */
typedef struct score_xml_handlers {
    score_status (*start)(void *user, score_xml_element *element);
    score_status (*text)(void *user, const char *text, size_t size, long line);
    score_status (*end)(void *user, const char *name, long line);
} score_xml_handlers;

typedef struct score_xml_stream score_xml_stream;

/* `file` is the name in errors. It, `handlers` and `error` must outlive the stream. */
score_status score_xml_stream_create(const char *file, const score_xml_handlers *handlers,
                                     void *user, score_xml_stream **stream, score_error *error);
void score_xml_stream_destroy(score_xml_stream *stream);

/* The next piece of the document; SCORE_ERROR_FORMAT where it is not XML, or what a handler
 * returned. Once failed, a stream stays failed. */
score_status score_xml_stream_feed(score_xml_stream *stream, const char *data, size_t size);

/* The document is over. SCORE_ERROR_FORMAT if it cannot be over here. */
score_status score_xml_stream_finish(score_xml_stream *stream);

/* The line that has been reached. */
long score_xml_stream_line(const score_xml_stream *stream);

#endif
