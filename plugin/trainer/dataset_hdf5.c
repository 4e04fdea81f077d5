/* MDTraj's HDF5 trajectory layout: data set `coordinates`, frames x atoms x 3, float32, with the
 * attribute `units`; https://mdtraj.org/1.9.4/hdf5_format.html. */
#include "dataset_hdf5.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contained.h"

enum { MOST_DIMENSIONS = 4 };

typedef struct hdf5_source {
    score_frame_source base;
    hid_t file;
    hid_t coordinates;
} hdf5_source;

/* HDF5 prints its errors unless told not to. The caller's setting is put back afterwards. */
typedef struct error_printing {
    H5E_auto2_t function;
    void *argument;
} error_printing;

static error_printing stop_printing(void) {
    error_printing before = {NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &before.function, &before.argument);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return before;
}

static void resume_printing(error_printing before) {
    H5Eset_auto2(H5E_DEFAULT, before.function, before.argument);
}

static herr_t copy_cause(unsigned index, const H5E_error2_t *entry, void *text) {
    if (index == 0 && entry->desc != NULL)
        snprintf(text, 128, "%s", entry->desc);
    return 0;
}

static score_status fail_hdf5(const score_data_config *data, score_status code, const char *what,
                              score_error *error) {
    char cause[128] = "unknown cause";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, copy_cause, cause);
    return score_fail_at(error, code, data->path, 0, "HDF5 cannot %s (%s)", what, cause);
}

static score_status fail_format(const score_data_config *data, const char *name, const char *what,
                                score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0, "data set %s %s", name, what);
}

/* -------- checks of a data set -------- */

/* A chunk that was never written reads as zeros: a file of a few kB can claim any size. */
static bool is_written(hid_t set, int rank, const hsize_t *shape) {
    hid_t plan = H5Dget_create_plist(set);
    bool written = true;
    if (plan >= 0 && H5Pget_layout(plan) == H5D_CHUNKED) {
        hsize_t chunk[MOST_DIMENSIONS] = {0}, found = 0, expected = 1;
        hid_t space = H5Dget_space(set); /* HDF5 1.10 does not take H5S_ALL */
        written = H5Pget_chunk(plan, rank, chunk) == rank &&
                  H5Dget_num_chunks(set, space, &found) >= 0;
        if (space >= 0)
            H5Sclose(space);
        for (int k = 0; k < rank && written; k++)
            expected *= (shape[k] + chunk[k] - 1) / chunk[k];
        written = written && found == expected;
    } else if (plan >= 0 && H5Pget_layout(plan) == H5D_CONTIGUOUS) {
        H5D_space_status_t space = H5D_SPACE_STATUS_NOT_ALLOCATED;
        written = H5Dget_space_status(set, &space) >= 0 && space == H5D_SPACE_STATUS_ALLOCATED;
    }
    if (plan >= 0)
        H5Pclose(plan);
    return written;
}

/* Refuses a data set that is stored through a filter which this HDF5 lacks, such as h5py's lzf. */
static score_status check_filters(const score_data_config *data, hid_t set, const char *name,
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
                error, SCORE_ERROR_FORMAT, data->path, 0,
                "data set %s is compressed by '%s' (HDF5's filter number %d), "
                "which is not installed here; write it with gzip: by h5py, or where the "
                "filter is installed by 'h5repack -f GZIP=5 OLD.h5 NEW.h5'",
                name, filter[0] == '\0' ? "unknown" : filter, (int)id);
    }
    if (plan >= 0)
        H5Pclose(plan);
    return status;
}

