/* A file of frames, read in pieces from its beginning: MDTraj's HDF5 layout or NumPy's .npy. */
#ifndef SCORE_DATASET_SOURCE_H
#define SCORE_DATASET_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recipe/recipe.h"

#define SCORE_MAX_FRAMES ((uint64_t)UINT32_MAX) /* random streams count with 32 bits */

typedef struct score_frame_source score_frame_source;

/* What a kind of file does. */
typedef struct score_frame_source_kind {
    /* The next `count` frames, count x values, float or double as source->is_double says. */
    score_status (*read)(score_frame_source *source, uint64_t count, void *frames,
                         score_error *error);
    /* All log-weights (source->frames); only where data.log_weights is given. */
    score_status (*read_log_weights)(score_frame_source *source, double *log_weights,
                                     score_error *error);
    /* Compares the beads with what the file calls them, if it does; NULL: it never does. */
    score_status (*check_beads)(score_frame_source *source, const score_bead *beads, int count,
                                score_error *error);
    void (*close)(score_frame_source *source);
} score_frame_source_kind;

struct score_frame_source {
    const score_frame_source_kind *kind;
    const score_data_config *data;
    uint64_t frames;
    size_t values; /* of a frame: beads x dimensions */
    bool is_double;
    double unit;   /* of its numbers: nm, or, of forces, kJ/mol/nm */
    uint64_t next; /* frame to be read next */
};

void score_frame_source_close(score_frame_source *source);

/* Checks that a file's array of `rank` sizes is frames x beads x dimensions, or, of one bead,
 * frames x dimensions, and sets source->frames and source->values. `name` is the array's. */
score_status score_frame_source_set_shape(score_frame_source *source, const char *name, int rank,
                                          const uint64_t *shape, int beads, int dimensions,
                                          score_error *error);

#endif
