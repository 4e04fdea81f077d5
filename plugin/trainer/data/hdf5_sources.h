/* Data sets that are put together from others, HDF5's virtual ones: what a source lacks, and what none
 * of them fills, reads as zeros. */
#ifndef SCORE_HDF5_SOURCES_H
#define SCORE_HDF5_SOURCES_H

#include "data/hdf5_written.h"

/* `plan` and `space` are those of `set`. All its sources must be there and hold what is taken of them,
 * and together they must fill it. SCORE_ERROR_FORMAT otherwise, SCORE_ERROR_MEMORY. */
score_status score_hdf5_check_sources(const score_hdf5_claim *claim, hid_t set, hid_t plan,
                                      hid_t space, score_error *error);

#endif
