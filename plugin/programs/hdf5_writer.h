/* Writing HDF5 so that every call is made whatever became of the ones before: HDF5 refuses handles
 * that are negative. The first failure stays, with HDF5's words for it. */
#ifndef SCORE_HDF5_WRITER_H
#define SCORE_HDF5_WRITER_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct score_hdf5_writer {
    hid_t file;
    bool failed;
    char cause[128];
    H5E_auto2_t printing; /* how errors were printed before; now they are not */
    void *printing_argument;
} score_hdf5_writer;

/* Silences HDF5; objects carry no time of their making, so that the same content gives the same
 * bytes. */
void score_hdf5_create(score_hdf5_writer *to, const char *path);
void score_hdf5_open(score_hdf5_writer *to, const char *path);
/* Closes the file and lets HDF5 speak again. */
void score_hdf5_close(score_hdf5_writer *to);

void score_hdf5_note(score_hdf5_writer *to, herr_t result);
void score_hdf5_integer_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                                  int64_t integer);
/* Numbers: a scalar where count is 1. */
void score_hdf5_numbers_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                                  const double *numbers, int count);
void score_hdf5_text_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                               const char *text);
/* Text of fixed length, as NumPy's bytes are; for H5Tclose. */
hid_t score_hdf5_text_type(const char *text);

#endif
