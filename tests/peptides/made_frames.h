/* A file of frames as the tests of frames_file.h make it, in a folder of their own. */
#ifndef MADE_FRAMES_H
#define MADE_FRAMES_H

#include "read_frames.h"

#include "programs/frames_file.h"

enum { ROWS = 12, BEADS = 5, COORDINATES = 0, ENERGY, COPY, COLUMNS };

score_frames_layout make_layout(void);
int empty_folder(void **state);
bool exists(const char *path);
int count_files(const char *path);
void expect_ok(score_status status, const score_error *error);
score_frames_file create_frames(const char *path);
void expect_refused(score_status status, score_status expected, const score_error *error,
                    const char *name, const char *message);
void write_rows(score_frames_file *file, int first, int count);
void finish_frames(score_frames_file *file);

/* Every attribute, row and text, as HDF5 reads them. */
void expect_content(const char *path);

#endif
