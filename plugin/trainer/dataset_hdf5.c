/* MDTraj's HDF5 trajectory layout: data set `coordinates`, frames x atoms x 3, float32, with the
 * attribute `units`; https://mdtraj.org/1.9.4/hdf5_format.html. */
#define _POSIX_C_SOURCE 200809L
#include "dataset_hdf5.h"

#include "hdf5_written.h"
#include "periodic.h"
#include "topology_names.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contained.h"

enum { MOST_DIMENSIONS = SCORE_HDF5_MOST_DIMENSIONS, MOST_TOPOLOGY = 1 << 26 };

typedef struct hdf5_source {
    score_frame_source base;
    hid_t file;
    hid_t coordinates;
    hid_t lengths, angles; /* of the periodic box, -1: there is none */
    double length_nm;      /* unit of the lengths */
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
    score_status status = check_filters(data, *set, name, error);
    if (status == SCORE_OK && shape[0] > 0)
        status = score_hdf5_check_written(file, data->path, *set, name, error);
    return status;
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

/* The unit of data set `name` in nm; `missing` where it says none. */
static score_status read_length(const score_data_config *data, hid_t set, const char *name,
                                double missing, char text[64], double *nm, score_error *error) {
    static const struct {
        const char *name;
        double nm;
    } units[] = {
        {"nanometers", 1}, {"nanometer", 1}, {"nm", 1}, {"angstroms", 0.1}, {"angstrom", 0.1}};
    *nm = missing;
    text[0] = '\0';
    if (H5Aexists(set, "units") <= 0)
        return SCORE_OK;
    if (!read_text(set, "units", text, 64))
        return fail_format(data, name, "has an attribute 'units' that is not a text", error);
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++)
        if (strcmp(text, units[k].name) == 0) {
            *nm = units[k].nm;
            return SCORE_OK;
        }
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                         "%s have units '%s', must be nanometers or angstroms", name, text);
}

/* MDTraj always says "nanometers", and nm is what its layout means without the attribute. */
static score_status read_unit(hdf5_source *source, score_error *error) {
    const score_data_config *data = source->base.data;
    char text[64];
    const score_status status = read_length(data, source->coordinates, "coordinates",
                                            data->unit_nm > 0 ? data->unit_nm : 1, text,
                                            &source->base.unit_nm, error);
    if (status == SCORE_OK && data->unit_nm > 0 && data->unit_nm != source->base.unit_nm)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "coordinates have units '%s', but the recipe says %s", text,
                             data->unit_nm == 1 ? "nm" : "angstrom");
    return status;
}

/* -------- the periodic box -------- */

static score_status open_box_set(hdf5_source *source, const char *name, hid_t *set,
                                 score_error *error) {
    const score_data_config *data = source->base.data;
    int rank = 0;
    size_t number = 0;
    hsize_t shape[MOST_DIMENSIONS] = {0};
    const score_status status = open_set(data, source->file, name, set, &rank, shape, &number,
                                         error);
    if (status == SCORE_OK && (rank != 2 || shape[0] != source->base.frames || shape[1] != 3))
        return fail_format(data, name, "has not three numbers a frame", error);
    return status;
}

/* Degrees, said or not. */
static score_status check_degrees(const score_data_config *data, hid_t set, score_error *error) {
    char text[64];
    if (H5Aexists(set, "units") <= 0)
        return SCORE_OK;
    if (!read_text(set, "units", text, sizeof text))
        return fail_format(data, "cell_angles", "has an attribute 'units' that is not a text",
                           error);
    return strcmp(text, "degrees") == 0 || strcmp(text, "degree") == 0
               ? SCORE_OK
               : score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                               "cell_angles have units '%s', must be degrees", text);
}

/* Without angles all of them are right. */
static score_status open_box(hdf5_source *source, int dimensions, score_error *error) {
    char text[64];
    if (dimensions != 3 || H5Lexists(source->file, "cell_lengths", H5P_DEFAULT) <= 0)
        return SCORE_OK;
    score_status status = open_box_set(source, "cell_lengths", &source->lengths, error);
    if (status == SCORE_OK)
        status = read_length(source->base.data, source->lengths, "cell_lengths", 1, text,
                             &source->length_nm, error);
    if (status == SCORE_OK && H5Lexists(source->file, "cell_angles", H5P_DEFAULT) > 0)
        status = open_box_set(source, "cell_angles", &source->angles, error);
    if (status == SCORE_OK && source->angles >= 0)
        status = check_degrees(source->base.data, source->angles, error);
    return status;
}

