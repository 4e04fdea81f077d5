/* What HDF5 does for a file of frames: it lays the file out, and finds the columns of one that is. */
#ifndef SCORE_FRAMES_LAYOUT_H
#define SCORE_FRAMES_LAYOUT_H

#include "programs/frames_file.h"
#include "programs/hdf5_writer.h"

void score_frames_layout_write(const score_frames_layout *layout, score_hdf5_writer *to);

/* Where the columns are; false where one is missing or another. */
bool score_frames_layout_find(const score_frames_layout *layout, score_hdf5_writer *from,
                              score_frames_file *file);

/* Whether the file has the layout's attributes. SCORE_ERROR_FORMAT: names the first that is missing
 * or another, with both values. */
score_status score_frames_layout_compare(const score_frames_layout *layout,
                                         const score_hdf5_writer *from, const char *path,
                                         score_error *error);

/* Bytes. */
uint64_t score_frames_row_size(const score_frames_column *column);

#endif
