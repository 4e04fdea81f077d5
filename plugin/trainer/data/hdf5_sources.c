#define _XOPEN_SOURCE 700
#include "data/hdf5_sources.h"

#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "data/hdf5_links.h"
#include "data/hdf5_set.h"
#include "data/hdf5_slab.h"
#include "data/hdf5_text.h"

enum { PATH_SIZE = 4096, SET_SIZE = 1024, MOST_DEPTH = 4 };

/* A part of a virtual data set, and where it is. */
typedef struct mapping {
    char file[PATH_SIZE], set[SET_SIZE]; /* %b stands for the number of a block, %% for % */
    hid_t from, to;                      /* selections of the source, and of the set */
} mapping;

/* What is looked at: the mappings of one set. */
typedef struct whole {
    const score_hdf5_claim *claim;
    hid_t set;
    hid_t filled; /* its space, with all that sources fill selected */
    hsize_t shape[H5S_MAX_RANK];
} whole;

static score_status fail_source(const whole *all, const char *what, const char *of,
                                score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FORMAT, all->claim->path, 0,
                         "data set %s is put together from others, and %s%s", all->claim->name,
                         what, of);
}

/* -------- where a source is -------- */

/* A name of the file, with the number of the block in it, if it has a place for that. */
static bool resolve(const char *pattern, hsize_t block, char *name, size_t size) {
    size_t used = 0;
    for (const char *at = pattern; *at != '\0' && used < size; at++) {
        if (at[0] == '%' && at[1] == 'b')
            used += (size_t)snprintf(name + used, size - used, "%llu", (unsigned long long)block);
        else
            name[used++] = *at;
        at += at[0] == '%' && (at[1] == 'b' || at[1] == '%');
    }
    if (used >= size)
        return false;
    name[used] = '\0';
    return true;
}

