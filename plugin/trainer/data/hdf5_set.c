#include "data/hdf5_set.h"

#include <stdio.h>

#include "data/contained.h"
#include "data/hdf5_links.h"
#include "data/hdf5_written.h"

score_hdf5_printing score_hdf5_stop_printing(void) {
    score_hdf5_printing before = {NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &before.function, &before.argument);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

void score_hdf5_resume_printing(score_hdf5_printing before) {
    H5Eset_auto2(H5E_DEFAULT, before.function, before.argument);
}

static herr_t copy_cause(unsigned index, const H5E_error2_t *entry, void *text) {
    if (index == 0 && entry->desc != NULL)
        snprintf(text, 128, "%s", entry->desc);
    return 0;
}

score_status score_hdf5_fail(const char *path, score_status code, const char *what,
                             const char *name, score_error *error) {
    char cause[128] = "unknown cause";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, copy_cause, cause);
    return score_fail_at(error, code, path, 0, "HDF5 cannot %s %s (%s)", what, name, cause);
}

score_status score_hdf5_rehearse(const char *path, void (*work)(void *argument), void *argument,
                                 score_error *error) {
    if (score_survives(work, argument, SCORE_REHEARSAL_CPU_SECONDS))
        return SCORE_OK;
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                         "is damaged: HDF5 crashes on it, or does not come to an end");
}

bool score_hdf5_has(hid_t file, const char *name) {
    return score_hdf5_has_linked(file, name);
}

score_status score_hdf5_check_filters(hid_t set, const char *path, const char *name,
                                      score_error *error) {
    hid_t plan = H5Dget_create_plist(set);
    const int count = plan < 0 ? 0 : H5Pget_nfilters(plan);
    score_status status = SCORE_OK;
    for (int k = 0; k < count && status == SCORE_OK; k++) {
        char filter[64] = "";
        unsigned flags = 0;
        size_t values = 0;
        const H5Z_filter_t id = H5Pget_filter2(plan, (unsigned)k, &flags, &values, NULL,
                                               sizeof filter, filter, NULL);
        filter[sizeof filter - 1] = '\0';
        if (id < 0 || H5Zfilter_avail(id) <= 0)
            status = score_fail_at(
                error, SCORE_ERROR_FORMAT, path, 0,
                "data set %s is compressed by '%s' (HDF5's filter number %d), "
                "which is not installed here; write it with gzip: by h5py, or where the "
                "filter is installed by 'h5repack -f GZIP=5 OLD.h5 NEW.h5'",
                name, filter[0] == '\0' ? "unknown" : filter, (int)id);
    }
    if (plan >= 0)
        H5Pclose(plan);
    return status;
}

static const char *class_name(H5T_class_t kind) {
    static const char *const names[] = {
        [H5T_INTEGER] = "integers",   [H5T_FLOAT] = "floating-point numbers",
        [H5T_TIME] = "times",         [H5T_STRING] = "texts",
        [H5T_BITFIELD] = "bits",      [H5T_OPAQUE] = "opaque bytes",
        [H5T_COMPOUND] = "compounds", [H5T_REFERENCE] = "references",
        [H5T_ENUM] = "enumerations",  [H5T_VLEN] = "lists of any length",
        [H5T_ARRAY] = "arrays",
    };
    return kind >= 0 && (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "nothing";
}

static score_status check_kind(const score_hdf5_set *set, const char *path, const char *name,
                               H5T_class_t kind, score_error *error) {
    if (kind != H5T_FLOAT)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "data set %s holds %s, must be floating-point numbers", name,
                             class_name(kind));
    if (set->rank < 1 || set->rank > SCORE_HDF5_MOST_DIMENSIONS)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "data set %s has %d dimensions, must have 1 to %d", name, set->rank,
                             SCORE_HDF5_MOST_DIMENSIONS);
    return SCORE_OK;
}

score_status score_hdf5_open_set(hid_t file, const char *path, const char *name,
                                 score_hdf5_set *set, score_error *error) {
    if (!score_hdf5_has(file, name))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0, "has no data set '%s'", name);
    set->id = score_hdf5_open_linked(file, name);
    if (set->id < 0)
        return score_hdf5_fail(path, SCORE_ERROR_FORMAT, "open data set", name, error);
    hid_t type = H5Dget_type(set->id), space = H5Dget_space(set->id);
    const H5T_class_t kind = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    set->number_size = type < 0 ? 0 : H5Tget_size(type);
    set->rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    score_status status = check_kind(set, path, name, kind, error);
    if (status == SCORE_OK && H5Sget_simple_extent_dims(space, set->shape, NULL) != set->rank)
        status = score_hdf5_fail(path, SCORE_ERROR_FORMAT, "tell the shape of", name, error);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (status == SCORE_OK)
        status = score_hdf5_check_filters(set->id, path, name, error);
    return status == SCORE_OK ? score_hdf5_check_written(set->id, path, name, error) : status;
}

void score_hdf5_close_set(score_hdf5_set *set) {
    if (set->id >= 0)
        H5Dclose(set->id);
    set->id = -1;
}
