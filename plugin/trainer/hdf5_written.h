/* Whether a data set holds what it claims: what was never written reads as zeros, and a file of a few
 * kB can claim any size. */
#ifndef SCORE_HDF5_WRITTEN_H
#define SCORE_HDF5_WRITTEN_H

#include <hdf5.h>

#include "score/status.h"

enum { SCORE_HDF5_MOST_DIMENSIONS = 4 };

/* `set`, which is not empty, is data set `name` of the open `file` at `path`. A virtual data set, put
 * together from others, needs all of them, and that they fill it. SCORE_ERROR_FORMAT otherwise. */
score_status score_hdf5_check_written(hid_t file, const char *path, hid_t set, const char *name,
                                      score_error *error);

#endif
