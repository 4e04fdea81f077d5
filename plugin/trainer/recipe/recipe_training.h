/* The <Training> of a recipe: stages, optimizer, losses. */
#ifndef SCORE_RECIPE_TRAINING_H
#define SCORE_RECIPE_TRAINING_H

#include "recipe/recipe.h"
#include "recipe/recipe_xml.h"

/* Reads `node` into the recipe, whose model has been read. Errors stick to the reader. */
void score_recipe_read_training(score_xml_reader *reader, const xmlNode *node,
                                score_recipe *recipe);

#endif