/* Opens data set `name` of floating-point numbers; sets its rank, shape and size of a number. */
static score_status open_set(const score_data_config *data, hid_t file, const char *name,
                             hid_t *set, int *rank, hsize_t *shape, size_t *number,
                             score_error *error) {
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0, "has no data set '%s'",
                             name);
    *set = H5Dopen2(file, name, H5P_DEFAULT);
    if (*set < 0)
        return fail_hdf5(data, SCORE_ERROR_FORMAT, "open a data set", error);
    hid_t type = H5Dget_type(*set), space = H5Dget_space(*set);
    bool is_float = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
    *number = is_float ? H5Tget_size(type) : 0;
    *rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    bool fits = *rank >= 1 && *rank <= MOST_DIMENSIONS;
    if (fits)
        H5Sget_simple_extent_dims(space, shape, NULL);
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (!is_float)
        return fail_format(data, name, "does not hold floating-point numbers", error);
    if (!fits)
        return fail_format(data, name, "has the wrong number of dimensions", error);
    if (shape[0] > 0 && !is_written(*set, *rank, shape))
        return fail_format(data, name, "claims frames that were never written", error);
    return check_filters(data, *set, name, error);
}

/* -------- the unit -------- */

/* Reads a text attribute, of fixed or variable length; false where it is not one. */
static bool read_text(hid_t set, const char *name, char *text, size_t size) {
    text[0] = '\0';
    hid_t attribute = H5Aopen(set, name, H5P_DEFAULT);
    if (attribute < 0)
        return false;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool done = false;
    if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
        H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            done = H5Aread(attribute, type, &value) >= 0 && value != NULL;
            if (done)
                snprintf(text, size, "%s", value);
            if (value != NULL)
                H5free_memory(value);
        } else if (H5Tget_size(type) < size) {
            done = H5Aread(attribute, type, text) >= 0;
            text[H5Tget_size(type)] = '\0';
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    return done;
}

/* MDTraj always says "nanometers", and nm is what its layout means without the attribute. */
static score_status read_unit(hdf5_source *source, score_error *error) {
    const score_data_config *data = source->base.data;
    static const struct {
        const char *name;
        double nm;
    } units[] = {
        {"nanometers", 1}, {"nanometer", 1}, {"nm", 1}, {"angstroms", 0.1}, {"angstrom", 0.1}};
    if (H5Aexists(source->coordinates, "units") <= 0) {
        source->base.unit_nm = data->unit_nm > 0 ? data->unit_nm : 1;
        return SCORE_OK;
    }
    char text[64];
    if (!read_text(source->coordinates, "units", text, sizeof text))
        return fail_format(data, "coordinates", "has an attribute 'units' that is not a text",
                           error);
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++)
        if (strcmp(text, units[k].name) == 0)
            source->base.unit_nm = units[k].nm;
    if (source->base.unit_nm == 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "coordinates have units '%s', must be nanometers or angstroms", text);
    if (data->unit_nm > 0 && data->unit_nm != source->base.unit_nm)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "coordinates have units '%s', but the recipe says %s", text,
                             data->unit_nm == 1 ? "nm" : "angstrom");
    return SCORE_OK;
}

/* -------- reading -------- */

static score_status read_frames(score_frame_source *base, uint64_t count, void *frames,
                                score_error *error) {
    hdf5_source *source = (hdf5_source *)base;
    error_printing printing = stop_printing();
    score_status status = SCORE_OK;
    hid_t space = H5Dget_space(source->coordinates), memory = -1;
    hsize_t start[MOST_DIMENSIONS] = {base->next}, size[MOST_DIMENSIONS] = {0};
    hsize_t values = count * base->values;
    int rank = space < 0 ? -1 : H5Sget_simple_extent_dims(space, size, NULL);
    size[0] = count;
    if (rank > 0)
        memory = H5Screate_simple(1, &values, NULL);
    if (memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dread(source->coordinates, base->is_double ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, memory,
                space, H5P_DEFAULT, frames) < 0)
        status = fail_hdf5(base->data, SCORE_ERROR_FILE, "read the coordinates", error);
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    resume_printing(printing);
    base->next += count;
    return status;
}

