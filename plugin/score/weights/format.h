/* What reader and writer of the model format agree on. score-model.rng says the same to others. */
#ifndef SCORE_FORMAT_H
#define SCORE_FORMAT_H

#include <stddef.h>

enum {
    SCORE_FORMAT_VERSION = 1,
    SCORE_MAX_NOTE_NAME = 256,         /* bytes, with the final zero */
    SCORE_MAX_NOTE_BYTES = 16 << 20,   /* all notes together */
    SCORE_MAX_HEADER_BYTES = 256 << 20 /* of XML outside of tensors */
};

/* The words of attributes, in the order of the enumerations of score/model.h. */
static const char *const SCORE_OUTPUT_WORDS[] = {"energy", "score", NULL};
static const char *const SCORE_DTYPE_WORDS[] = {"float32", "float64", NULL};
static const char *const SCORE_BASE_WORDS[] = {"none", "gaussian", NULL};
static const char *const SCORE_OVER_WORDS[] = {"all", "beads", "coordinates", NULL};

#endif
