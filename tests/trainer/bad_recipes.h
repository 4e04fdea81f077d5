/* One change to a good recipe each, and the error that it must be. */
#ifndef BAD_RECIPES_H
#define BAD_RECIPES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct bad_recipe {
    const char *old, *new;
    long line;
    const char *message;
    bool schema_too; /* the schema refuses it as well; the others compare one value with another */
} bad_recipe;

extern const bad_recipe score_bad_recipes[];
extern const size_t score_bad_recipe_count;

#endif