static score_status read_log_weights(score_frame_source *base, double *log_weights,
                                     score_error *error) {
    hdf5_source *source = (hdf5_source *)base;
    const char *name = base->data->log_weights;
    error_printing printing = stop_printing();
    hid_t set = -1;
    int rank = 0;
    size_t number = 0;
    hsize_t shape[MOST_DIMENSIONS] = {0};
    score_status status = open_set(base->data, source->file, name, &set, &rank, shape, &number,
                                   error);
    if (status == SCORE_OK && (rank != 1 || shape[0] != base->frames))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, base->data->path, 0,
                               "data set %s has %llu numbers in %d dimensions, must have one a "
                               "frame (%llu)",
                               name, (unsigned long long)shape[0], rank,
                               (unsigned long long)base->frames);
    if (status == SCORE_OK &&
        H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, log_weights) < 0)
        status = fail_hdf5(base->data, SCORE_ERROR_FILE, "read the log-weights", error);
    if (set >= 0)
        H5Dclose(set);
    resume_printing(printing);
    return status;
}

static void close_file(score_frame_source *base) {
    hdf5_source *source = (hdf5_source *)base;
    error_printing printing = stop_printing();
    if (source->coordinates >= 0)
        H5Dclose(source->coordinates);
    if (source->file >= 0)
        H5Fclose(source->file);
    resume_printing(printing);
    free(source);
}

static score_status open_file(hdf5_source *source, int beads, int dimensions, score_error *error) {
    const score_data_config *data = source->base.data;
    source->file = H5Fopen(data->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (source->file < 0)
        return fail_hdf5(data, SCORE_ERROR_FORMAT, "open the file", error);
    int rank = 0;
    size_t number = 0;
    hsize_t shape[MOST_DIMENSIONS] = {0};
    uint64_t sizes[MOST_DIMENSIONS] = {0};
    score_status status = open_set(data, source->file, "coordinates", &source->coordinates, &rank,
                                   shape, &number, error);
    if (status != SCORE_OK)
        return status;
    for (int k = 0; k < rank; k++)
        sizes[k] = shape[k];
    source->base.is_double = number > sizeof(float);
    if ((status = score_frame_source_set_shape(&source->base, "coordinates", rank, sizes, beads,
                                               dimensions, error)) ||
        (status = read_unit(source, error)))
        return status;
    /* Weighted frames taken as equal would train a wrong distribution without a sign of it. */
    if (data->log_weights == NULL && !data->no_weights &&
        H5Lexists(source->file, "log_weights", H5P_DEFAULT) > 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "has log_weights, which the recipe's <Data> neither uses "
                             "(logWeights=\"log_weights\") nor declines (logWeights=\"none\")");
    return SCORE_OK;
}

/* A damaged file, above all an attribute of variable length, crashes some versions of libhdf5 or
 * keeps them busy for ever. */
enum { REHEARSAL_CPU_SECONDS = 10 };

typedef struct rehearsal {
    const score_data_config *data;
    int beads;
    int dimensions;
} rehearsal;

static void rehearse(void *argument) {
    const rehearsal *of = argument;
    score_error error;
    hdf5_source source = {.base = {.data = of->data}, .file = -1, .coordinates = -1};
    stop_printing();
    open_file(&source, of->beads, of->dimensions, &error);
}

score_status score_frame_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **result, score_error *error) {
    static const score_frame_source_kind kind = {read_frames, read_log_weights, close_file};
    if (!score_survives(rehearse, &(rehearsal){data, beads, dimensions}, REHEARSAL_CPU_SECONDS))
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "is damaged: HDF5 crashes on it, or does not come to an end");
    hdf5_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", data->path);
    source->base.kind = &kind;
    source->base.data = data;
    source->file = source->coordinates = -1;
    error_printing printing = stop_printing();
    score_status status = open_file(source, beads, dimensions, error);
    resume_printing(printing);
    if (status == SCORE_OK)
        *result = &source->base;
    else
        close_file(&source->base);
    return status;
}
