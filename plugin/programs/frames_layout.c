#define _POSIX_C_SOURCE 200809L
#include "programs/frames_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static hid_t type_of(score_frames_type type) {
    return type == SCORE_FRAMES_F32   ? H5T_NATIVE_FLOAT
           : type == SCORE_FRAMES_F64 ? H5T_NATIVE_DOUBLE
                                      : H5T_NATIVE_INT32;
}

static int shape_of(const score_frames_layout *layout, const score_frames_column *column,
                    hsize_t shape[3]) {
    int rank = 1;
    shape[0] = layout->rows;
    for (int k = 0; k < 2 && column->shape[k] > 0; k++)
        shape[rank++] = (hsize_t)column->shape[k];
    return rank;
}

/* One piece on the disk, reserved at once and not filled. */
static void make_column(score_hdf5_writer *to, const score_frames_layout *layout,
                        const score_frames_column *column) {
    hsize_t shape[3];
    const int rank = shape_of(layout, column, shape);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, shape, NULL);
    score_hdf5_note(to, H5Pset_obj_track_times(plan, false));
    score_hdf5_note(to, H5Pset_layout(plan, H5D_CONTIGUOUS));
    score_hdf5_note(to, H5Pset_alloc_time(plan, H5D_ALLOC_TIME_EARLY));
    score_hdf5_note(to, H5Pset_fill_time(plan, H5D_FILL_TIME_NEVER));
    hid_t set = H5Dcreate2(to->file, column->name, type_of(column->type), space, H5P_DEFAULT, plan,
                           H5P_DEFAULT);
    score_hdf5_note(to, set < 0 ? -1 : 0);
    if (column->unit != NULL)
        score_hdf5_text_attribute(to, set, "units", column->unit);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plan);
}

static void make_topology(score_hdf5_writer *to, const char *topology) {
    const hsize_t one = 1;
    hid_t type = score_hdf5_text_type(topology), space = H5Screate_simple(1, &one, NULL);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    score_hdf5_note(to, H5Pset_obj_track_times(plan, false));
    hid_t set = H5Dcreate2(to->file, "topology", type, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    score_hdf5_note(to, H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, topology));
    H5Dclose(set);
    H5Pclose(plan);
    H5Sclose(space);
    H5Tclose(type);
}

void score_frames_layout_write(const score_frames_layout *layout, score_hdf5_writer *to) {
    score_hdf5_text_attribute(to, to->file, "conventions", "Pande");
    score_hdf5_text_attribute(to, to->file, "conventionVersion", "1.1");
    score_hdf5_text_attribute(to, to->file, "program", layout->program);
    score_hdf5_text_attribute(to, to->file, "programVersion", SCORE_VERSION);
    for (int k = 0; k < layout->attributes; k++) {
        const score_frames_attribute *attribute = &layout->attribute[k];
        if (attribute->text != NULL)
            score_hdf5_text_attribute(to, to->file, attribute->name, attribute->text);
        else if (attribute->count > 0)
            score_hdf5_numbers_attribute(to, to->file, attribute->name, attribute->numbers,
                                         attribute->count);
        else
            score_hdf5_integer_attribute(to, to->file, attribute->name, attribute->integer);
    }
    make_topology(to, layout->topology);
    for (int k = 0; k < layout->columns; k++)
        make_column(to, layout, &layout->column[k]);
}

static bool has_shape(hid_t set, const score_frames_layout *layout,
                      const score_frames_column *column) {
    hsize_t expected[3], found[3] = {0, 0, 0};
    const int rank = shape_of(layout, column, expected);
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    bool good = H5Sget_simple_extent_ndims(space) == rank &&
                H5Tequal(type, type_of(column->type)) > 0 &&
                H5Sget_simple_extent_dims(space, found, NULL) == rank;
    for (int k = 0; k < rank && good; k++)
        good = found[k] == expected[k];
    H5Tclose(type);
    H5Sclose(space);
    return good;
}