static hid_t open_regular(const char *path, bool *is_there) {
    struct stat information;
    if (stat(path, &information) != 0 || !S_ISREG(information.st_mode))
        return -1;
    *is_there = true;
    return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

static hid_t open_beside(const char *path, const char *name, bool *is_there) {
    char folder[PATH_SIZE], beside[2 * PATH_SIZE];
    snprintf(folder, sizeof folder, "%s", path);
    snprintf(beside, sizeof beside, "%s/%s", dirname(folder), name);
    return open_regular(beside, is_there);
}

/* As HDF5 looks for them: an absolute path, or else its last part; beside the file, from the current
 * folder, or beside the file that a link leads to. */
static hid_t open_source(hid_t set, const char *name, bool *is_there) {
    char path[PATH_SIZE] = "", target[PATH_SIZE] = "";
    hid_t file = name[0] == '/' ? open_regular(name, is_there) : -1;
    if (file < 0 && name[0] == '/')
        name = strrchr(name, '/') + 1;
    if (file < 0 && H5Fget_name(set, path, sizeof path) > 0)
        file = open_beside(path, name, is_there);
    if (file < 0)
        file = open_regular(name, is_there);
    if (file < 0 && realpath(path, target) != NULL)
        file = open_beside(target, name, is_there);
    return file;
}

/* -------- what a source has -------- */

/* Whether the source has all that is taken of it. A file says of a mapping of the whole source no more
 * than that. */
static bool reaches(const score_hdf5_set *source, const mapping *part, hid_t space,
                    hssize_t wanted) {
    hsize_t first[H5S_MAX_RANK] = {0}, last[H5S_MAX_RANK] = {0}, shape[H5S_MAX_RANK] = {0};
    const int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    if (H5Sget_select_type(part->from) == H5S_SEL_ALL)
        return wanted < 0 || H5Sget_simple_extent_npoints(space) == wanted;
    score_hdf5_slab slab;
    bool good = rank == source->rank && H5Sget_simple_extent_ndims(part->from) == rank;
    if (good && score_hdf5_read_slab(part->from, &slab) && slab.endless >= 0) {
        for (int k = 0; k < rank && good; k++)
            good = k == slab.endless ||
                   score_hdf5_slab_below(&slab, k, shape[k]) == slab.count[k] * slab.block[k];
        return good;
    }
    good = good && H5Sget_select_bounds(part->from, first, last) >= 0;
    for (int k = 0; k < rank && good; k++)
        good = last[k] < shape[k];
    return good;
}

static bool are_alike(hid_t one, hid_t other) {
    hid_t first = H5Dget_type(one), second = H5Dget_type(other);
    const bool good = first >= 0 && second >= 0 && H5Tget_class(first) == H5Tget_class(second);
    if (first >= 0)
        H5Tclose(first);
    if (second >= 0)
        H5Tclose(second);
    return good;
}

/* HDF5 does not convert: the units of a source must be those of the set, or what is meant without. */
static bool have_same_units(hid_t set, hid_t source, char other[64]) {
    static const char *const usual[] = {"nanometers", "degrees", "natural logarithm"};
    char own[64] = "";
    if (H5Aexists(source, "units") <= 0 || !score_hdf5_attribute(source, "units", other, 64))
        return true;
    if (H5Aexists(set, "units") > 0)
        return score_hdf5_attribute(set, "units", own, sizeof own) &&
               strcmp(score_hdf5_same_unit(own), score_hdf5_same_unit(other)) == 0;
    for (size_t k = 0; k < sizeof usual / sizeof usual[0]; k++)
        if (strcmp(score_hdf5_same_unit(other), usual[k]) == 0)
            return true;
    return false;
}

/* An open source; *available: how far it goes along the endless dimension of what is taken of it. */
static score_status check_set(const whole *all, const mapping *part, const char *file, hid_t set,
                              hssize_t wanted, hsize_t *available, score_error *error) {
    const score_hdf5_claim claim = {all->claim->path, all->claim->name, file,
                                    all->claim->depth + 1};
    if (claim.depth > MOST_DEPTH)
        return fail_source(all, "these again from others, too often", "", error);
    if (!are_alike(all->set, set))
        return fail_source(all, "numbers of another kind are in ", file, error);
    char units[64];
    if (!have_same_units(all->set, set, units))
        return score_fail_at(error, SCORE_ERROR_FORMAT, claim.path, 0,
                             "data set %s is put together from others, and that of %s has units "
                             "'%s', which are not its own",
                             claim.name, file, units);
    score_status status = score_hdf5_check_filters(set, claim.path, claim.name, error);
    hid_t space = H5Dget_space(set);
    score_hdf5_set source = {.id = set, .rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space)};
    if (status == SCORE_OK && (source.rank < 1 || !reaches(&source, part, space, wanted)))
        status = score_hdf5_not_written(&claim, "it has fewer", error);
    if (status == SCORE_OK)
        status = score_hdf5_check_storage(&claim, set, error);
    score_hdf5_slab slab;
    if (status == SCORE_OK && score_hdf5_read_slab(part->from, &slab) && slab.endless >= 0) {
        hsize_t shape[H5S_MAX_RANK] = {0};
        H5Sget_simple_extent_dims(space, shape, NULL);
        *available = score_hdf5_slab_below(&slab, slab.endless, shape[slab.endless]);
    }
    if (space >= 0)
        H5Sclose(space);
    return status;
}

/* The source of block number `block`, which must have `wanted` numbers, if that is not negative. */
static score_status check_source(const whole *all, const mapping *part, hsize_t block,
                                 hssize_t wanted, hsize_t *available, score_error *error) {
    char file[PATH_SIZE], name[SET_SIZE], of[PATH_SIZE + SET_SIZE + 16];
    bool is_there = false;
    if (!resolve(part->file, block, file, sizeof file) ||
        !resolve(part->set, block, name, sizeof name))
        return fail_source(all, "a name of one is too long", "", error);
    const bool own = strcmp(file, ".") == 0;
    hid_t other = own ? H5Iget_file_id(all->set) : open_source(all->set, file, &is_there);
    if (other < 0)
        return fail_source(all, file, is_there ? " is no HDF5 file" : " is missing", error);
    hid_t set = score_hdf5_open_linked(other, name);
    snprintf(of, sizeof of, "%s of %s", name, file);
    const score_status status = set < 0 ? fail_source(all, of, " is missing", error)
                                        : check_set(all, part, file, set, wanted, available, error);
    if (set >= 0)
        H5Dclose(set);
    H5Fclose(other);
    return status;
}

/* -------- the mappings -------- */

