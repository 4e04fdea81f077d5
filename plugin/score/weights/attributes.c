#include "weights/attributes.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

/* The attribute's value, or NULL with the error filled. */
static const char *use(score_xml_element *element, const char *name) {
    for (int k = 0; k < element->attribute_count; k++)
        if (strcmp(element->attributes[k].name, name) == 0) {
            element->attributes[k].used = true;
            return element->attributes[k].value;
        }
    score_fail_at(element->error, SCORE_ERROR_FORMAT, element->file, element->line,
                  "<%s> has no attribute '%s'", element->name, name);
    return NULL;
}

bool score_has_attribute(const score_xml_element *element, const char *name) {
    for (int k = 0; k < element->attribute_count; k++)
        if (strcmp(element->attributes[k].name, name) == 0)
            return true;
    return false;
}

static score_status refuse(const score_xml_element *element, const char *name, const char *value,
                           const char *what) {
    return score_fail_at(element->error, SCORE_ERROR_FORMAT, element->file, element->line,
                         "<%s> has %s = '%.60s', must be %s", element->name, name, value, what);
}

score_status score_attribute_text(score_xml_element *element, const char *name, char *text,
                                  size_t size) {
    const char *value = use(element, name);
    if (value == NULL)
        return SCORE_ERROR_FORMAT;
    if (strlen(value) >= size) {
        char what[64];
        snprintf(what, sizeof what, "at most %zu bytes long", size - 1);
        return refuse(element, name, value, what);
    }
    if (score_control_character(value) != NULL)
        return refuse(element, name, value, "without control characters");
    memcpy(text, value, strlen(value) + 1);
    return SCORE_OK;
}

score_status score_attribute_int(score_xml_element *element, const char *name, int least, int most,
                                 int *value) {
    const char *text = use(element, name);
    if (text == NULL)
        return SCORE_ERROR_FORMAT;
    int64_t number;
    if (!score_parse_int(text, least, most, &number)) {
        char what[64];
        snprintf(what, sizeof what, "an integer in [%d, %d]", least, most);
        return refuse(element, name, text, what);
    }
    *value = (int)number;
    return SCORE_OK;
}

score_status score_attribute_ints(score_xml_element *element, const char *name, int most,
                                  int *values, int *count) {
    const char *text = use(element, name);
    if (text == NULL)
        return SCORE_ERROR_FORMAT;
    char what[64];
    snprintf(what, sizeof what, "1 to %d integers with single spaces between them", most);
    const char *start = text;
    for (*count = 0; *count < most; ++*count) {
        size_t size = strcspn(start, " ");
        char word[16];
        int64_t number;
        if (size >= sizeof word)
            return refuse(element, name, text, what);
        memcpy(word, start, size);
        word[size] = '\0';
        if (!score_parse_int(word, 0, INT_MAX, &number))
            return refuse(element, name, text, what);
        values[*count] = (int)number;
        start += size;
        if (*start++ == '\0') {
            ++*count;
            return SCORE_OK;
        }
    }
    return refuse(element, name, text, what);
}

score_status score_attribute_double(score_xml_element *element, const char *name, double *value) {
    const char *text = use(element, name);
    if (text == NULL)
        return SCORE_ERROR_FORMAT;
    if (!score_parse_double(text, value))
        return refuse(element, name, text, "a finite decimal number");
    return SCORE_OK;
}

score_status score_attribute_positive(score_xml_element *element, const char *name, double *value) {
    const char *text = use(element, name);
    if (text == NULL)
        return SCORE_ERROR_FORMAT;
    if (!score_parse_double(text, value) || !(*value > 0))
        return refuse(element, name, text, "a finite decimal number above 0");
    return SCORE_OK;
}

score_status score_attribute_choice(score_xml_element *element, const char *name,
                                    const char *const *choices, int *choice) {
    const char *text = use(element, name);
    if (text == NULL)
        return SCORE_ERROR_FORMAT;
    char what[128] = "";
    for (int k = 0; choices[k] != NULL; k++) {
        if (strcmp(text, choices[k]) == 0) {
            *choice = k;
            return SCORE_OK;
        }
        size_t used = strlen(what);
        snprintf(what + used, sizeof what - used, "%s'%s'", k > 0 ? " or " : "", choices[k]);
    }
    return refuse(element, name, text, what);
}

score_status score_attribute_kind(score_xml_element *element, const char *name,
                                  const char *(*word)(int), int *kind) {
    enum { MOST = 16 };
    const char *words[MOST] = {NULL};
    for (int k = 0; k < MOST - 1; k++)
        words[k] = word(k);
    return score_attribute_choice(element, name, words, kind);
}

static score_status read_setting(score_xml_element *element, const score_setting *setting,
                                 void *owner) {
    int whole = 0;
    double number = 0;
    score_status status;
    if (setting->optional && !score_has_attribute(element, setting->name)) {
        score_setting_set(owner, setting, setting->usual);
        return SCORE_OK;
    }
    if (setting->kind == SCORE_SETTING_NUMBER)
        status = score_attribute_positive(element, setting->name, &number);
    else if (setting->kind == SCORE_SETTING_CHOICE)
        status = score_attribute_choice(element, setting->name, setting->choices, &whole);
    else
        status = score_attribute_int(element, setting->name, setting->least, setting->most, &whole);
    score_setting_set(owner, setting, setting->kind == SCORE_SETTING_NUMBER ? number : whole);
    return status;
}

score_status score_read_settings(score_xml_element *element, const score_setting *settings,
                                 void *owner) {
    score_status status = SCORE_OK;
    for (const score_setting *setting = settings; setting->name != NULL && status == SCORE_OK;
         setting++)
        status = read_setting(element, setting, owner);
    return status;
}

score_status score_attributes_end(const score_xml_element *element) {
    for (int k = 0; k < element->attribute_count; k++)
        if (!element->attributes[k].used)
            return score_fail_at(element->error, SCORE_ERROR_FORMAT, element->file, element->line,
                                 "<%s> has an attribute '%.60s' that is not known here",
                                 element->name, element->attributes[k].name);
    return SCORE_OK;
}
