#define _POSIX_C_SOURCE 200809L

#include "weights/xml_stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "weights/xml_input.h"

struct score_xml_stream {
    xmlParserCtxtPtr parser;
    const char *file;
    const score_xml_handlers *handlers;
    void *user;
    score_error *error;
    score_status status;
    score_tag_guard guard;
    int depth;
    bool opened; /* the root element has been seen */
    bool empty;  /* no byte has been fed */
    bool ending; /* the whole document has been fed */
    char attribute_text[SCORE_XML_MAX_ATTRIBUTE_BYTES];
};

long score_xml_stream_line(const score_xml_stream *stream) {
    return stream->parser->input == NULL ? 0 : stream->parser->input->line;
}

/* Keeps the first failure and has libxml2 stop. */
static void stop(score_xml_stream *stream, score_status status) {
    if (status == SCORE_OK || stream->status != SCORE_OK)
        return;
    stream->status = status;
    xmlStopParser(stream->parser);
}

/* True, with the failure kept, if the document has been fed and its root element is still open.
 * What libxml2 says of a text that breaks off depends on where, and can mislead: it even reports
 * the beginning of a start tag as the whole. */
static bool breaks_off(score_xml_stream *stream) {
    if (!stream->ending || stream->depth == 0)
        return false;
    stream->status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file,
                                   score_xml_stream_line(stream),
                                   "the file is truncated: it ends inside the root element");
    return true;
}

static bool has_namespace(const xmlChar *prefix, const xmlChar *uri) {
    return prefix != NULL || uri != NULL;
}

/* Copies a value to the buffer at *used and ends it with a zero; NULL if it does not fit. A parser
 * that replaces no entities leaves every ampersand as "&#38;". */
static const char *keep(score_xml_stream *stream, size_t *used, const xmlChar *text,
                        const xmlChar *end) {
    static const char AMPERSAND[] = "&#38;";
    const size_t escape = sizeof AMPERSAND - 1;
    const char *copy = stream->attribute_text + *used;
    while (text < end && *used < sizeof stream->attribute_text) {
        stream->attribute_text[(*used)++] = (char)*text;
        bool escaped = (size_t)(end - text) >= escape && memcmp(text, AMPERSAND, escape) == 0;
        text += escaped ? escape : 1;
    }
    if (*used == sizeof stream->attribute_text)
        return NULL;
    stream->attribute_text[(*used)++] = '\0';
    return copy;
}

/* libxml2 gives an attribute as local name, prefix, URI, first character and end of its value. */
static score_status list_attributes(score_xml_stream *stream, int count, const xmlChar **list,
                                    score_xml_element *element) {
    size_t used = 0;
    if (count > SCORE_XML_MAX_ATTRIBUTES)
        return score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, element->line,
                             "<%.60s> has %d attributes, more than the limit of %d", element->name,
                             count, SCORE_XML_MAX_ATTRIBUTES);
    for (int k = 0; k < count; k++, list += 5) {
        const char *name = (const char *)list[0];
        if (has_namespace(list[1], list[2]))
            return score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, element->line,
                                 "<%.60s> has attribute '%.60s' in a namespace", element->name,
                                 name);
        const char *value = keep(stream, &used, list[3], list[4]);
        if (value == NULL)
            return score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, element->line,
                                 "<%.60s> has attributes of more than %d bytes, '%.60s' among them",
                                 element->name, SCORE_XML_MAX_ATTRIBUTE_BYTES, name);
        element->attributes[k] = (score_xml_attribute){.name = name, .value = value};
    }
    element->attribute_count = count;
    return SCORE_OK;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespace_count, const xmlChar **namespaces, int attribute_count,
                     int defaulted, const xmlChar **attributes) {
    score_xml_stream *stream = context;
    (void)namespaces, (void)defaulted;
    if (stream->status != SCORE_OK || breaks_off(stream))
        return;
    stream->opened = true;
    stream->depth++;
    score_xml_element element = {.name = (const char *)name,
                                 .file = stream->file,
                                 .line = score_xml_stream_line(stream),
                                 .error = stream->error};
    score_status status;
    if (has_namespace(prefix, uri) || namespace_count > 0)
        status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, element.line,
                               "<%.60s> has or declares a namespace", element.name);
    else
        status = list_attributes(stream, attribute_count, attributes, &element);
    if (status == SCORE_OK)
        status = stream->handlers->start(stream->user, &element);
    stop(stream, status);
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
    score_xml_stream *stream = context;
    (void)prefix, (void)uri;
    if (stream->status != SCORE_OK)
        return;
    stream->depth--;
    stop(stream,
         stream->handlers->end(stream->user, (const char *)name, score_xml_stream_line(stream)));
}

static void on_text(void *context, const xmlChar *text, int size) {
    score_xml_stream *stream = context;
    if (stream->status != SCORE_OK)
        return;
    stop(stream, stream->handlers->text(stream->user, (const char *)text, (size_t)size,
                                        score_xml_stream_line(stream)));
}

