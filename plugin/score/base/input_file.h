/* Files that are read. */
#ifndef SCORE_INPUT_FILE_H
#define SCORE_INPUT_FILE_H

#include <stdio.h>

#include "score/status.h"

/* Opens a file that holds its content: a folder, a pipe or a device is SCORE_ERROR_FILE, as is what
 * cannot be opened, and nothing is waited for. On an error *file is NULL. */
score_status score_open_input(const char *path, FILE **file, score_error *error);

#endif
