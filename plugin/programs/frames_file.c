#define _POSIX_C_SOURCE 200809L
#include "programs/frames_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/atomic_file.h"
#include "programs/frames_layout.h"

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
    const bool begun = name != NULL && score_path_exists(name);
    free(resolved);
    free(name);
    return begun;
}

/* compare: the attributes, too. */
static score_status locate(const score_frames_layout *layout, bool compare, score_frames_file *file,
                           score_error *error) {
    score_hdf5_writer from;
    score_hdf5_open(&from, file->unfinished);
    const bool good = score_frames_layout_find(layout, &from, file);
    score_status status = good ? SCORE_OK
                               : score_fail_at(error, SCORE_ERROR_FORMAT, file->unfinished, 0,
                                               "is not the file of this run");
    if (good && compare)
        status = score_frames_layout_compare(layout, &from, file->unfinished, error);
    score_hdf5_close(&from);
    file->columns = layout->columns;
    file->rows = layout->rows;
    return status;
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
    return fstat(file->descriptor, &open_file) == 0 && lstat(file->unfinished, &named) == 0 &&
           open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

static score_status open_regular(score_frames_file *file, int flags, score_error *error) {
    struct stat opened;
    file->descriptor = open(file->unfinished, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                            0666);
    if (file->descriptor < 0 && errno == ELOOP)
        return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0,
                             "is a link: it is not written through one");
    if (file->descriptor < 0)
        return fail(file, "cannot be opened", errno, error);
    if (fstat(file->descriptor, &opened) == 0 && S_ISREG(opened.st_mode))
        return SCORE_OK;
    return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0, "is not a regular file");
}

/* A lock of the open file: HDF5's own, of another kind, do not get into its way. */
static score_status open_and_lock(score_frames_file *file, int flags, score_error *error) {
    struct stat old;
    if (stat(file->path, &old) == 0 && !S_ISREG(old.st_mode))
        return score_fail_at(error, SCORE_ERROR_FILE, file->path, 0,
                             "cannot be replaced: it is not a regular file");
    score_status status = open_regular(file, flags, error);
    if (status == SCORE_OK && !(score_lock_file(file->descriptor) && is_there(file)))
        status = score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0,
                               "is being written by another process");
    if (status == SCORE_OK) {
        if (score_copy_mode(file->descriptor, file->path) == 0)
            return SCORE_OK;
        return fail(file, "cannot be given its permissions", errno, error);
    }
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
    return status;
}

static score_status begin(const char *path, score_frames_file *file, score_error *error) {
    *file = (score_frames_file){.path = score_resolve_links(path), .descriptor = -1};
    if (file->path == NULL && errno == ELOOP)
        return score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be replaced: %s",
                             strerror(ELOOP));
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
        possible = !__builtin_mul_overflow(layout->rows, score_frames_row_size(&layout->column[k]),
                                           &more) &&
                   !__builtin_add_overflow(size, more, &size) && size <= INT64_MAX;
    return possible ? reserve(file, size, error)
                    : fail(file, "cannot reserve its room", EFBIG, error);
}

static score_status lay_out_hdf5(const score_frames_layout *layout, score_frames_file *file,
                                 score_error *error) {
    score_hdf5_writer to;
    score_hdf5_create(&to, file->unfinished);
    if (!to.failed)
        score_frames_layout_write(layout, &to);
    score_hdf5_close(&to);
    if (to.failed)
        return score_fail_at(error, SCORE_ERROR_FILE, file->unfinished, 0,
                             "HDF5 cannot make the file (%s)", to.cause);
    score_status status = locate(layout, false, file, error);
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
    file->row_size[0] = score_frames_row_size(column);
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
        status = locate(layout, true, file, error);
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

score_status score_frames_file_checksum(const score_frames_file *file, uint64_t first,
                                        uint64_t count, uint32_t *checksum, score_error *error) {
    unsigned char bytes[1 << 14];
    *checksum = 0;
    for (int column = 0; column < file->columns; column++) {
        uint64_t at = file->offset[column] + first * file->row_size[column];
        for (uint64_t left = count * file->row_size[column]; left > 0;) {
            const size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
            const ssize_t done = pread(file->descriptor, bytes, size, (off_t)at);
            if (done < 0 && errno == EINTR)
                continue;
            if (done <= 0)
                return fail(file, "cannot be read", done < 0 ? errno : EIO, error);
            *checksum = (uint32_t)crc32_z(*checksum, bytes, (size_t)done);
            at += (uint64_t)done;
            left -= (uint64_t)done;
        }
    }
    return SCORE_OK;
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
