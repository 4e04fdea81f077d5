/* Frames in NumPy's .npy; opened as score_frame_source_open says. */
#ifndef SCORE_DATASET_NPY_H
#define SCORE_DATASET_NPY_H

#include "data/dataset_source.h"

score_status score_frame_source_open_npy(const score_data_config *data, int beads, int dimensions,
                                         score_frame_source **source, score_error *error);

#endif
