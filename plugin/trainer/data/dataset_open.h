/* Opens a file of frames of whatever kind. */
#ifndef SCORE_DATASET_OPEN_H
#define SCORE_DATASET_OPEN_H

#include "data/dataset_source.h"

/* Opens data->path, whose beginning tells its kind, and checks its shape. `data` must outlive the
 * source. */
score_status score_frame_source_open(const score_data_config *data, int beads, int dimensions,
                                     score_frame_source **source, score_error *error);

/* The forces on those frames, from a file of their own or from that of the frames. */
typedef struct score_force_source {
    score_data_config data; /* of the source */
    score_frame_source *source;
} score_force_source;

/* Opens data->forces, a .npy file, or, without it, the data set `forces` of data->path, and checks that
 * there are forces on so many frames. The source is to be closed also after an error. `data` and
 * `forces` must outlive it. SCORE_ERROR_FORMAT: there are none, or of another shape. */
score_status score_force_source_open(score_force_source *forces, const score_data_config *data,
                                     int beads, int dimensions, uint64_t frames,
                                     score_error *error);

#endif
