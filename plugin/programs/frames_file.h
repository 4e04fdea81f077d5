/* A file of frames in MDTraj's HDF5 layout (https://mdtraj.org/1.9.4/hdf5_format.html), or a single
 * array in NumPy's format, written while they are made. Its size is known from the start: HDF5 lays the file out once, with room for every
 * row on the disk, and rows then go to their places without HDF5. So a full disk is found before
 * the work, nothing is kept in memory, and after a kill at any moment what was written is there.
 * While it is not complete its name is <path>.unfinished; the last act is to rename it. */
#ifndef SCORE_FRAMES_FILE_H
#define SCORE_FRAMES_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "score/status.h"

enum { SCORE_FRAMES_MAX_COLUMNS = 8, SCORE_FRAMES_MAX_ATTRIBUTES = 32 };

typedef enum score_frames_type {
    SCORE_FRAMES_F32,
    SCORE_FRAMES_F64,
    SCORE_FRAMES_I32
} score_frames_type;

/* A data set of rows x shape[0] x shape[1]; an extent of 0 is left out. */
typedef struct score_frames_column {
    const char *name;
    const char *unit; /* or NULL */
    score_frames_type type;
    int shape[2];
} score_frames_column;

/* An attribute of the file: text; or an integer; or, with count > 0, numbers, one of them a scalar. */
typedef struct score_frames_attribute {
    const char *name;
    const char *text;
    int64_t integer;
    const double *numbers;
    int count;
} score_frames_attribute;

typedef struct score_frames_layout {
    uint64_t rows;
    const char *program;  /* for the layout's attribute */
    const char *topology; /* MDTraj's JSON */
    int columns, attributes;
    score_frames_column column[SCORE_FRAMES_MAX_COLUMNS];
    score_frames_attribute attribute[SCORE_FRAMES_MAX_ATTRIBUTES];
} score_frames_layout;

typedef struct score_frames_file {
    char *path; /* links followed */
    char *unfinished;
    int descriptor;
    int columns;
    uint64_t rows;
    uint64_t offset[SCORE_FRAMES_MAX_COLUMNS]; /* bytes */
    uint64_t row_size[SCORE_FRAMES_MAX_COLUMNS];
    const char *name[SCORE_FRAMES_MAX_COLUMNS];
} score_frames_file;

/* Whether <path>.unfinished is there. */
bool score_frames_file_is_begun(const char *path);

/* Makes <path>.unfinished, or begins it anew, with all its room, and the permissions of a file `path`
 * if there is one. The layout's names must outlive the file. SCORE_ERROR_FILE: it cannot be made, the
 * disk has no room, `path` or <path>.unfinished is not a regular file or leads in a circle,
 * <path>.unfinished is a link, or another process writes it, and nothing is left of it;
 * SCORE_ERROR_MEMORY. */
score_status score_frames_file_create(const char *path, const score_frames_layout *layout,
                                      score_frames_file *file, score_error *error);
/* The same of NumPy's format: one array, of as many rows, whose name and unit stand nowhere. */
score_status score_frames_file_create_npy(const char *path, uint64_t rows,
                                          const score_frames_column *column,
                                          score_frames_file *file, score_error *error);
/* Goes on with <path>.unfinished. SCORE_ERROR_FORMAT: it is not of this layout, or has other
 * attributes. */
score_status score_frames_file_reopen(const char *path, const score_frames_layout *layout,
                                      score_frames_file *file, score_error *error);

/* Rows first to first + count - 1 of a column, packed. Any number of threads may write other rows. */
score_status score_frames_file_write(score_frames_file *file, int column, uint64_t first,
                                     uint64_t count, const void *rows, score_error *error);
/* CRC-32 of these rows of all columns, as they are in the file. */
score_status score_frames_file_checksum(const score_frames_file *file, uint64_t first,
                                        uint64_t count, uint32_t *checksum, score_error *error);
/* What has been written survives a loss of power. */
score_status score_frames_file_sync(score_frames_file *file, score_error *error);
/* Gives the file its name, and closes it. Where that fails it is closed and still unfinished. */
score_status score_frames_file_finish(score_frames_file *file, score_error *error);
/* Leaves it unfinished. Does nothing to a file that is closed or {.descriptor = -1}. */
void score_frames_file_close(score_frames_file *file);
/* The same, and removes it. */
void score_frames_file_abandon(score_frames_file *file);

#endif
