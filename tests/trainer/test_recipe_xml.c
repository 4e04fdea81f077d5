/* Files that are no XML, or none that a recipe is: refused with one error, before libxml2 takes long
 * or speaks. */
#define _POSIX_C_SOURCE 200809L
#include "temporary_folder.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "recipe/recipe.h"

static score_status read_text(const char *text, score_recipe **recipe, score_error *error) {
    FILE *file = fopen("recipe.xml", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    memset(error, 0, sizeof *error);
    return score_recipe_read("recipe.xml", recipe, error);
}

static void files_that_are_no_recipes_are_errors(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
        long line;
    } cases[] = {
        {"", "not XML", 1},
        {"not XML", "not XML", 1},
        {"<ScoreRecipe version='1'>\n<Data", "not XML", 2},
        {"<Recipe/>", "<Recipe>", 1},
        {"<ScoreRecipe xmlns='http://example.org' version='1'/>", "<ScoreRecipe>", 1},
        {"<!DOCTYPE a [<!ENTITY a 'x'>]>\n<ScoreRecipe version='1'/>", "document type", 1},
        {"<?xml version='1.0' encoding='ISO-8859-1'?><ScoreRecipe version='1'/>",
         "has the encoding ISO-8859-1, must have UTF-8", 1},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        score_recipe *recipe = NULL;
        score_error error;
        assert_int_equal(read_text(cases[k].text, &recipe, &error), SCORE_ERROR_FORMAT);
        assert_null(recipe);
        if (strstr(error.message, cases[k].message) == NULL || error.line != cases[k].line)
            fail_msg("'%s': %ld: %s", cases[k].text, error.line, error.message);
    }
}

/* libxml2 would compare each of 50,000 attributes with all others. */
static void long_tags_are_refused_before_they_are_parsed(void **state) {
    (void)state;
    enum { ATTRIBUTES = 50000, ROOM = 16 * ATTRIBUTES + 100 };
    char *text = malloc(ROOM);
    int used = snprintf(text, ROOM, "<ScoreRecipe version='1'>\n<Data");
    for (int k = 0; k < ATTRIBUTES; k++)
        used += snprintf(text + used, (size_t)(ROOM - used), " a%d=''", k);
    snprintf(text + used, (size_t)(ROOM - used), "/></ScoreRecipe>");
    score_recipe *recipe = NULL;
    score_error error;
    assert_int_equal(read_text(text, &recipe, &error), SCORE_ERROR_FORMAT);
    assert_string_equal(error.message, "has a tag of more than 65536 bytes");
    assert_int_equal(error.line, 2);
    free(text);
}

/* What libxml2 has to say goes into our error alone. */
static void nothing_is_printed(void **state) {
    (void)state;
    fflush(stderr);
    int kept = dup(2), file = open("printed", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    static const char *const texts[] = {
        "<?xml version='1.0' encoding='ascii'?><ScoreRecipe version='\xff'/>",
        "<?xml version='1.0' encoding='EUC-JP'?><ScoreRecipe version='\xff\xff\xff\xff'/>",
        "<?xml version='1.0' encoding='UTF-16LE'?><a b='\xd8\xd8\xd8\xd8\xd8'/>",
        "\xff\xfe<\xd8\xd8\xd8\xd8",
        "<?xml version='1.0' encoding='KLINGON'?><ScoreRecipe version='1'/>",
        "<!DOCTYPE a SYSTEM 'none.dtd'><ScoreRecipe version='1'/>",
        "<ScoreRecipe version='&none;'/>",
        "<ScoreRecipe"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        score_recipe *recipe = NULL;
        score_error error;
        read_text(texts[k], &recipe, &error);
    }
    fflush(stderr);
    off_t printed = lseek(2, 0, SEEK_CUR);
    dup2(kept, 2);
    close(kept);
    close(file);
    assert_int_equal(printed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_no_recipes_are_errors),
        cmocka_unit_test(long_tags_are_refused_before_they_are_parsed),
        cmocka_unit_test(nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
