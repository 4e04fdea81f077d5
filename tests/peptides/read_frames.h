/* Files of frames as HDF5's own functions read them. A test fails where something is missing or of
 * another kind. */
#ifndef READ_FRAMES_H
#define READ_FRAMES_H

#include <hdf5.h>

#include "temporary_folder.h"

hid_t open_frames(const char *path);
void close_frames(hid_t file);

/* A contiguous data set of this type and shape; `values` gets its content. */
void read_set(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
              void *values);
/* Whether there is a data set or attribute of this name. */
bool has_set(hid_t file, const char *name);
bool has_attribute(hid_t owner, const char *name);

/* `set`: the name of a data set, or NULL for the file. */
void expect_text(hid_t file, const char *set, const char *name, const char *expected);
/* One number: a scalar; `type`: H5T_NATIVE_INT64 or H5T_NATIVE_DOUBLE. */
void expect_numbers(hid_t file, const char *name, hid_t type, int count, const double *expected);
void expect_number(hid_t file, const char *name, hid_t type, double expected);

#endif
