/* Selections of HDF5's that are regular, and may go on for ever along one dimension. */
#ifndef SCORE_HDF5_SLAB_H
#define SCORE_HDF5_SLAB_H

#include <stdbool.h>

#include <hdf5.h>

/* Along each dimension `count` blocks of `block` numbers, `stride` apart from `start` on. */
typedef struct score_hdf5_slab {
    int rank;
    int endless; /* the dimension along which count or block is H5S_UNLIMITED, or -1 */
    hsize_t start[H5S_MAX_RANK], stride[H5S_MAX_RANK], count[H5S_MAX_RANK], block[H5S_MAX_RANK];
} score_hdf5_slab;

/* False where the selection is not regular. */
bool score_hdf5_read_slab(hid_t space, score_hdf5_slab *slab);

/* How many places of the slab along its dimension k are below `size`. */
hsize_t score_hdf5_slab_below(const score_hdf5_slab *slab, int k, hsize_t size);

/* Adds the slab to what is selected of a space, the first `count` places of it along its endless
 * dimension, if it has one. */
bool score_hdf5_select_slab(hid_t space, const score_hdf5_slab *slab, hsize_t count);

/* Adds to what is selected of a space any selection that has an end. */
bool score_hdf5_select_more(hid_t space, hid_t selection);

#endif
