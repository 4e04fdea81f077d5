/* Data sets of numbers in an HDF5 file, with what must hold of them before they are read. */
#ifndef SCORE_HDF5_SET_H
#define SCORE_HDF5_SET_H

#include <stdbool.h>
#include <stddef.h>

#include <hdf5.h>

#include "score/status.h"

enum { SCORE_HDF5_MOST_DIMENSIONS = 4 };

typedef struct score_hdf5_set {
    hid_t id; /* -1: not open */
    int rank; /* 1 to SCORE_HDF5_MOST_DIMENSIONS */
    hsize_t shape[SCORE_HDF5_MOST_DIMENSIONS];
    size_t number_size; /* bytes */
} score_hdf5_set;

/* HDF5 prints its errors unless told not to. The caller's setting is put back afterwards. */
typedef struct score_hdf5_printing {
    H5E_auto2_t function;
    void *argument;
} score_hdf5_printing;

score_hdf5_printing score_hdf5_stop_printing(void);
void score_hdf5_resume_printing(score_hdf5_printing before);

/* "HDF5 cannot <what> <name>", with HDF5's reason. */
score_status score_hdf5_fail(const char *path, score_status code, const char *what,
                             const char *name, score_error *error);

/* Reads with HDF5, as work(argument) does, tried in a process of its own (contained.h): a damaged file,
 * above all a text of variable length, crashes some versions of libhdf5 or keeps them busy for ever.
 * SCORE_ERROR_FORMAT where it did, or took more than SCORE_REHEARSAL_CPU_SECONDS. */
enum { SCORE_REHEARSAL_CPU_SECONDS = 10 };
score_status score_hdf5_rehearse(const char *path, void (*work)(void *argument), void *argument,
                                 score_error *error);

/* Whether the file has something of this name, be it a link that leads nowhere. */
bool score_hdf5_has(hid_t file, const char *name);

/* Opens data set `name` of floating-point numbers of the open `file` at `path`. SCORE_ERROR_FORMAT:
 * it is not there, holds something else, or what was never written (hdf5_written.h), or is compressed
 * in a way that is not known here. */
score_status score_hdf5_open_set(hid_t file, const char *path, const char *name,
                                 score_hdf5_set *set, score_error *error);
void score_hdf5_close_set(score_hdf5_set *set);

/* Refuses a data set that is stored through a filter which this HDF5 lacks, such as h5py's lzf. */
score_status score_hdf5_check_filters(hid_t set, const char *path, const char *name,
                                      score_error *error);

#endif
