/* What makes two runs the same run: everything in the recipe that has an effect, and the data; then
 * what makes them the same to the last bit: the build and the kind of processor. Written out one
 * value a line, so that what differs can be named. */
#ifndef SCORE_IDENTITY_H
#define SCORE_IDENTITY_H

#include "data/dataset.h"

/* The lines of a run; the caller frees *text. SCORE_ERROR_MEMORY. */
score_status score_identity_create(const score_recipe *recipe, const score_dataset *dataset,
                                   char **text, score_error *error);

/* SCORE_ERROR_ARGUMENT: names the first value of recipe or data that is not the same in `saved`,
 * which comes from the file `path`, and in `current`. Another build or processor is no error, or
 * a long run would be lost with the machine it began on: *warning then says what differs, for the
 * caller to free, else it is NULL. SCORE_ERROR_MEMORY. */
score_status score_identity_compare(const char *saved, const char *path, const char *current,
                                    char **warning, score_error *error);

#endif