static void on_document(void *context) {
    score_xml_stream *stream = context;
    const char *encoding = score_xml_foreign_encoding(stream->parser);
    if (stream->status == SCORE_OK && encoding != NULL)
        stop(stream, score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file,
                                   score_xml_stream_line(stream),
                                   "the encoding is %.60s, must be UTF-8", encoding));
}

/* Called before the declarations inside are read, so none ever is. */
static void on_document_type(void *context, const xmlChar *name, const xmlChar *external_id,
                             const xmlChar *system_id) {
    score_xml_stream *stream = context;
    (void)external_id, (void)system_id;
    if (stream->status != SCORE_OK)
        return;
    stop(stream, score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file,
                               score_xml_stream_line(stream),
                               "document type '%.60s' is declared; models have none",
                               name == NULL ? "" : (const char *)name));
}

static void on_error(void *context, score_xml_error problem) {
    score_xml_stream *stream = context;
    if (stream->status != SCORE_OK || problem->level < XML_ERR_ERROR)
        return;
    if (problem->code == XML_ERR_NO_MEMORY) {
        stream->status = score_fail_at(stream->error, SCORE_ERROR_MEMORY, stream->file,
                                       problem->line, "out of memory while reading XML");
        return;
    }
    if (breaks_off(stream))
        return;
    const long line = problem->line > 0 ? problem->line : score_xml_stream_line(stream);
    const char *message = problem->message == NULL ? "unknown error" : problem->message;
    stream->status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, line,
                                   "not well-formed XML: %.*s", (int)strcspn(message, "\n"),
                                   message);
}

static void initialise_parser(void) {
    xmlInitParser();
}

score_status score_xml_stream_create(const char *file, const score_xml_handlers *handlers,
                                     void *user, score_xml_stream **result, score_error *error) {
    static pthread_once_t once =
        PTHREAD_ONCE_INIT; /* threads may read their first models at once */
    pthread_once(&once, initialise_parser);
    *result = NULL;
    score_xml_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return score_fail_at(error, SCORE_ERROR_MEMORY, file, 0, "cannot allocate an XML parser");
    stream->file = file;
    stream->handlers = handlers;
    stream->user = user;
    stream->error = error;
    stream->empty = true;
    stream->guard.line = 1;
    xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
                         .startDocument = on_document,
                         .internalSubset = on_document_type,
                         .startElementNs = on_start,
                         .endElementNs = on_end,
                         .characters = on_text,
                         .ignorableWhitespace = on_text,
                         .cdataBlock = on_text,
                         .serror = on_error};
    stream->parser = xmlCreatePushParserCtxt(&sax, stream, NULL, 0, NULL);
    if (stream->parser == NULL) {
        free(stream);
        return score_fail_at(error, SCORE_ERROR_MEMORY, file, 0, "cannot allocate an XML parser");
    }
    xmlCtxtUseOptions(stream->parser, XML_PARSE_NONET);
    *result = stream;
    return SCORE_OK;
}

void score_xml_stream_destroy(score_xml_stream *stream) {
    if (stream == NULL)
        return;
    xmlFreeParserCtxt(stream->parser);
    free(stream);
}

/* libxml2 may give up without a call of on_error; nothing passes as good then. */
static score_status parse(score_xml_stream *stream, const char *data, size_t size) {
    const score_xml_errors own = {on_error, stream};
    const score_xml_errors before = score_xml_errors_to(own);
    const int code = xmlParseChunk(stream->parser, data, (int)size, stream->ending);
    score_xml_errors_to(before);
    if (stream->status == SCORE_OK && code != XML_ERR_OK)
        stream->status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file,
                                       score_xml_stream_line(stream),
                                       "not well-formed XML (libxml2 error %d)", code);
    return stream->status;
}

score_status score_xml_stream_feed(score_xml_stream *stream, const char *data, size_t size) {
    const size_t most = 1 << 16; /* libxml2 counts in int; a stop takes effect between pieces */
    for (size_t k = 0; k < size && stream->status == SCORE_OK; k += most) {
        stream->empty = false;
        const size_t piece = size - k < most ? size - k : most;
        const size_t passed = score_tag_guard_pass(&stream->guard, data + k, piece);
        if (parse(stream, data + k, passed) == SCORE_OK && passed < piece)
            stream->status = score_fail_at(
                stream->error, SCORE_ERROR_FORMAT, stream->file, stream->guard.tag_line,
                "a tag has more than %d bytes of XML", SCORE_XML_MAX_TAG_BYTES);
    }
    return stream->status;
}

score_status score_xml_stream_finish(score_xml_stream *stream) {
    if (stream->status != SCORE_OK)
        return stream->status;
    if (stream->empty)
        return stream->status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file, 0,
                                              "the file is empty");
    stream->ending = true;
    parse(stream, NULL, 0);
    if (stream->status == SCORE_OK && (!stream->opened || stream->depth > 0))
        stream->status = score_fail_at(stream->error, SCORE_ERROR_FORMAT, stream->file,
                                       score_xml_stream_line(stream), "the file is truncated");
    return stream->status;
}
