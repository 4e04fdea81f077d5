/* A training run from a recipe to a model file. */
#ifndef SCORE_TRAIN_H
#define SCORE_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "score/status.h"

/* More threads are not used: a step's gradient is summed in as many parts, whatever the threads. */
enum { SCORE_TRAIN_MOST_THREADS = 8 };

enum { SCORE_TRAIN_RECIPE_SEED = -1 };

typedef struct score_train_options {
    const char *recipe;
    const char *output; /* folder of the run's files, made where it is missing */
    int threads;        /* at least 1 */
    int64_t seed;       /* in place of the recipe's, or SCORE_TRAIN_RECIPE_SEED */
    bool resume;
} score_train_options;

/* Trains until all stages are done, and leaves in the output folder
 *   model.xml.gz   the averaged weights, written with every checkpoint
 *   log.csv        the course of the run
 *   checkpoint     the whole state
 * Says on stdout how it goes. The same recipe, data, build and kind of processor give the same
 * bytes, for any number of threads and however often the run was cut off and resumed. A run that is
 * resumed by another build or on another kind of processor goes on with a warning.
 *
 * SCORE_ERROR_FILE, SCORE_ERROR_FORMAT, SCORE_ERROR_ARGUMENT: what is wrong with the recipe, the
 * data, a file of the run or the checkpoint to resume. SCORE_ERROR_NUMERIC: the loss, its
 * gradient or a weight is not finite; names the step and the last checkpoint, from before it.
 * SCORE_ERROR_INTERRUPTED: by a signal; the run can be resumed. SCORE_ERROR_MEMORY. */
score_status score_train(const score_train_options *options, score_error *error);

#endif
