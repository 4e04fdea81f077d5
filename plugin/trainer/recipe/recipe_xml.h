/* Elements and attributes of a recipe, checked as they are read.
 *
 * The first error sticks: after it every function here returns a harmless value and leaves the
 * error as it is, so that a caller reads a whole element and looks at reader->status once. */
#ifndef SCORE_RECIPE_XML_H
#define SCORE_RECIPE_XML_H

#include <libxml/tree.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "recipe/number_range.h"
#include "score/status.h"

typedef struct score_xml_reader {
    const char *file;
    score_status status;
    score_error *error;
} score_xml_reader;

/* In place of a default: the attribute must be there. */
#define SCORE_REQUIRED NAN
#define SCORE_REQUIRED_INT INT64_MIN

/* Parses `path`: no network, no document type, at most 16 MiB. The caller frees the document with
 * xmlFreeDoc; NULL on an error. */
xmlDoc *score_xml_load(score_xml_reader *reader, const char *path);

void score_xml_fail(score_xml_reader *reader, const xmlNode *node, const char *format, ...)
    SCORE_PRINTF(3, 4);
void score_xml_fail_memory(score_xml_reader *reader);
long score_xml_line(const xmlNode *node);
bool score_xml_is(const xmlNode *node, const char *name);

/* Checks that `node` has no attributes but those in `names` (separated by single spaces). */
void score_xml_allow_attributes(score_xml_reader *reader, const xmlNode *node, const char *names);
/* Checks that `node` has no text of its own and no child elements but those in `names`. */
void score_xml_allow_children(score_xml_reader *reader, const xmlNode *node, const char *names);

/* Child elements; NULL after the last. */
const xmlNode *score_xml_first(const xmlNode *node);
const xmlNode *score_xml_next(const xmlNode *node);
/* The only child element of that name; an error where there are two, or none and it is required. */
const xmlNode *score_xml_only(score_xml_reader *reader, const xmlNode *node, const char *name,
                              bool required);

/* A copy of the attribute, freed by the caller; NULL where it is absent (an error if required).
 * An empty text is an error. */
char *score_xml_text(score_xml_reader *reader, const xmlNode *node, const char *name,
                     bool required);
/* The same into an array, which must hold it. */
void score_xml_copy_text(score_xml_reader *reader, const xmlNode *node, const char *name,
                         bool required, char *text, size_t size);

/* The attribute as a number, or `fallback` where it is absent. */
double score_xml_double(score_xml_reader *reader, const xmlNode *node, const char *name,
                        score_number_range range, double fallback);
int64_t score_xml_int(score_xml_reader *reader, const xmlNode *node, const char *name,
                      int64_t least, int64_t most, int64_t fallback);
/* A count that may be written like 2e7; up to 2^53. */
uint64_t score_xml_count(score_xml_reader *reader, const xmlNode *node, const char *name,
                         uint64_t least, uint64_t fallback);
/* "true" or "false". */
bool score_xml_bool(score_xml_reader *reader, const xmlNode *node, const char *name, bool fallback);
/* The attribute's place in `choices` (separated by single spaces), or `fallback`; -1: required. */
int score_xml_choice(score_xml_reader *reader, const xmlNode *node, const char *name,
                     const char *choices, int fallback);

/* Lists of words separated by single spaces, as they are wanted above: adds one that has room in
 * words[size]. */
void score_xml_add_word(char *words, size_t size, const char *word);

/* The number of the kind whose word the attribute is, or `fallback`; -1: required. After the last kind
 * `word` is NULL. */
int score_xml_kind(score_xml_reader *reader, const xmlNode *node, const char *name,
                   const char *(*word)(int), int fallback);

#endif
