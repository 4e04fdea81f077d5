#include "programs/hdf5_writer.h"

#include <stdio.h>
#include <string.h>

static herr_t copy_cause(unsigned index, const H5E_error2_t *entry, void *writer_argument) {
    score_hdf5_writer *to = writer_argument;
    if (index == 0 && entry->desc != NULL)
        snprintf(to->cause, sizeof to->cause, "%s", entry->desc);
    return 0;
}

void score_hdf5_note(score_hdf5_writer *to, herr_t result) {
    if (to->failed || result >= 0)
        return;
    to->failed = true;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, copy_cause, to);
}

static void silence(score_hdf5_writer *to) {
    *to = (score_hdf5_writer){.cause = "unknown cause"};
    H5Eget_auto2(H5E_DEFAULT, &to->printing, &to->printing_argument);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void score_hdf5_create(score_hdf5_writer *to, const char *path) {
    silence(to);
    hid_t plan = H5Pcreate(H5P_FILE_CREATE);
    score_hdf5_note(to, H5Pset_obj_track_times(plan, false));
    to->file = H5Fcreate(path, H5F_ACC_TRUNC, plan, H5P_DEFAULT);
    score_hdf5_note(to, to->file < 0 ? -1 : 0);
    H5Pclose(plan);
}

void score_hdf5_open(score_hdf5_writer *to, const char *path) {
    silence(to);
    to->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    score_hdf5_note(to, to->file < 0 ? -1 : 0);
}

void score_hdf5_close(score_hdf5_writer *to) {
    if (to->file >= 0)
        score_hdf5_note(to, H5Fclose(to->file));
    H5Eset_auto2(H5E_DEFAULT, to->printing, to->printing_argument);
}

static void write_attribute(score_hdf5_writer *to, hid_t owner, const char *name, hid_t type,
                            hid_t space, const void *value) {
    hid_t attribute = H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    score_hdf5_note(to, H5Awrite(attribute, type, value));
    H5Aclose(attribute);
    H5Sclose(space);
}

void score_hdf5_integer_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                                  int64_t integer) {
    write_attribute(to, owner, name, H5T_NATIVE_INT64, H5Screate(H5S_SCALAR), &integer);
}

void score_hdf5_numbers_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                                  const double *numbers, int count) {
    const hsize_t extent = (hsize_t)count;
    hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, NULL);
    write_attribute(to, owner, name, H5T_NATIVE_DOUBLE, space, numbers);
}

hid_t score_hdf5_text_type(const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    const size_t size = strlen(text);
    H5Tset_size(type, size > 0 ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

void score_hdf5_text_attribute(score_hdf5_writer *to, hid_t owner, const char *name,
                               const char *text) {
    hid_t type = score_hdf5_text_type(text);
    write_attribute(to, owner, name, type, H5Screate(H5S_SCALAR), text);
    H5Tclose(type);
}
