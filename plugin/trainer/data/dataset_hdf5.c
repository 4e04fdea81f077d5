/* MDTraj's HDF5 trajectory layout: data set `coordinates`, frames x atoms x 3, float32, with the
 * attribute `units`; https://mdtraj.org/1.9.4/hdf5_format.html. */
#include "data/dataset_hdf5.h"

#include <stdlib.h>

#include "data/contained.h"
#include "data/dataset_beads.h"
#include "data/dataset_box.h"
#include "data/hdf5_set.h"
#include "data/hdf5_text.h"

typedef struct hdf5_source {
    score_frame_source base;
    hid_t file;
    const char *name; /* of its data set */
    score_hdf5_set set;
    score_frame_box box; /* of coordinates */
} hdf5_source;

static const char COORDINATES[] = "coordinates", FORCES[] = "forces";

/* -------- reading -------- */

static score_status read_frames(score_frame_source *base, uint64_t count, void *frames,
                                score_error *error) {
    hdf5_source *source = (hdf5_source *)base;
    const score_hdf5_set *set = &source->set;
    score_hdf5_printing printing = score_hdf5_stop_printing();
    score_status status = SCORE_OK;
    hsize_t start[SCORE_HDF5_MOST_DIMENSIONS] = {base->next}, size[SCORE_HDF5_MOST_DIMENSIONS];
    for (int k = 0; k < set->rank; k++)
        size[k] = k == 0 ? count : set->shape[k];
    const hsize_t values = count * base->values;
    hid_t space = H5Dget_space(set->id), memory = H5Screate_simple(1, &values, NULL);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
        H5Dread(set->id, base->is_double ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT, memory, space,
                H5P_DEFAULT, frames) < 0)
        status = score_hdf5_fail(base->data->path, SCORE_ERROR_FILE, "read the", source->name,
                                 error);
    else if (source->name == COORDINATES)
        status = score_frame_box_make_whole(&source->box, count, frames, error);
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    score_hdf5_resume_printing(printing);
    base->next += count;
    return status;
}

static score_status read_weights_of(const hdf5_source *source, score_hdf5_set *set,
                                    double *log_weights, score_error *error) {
    const score_data_config *data = source->base.data;
    score_status status = score_hdf5_open_set(source->file, data->path, data->log_weights, set,
                                              error);
    if (status != SCORE_OK)
        return status;
    if (set->rank != 1 || set->shape[0] != source->base.frames)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "data set %s has %llu numbers in %d dimensions, must have one a "
                             "frame (%llu)",
                             data->log_weights, (unsigned long long)set->shape[0], set->rank,
                             (unsigned long long)source->base.frames);
    status = score_hdf5_check_logarithms(set->id, data->path, data->log_weights, error);
    if (status != SCORE_OK)
        return status;
    return H5Dread(set->id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, log_weights) < 0
               ? score_hdf5_fail(data->path, SCORE_ERROR_FILE, "read data set", data->log_weights,
                                 error)
               : SCORE_OK;
}

static score_status read_log_weights(score_frame_source *base, double *log_weights,
                                     score_error *error) {
    score_hdf5_set set = {.id = -1};
    score_hdf5_printing printing = score_hdf5_stop_printing();
    const score_status status = read_weights_of((hdf5_source *)base, &set, log_weights, error);
    score_hdf5_close_set(&set);
    score_hdf5_resume_printing(printing);
    return status;
}

static score_status check_beads(score_frame_source *base, const score_bead *beads, int count,
                                score_error *error) {
    const hdf5_source *source = (hdf5_source *)base;
    score_hdf5_printing printing = score_hdf5_stop_printing();
    const score_status status = score_dataset_check_beads(source->file, base->data->path, beads,
                                                          count, error);
    score_hdf5_resume_printing(printing);
    return status;
}

/* -------- opening -------- */

/* MDTraj always says "nanometers", and nm is what its layout means without the attribute. */
static score_status read_unit(hdf5_source *source, score_error *error) {
    const score_data_config *data = source->base.data;
    char text[64];
    const score_status status = score_hdf5_length_unit(source->set.id, data->path, COORDINATES,
                                                       data->unit_nm > 0 ? data->unit_nm : 1, text,
                                                       &source->base.unit, error);
    if (status == SCORE_OK && data->unit_nm > 0 && data->unit_nm != source->base.unit)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "coordinates have units '%s', but the recipe says %s", text,
                             data->unit_nm == 1 ? "nm" : "angstrom");
    return status;
}

