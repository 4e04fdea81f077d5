#include "hdf5_written.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { MOST = SCORE_HDF5_MOST_DIMENSIONS, PATH_SIZE = 4096 };

/* Where a source of a virtual data set is. */
typedef struct virtual_source {
    char file[PATH_SIZE];
    char set[1024];
    hid_t mapping, selection; /* of it, and of what it fills */
} virtual_source;

static bool all_chunks_are_there(hid_t set, hid_t plan) {
    hsize_t shape[MOST] = {0}, chunk[MOST] = {0}, found = 0, expected = 1;
    hid_t space = H5Dget_space(set); /* HDF5 1.10 does not take H5S_ALL */
    const int rank = H5Sget_simple_extent_ndims(space);
    bool written = rank >= 1 && rank <= MOST &&
                   H5Sget_simple_extent_dims(space, shape, NULL) == rank &&
                   H5Pget_chunk(plan, rank, chunk) == rank &&
                   H5Dget_num_chunks(set, space, &found) >= 0;
    for (int k = 0; k < rank && written; k++)
        expected *= (shape[k] + chunk[k] - 1) / chunk[k];
    if (space >= 0)
        H5Sclose(space);
    return written && found == expected;
}

/* Of data sets that are not virtual. */
static bool is_written(hid_t set, hid_t plan) {
    if (H5Pget_layout(plan) == H5D_CHUNKED)
        return all_chunks_are_there(set, plan);
    H5D_space_status_t space = H5D_SPACE_STATUS_NOT_ALLOCATED;
    return H5Pget_layout(plan) != H5D_CONTIGUOUS || H5Pget_external_count(plan) > 0 ||
           (H5Dget_space_status(set, &space) >= 0 && space == H5D_SPACE_STATUS_ALLOCATED);
}

/* Whether the data set has all that is taken of it. A file says of a mapping of the whole set no more
 * than that. */
static bool reaches(hid_t set, const virtual_source *source) {
    hsize_t shape[MOST] = {0}, first[MOST] = {0}, last[MOST] = {0};
    hid_t space = H5Dget_space(set);
    const int rank = H5Sget_simple_extent_ndims(space);
    bool good = rank >= 1 && rank <= MOST && H5Sget_simple_extent_dims(space, shape, NULL) == rank;
    if (good && H5Sget_select_type(source->mapping) == H5S_SEL_ALL)
        good = H5Sget_simple_extent_npoints(space) == H5Sget_select_npoints(source->selection);
    else if (good)
        good = H5Sget_simple_extent_ndims(source->mapping) == rank &&
               H5Sget_select_bounds(source->mapping, first, last) >= 0;
    for (int k = 0; k < rank && good; k++)
        good = last[k] < shape[k];
    if (space >= 0)
        H5Sclose(space);
    return good;
}

static score_status check_source_set(hid_t file, const char *path, const virtual_source *source,
                                     const char *name, score_error *error) {
    hid_t set = H5Lexists(file, source->set, H5P_DEFAULT) > 0
                    ? H5Dopen2(file, source->set, H5P_DEFAULT)
                    : -1;
    if (set < 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "data set %s is put together from others, and %s of %s is missing",
                             name, source->set, source->file);
    hid_t plan = H5Dget_create_plist(set);
    const bool good = plan >= 0 && is_written(set, plan) && reaches(set, source);
    if (plan >= 0)
        H5Pclose(plan);
    H5Dclose(set);
    return good ? SCORE_OK
                : score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                "data set %s needs frames of %s that were never written", name,
                                source->file);
}

/* As HDF5 looks for them: beside the file, then from the current folder. */
static hid_t open_source(const char *path, const char *name) {
    char beside[2 * PATH_SIZE];
    const char *slash = strrchr(path, '/');
    const int folder = name[0] == '/' || slash == NULL ? 0 : (int)(slash - path) + 1;
    snprintf(beside, sizeof beside, "%.*s%s", folder, path, name);
    hid_t file = H5Fopen(beside, H5F_ACC_RDONLY, H5P_DEFAULT);
    return file >= 0 || folder == 0 ? file : H5Fopen(name, H5F_ACC_RDONLY, H5P_DEFAULT);
}

static score_status check_source(hid_t file, const char *path, const virtual_source *source,
                                 const char *name, score_error *error) {
    if (strcmp(source->file, ".") == 0)
        return check_source_set(file, path, source, name, error);
    hid_t other = open_source(path, source->file);
    if (other < 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "data set %s is put together from others, and %s is missing", name,
                             source->file);
    const score_status status = check_source_set(other, path, source, name, error);
    H5Fclose(other);
    return status;
}

static bool read_source(hid_t plan, size_t index, virtual_source *source) {
    const ssize_t file = H5Pget_virtual_filename(plan, index, source->file, sizeof source->file);
    const ssize_t set = H5Pget_virtual_dsetname(plan, index, source->set, sizeof source->set);
    source->mapping = H5Pget_virtual_srcspace(plan, index);
    source->selection = H5Pget_virtual_vspace(plan, index);
    return file > 0 && file < (ssize_t)sizeof source->file && set > 0 &&
           set < (ssize_t)sizeof source->set && source->mapping >= 0 && source->selection >= 0;
}

static score_status check_virtual(hid_t file, const char *path, hid_t set, hid_t plan,
                                  const char *name, score_error *error) {
    size_t count = 0;
    hssize_t filled = 0;
    score_status status = SCORE_OK;
    hid_t space = H5Dget_space(set);
    const hssize_t wanted = H5Sget_simple_extent_npoints(space);
    virtual_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", path);
    bool known = H5Pget_virtual_count(plan, &count) >= 0;
    for (size_t k = 0; k < count && known && status == SCORE_OK; k++) {
        known = read_source(plan, k, source);
        if (known) {
            filled += H5Sget_select_npoints(source->selection);
            status = check_source(file, path, source, name, error);
        }
        if (source->mapping >= 0)
            H5Sclose(source->mapping);
        if (source->selection >= 0)
            H5Sclose(source->selection);
    }
    if (space >= 0)
        H5Sclose(space);
    free(source);
    if (status == SCORE_OK && (!known || filled < wanted))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set %s claims frames that were never written", name);
    return status;
}

score_status score_hdf5_check_written(hid_t file, const char *path, hid_t set, const char *name,
                                      score_error *error) {
    hid_t plan = H5Dget_create_plist(set);
    score_status status = SCORE_OK;
    if (plan >= 0 && H5Pget_layout(plan) == H5D_VIRTUAL)
        status = check_virtual(file, path, set, plan, name, error);
    else if (plan < 0 || !is_written(set, plan))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set %s claims frames that were never written", name);
    if (plan >= 0)
        H5Pclose(plan);
    return status;
}
