#define _POSIX_C_SOURCE 200809L
#include "frames_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "hdf5_writer.h"

static const char SUFFIX[] = ".unfinished";

static char *unfinished_name(const char *path) {
    const size_t size = strlen(path) + sizeof SUFFIX;
    char *name = malloc(size);
    if (name != NULL)
        snprintf(name, size, "%s%s", path, SUFFIX);
    return name;
}

bool score_frames_file_is_begun(const char *path) {
    char *resolved = score_resolve_links(path);
    char *name = resolved == NULL ? NULL : unfinished_name(resolved);
    struct stat information;
    const bool begun = name != NULL && stat(name, &information) == 0;
    free(resolved);
    free(name);
    return begun;
}

/* ---- HDF5's part ---- */

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

static void lay_out(score_hdf5_writer *to, const score_frames_layout *layout) {
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

static uint64_t row_size_of(const score_frames_column *column) {
    const uint64_t size = column->type == SCORE_FRAMES_F64 ? 8 : 4;
    return size * (uint64_t)(column->shape[0] > 0 ? column->shape[0] : 1) *
           (uint64_t)(column->shape[1] > 0 ? column->shape[1] : 1);
}

/* Where the columns are; `file->offset` is not touched where one is missing or another. */
static bool find_columns(score_hdf5_writer *from, const score_frames_layout *layout,
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
        file->row_size[k] = row_size_of(column);
    }
    return good;
}

static score_status locate(const score_frames_layout *layout, score_frames_file *file,
                           score_error *error) {
    score_hdf5_writer from;
    score_hdf5_open(&from, file->unfinished);
    const bool good = find_columns(&from, layout, file);
    score_hdf5_close(&from);
    file->columns = layout->columns;
    file->rows = layout->rows;
    return good ? SCORE_OK
                : score_fail_at(error, SCORE_ERROR_FORMAT, file->unfinished, 0,
                                "is not the file of this run");
}

/* ---- The file ---- */

static score_status fail(const score_frames_file *file, const char *what, int reason,
                         score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0, "%s: %s", what,
                         strerror(reason));
}

static score_status write_bytes(const score_frames_file *file, const void *bytes, uint64_t left,
                                uint64_t at, score_error *error) {
    const char *from = bytes;
    while (left > 0) {
        const ssize_t done = pwrite(file->descriptor, from, left, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(file, "cannot be written", done < 0 ? errno : EIO, error);
        from += done;
        at += (uint64_t)done;
        left -= (uint64_t)done;
    }
    return SCORE_OK;
}

/* Not where another process has just given it its name. */
static bool is_there(const score_frames_file *file) {
    struct stat open_file, named;
    return fstat(file->descriptor, &open_file) == 0 && stat(file->unfinished, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* A lock of the open file: HDF5's own, of another kind, do not get into its way. */
static score_status open_and_lock(score_frames_file *file, int flags, score_error *error) {
    struct stat old;
    if (stat(file->path, &old) == 0 && !S_ISREG(old.st_mode))
        return score_fail_at(error, SCORE_ERROR_FILE, file->path, 0,
                             "cannot be replaced: it is not a regular file");
    const int descriptor = open(file->unfinished, flags | O_RDWR | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return fail(file, "cannot be opened", errno, error);
    file->descriptor = descriptor;
    if (score_lock_file(descriptor) && is_there(file)) {
        if (score_copy_mode(descriptor, file->path) == 0)
            return SCORE_OK;
        return fail(file, "cannot be given its permissions", errno, error);
    }
    close(descriptor);
    file->descriptor = -1;
    return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0,
                         "is being written by another process");
}

static score_status begin(const char *path, score_frames_file *file, score_error *error) {
    *file = (score_frames_file){.path = score_resolve_links(path), .descriptor = -1};
    if (file->path != NULL)
        file->unfinished = unfinished_name(file->path);
    return file->unfinished != NULL
               ? SCORE_OK
               : score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
}

static score_status reserve(const score_frames_file *file, uint64_t size, score_error *error) {
    const int reason = posix_fallocate(file->descriptor, 0, (off_t)size);
    return reason == 0 ? SCORE_OK : fail(file, "cannot reserve its room", reason, error);
}

/* Where HDF5 cannot give a file its size, or a disk is full, it crashes. So the room is there before
 * it writes what is not rows. */
static score_status check_room(const score_frames_layout *layout, const score_frames_file *file,
                               score_error *error) {
    enum { MOST_OF_THE_REST = 1 << 16 };
    uint64_t size = MOST_OF_THE_REST + strlen(layout->topology), more;
    bool possible = true;
    for (int k = 0; k < layout->columns && possible; k++)
        possible = !__builtin_mul_overflow(layout->rows, row_size_of(&layout->column[k]), &more) &&
                   !__builtin_add_overflow(size, more, &size) && size <= INT64_MAX;
    return possible ? reserve(file, size, error)
                    : fail(file, "cannot reserve its room", EFBIG, error);
}

static score_status lay_out_hdf5(const score_frames_layout *layout, score_frames_file *file,
                                 score_error *error) {
    score_hdf5_writer to;
    score_hdf5_create(&to, file->unfinished);
    if (!to.failed)
        lay_out(&to, layout);
    score_hdf5_close(&to);
    if (to.failed)
        return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0,
                             "HDF5 cannot make the file (%s)", to.cause);
    score_status status = locate(layout, file, error);
    uint64_t end = 0;
    for (int k = 0; k < file->columns; k++) {
        const uint64_t here = file->offset[k] + file->rows * file->row_size[k];
        end = here > end ? here : end;
    }
    struct stat now;
    if (fstat(file->descriptor, &now) == 0 && (uint64_t)now.st_size > end)
        end = (uint64_t)now.st_size;
    return status == SCORE_OK ? reserve(file, end, error) : status;
}

score_status score_frames_file_create(const char *path, const score_frames_layout *layout,
                                      score_frames_file *file, score_error *error) {
    score_status status = begin(path, file, error);
    /* The lock first: HDF5 would empty the file that another process writes. */
    if (status == SCORE_OK)
        status = open_and_lock(file, O_CREAT, error);
    if (status == SCORE_OK)
        status = check_room(layout, file, error);
    if (status == SCORE_OK)
        status = lay_out_hdf5(layout, file, error);
    if (status != SCORE_OK)
        score_frames_file_abandon(file);
    return status;
}

/* NumPy's format 1.0: magic, size of the header, header padded to a multiple of 64 bytes, values in
 * this machine's order of bytes. */
static void lay_out_npy(const score_frames_column *column, score_frames_file *file, char *header) {
    enum { PREFIX = 10, LINE = 64 };
    static const char *const types[] = {
        [SCORE_FRAMES_F32] = "f4", [SCORE_FRAMES_F64] = "f8", [SCORE_FRAMES_I32] = "i4"};
    const uint16_t one = 1;
    char shape[64], text[2 * LINE];
    int used = snprintf(shape, sizeof shape, "%llu,", (unsigned long long)file->rows);
    for (int k = 0; k < 2 && column->shape[k] > 0; k++)
        used += snprintf(shape + used, sizeof shape - (size_t)used, "%s%d", k == 0 ? " " : ", ",
                         column->shape[k]);
    used = snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%s), }",
                    *(const unsigned char *)&one == 1 ? '<' : '>', types[column->type], shape);
    const int size = (PREFIX + used + LINE) / LINE * LINE - PREFIX; /* with the end of the line */
    sprintf(header, "%cNUMPY%c%c%c%c", 0x93, 1, 0, size, 0);
    sprintf(header + PREFIX, "%s%*s\n", text, size - used - 1, "");
    file->offset[0] = PREFIX + (uint64_t)size;
}

