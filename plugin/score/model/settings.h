/* The settings that one kind of a thing has and another has not, from one list: for the model file,
 * recipes, their identity and whoever prints them. Those of an architecture, beyond the ones that
 * every expert has, are in a score_expert_config, those of a noise schedule in a
 * score_noise_schedule. */
#ifndef SCORE_SETTINGS_H
#define SCORE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "score/model.h"

enum { SCORE_SETTING_TEXT = 32 };

typedef enum score_setting_kind {
    SCORE_SETTING_INT,
    SCORE_SETTING_NUMBER, /* above 0 */
    SCORE_SETTING_CHOICE
} score_setting_kind;

typedef struct score_setting {
    const char *name;           /* of the attribute */
    const char *const *choices; /* ends with NULL */
    size_t offset;              /* in the struct that has it, of an int or a double */
    double usual; /* where a recipe, or for what is optional a model file, does not say */
    score_setting_kind kind;
    int least; /* of an int */
    int most;
    bool optional;
} score_setting;

/* The word for an architecture in files, NULL where there is none of this number; and for readers. */
const char *score_architecture_word(int architecture);
const char *score_architecture_title(score_architecture architecture);

/* The settings of an architecture; one without a name ends them. */
const score_setting *score_architecture_settings(score_architecture architecture);

/* `owner` is the struct that has the setting. */
double score_setting_get(const void *owner, const score_setting *setting);
void score_setting_set(void *owner, const score_setting *setting, double value);

/* Whether a file need not say it. */
bool score_setting_is_usual(const void *owner, const score_setting *setting);

/* As a file has it. */
const char *score_setting_text(const void *owner, const score_setting *setting,
                               char text[SCORE_SETTING_TEXT]);

/* Gives what is optional and 0 its usual value. */
void score_settings_complete(void *owner, const score_setting *settings);

/* SCORE_ERROR_ARGUMENT names what is out of range. */
score_status score_settings_check(const void *owner, const score_setting *settings,
                                  score_error *error);

/* The same for an expert, or SCORE_ERROR_ARGUMENT names what is set though another architecture has
 * it. */
score_status score_expert_settings_check(const score_expert_config *expert, score_error *error);

#endif
