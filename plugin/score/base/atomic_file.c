#define _XOPEN_SOURCE 700

#include "base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ATTEMPTS = 1000, SUFFIX_SIZE = 48, LONGEST_NAME = 255 - SUFFIX_SIZE };

static void clear(score_atomic_file *file) {
    free(file->path);
    free(file->temporary);
    *file = (score_atomic_file){0};
}

char *score_resolve_links(const char *path) {
    char *resolved = realpath(path, NULL);
    return resolved != NULL ? resolved : strdup(path);
}

/* Opens "<path>.<process>-<number>.tmp" with the first number that is free: O_EXCL tells apart the
 * threads of this process, and what a killed one has left. A name that leaves no room for the end is
 * cut. Returns the descriptor or -1. */
static int open_temporary(const score_atomic_file *file) {
    const char *slash = strrchr(file->path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash - file->path) + 1;
    const size_t name = strlen(file->path + folder);
    const int kept = (int)(folder + (name < LONGEST_NAME ? name : LONGEST_NAME));
    size_t size = strlen(file->path) + SUFFIX_SIZE;
    for (int k = 0; k < MAX_ATTEMPTS; k++) {
        snprintf(file->temporary, size, "%.*s.%ld-%d.tmp", kept, file->path, (long)getpid(), k);
        int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* Gives the new file the permissions of the old one, where the file system knows any. */
static int copy_mode(int descriptor, const struct stat *old) {
    if (fchmod(descriptor, old->st_mode & 0777) == 0)
        return 0;
    return errno == EPERM || errno == ENOTSUP || errno == ENOSYS ? 0 : -1;
}

score_status score_atomic_open(const char *path, score_atomic_file *file, score_error *error) {
    score_status status = SCORE_ERROR_FILE;
    char *resolved = score_resolve_links(path);
    *file = (score_atomic_file){.path = resolved};
    if (resolved != NULL)
        file->temporary = malloc(strlen(resolved) + SUFFIX_SIZE);
    if (resolved == NULL || file->temporary == NULL) {
        status = score_fail_at(error, SCORE_ERROR_MEMORY, path, 0, "cannot allocate a file name");
        goto fail_name;
    }
    struct stat old;
    int exists = stat(resolved, &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                      "cannot be replaced: it is not a regular file");
        goto fail_name;
    }
    int descriptor = open_temporary(file);
    if (descriptor < 0) {
        score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                      "cannot open a temporary file beside it: %s", strerror(errno));
        goto fail_name;
    }
    if ((exists && copy_mode(descriptor, &old) != 0) ||
        (file->stream = fdopen(descriptor, "w")) == NULL) {
        score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                      "cannot prepare the temporary file beside it: %s", strerror(errno));
        close(descriptor);
        unlink(file->temporary);
        goto fail_name;
    }
    return SCORE_OK;
fail_name:
    clear(file);
    return status;
}

/* File systems that cannot sync a directory say EINVAL, and there is nothing more to do then. */
int score_sync_directory_of(const char *path) {
    char *directory = strdup(path);
    if (directory == NULL)
        return ENOMEM;
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        slash[slash == directory ? 1 : 0] = '\0';
    int descriptor = open(slash != NULL ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int reason = descriptor < 0 ? errno : 0;
    free(directory);
    if (descriptor < 0) /* writable but not readable: allowed, cannot be synced */
        return reason == EACCES ? 0 : reason;
    if (fsync(descriptor) != 0 && errno != EINVAL)
        reason = errno;
    close(descriptor);
    return reason;
}

/* A stream remembers that a write failed, but not why. */
static void note(score_atomic_file *file, int good) {
    if (!good && file->reason == 0)
        file->reason = errno != 0 ? errno : EIO;
}

void score_atomic_write(score_atomic_file *file, const void *data, size_t size) {
    if (file->reason != 0)
        return;
    errno = 0;
    note(file, fwrite(data, 1, size, file->stream) == size);
}

void score_atomic_print(score_atomic_file *file, const char *format, ...) {
    if (file->reason != 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    errno = 0;
    note(file, vfprintf(file->stream, format, arguments) >= 0);
    va_end(arguments);
}

score_status score_atomic_commit(score_atomic_file *file, score_error *error) {
    errno = 0;
    if (file->reason == 0)
        note(file, !ferror(file->stream) && fflush(file->stream) == 0 &&
                       fsync(fileno(file->stream)) == 0);
    int reason = file->reason, good = reason == 0;
    if (fclose(file->stream) != 0 && good) {
        good = 0;
        reason = errno;
    }
    file->stream = NULL;
    if (good && rename(file->temporary, file->path) != 0) {
        good = 0;
        reason = errno;
    }
    score_status status = SCORE_OK;
    if (!good) {
        status = score_fail_at(error, SCORE_ERROR_FILE, file->path, 0, "cannot be written: %s",
                               strerror(reason));
        unlink(file->temporary);
    } else if ((reason = score_sync_directory_of(file->path)) != 0) {
        status = score_fail_at(error, SCORE_ERROR_FILE, file->path, 0,
                               "was written, but its directory cannot be synced to the disk: %s",
                               strerror(reason));
    }
    clear(file);
    return status;
}

void score_atomic_abandon(score_atomic_file *file) {
    if (file->stream == NULL)
        return;
    fclose(file->stream);
    unlink(file->temporary);
    clear(file);
}