uint64_t score_frames_row_size(const score_frames_column *column) {
    const uint64_t size = column->type == SCORE_FRAMES_F64 ? 8 : 4;
    return size * (uint64_t)(column->shape[0] > 0 ? column->shape[0] : 1) *
           (uint64_t)(column->shape[1] > 0 ? column->shape[1] : 1);
}

bool score_frames_layout_find(const score_frames_layout *layout, score_hdf5_writer *from,
                              score_frames_file *file) {
    bool good = !from->failed;
    for (int k = 0; k < layout->columns && good; k++) {
        const score_frames_column *column = &layout->column[k];
        hid_t set = H5Dopen2(from->file, column->name, H5P_DEFAULT);
        const haddr_t place = set < 0 ? HADDR_UNDEF : H5Dget_offset(set);
        good = place != HADDR_UNDEF && has_shape(set, layout, column);
        H5Dclose(set);
        if (!good)
            break;
        file->offset[k] = place;
        file->name[k] = column->name;
        file->row_size[k] = score_frames_row_size(column);
    }
    return good;
}

/* ---- Attributes ---- */

enum { LONGEST_TEXT = 4096 };

/* What an attribute has, in words, and in `text` of LONGEST_TEXT: with 17 digits numbers are told
 * apart. */
static void describe(const score_frames_attribute *attribute, char *text) {
    size_t used = 0;
    if (attribute->text != NULL)
        snprintf(text, LONGEST_TEXT, "%s", attribute->text);
    else if (attribute->count == 0)
        snprintf(text, LONGEST_TEXT, "%" PRId64, attribute->integer);
    for (int k = 0; k < attribute->count && used < LONGEST_TEXT; k++)
        used += (size_t)snprintf(text + used, LONGEST_TEXT - used, "%s%.17g", k == 0 ? "" : " ",
                                 attribute->numbers[k]);
}

static bool read_text(hid_t attribute, hid_t type, char *text) {
    const size_t size = H5Tget_size(type);
    if (H5Tis_variable_str(type) != 0 || size >= LONGEST_TEXT)
        return false;
    hid_t memory = score_hdf5_text_type("");
    H5Tset_size(memory, size);
    const bool good = H5Aread(attribute, memory, text) >= 0;
    text[size] = '\0';
    H5Tclose(memory);
    return good;
}

/* The same of a file's attribute; false where it has none of this kind. */
static bool read_attribute(hid_t file, const score_frames_attribute *expected, char *text) {
    enum { MOST_NUMBERS = 256 };
    double numbers[MOST_NUMBERS];
    score_frames_attribute found = {.count = expected->count, .numbers = numbers};
    hid_t attribute = H5Aopen(file, expected->name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const H5T_class_t kind = H5Tget_class(type);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    bool good = false;
    if (expected->text != NULL)
        good = kind == H5T_STRING && count == 1 && read_text(attribute, type, text);
    else if (expected->count == 0)
        good = kind == H5T_INTEGER && count == 1 &&
               H5Aread(attribute, H5T_NATIVE_INT64, &found.integer) >= 0;
    else if (kind == H5T_FLOAT && count > 0 && count <= MOST_NUMBERS) {
        found.count = (int)count;
        good = H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers) >= 0;
    }
    if (good && expected->text == NULL)
        describe(&found, text);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return good;
}

score_status score_frames_layout_compare(const score_frames_layout *layout,
                                         const score_hdf5_writer *from, const char *path,
                                         score_error *error) {
    char then[LONGEST_TEXT], now[LONGEST_TEXT];
    for (int k = 0; k < layout->attributes; k++) {
        const score_frames_attribute *attribute = &layout->attribute[k];
        describe(attribute, now);
        if (!read_attribute(from->file, attribute, then))
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "does not say with which %s it was made", attribute->name);
        if (strcmp(then, now) != 0)
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "was made with %s '%s', now it is '%s'", attribute->name, then,
                                 now);
    }
    return SCORE_OK;
}
