#define _POSIX_C_SOURCE 200809L
#include "recipe/recipe_xml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input_file.h"
#include "base/number.h"
#include "base/text.h"
#include "weights/xml_input.h"

const score_number_range SCORE_POSITIVE = {0, HUGE_VAL, true, true, "above 0"};
const score_number_range SCORE_NOT_NEGATIVE = {0, HUGE_VAL, false, true, "of at least 0"};
const score_number_range SCORE_TIME = {0, 1, false, false, "in [0, 1]"};

enum { MOST_BYTES = 16 << 20 };
static const double MOST_COUNT = 9007199254740992.0; /* 2^53: whole numbers are exact up to it */

void score_xml_fail(score_xml_reader *reader, const xmlNode *node, const char *format, ...) {
    if (reader->status != SCORE_OK)
        return;
    char message[sizeof reader->error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    reader->status = score_fail_at(reader->error, SCORE_ERROR_FORMAT, reader->file,
                                   node == NULL ? 0 : score_xml_line(node), "%s", message);
}

void score_xml_fail_memory(score_xml_reader *reader) {
    if (reader->status == SCORE_OK)
        reader->status = score_fail(reader->error, SCORE_ERROR_MEMORY,
                                    "not enough memory to read recipe %s", reader->file);
}

long score_xml_line(const xmlNode *node) {
    return xmlGetLineNo((xmlNode *)node);
}

static const char *name_of(const xmlNode *node) {
    return (const char *)node->name;
}

/* Elements of a recipe are in no namespace. */
bool score_xml_is(const xmlNode *node, const char *name) {
    return node->type == XML_ELEMENT_NODE && node->ns == NULL && strcmp(name_of(node), name) == 0;
}

/* The place of `word` in the space-separated `list`, or -1. */
static int find_word(const char *list, const char *word) {
    size_t length = strlen(word);
    if (length == 0 || strchr(word, ' ') != NULL)
        return -1;
    for (int index = 0;; index++) {
        size_t span = strcspn(list, " ");
        if (span == length && strncmp(list, word, length) == 0)
            return index;
        if (list[span] == '\0')
            return -1;
        list += span + 1;
    }
}

/* -------- the file -------- */

static char *read_file(score_xml_reader *reader, const char *path, size_t *size) {
    FILE *file = NULL;
    reader->status = score_open_input(path, &file, reader->error);
    if (reader->status != SCORE_OK)
        return NULL;
    char *text = malloc(MOST_BYTES + 1);
    if (text == NULL) {
        score_xml_fail_memory(reader);
        fclose(file);
        return NULL;
    }
    *size = fread(text, 1, MOST_BYTES + 1, file);
    if (ferror(file))
        reader->status = score_fail_at(reader->error, SCORE_ERROR_FILE, path, 0,
                                       "cannot be read: %s", strerror(errno));
    else if (*size > MOST_BYTES)
        score_xml_fail(reader, NULL, "is larger than the %d MiB a recipe may have",
                       MOST_BYTES >> 20);
    fclose(file);
    if (reader->status != SCORE_OK) {
        free(text);
        return NULL;
    }
    return text;
}

static void fail_parse(score_xml_reader *reader, xmlParserCtxt *context) {
    const xmlError *error = xmlCtxtGetLastError(context);
    if (error == NULL || error->message == NULL) {
        score_xml_fail(reader, NULL, "is not XML");
        return;
    }
    if (error->code == XML_ERR_NO_MEMORY) {
        score_xml_fail_memory(reader);
        return;
    }
    int length = (int)strcspn(error->message, "\n");
    reader->status = score_fail_at(reader->error, SCORE_ERROR_FORMAT, reader->file, error->line,
                                   "is not XML: %.*s", length, error->message);
}

/* -------- parsing; the parser's _private is the reader -------- */

static score_xml_reader *reader_of(xmlParserCtxt *parser) {
    return parser->_private;
}

static void stop(xmlParserCtxt *parser, const char *format, ...) SCORE_PRINTF(2, 3);

static void stop(xmlParserCtxt *parser, const char *format, ...) {
    score_xml_reader *reader = reader_of(parser);
    char message[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (reader->status == SCORE_OK)
        reader->status = score_fail_at(reader->error, SCORE_ERROR_FORMAT, reader->file,
                                       parser->input == NULL ? 0 : parser->input->line, "%s",
                                       message);
    xmlStopParser(parser);
}

static void on_document(void *parser) {
    const char *encoding = score_xml_foreign_encoding(parser);
    if (encoding != NULL)
        stop(parser, "has the encoding %.60s, must have UTF-8", encoding);
    else
        xmlSAX2StartDocument(parser);
}

static void on_document_type(void *parser, const xmlChar *name, const xmlChar *external_id,
                             const xmlChar *system_id) {
    (void)name, (void)external_id, (void)system_id;
    stop(parser, "has a document type declaration; a recipe has none");
}

/* The parser keeps its last error itself. */
static void drop(void *context, score_xml_error error) {
    (void)context, (void)error;
}

static xmlDoc *parse(score_xml_reader *reader, xmlParserCtxt *parser, const char *text, size_t size,
                     const char *path) {
    parser->_private = reader;
    parser->sax->startDocument = on_document;
    parser->sax->internalSubset = on_document_type;
    const score_xml_errors before = score_xml_errors_to((score_xml_errors){drop, NULL});
    xmlDoc *document = xmlCtxtReadMemory(parser, text, (int)size, path, NULL,
                                         XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                             XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
    score_xml_errors_to(before);
    if (document == NULL && reader->status == SCORE_OK)
        fail_parse(reader, parser);
    return document;
}

xmlDoc *score_xml_load(score_xml_reader *reader, const char *path) {
    size_t size = 0;
    char *text = read_file(reader, path, &size);
    if (text == NULL)
        return NULL;
    xmlDoc *document = NULL;
    xmlParserCtxt *parser = xmlNewParserCtxt();
    score_tag_guard guard = {.line = 1};
    if (parser == NULL)
        score_xml_fail_memory(reader);
    else if (score_tag_guard_pass(&guard, text, size) < size)
        reader->status = score_fail_at(reader->error, SCORE_ERROR_FORMAT, reader->file,
                                       guard.tag_line, "has a tag of more than %d bytes",
                                       SCORE_XML_MAX_TAG_BYTES);
    else
        document = parse(reader, parser, text, size, path);
    xmlFreeParserCtxt(parser);
    free(text);
    if (reader->status != SCORE_OK) {
        xmlFreeDoc(document);
        document = NULL;
    }
    return document;
}

/* -------- structure -------- */

void score_xml_allow_attributes(score_xml_reader *reader, const xmlNode *node, const char *names) {
    for (const xmlAttr *attribute = node->properties; attribute != NULL;
         attribute = attribute->next)
        if (attribute->ns != NULL || find_word(names, (const char *)attribute->name) < 0)
            score_xml_fail(reader, node, "<%s> has no attribute '%s' (it has: %s)", name_of(node),
                           (const char *)attribute->name, names[0] == '\0' ? "none" : names);
}

static bool is_blank(const xmlNode *text) {
    const char *content = (const char *)text->content;
    return content == NULL || content[strspn(content, " \t\r\n")] == '\0';
}

void score_xml_allow_children(score_xml_reader *reader, const xmlNode *node, const char *names) {
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_COMMENT_NODE || child->type == XML_PI_NODE)
            continue;
        if (child->type != XML_ELEMENT_NODE) {
            if (child->type != XML_TEXT_NODE || !is_blank(child))
                score_xml_fail(reader, child, "<%s> must not contain text", name_of(node));
        } else if (child->ns != NULL || find_word(names, name_of(child)) < 0) {
            score_xml_fail(reader, child, "<%s> has no element <%s> (it has: %s)", name_of(node),
                           name_of(child), names[0] == '\0' ? "none" : names);
        }
    }
}

static const xmlNode *skip_to_element(const xmlNode *node) {
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

const xmlNode *score_xml_first(const xmlNode *node) {
    return skip_to_element(node->children);
}

const xmlNode *score_xml_next(const xmlNode *node) {
    return skip_to_element(node->next);
}

const xmlNode *score_xml_only(score_xml_reader *reader, const xmlNode *node, const char *name,
                              bool required) {
    const xmlNode *found = NULL;
    for (const xmlNode *child = score_xml_first(node); child != NULL;
         child = score_xml_next(child)) {
        if (!score_xml_is(child, name))
            continue;
        if (found != NULL)
            score_xml_fail(reader, child, "<%s> has a second <%s>", name_of(node), name);
        found = child;
    }
    if (found == NULL && required)
        score_xml_fail(reader, node, "<%s> lacks its <%s>", name_of(node), name);
    return found;
}

/* -------- attributes -------- */

/* The attribute's text, to be freed with xmlFree, or NULL where it is absent. */
static xmlChar *get(score_xml_reader *reader, const xmlNode *node, const char *name,
                    bool required) {
    if (reader->status != SCORE_OK)
        return NULL;
    xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
    if (text == NULL && xmlHasNsProp(node, (const xmlChar *)name, NULL) != NULL)
        score_xml_fail_memory(reader);
    else if (text == NULL && required)
        score_xml_fail(reader, node, "<%s> lacks its attribute '%s'", name_of(node), name);
    return text;
}

static void fail_value(score_xml_reader *reader, const xmlNode *node, const char *name,
                       const xmlChar *text, const char *must) {
    score_xml_fail(reader, node, "<%s> has %s=\"%.80s\", must be %s", name_of(node), name,
                   (const char *)text, must);
}

char *score_xml_text(score_xml_reader *reader, const xmlNode *node, const char *name,
                     bool required) {
    xmlChar *text = get(reader, node, name, required);
    if (text == NULL)
        return NULL;
    char *copy = NULL;
    if (text[0] == '\0') {
        fail_value(reader, node, name, text, "a text that is not empty");
    } else {
        size_t size = strlen((const char *)text) + 1;
        copy = malloc(size);
        if (copy == NULL)
            score_xml_fail_memory(reader);
        else
            memcpy(copy, text, size);
    }
    xmlFree(text);
    return copy;
}

void score_xml_copy_text(score_xml_reader *reader, const xmlNode *node, const char *name,
                         bool required, char *text, size_t size) {
    text[0] = '\0';
    char *value = score_xml_text(reader, node, name, required);
    if (value == NULL)
        return;
    if (strlen(value) >= size)
        score_xml_fail(reader, node,
                       "<%s> has %s=\"%.80s...\" of %zu characters, must be below %zu",
                       name_of(node), name, value, strlen(value), size);
    else if (score_control_character(value) != NULL)
        score_xml_fail(reader, node, "<%s> has %s=\"%.80s\", must be without control characters",
                       name_of(node), name, value);
    else
        memcpy(text, value, strlen(value) + 1);
    free(value);
}

static bool in_range(double value, score_number_range range) {
    return (range.without_least ? value > range.least : value >= range.least) &&
           (range.without_most ? value < range.most : value <= range.most);
}

double score_xml_double(score_xml_reader *reader, const xmlNode *node, const char *name,
                        score_number_range range, double fallback) {
    bool required = isnan(fallback);
    double value = required ? 0 : fallback;
    xmlChar *text = get(reader, node, name, required);
    if (text == NULL)
        return value;
    double parsed = 0;
    char must[160];
    snprintf(must, sizeof must, "a number %s", range.text);
    if (!score_parse_double((const char *)text, &parsed) || !in_range(parsed, range))
        fail_value(reader, node, name, text, must);
    else
        value = parsed;
    xmlFree(text);
    return value;
}

int64_t score_xml_int(score_xml_reader *reader, const xmlNode *node, const char *name,
                      int64_t least, int64_t most, int64_t fallback) {
    bool required = fallback == SCORE_REQUIRED_INT;
    int64_t value = required ? least : fallback;
    xmlChar *text = get(reader, node, name, required);
    if (text == NULL)
        return value;
    char must[160];
    snprintf(must, sizeof must, "a whole number in [%lld, %lld]", (long long)least,
             (long long)most);
    if (!score_parse_int((const char *)text, least, most, &value))
        fail_value(reader, node, name, text, must);
    xmlFree(text);
    return value;
}

uint64_t score_xml_count(score_xml_reader *reader, const xmlNode *node, const char *name,
                         uint64_t least, uint64_t fallback) {
    uint64_t value = fallback;
    xmlChar *text = get(reader, node, name, false);
    if (text == NULL)
        return value;
    double parsed = 0;
    char must[160];
    snprintf(must, sizeof must, "a whole number of at least %llu (2e7 is one)",
             (unsigned long long)least);
    if (!score_parse_double((const char *)text, &parsed) || parsed != floor(parsed) ||
        parsed < (double)least || parsed > MOST_COUNT)
        fail_value(reader, node, name, text, must);
    else
        value = (uint64_t)parsed;
    xmlFree(text);
    return value;
}

bool score_xml_bool(score_xml_reader *reader, const xmlNode *node, const char *name,
                    bool fallback) {
    return score_xml_choice(reader, node, name, "false true", fallback) == 1;
}

int score_xml_choice(score_xml_reader *reader, const xmlNode *node, const char *name,
                     const char *choices, int fallback) {
    int value = fallback < 0 ? 0 : fallback;
    xmlChar *text = get(reader, node, name, fallback < 0);
    if (text == NULL)
        return value;
    int found = find_word(choices, (const char *)text);
    char must[160];
    snprintf(must, sizeof must, "one of: %s", choices);
    if (found < 0)
        fail_value(reader, node, name, text, must);
    else
        value = found;
    xmlFree(text);
    return value;
}

void score_xml_add_word(char *words, size_t size, const char *word) {
    const size_t used = strlen(words);
    snprintf(words + used, size - used, "%s%s", used == 0 ? "" : " ", word);
}

int score_xml_kind(score_xml_reader *reader, const xmlNode *node, const char *name,
                   const char *(*word)(int), int fallback) {
    char words[160] = "";
    for (int k = 0; word(k) != NULL; k++)
        score_xml_add_word(words, sizeof words, word(k));
    return score_xml_choice(reader, node, name, words, fallback);
}
