#include "weights/xml_input.h"

#include <string.h>

static const char *end_of(const char *head) {
    static const char *const ENDS[][2] = {{"<?", "?>"}, {"<!--", "-->"}, {"<![CDATA[", "]]>"}};
    for (int k = 0; k < 3; k++)
        if (strcmp(head, ENDS[k][0]) == 0)
            return ENDS[k][1];
    return NULL;
}

/* One byte of a comment or the like. */
static void pass_inside(score_tag_guard *guard, char byte) {
    const size_t before = strlen(guard->end) - 1;
    if (byte == guard->end[before] && memcmp(guard->last + 2 - before, guard->end, before) == 0) {
        guard->size = 0;
        guard->end = NULL;
    }
    guard->last[0] = guard->last[1];
    guard->last[1] = byte;
}

/* One byte of a tag; declarations, such as that of the document type, have quotes that need not
 * close what they open. */
static void pass_tag(score_tag_guard *guard, char byte) {
    if (guard->size < sizeof guard->head - 1) {
        guard->head[guard->size] = byte;
        guard->head[guard->size + 1] = '\0';
        guard->end = end_of(guard->head);
        memset(guard->last, 0, sizeof guard->last);
    }
    guard->size++;
    const bool is_quote = (byte == '"' || byte == '\'') && guard->head[1] != '!';
    if (guard->end != NULL)
        return;
    if (byte == '>' && guard->quote == 0)
        guard->size = 0;
    else if (is_quote && guard->quote == 0)
        guard->quote = byte;
    else if (byte == guard->quote)
        guard->quote = 0;
}

static void open_tag(score_tag_guard *guard) {
    guard->tag_line = guard->line;
    guard->quote = 0;
    guard->head[0] = '\0';
    pass_tag(guard, '<');
}

static long count_lines(const char *data, size_t size) {
    long lines = 0;
    for (const char *at = data, *end = data + size;
         (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
        lines++;
    return lines;
}

size_t score_tag_guard_pass(score_tag_guard *guard, const char *data, size_t size) {
    for (size_t k = 0; k < size;) {
        if (guard->size == 0) {
            const char *tag = memchr(data + k, '<', size - k);
            const size_t text = tag == NULL ? size - k : (size_t)(tag - data) - k;
            guard->line += count_lines(data + k, text);
            k += text;
            if (tag != NULL) {
                open_tag(guard);
                k++;
            }
            continue;
        }
        if (guard->end != NULL)
            pass_inside(guard, data[k]);
        else if (guard->size == SCORE_XML_MAX_TAG_BYTES)
            return k;
        else
            pass_tag(guard, data[k]);
        guard->line += data[k++] == '\n';
    }
    return size;
}

const char *score_xml_foreign_encoding(const xmlParserCtxt *parser) {
    const xmlParserInputBuffer *buffer = parser->input == NULL ? NULL : parser->input->buf;
    if (buffer == NULL || buffer->encoder == NULL)
        return NULL;
    const char *name = buffer->encoder->name == NULL ? "unknown" : buffer->encoder->name;
    const bool is_plain = xmlStrcasecmp((const xmlChar *)name, (const xmlChar *)"ASCII") == 0 ||
                          xmlStrcasecmp((const xmlChar *)name, (const xmlChar *)"US-ASCII") == 0;
    return is_plain ? NULL : name;
}

score_xml_errors score_xml_errors_to(score_xml_errors next) {
    const score_xml_errors before = {xmlStructuredError, xmlStructuredErrorContext};
    xmlSetStructuredErrorFunc(next.context, next.handler);
    return before;
}
