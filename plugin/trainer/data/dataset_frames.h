/* What a file says of every frame, its coordinates or the forces on it: read once, checked, and kept as
 * the file has it. */
#ifndef SCORE_DATASET_FRAMES_H
#define SCORE_DATASET_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/dataset_source.h"
#include "data/dataset_store.h"

typedef struct score_frames {
    size_t values;  /* of a frame: beads x dimensions */
    bool is_double; /* as stored */
    double unit;    /* of what is stored: nm, or kJ/mol/nm */
    score_store store;
} score_frames;

/* Reads all that the source has. `noun` is what its numbers are; those of a frame must be finite as
 * float, and, where `apart` is not 0 but the dimensions, its beads not all in one point. More than
 * `memory` bytes go to a scratch file in the folder `scratch`. *checksum, a CRC-32, goes on over the
 * unit and the numbers. To be closed also after an error. SCORE_ERROR_FILE; SCORE_ERROR_FORMAT, with
 * the frame; SCORE_ERROR_MEMORY. */
score_status score_frames_read(score_frames *frames, score_frame_source *source, const char *noun,
                               int apart, uint64_t memory, const char *scratch, uint32_t *checksum,
                               score_error *error);
void score_frames_close(score_frames *frames);

/* Number `frame`, every number times `unit`. SCORE_ERROR_FILE. */
score_status score_frames_get(const score_frames *frames, uint64_t frame, double unit, double *x,
                              score_error *error);

#endif
