#include "data/hdf5_slab.h"

#include <stdlib.h>

bool score_hdf5_read_slab(hid_t space, score_hdf5_slab *slab) {
    slab->rank = H5Sget_simple_extent_ndims(space);
    slab->endless = -1;
    if (slab->rank < 1 || H5Sget_select_type(space) != H5S_SEL_HYPERSLABS ||
        H5Sis_regular_hyperslab(space) <= 0 ||
        H5Sget_regular_hyperslab(space, slab->start, slab->stride, slab->count, slab->block) < 0)
        return false;
    for (int k = 0; k < slab->rank; k++)
        if (slab->count[k] == H5S_UNLIMITED || slab->block[k] == H5S_UNLIMITED)
            slab->endless = k;
    return true;
}

hsize_t score_hdf5_slab_below(const score_hdf5_slab *slab, int k, hsize_t size) {
    if (size <= slab->start[k])
        return 0;
    const hsize_t length = size - slab->start[k], block = slab->block[k];
    if (block == H5S_UNLIMITED)
        return length;
    const hsize_t whole = length / slab->stride[k], rest = length % slab->stride[k];
    if (whole >= slab->count[k])
        return slab->count[k] * block;
    return whole * block + (rest < block ? rest : block);
}

static bool select_blocks(hid_t space, score_hdf5_slab slab, int k, hsize_t skipped, hsize_t count,
                          hsize_t block) {
    slab.start[k] += skipped * slab.stride[k];
    slab.count[k] = count;
    slab.block[k] = block;
    return count == 0 || block == 0 ||
           H5Sselect_hyperslab(space, H5S_SELECT_OR, slab.start, slab.stride, slab.count,
                               slab.block) >= 0;
}

bool score_hdf5_select_slab(hid_t space, const score_hdf5_slab *slab, hsize_t count) {
    const int k = slab->endless;
    if (k < 0)
        return select_blocks(space, *slab, 0, 0, slab->count[0], slab->block[0]);
    const hsize_t block = slab->block[k];
    if (block == H5S_UNLIMITED)
        return select_blocks(space, *slab, k, 0, 1, count);
    const hsize_t whole = count / block;
    return select_blocks(space, *slab, k, 0, whole, block) &&
           select_blocks(space, *slab, k, whole, 1, count % block);
}

bool score_hdf5_select_more(hid_t space, hid_t selection) {
    score_hdf5_slab slab;
    if (H5Sget_select_type(selection) == H5S_SEL_ALL)
        return H5Sselect_all(space) >= 0;
    if (score_hdf5_read_slab(selection, &slab))
        return score_hdf5_select_slab(space, &slab, 0);
    const hssize_t count = H5Sget_select_hyper_nblocks(selection);
    const int rank = H5Sget_simple_extent_ndims(selection);
    if (count < 0 || rank < 1)
        return false;
    hsize_t *corners = malloc(((size_t)count * 2 * (size_t)rank + 1) * sizeof *corners);
    bool good = corners != NULL &&
                H5Sget_select_hyper_blocklist(selection, 0, (hsize_t)count, corners) >= 0;
    for (hssize_t b = 0; b < count && good; b++) {
        const hsize_t *first = corners + (size_t)b * 2 * (size_t)rank, *last = first + rank;
        slab = (score_hdf5_slab){.rank = rank, .endless = -1};
        for (int k = 0; k < rank; k++) {
            slab.start[k] = first[k];
            slab.stride[k] = slab.block[k] = last[k] - first[k] + 1;
            slab.count[k] = 1;
        }
        good = score_hdf5_select_slab(space, &slab, 0);
    }
    free(corners);
    return good;
}
