/* Attributes of a start tag as values. Each function marks its attribute as used, and fails with
 * SCORE_ERROR_FORMAT, naming file, line, element, attribute and value, where it is missing or not
 * what is asked for. */
#ifndef SCORE_ATTRIBUTES_H
#define SCORE_ATTRIBUTES_H

#include "model/settings.h"
#include "weights/xml_stream.h"

/* text[size]; a longer value is an error, and so is one with control characters. */
score_status score_attribute_text(score_xml_element *element, const char *name, char *text,
                                  size_t size);

/* An integer in [least, most]. */
score_status score_attribute_int(score_xml_element *element, const char *name, int least, int most,
                                 int *value);

/* Up to `most` integers of [0, INT_MAX], with one space between them. */
score_status score_attribute_ints(score_xml_element *element, const char *name, int most,
                                  int *values, int *count);

/* Any finite number. */
score_status score_attribute_double(score_xml_element *element, const char *name, double *value);

/* A number above 0. */
score_status score_attribute_positive(score_xml_element *element, const char *name, double *value);

/* The place of the value in `choices`, which ends with NULL. */
bool score_has_attribute(const score_xml_element *element, const char *name);

score_status score_attribute_choice(score_xml_element *element, const char *name,
                                    const char *const *choices, int *choice);

/* The number of the kind whose word the value is; after the last kind `word` is NULL. */
score_status score_attribute_kind(score_xml_element *element, const char *name,
                                  const char *(*word)(int), int *kind);

/* The settings of a list, into the struct that has them. */
score_status score_read_settings(score_xml_element *element, const score_setting *settings,
                                 void *owner);

/* Fails if there is an attribute that no call has used: passing it over would lose data. */
score_status score_attributes_end(const score_xml_element *element);

#endif