static score_status open_file(hdf5_source *source, int beads, int dimensions, score_error *error) {
    const score_data_config *data = source->base.data;
    score_hdf5_set *set = &source->set;
    uint64_t shape[SCORE_HDF5_MOST_DIMENSIONS] = {0};
    source->file = H5Fopen(data->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (source->file < 0)
        return score_hdf5_fail(data->path, SCORE_ERROR_FORMAT, "open", "the file", error);
    score_status status = score_hdf5_open_set(source->file, data->path, source->name, set, error);
    if (status != SCORE_OK)
        return status;
    for (int k = 0; k < set->rank; k++)
        shape[k] = set->shape[k];
    source->base.is_double = set->number_size > sizeof(float);
    status = score_frame_source_set_shape(&source->base, source->name, set->rank, shape, beads,
                                          dimensions, error);
    if (status == SCORE_OK && source->name == FORCES)
        return score_hdf5_force_unit(set->id, data->path, FORCES, &source->base.unit, error);
    if (status != SCORE_OK || (status = read_unit(source, error)))
        return status;
    if (dimensions == 3)
        status = score_frame_box_open(&source->box, &source->base, source->file, error);
    /* Weighted frames taken as equal would train a wrong distribution without a sign of it. */
    if (status == SCORE_OK && data->log_weights == NULL && !data->no_weights &&
        score_hdf5_has(source->file, "log_weights"))
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                             "has log_weights, which the recipe's <Data> neither uses "
                             "(logWeights=\"log_weights\") nor declines (logWeights=\"none\")");
    return status;
}

static hdf5_source closed(const score_data_config *data, const char *name) {
    return (hdf5_source){.base = {.data = data},
                         .file = -1,
                         .name = name,
                         .set = {.id = -1},
                         .box = {.lengths = {.id = -1}, .angles = {.id = -1}}};
}

static void close_file(score_frame_source *base) {
    hdf5_source *source = (hdf5_source *)base;
    score_hdf5_printing printing = score_hdf5_stop_printing();
    score_hdf5_close_set(&source->set);
    score_frame_box_close(&source->box);
    if (source->file >= 0)
        H5Fclose(source->file);
    score_hdf5_resume_printing(printing);
    free(source);
}

/* Reading all of a file, tried first, takes so much time a byte at most. */
enum { PIECE_FRAMES = 1024 };
static const double REHEARSAL_SECONDS_A_BYTE = 1e-6;

typedef struct rehearsal {
    const score_data_config *data;
    const char *name;
    int beads;
    int dimensions;
} rehearsal;

static void rehearse(void *argument) {
    const rehearsal *of = argument;
    score_error error;
    hdf5_source source = closed(of->data, of->name);
    score_frame_source *base = &source.base;
    score_hdf5_stop_printing();
    if (open_file(&source, of->beads, of->dimensions, &error) != SCORE_OK)
        return;
    score_dataset_try_beads(source.file);
    const double frame_bytes = (double)base->values * sizeof(double);
    score_allow_cpu(SCORE_REHEARSAL_CPU_SECONDS +
                    REHEARSAL_SECONDS_A_BYTE * frame_bytes * (double)base->frames);
    void *piece = malloc(PIECE_FRAMES * base->values * sizeof(double));
    double *log_weights = malloc(base->frames * sizeof *log_weights);
    score_status status = piece == NULL || log_weights == NULL ? SCORE_ERROR_MEMORY : SCORE_OK;
    while (base->next < base->frames && status == SCORE_OK) {
        const uint64_t left = base->frames - base->next;
        status = read_frames(base, left < PIECE_FRAMES ? left : PIECE_FRAMES, piece, &error);
    }
    if (status == SCORE_OK && of->data->log_weights != NULL && of->name == COORDINATES)
        read_log_weights(base, log_weights, &error);
    free(piece);
    free(log_weights);
}

static score_status open_set(const score_data_config *data, const char *name, int beads,
                             int dimensions, score_frame_source **result, score_error *error) {
    static const score_frame_source_kind kind = {read_frames, read_log_weights, check_beads,
                                                 close_file};
    score_status status = score_hdf5_rehearse(data->path, rehearse,
                                              &(rehearsal){data, name, beads, dimensions}, error);
    if (status != SCORE_OK)
        return status;
    hdf5_source *source = malloc(sizeof *source);
    if (source == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", data->path);
    *source = closed(data, name);
    source->base.kind = &kind;
    score_hdf5_printing printing = score_hdf5_stop_printing();
    status = open_file(source, beads, dimensions, error);
    score_hdf5_resume_printing(printing);
    if (status == SCORE_OK)
        *result = &source->base;
    else
        close_file(&source->base);
    return status;
}

score_status score_frame_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **source, score_error *error) {
    return open_set(data, COORDINATES, beads, dimensions, source, error);
}

score_status score_force_source_open_hdf5(const score_data_config *data, int beads, int dimensions,
                                          score_frame_source **source, score_error *error) {
    return open_set(data, FORCES, beads, dimensions, source, error);
}