/* Blocks without end, each of a source of its own: all that begin inside of the set. */
static score_status check_numbered(const whole *all, const mapping *part,
                                   const score_hdf5_slab *slab, score_error *error) {
    const int k = slab->endless;
    hsize_t size = 1, unused = 0;
    for (int j = 0; j < slab->rank; j++)
        size *= j == k ? slab->block[j] : slab->count[j] * slab->block[j];
    score_status status = SCORE_OK;
    for (hsize_t block = 0, at = slab->start[k]; at < all->shape[k] && status == SCORE_OK;
         block++, at += slab->stride[k])
        status = check_source(all, part, block, (hssize_t)size, &unused, error);
    if (status == SCORE_OK &&
        !score_hdf5_select_slab(all->filled, slab, score_hdf5_slab_below(slab, k, all->shape[k])))
        status = score_hdf5_not_written(all->claim, "its parts are unknown", error);
    return status;
}

static score_status check_mapping(const whole *all, const mapping *part, score_error *error) {
    score_hdf5_slab slab;
    hsize_t available = 0;
    score_status status;
    bool good = true;
    if (!score_hdf5_read_slab(part->to, &slab) || slab.endless < 0) {
        const hssize_t wanted = H5Sget_select_type(part->to) == H5S_SEL_ALL
                                    ? H5Sget_simple_extent_npoints(all->filled)
                                    : H5Sget_select_npoints(part->to);
        status = check_source(all, part, 0, wanted, &available, error);
        good = status != SCORE_OK || score_hdf5_select_more(all->filled, part->to);
    } else if (strstr(part->file, "%b") != NULL || strstr(part->set, "%b") != NULL) {
        status = check_numbered(all, part, &slab, error);
    } else {
        status = check_source(all, part, 0, -1, &available, error);
        const hsize_t room = score_hdf5_slab_below(&slab, slab.endless, all->shape[slab.endless]);
        good = status != SCORE_OK ||
               score_hdf5_select_slab(all->filled, &slab, available < room ? available : room);
    }
    return good ? status
                : score_hdf5_not_written(all->claim, "a part of it cannot be looked at", error);
}

static bool read_mapping(hid_t plan, size_t index, mapping *part) {
    const ssize_t file = H5Pget_virtual_filename(plan, index, part->file, sizeof part->file);
    const ssize_t set = H5Pget_virtual_dsetname(plan, index, part->set, sizeof part->set);
    part->from = H5Pget_virtual_srcspace(plan, index);
    part->to = H5Pget_virtual_vspace(plan, index);
    return file > 0 && file < (ssize_t)sizeof part->file && set > 0 &&
           set < (ssize_t)sizeof part->set && part->from >= 0 && part->to >= 0;
}

static score_status check_filled(const whole *all, score_error *error) {
    const hssize_t wanted = H5Sget_simple_extent_npoints(all->filled);
    const hssize_t filled = H5Sget_select_npoints(all->filled);
    if (filled == wanted)
        return SCORE_OK;
    char what[128];
    snprintf(what, sizeof what, "its sources fill %lld of %lld numbers", (long long)filled,
             (long long)wanted);
    return score_hdf5_not_written(all->claim, what, error);
}

score_status score_hdf5_check_sources(const score_hdf5_claim *claim, hid_t set, hid_t plan,
                                      hid_t space, score_error *error) {
    whole all = {.claim = claim, .set = set, .filled = H5Scopy(space)};
    mapping *part = calloc(1, sizeof *part);
    size_t count = 0;
    score_status status = SCORE_OK;
    if (part == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", claim->path);
    else if (all.filled < 0 || H5Sselect_none(all.filled) < 0 ||
             H5Sget_simple_extent_dims(space, all.shape, NULL) < 0 ||
             H5Pget_virtual_count(plan, &count) < 0)
        status = score_hdf5_not_written(claim, "its sources are unknown", error);
    for (size_t k = 0; k < count && status == SCORE_OK; k++) {
        if (read_mapping(plan, k, part))
            status = check_mapping(&all, part, error);
        else
            status = score_hdf5_not_written(claim, "a source of it is unknown", error);
        if (part->from >= 0)
            H5Sclose(part->from);
        if (part->to >= 0)
            H5Sclose(part->to);
    }
    if (status == SCORE_OK)
        status = check_filled(&all, error);
    free(part);
    if (all.filled >= 0)
        H5Sclose(all.filled);
    return status;
}
