/* Whether a data set holds what it claims: what was never written reads as zeros, and a file of a few
 * kB can claim any size. */
#ifndef SCORE_HDF5_WRITTEN_H
#define SCORE_HDF5_WRITTEN_H

#include <hdf5.h>

#include "score/status.h"

/* What is being looked at, for errors. */
typedef struct score_hdf5_claim {
    const char *path;   /* of the file that is read */
    const char *name;   /* of its data set */
    const char *source; /* the file of a data set which that one is put together from, or NULL */
    int depth;          /* how many such lie between them */
} score_hdf5_claim;

/* `set` is data set `name` of the file at `path`. All its chunks must be there, or its raw files with
 * all their bytes; of a virtual data set the sources, which must fill it. SCORE_ERROR_FORMAT
 * otherwise, with what is missing. */
score_status score_hdf5_check_written(hid_t set, const char *path, const char *name,
                                      score_error *error);

/* The same, of a set that the claim may only be put together from. */
score_status score_hdf5_check_storage(const score_hdf5_claim *claim, hid_t set, score_error *error);

/* SCORE_ERROR_FORMAT: was never written, and what of it. */
score_status score_hdf5_not_written(const score_hdf5_claim *claim, const char *what,
                                    score_error *error);

#endif
