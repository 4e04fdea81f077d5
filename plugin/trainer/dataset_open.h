/* Opens a file of frames of whatever kind. */
#ifndef SCORE_DATASET_OPEN_H
#define SCORE_DATASET_OPEN_H

#include "dataset_source.h"

/* Opens data->path, whose beginning tells its kind, and checks its shape. `data` must outlive the
 * source. */
score_status score_frame_source_open(const score_data_config *data, int beads, int dimensions,
                                     score_frame_source **source, score_error *error);

#endif
