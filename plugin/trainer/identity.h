/* What makes two runs the same run: everything in the recipe that has an effect, and the data.
 * Written out one value a line, so that what differs can be named. */
#ifndef SCORE_IDENTITY_H
#define SCORE_IDENTITY_H

#include "dataset.h"

/* The lines of a run; the caller frees *text. Reads the data file once for its CRC-32.
 * SCORE_ERROR_FILE, SCORE_ERROR_MEMORY. */
score_status score_identity_create(const score_recipe *recipe, const score_dataset *dataset,
                                   char **text, score_error *error);

/* SCORE_ERROR_ARGUMENT: names the first value that is not the same in `saved`, which comes from
 * the file `path`, and in `current`. */
score_status score_identity_compare(const char *saved, const char *path, const char *current,
                                    score_error *error);

#endif