score_status score_frames_file_create_npy(const char *path, uint64_t rows,
                                          const score_frames_column *column,
                                          score_frames_file *file, score_error *error) {
    char header[256] = "";
    score_status status = begin(path, file, error);
    if (status == SCORE_OK)
        status = open_and_lock(file, O_CREAT, error);
    file->columns = 1;
    file->rows = rows;
    file->name[0] = column->name;
    file->row_size[0] = row_size_of(column);
    if (status == SCORE_OK) {
        lay_out_npy(column, file, header);
        if (ftruncate(file->descriptor, 0) != 0)
            status = fail(file, "cannot be emptied", errno, error);
    }
    if (status == SCORE_OK)
        status = reserve(file, file->offset[0] + rows * file->row_size[0], error);
    if (status == SCORE_OK)
        status = write_bytes(file, header, file->offset[0], 0, error);
    if (status != SCORE_OK)
        score_frames_file_abandon(file);
    return status;
}

score_status score_frames_file_reopen(const char *path, const score_frames_layout *layout,
                                      score_frames_file *file, score_error *error) {
    score_status status = begin(path, file, error);
    if (status == SCORE_OK)
        status = open_and_lock(file, 0, error);
    if (status == SCORE_OK)
        status = locate(layout, file, error);
    if (status != SCORE_OK)
        score_frames_file_close(file);
    return status;
}

score_status score_frames_file_write(score_frames_file *file, int column, uint64_t first,
                                     uint64_t count, const void *rows, score_error *error) {
    if (count > file->rows || first > file->rows - count)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "row %llu of %s, which has %llu",
                          (unsigned long long)(first + count), file->name[column],
                          (unsigned long long)file->rows);
    return write_bytes(file, rows, count * file->row_size[column],
                       file->offset[column] + first * file->row_size[column], error);
}

score_status score_frames_file_sync(score_frames_file *file, score_error *error) {
    return fdatasync(file->descriptor) == 0
               ? SCORE_OK
               : fail(file, "cannot be synced to the disk", errno, error);
}

score_status score_frames_file_finish(score_frames_file *file, score_error *error) {
    score_status status = fsync(file->descriptor) == 0
                              ? SCORE_OK
                              : fail(file, "cannot be synced to the disk", errno, error);
    if (status == SCORE_OK && rename(file->unfinished, file->path) != 0)
        status = fail(file, "cannot be renamed", errno, error);
    if (status == SCORE_OK) {
        const int reason = score_sync_directory_of(file->path);
        if (reason != 0)
            status = score_fail_at(error, SCORE_ERROR_FILE, file->path, 0,
                                   "was written, but its directory cannot be synced: %s",
                                   strerror(reason));
    }
    score_frames_file_close(file);
    return status;
}

void score_frames_file_close(score_frames_file *file) {
    if (file->descriptor >= 0)
        close(file->descriptor);
    free(file->path);
    free(file->unfinished);
    file->path = file->unfinished = NULL;
    file->descriptor = -1;
}

void score_frames_file_abandon(score_frames_file *file) {
    if (file->descriptor >= 0) /* so it is ours */
        unlink(file->unfinished);
    score_frames_file_close(file);
}
