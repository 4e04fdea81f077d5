/* What is asked of an XML document before libxml2 reads it, and of libxml2 while it does. */
#ifndef SCORE_XML_INPUT_H
#define SCORE_XML_INPUT_H

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <stdbool.h>
#include <stddef.h>

enum { SCORE_XML_MAX_TAG_BYTES = 1 << 16 };

/* libxml2 compares every attribute of a start tag with all before it, so that one long tag takes
 * the square of its length. The guard looks for tags, with no other idea of XML than where they,
 * comments, CDATA sections and processing instructions begin and end. */
typedef struct score_tag_guard {
    size_t size; /* bytes of the tag that is open; 0: none is */
    long line;   /* of the last byte */
    long tag_line;
    const char *end; /* of a comment or the like that is open, or NULL */
    char head[10];   /* the first bytes of what is open */
    char last[2];    /* the last bytes inside of `end` */
    char quote;      /* of the attribute value that is open, or 0 */
} score_tag_guard;

/* Zero-initialised but for `line` = 1. The number of the next `size` bytes that a parser may see:
 * all, or those before the one at which a tag is longer than SCORE_XML_MAX_TAG_BYTES, begun in line
 * guard->tag_line. */
size_t score_tag_guard_pass(score_tag_guard *guard, const char *data, size_t size);

/* The name of the document's encoding where it is not UTF-8 or ASCII, in which the guard cannot
 * see tags; else NULL. For a handler of startDocument: later is too late, earlier it is not known. */
const char *score_xml_foreign_encoding(const xmlParserCtxt *parser);

#if LIBXML_VERSION >= 21200
typedef const xmlError *score_xml_error;
#else
typedef xmlErrorPtr score_xml_error;
#endif

/* What has no parser to complain to, such as the converter of encodings, goes to the handler of the
 * thread, and to stderr where there is none. */
typedef struct score_xml_errors {
    xmlStructuredErrorFunc handler;
    void *context;
} score_xml_errors;

/* Gives the thread another handler, and returns that which it had. */
score_xml_errors score_xml_errors_to(score_xml_errors next);

#endif
