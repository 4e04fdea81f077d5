#include "model/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double score_setting_get(const void *owner, const score_setting *setting) {
    const char *place = (const char *)owner + setting->offset;
    int whole;
    double number;
    if (setting->kind == SCORE_SETTING_NUMBER) {
        memcpy(&number, place, sizeof number);
        return number;
    }
    memcpy(&whole, place, sizeof whole);
    return whole;
}

void score_setting_set(void *owner, const score_setting *setting, double value) {
    char *place = (char *)owner + setting->offset;
    const int whole = (int)value;
    if (setting->kind == SCORE_SETTING_NUMBER)
        memcpy(place, &value, sizeof value);
    else
        memcpy(place, &whole, sizeof whole);
}

bool score_setting_is_usual(const void *owner, const score_setting *setting) {
    return setting->optional && score_setting_get(owner, setting) == setting->usual;
}

const char *score_setting_text(const void *owner, const score_setting *setting,
                               char text[SCORE_SETTING_TEXT]) {
    const double value = score_setting_get(owner, setting);
    if (setting->kind == SCORE_SETTING_CHOICE)
        return setting->choices[(int)value];
    snprintf(text, SCORE_SETTING_TEXT, "%.10g", value);
    return text;
}

void score_settings_complete(void *owner, const score_setting *settings) {
    for (const score_setting *setting = settings; setting->name != NULL; setting++)
        if (setting->optional && score_setting_get(owner, setting) == 0)
            score_setting_set(owner, setting, setting->usual);
}

static int count(const char *const *choices) {
    int number = 0;
    while (choices[number] != NULL)
        number++;
    return number;
}

static score_status check(const void *owner, const score_setting *setting, score_error *error) {
    const double value = score_setting_get(owner, setting);
    const bool choice = setting->kind == SCORE_SETTING_CHOICE;
    if (setting->kind == SCORE_SETTING_NUMBER) {
        if ((value > 0 && isfinite(value)) || (setting->optional && value == 0))
            return SCORE_OK;
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%s is %g, must be positive and finite",
                          setting->name, value);
    }
    const int least = choice ? 0 : setting->least;
    const int most = choice ? count(setting->choices) - 1 : setting->most;
    if (value >= least && value <= most)
        return SCORE_OK;
    return score_fail(error, SCORE_ERROR_ARGUMENT, "%s is %g, must be in [%d, %d]", setting->name,
                      value, least, most);
}

score_status score_settings_check(const void *owner, const score_setting *settings,
                                  score_error *error) {
    score_status status = SCORE_OK;
    for (const score_setting *setting = settings; setting->name != NULL && status == SCORE_OK;
         setting++)
        status = check(owner, setting, error);
    return status;
}

static bool has(const score_setting *settings, const char *name) {
    while (settings->name != NULL && strcmp(settings->name, name) != 0)
        settings++;
    return settings->name != NULL;
}

score_status score_expert_settings_check(const score_expert_config *expert, score_error *error) {
    const score_setting *own = score_architecture_settings(expert->architecture);
    for (int other = 0; score_architecture_word(other) != NULL; other++)
        for (const score_setting *setting = score_architecture_settings((score_architecture)other);
             setting->name != NULL; setting++)
            if (!has(own, setting->name) && score_setting_get(expert, setting) != 0)
                return score_fail(error, SCORE_ERROR_ARGUMENT,
                                  "%s is %g, which %s has not: must be 0", setting->name,
                                  score_setting_get(expert, setting),
                                  score_architecture_word((int)expert->architecture));
    return score_settings_check(expert, own, error);
}
