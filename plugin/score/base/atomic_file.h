/* Files that appear whole or not at all: written under a temporary name beside the target, synced
 * to the disk, then renamed over it. A reader, or a machine that loses power, sees the old file or
 * the new one. */
#ifndef SCORE_ATOMIC_FILE_H
#define SCORE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "score/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct score_atomic_file {
    FILE *stream; /* of the temporary; NULL: no file is open */
    struct score_atomic_sink *sink;
    char *path;
    char *temporary;
} score_atomic_file;

/* Opens a new temporary file for `path`. It gets the permissions of the file that it will replace,
 * or those of any new file, also where the file system cannot change them. A symbolic link stays
 * one: what it leads to is replaced, or made. The temporary is "<path>.<process>-<number>.tmp"; those
 * that killed processes have left are removed. Ends with commit or abandon.
 * SCORE_ERROR_FILE: the directory cannot be written, or `path` is not a regular file;
 * SCORE_ERROR_MEMORY. */
score_status score_atomic_open(const char *path, score_atomic_file *file, score_error *error);

/* Writes to the temporary. That a write failed is told, with its reason, by score_atomic_commit;
 * what comes after it is not written. */
void score_atomic_write(score_atomic_file *file, const void *data, size_t size);
void score_atomic_print(score_atomic_file *file, const char *format, ...) SCORE_PRINTF(2, 3);

/* Puts the file in its place. SCORE_ERROR_FILE: something could not be written; then the temporary
 * is gone and `path` is as it was. Either way `file` is closed and zero afterwards. */
score_status score_atomic_commit(score_atomic_file *file, score_error *error);

/* Closes and removes the temporary; `path` is as it was. Does nothing to a zero `file`. */
void score_atomic_abandon(score_atomic_file *file);

/* The file that `path` leads to, for free(): the end of its symbolic links, there or not. NULL, with
 * errno: they lead in a circle (ELOOP), or no memory. */
char *score_resolve_links(const char *path);

/* Whether `path` leads to anything. */
bool score_path_exists(const char *path);

/* Removes the temporaries that killed processes have left of the file `path`, without links. is_ours:
 * nobody else writes it now, so all of them. What cannot be removed does no harm. */
void score_remove_leftovers(const char *path, bool is_ours);

/* Gives an open file the permissions of the file `path`, where there is one and the file system
 * knows any. Returns 0 or -1, with errno. */
int score_copy_mode(int descriptor, const char *path);

/* Whether nobody else holds the open file: it is then held until it is closed. File systems without
 * locks go without. */
bool score_lock_file(int descriptor);

/* A rename is on the disk only when its directory is. Returns 0, or the errno of what failed. */
int score_sync_directory_of(const char *path);

#ifdef __cplusplus
}
#endif

#endif