/* Three numbers a frame, from frame `first`. */
static bool read_threes(hid_t set, uint64_t first, uint64_t count, double *values) {
    const hsize_t start[2] = {first, 0}, size[2] = {count, 3};
    hid_t space = H5Dget_space(set), memory = H5Screate_simple(2, size, NULL);
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
                      H5Dread(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0;
    H5Sclose(memory);
    H5Sclose(space);
    return good;
}

/* Through doubles: a frame that is whole keeps its bits. Lengths of 0 are no box. */
static score_status make_frame_whole(const hdf5_source *source, uint64_t frame,
                                     const double lengths[3], const double angles[3], void *values,
                                     double *x, score_error *error) {
    const size_t count = source->base.values;
    const double unit = source->length_nm / source->base.unit_nm;
    const double scaled[3] = {unit * lengths[0], unit * lengths[1], unit * lengths[2]};
    score_box box;
    if (lengths[0] == 0 && lengths[1] == 0 && lengths[2] == 0)
        return SCORE_OK;
    if (!score_box_make(scaled, angles, &box))
        return score_fail_at(error, SCORE_ERROR_FORMAT, source->base.data->path, 0,
                             "frame %llu has a box of lengths %g, %g, %g and angles %g, %g, %g",
                             (unsigned long long)frame, lengths[0], lengths[1], lengths[2],
                             angles[0], angles[1], angles[2]);
    for (size_t k = 0; k < count; k++) {
        x[k] = source->base.is_double ? ((double *)values)[k] : (double)((float *)values)[k];
        if (!isfinite(x[k])) /* has an error of its own */
            return SCORE_OK;
    }
    score_box_make_whole(&box, (int)(count / 3), x);
    for (size_t k = 0; k < count; k++)
        if (source->base.is_double)
            ((double *)values)[k] = x[k];
        else
            ((float *)values)[k] = (float)x[k];
    return SCORE_OK;
}

static score_status make_whole(const hdf5_source *source, uint64_t count, void *frames,
                               score_error *error) {
    const score_frame_source *base = &source->base;
    if (source->lengths < 0)
        return SCORE_OK;
    double *lengths = calloc(count * 3, sizeof *lengths);
    double *angles = calloc(count * 3, sizeof *angles), *x = calloc(base->values, sizeof *x);
    const size_t size = base->values * (base->is_double ? sizeof(double) : sizeof(float));
    score_status status = SCORE_OK;
    if (lengths == NULL || angles == NULL || x == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s",
                            base->data->path);
    for (uint64_t k = 0; k < 3 * count && status == SCORE_OK; k++)
        angles[k] = 90;
    if (status == SCORE_OK &&
        (!read_threes(source->lengths, base->next, count, lengths) ||
         (source->angles >= 0 && !read_threes(source->angles, base->next, count, angles))))
        status = fail_hdf5(base->data, SCORE_ERROR_FILE, "read the periodic box", error);
    for (uint64_t k = 0; k < count && status == SCORE_OK; k++)
        status = make_frame_whole(source, base->next + k, lengths + 3 * k, angles + 3 * k,
                                  (char *)frames + k * size, x, error);
    free(lengths);
    free(angles);
    free(x);
    return status;
}

/* -------- the names of the beads -------- */

/* The text of data set `topology`, for free(); NULL: it is no single text, or no memory. */
static char *read_topology(hid_t set) {
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    char *text = NULL, *value = NULL;
    if (H5Tget_class(type) == H5T_STRING && H5Sget_simple_extent_npoints(space) == 1) {
        if (H5Tis_variable_str(type) > 0) {
            if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0 && value != NULL)
                text = strdup(value);
            if (value != NULL)
                H5free_memory(value);
        } else if (H5Tget_size(type) <= MOST_TOPOLOGY) {
            text = calloc(1, H5Tget_size(type) + 1);
            if (text != NULL && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) {
                free(text);
                text = NULL;
            }
        }
    }
    H5Sclose(space);
    H5Tclose(type);
    return text;
}

static score_status compare_names(const score_data_config *data, const score_topology_names *names,
                                  const score_bead *beads, score_error *error) {
    if (names->count != names->most)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "has a topology of %d atoms, the recipe has %d beads", names->count,
                             names->most);
    for (int k = 0; k < names->count; k++)
        if (strncmp(names->name[k], beads[k].name, SCORE_ATOM_NAME_SIZE - 1) != 0)
            return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                                 "bead %d is %s, the recipe's is %s", k, names->name[k],
                                 beads[k].name);
    return SCORE_OK;
}

static score_status check_beads(score_frame_source *base, const score_bead *beads, int count,
                                score_error *error) {
    const hdf5_source *source = (hdf5_source *)base;
    error_printing printing = stop_printing();
    hid_t set = H5Lexists(source->file, "topology", H5P_DEFAULT) > 0
                    ? H5Dopen2(source->file, "topology", H5P_DEFAULT)
                    : -1;
    char *text = set < 0 ? NULL : read_topology(set);
    score_topology_names names = {.most = count, .name = calloc((size_t)count, sizeof *names.name)};
    score_status status = SCORE_OK;
    if (names.name == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s",
                            base->data->path);
    else if (set >= 0 && (text == NULL || !score_topology_names_read(text, &names)))
        status = fail_format(base->data, "topology", "is not that of MDTraj's layout", error);
    else if (set >= 0)
        status = compare_names(base->data, &names, beads, error);
    free(names.name);
    free(text);
    if (set >= 0)
        H5Dclose(set);
    resume_printing(printing);
    return status;
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
    else
        status = make_whole(source, count, frames, error);
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
    const hid_t sets[] = {source->coordinates, source->lengths, source->angles};
    for (int k = 0; k < 3; k++)
        if (sets[k] >= 0)
            H5Dclose(sets[k]);
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
        (status = read_unit(source, error)) || (status = open_box(source, dimensions, error)))
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
    hdf5_source source = {
        .base = {.data = of->data}, .file = -1, .coordinates = -1, .lengths = -1, .angles = -1};
    stop_printing();
    open_file(&source, of->beads, of->dimensions, &error);
}

score_status score_frame_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **result, score_error *error) {
    static const score_frame_source_kind kind = {read_frames, read_log_weights, check_beads,
                                                 close_file};
    if (!score_survives(rehearse, &(rehearsal){data, beads, dimensions}, REHEARSAL_CPU_SECONDS))
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "is damaged: HDF5 crashes on it, or does not come to an end");
    hdf5_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", data->path);
    source->base.kind = &kind;
    source->base.data = data;
    source->file = source->coordinates = source->lengths = source->angles = -1;
    error_printing printing = stop_printing();
    score_status status = open_file(source, beads, dimensions, error);
    resume_printing(printing);
    if (status == SCORE_OK)
        *result = &source->base;
    else
        close_file(&source->base);
    return status;
}
