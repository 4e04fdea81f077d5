#define _POSIX_C_SOURCE 200809L
#include "data/hdf5_written.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "data/hdf5_sources.h"

enum { PATH_SIZE = 4096, TEXT_SIZE = PATH_SIZE + 128 };

score_status score_hdf5_not_written(const score_hdf5_claim *claim, const char *what,
                                    score_error *error) {
    if (claim->source == NULL)
        return score_fail_at(error, SCORE_ERROR_FORMAT, claim->path, 0,
                             "data set %s claims frames that were never written: %s", claim->name,
                             what);
    return score_fail_at(error, SCORE_ERROR_FORMAT, claim->path, 0,
                         "data set %s needs frames of %s that were never written: %s", claim->name,
                         claim->source, what);
}

/* Such a variable makes HDF5 read other files than those that are looked at here. */
static score_status check_prefix(const score_hdf5_claim *claim, const char *variable,
                                 score_error *error) {
    const char *prefix = getenv(variable);
    if (prefix == NULL || prefix[0] == '\0')
        return SCORE_OK;
    return score_fail_at(error, SCORE_ERROR_FORMAT, claim->path, 0,
                         "data set %s is in other files, and the environment's %s='%s' leads HDF5 "
                         "away from them: unset it",
                         claim->name, variable, prefix);
}

static score_status check_chunks(const score_hdf5_claim *claim, hid_t set, hid_t plan, hid_t space,
                                 score_error *error) {
    hsize_t shape[H5S_MAX_RANK] = {0}, most[H5S_MAX_RANK] = {0}, chunk[H5S_MAX_RANK] = {0};
    hsize_t found = 0, expected = 1;
    const int rank = H5Sget_simple_extent_dims(space, shape, most);
    /* HDF5 1.10 does not take H5S_ALL for the space. */
    const bool known = rank >= 1 && H5Pget_chunk(plan, rank, chunk) == rank &&
                       H5Dget_num_chunks(set, space, &found) >= 0;
    for (int k = 0; k < rank && known; k++)
        if (chunk[k] > most[k]) /* HDF5 never makes such, but reads them, beyond their end */
            return score_hdf5_not_written(claim, "its chunks are larger than it may become", error);
    for (int k = 0; k < rank && known; k++)
        expected *= (shape[k] + chunk[k] - 1) / chunk[k];
    if (known && found == expected)
        return SCORE_OK;
    char what[TEXT_SIZE];
    snprintf(what, sizeof what, "it has %llu of %llu chunks", (unsigned long long)found,
             (unsigned long long)expected);
    return score_hdf5_not_written(claim, what, error);
}

/* One of the files without a format that hold the numbers; *left bytes of them are still needed. */
static score_status check_raw_file(const score_hdf5_claim *claim, hid_t plan, unsigned number,
                                   hsize_t *left, score_error *error) {
    char name[PATH_SIZE] = "", what[TEXT_SIZE];
    off_t offset = 0;
    hsize_t size = 0;
    struct stat information;
    if (H5Pget_external(plan, number, sizeof name - 1, name, &offset, &size) < 0)
        return score_hdf5_not_written(claim, "a raw file of it is unknown", error);
    const hsize_t taken = size < *left ? size : *left, needed = (hsize_t)offset + taken;
    *left -= taken;
    if (stat(name, &information) != 0)
        snprintf(what, sizeof what, "its raw file %s is missing", name);
    else if (!S_ISREG(information.st_mode))
        snprintf(what, sizeof what, "its raw file %s is no regular file", name);
    else if ((hsize_t)information.st_size < needed)
        snprintf(what, sizeof what, "its raw file %s has %llu bytes of %llu", name,
                 (unsigned long long)information.st_size, (unsigned long long)needed);
    else
        return SCORE_OK;
    return score_hdf5_not_written(claim, what, error);
}

static score_status check_raw_files(const score_hdf5_claim *claim, hid_t set, hid_t plan,
                                    hsize_t points, int count, score_error *error) {
    hid_t type = H5Dget_type(set);
    hsize_t left = points * (type < 0 ? 0 : H5Tget_size(type));
    score_status status = check_prefix(claim, "HDF5_EXTFILE_PREFIX", error);
    for (int k = 0; k < count && left > 0 && status == SCORE_OK; k++)
        status = check_raw_file(claim, plan, (unsigned)k, &left, error);
    if (type >= 0)
        H5Tclose(type);
    if (status == SCORE_OK && left > 0)
        status = score_hdf5_not_written(claim, "its raw files are too few", error);
    return status;
}

static score_status check_block(const score_hdf5_claim *claim, hid_t set, hid_t plan,
                                hsize_t points, score_error *error) {
    const int count = H5Pget_external_count(plan);
    if (count > 0)
        return check_raw_files(claim, set, plan, points, count, error);
    H5D_space_status_t status = H5D_SPACE_STATUS_NOT_ALLOCATED;
    if (H5Dget_space_status(set, &status) >= 0 && status == H5D_SPACE_STATUS_ALLOCATED)
        return SCORE_OK;
    return score_hdf5_not_written(claim, "nothing of it is there", error);
}

static score_status check_virtual(const score_hdf5_claim *claim, hid_t set, hid_t plan, hid_t space,
                                  score_error *error) {
    const score_status status = check_prefix(claim, "HDF5_VDS_PREFIX", error);
    return status != SCORE_OK ? status : score_hdf5_check_sources(claim, set, plan, space, error);
}

score_status score_hdf5_check_storage(const score_hdf5_claim *claim, hid_t set,
                                      score_error *error) {
    hid_t plan = H5Dget_create_plist(set), space = H5Dget_space(set);
    const hssize_t points = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    const H5D_layout_t layout = plan < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(plan);
    score_status status = SCORE_OK;
    if (points < 0 || layout < 0)
        status = score_hdf5_not_written(claim, "it cannot be looked at", error);
    else if (points > 0 && layout == H5D_CHUNKED)
        status = check_chunks(claim, set, plan, space, error);
    else if (points > 0 && layout == H5D_VIRTUAL)
        status = check_virtual(claim, set, plan, space, error);
    else if (points > 0 && layout != H5D_COMPACT)
        status = check_block(claim, set, plan, (hsize_t)points, error);
    if (space >= 0)
        H5Sclose(space);
    if (plan >= 0)
        H5Pclose(plan);
    return status;
}

score_status score_hdf5_check_written(hid_t set, const char *path, const char *name,
                                      score_error *error) {
    return score_hdf5_check_storage(&(score_hdf5_claim){path, name, NULL, 0}, set, error);
}
