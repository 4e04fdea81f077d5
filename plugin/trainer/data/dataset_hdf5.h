/* Frames in MDTraj's HDF5 layout; opened as score_frame_source_open says. */
#ifndef SCORE_DATASET_HDF5_H
#define SCORE_DATASET_HDF5_H

#include "data/dataset_source.h"

score_status score_frame_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **source, score_error *error);

/* The same of its data set `forces`, whose attribute `units` names their unit. */
score_status score_force_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **source, score_error *error);

#endif
