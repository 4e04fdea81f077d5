/* A good recipe to edit, and what score-train and its schema say to a text. */
#ifndef RECIPE_TEXT_H
#define RECIPE_TEXT_H

#include "recipe/recipe.h"

extern const char *const GOOD_RECIPE;

void write_text(const char *path, const char *text);

/* Group set-up: an empty folder with the recipe's data file, which nothing reads. */
int enter_recipe_folder(void **state);

/* The good recipe with the first `old` replaced by `new`, for free(). */
char *edited(const char *old, const char *new);

/* As the file recipe.xml of the working folder. */
score_status read_text(const char *text, score_recipe **recipe, score_error *error);
score_recipe *read_edited(const char *old, const char *new);

/* Whether the shipped schema accepts `text`. */
bool schema_accepts(const char *text);

#endif
