/* Links of an HDF5 file, which may lead through other files. */
#ifndef SCORE_HDF5_LINKS_H
#define SCORE_HDF5_LINKS_H

#include <stdbool.h>

#include <hdf5.h>

/* As H5Dopen2 and H5Lexists, but a link to what is no regular file is an error: HDF5 would wait for a
 * FIFO for ever. */
hid_t score_hdf5_open_linked(hid_t file, const char *name);
bool score_hdf5_has_linked(hid_t file, const char *name);

#endif
