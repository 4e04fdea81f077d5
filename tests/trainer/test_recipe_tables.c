/* Recipes with every row of the tables that they are read from, by score-train and by its schema. */
#define _POSIX_C_SOURCE 200809L
#include "temporary_folder.h"

#include <string.h>

#include "model/noise_schedule.h"
#include "recipe_text.h"
#include "run/learning_rate.h"

/* With its usual settings, and with others; in the schema, too. */
static void every_noise_schedule_is_read(void **state) {
    (void)state;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++)
        for (int factor = 1; factor <= 2; factor++) {
            score_noise_schedule expected = score_noise_schedule_usual(kind);
            char element[256];
            int used = snprintf(element, sizeof element, "<Diffusion type=\"%s\"",
                                score_noise_schedule_word(kind));
            for (int k = 0; factor > 1 && score_noise_schedule_setting(kind, k) != NULL; k++) {
                expected.settings[k] *= factor;
                used += snprintf(element + used, sizeof element - (size_t)used, " %s=\"%.17g\"",
                                 score_noise_schedule_setting(kind, k), expected.settings[k]);
            }
            snprintf(element + used, sizeof element - (size_t)used, "/>");
            score_recipe *recipe = read_edited("<Diffusion betaMin=\"0.2\" betaMax=\"10\"/>",
                                               element);
            const score_noise_schedule *found = &recipe->model.schedule;
            assert_int_equal(found->kind, kind);
            for (int k = 0; k < SCORE_SCHEDULE_SETTINGS; k++)
                assert_true(found->settings[k] == expected.settings[k]);
            score_recipe_destroy(recipe);
            char *text = edited("<Diffusion betaMin=\"0.2\" betaMax=\"10\"/>", element);
            assert_true(schema_accepts(text));
            free(text);
        }
    score_recipe *recipe = read_edited("<Diffusion betaMin=\"0.2\" betaMax=\"10\"/>", "");
    const score_noise_schedule usual = score_noise_schedule_usual(0);
    assert_memory_equal(&recipe->model.schedule, &usual, sizeof usual);
    score_recipe_destroy(recipe);
}

static void every_decay_of_the_rate_is_read(void **state) {
    (void)state;
    for (int k = 0; score_rate_decay_word(k) != NULL; k++) {
        char element[64];
        snprintf(element, sizeof element, "<AdamW rate=\"1e-3\" rateDecay=\"%s\"/>",
                 score_rate_decay_word(k));
        score_recipe *recipe = read_edited("<AdamW rate=\"1e-3\"/>", element);
        assert_int_equal(recipe->stages[0].optimizer.decay, k);
        score_recipe_destroy(recipe);
        char *text = edited("<AdamW rate=\"1e-3\"/>", element);
        assert_true(schema_accepts(text));
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_noise_schedule_is_read),
        cmocka_unit_test(every_decay_of_the_rate_is_read),
    };
    return cmocka_run_group_tests(tests, enter_recipe_folder, leave_folder);
}
