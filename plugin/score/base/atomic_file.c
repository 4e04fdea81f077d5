#define _GNU_SOURCE /* fopencookie, F_OFD_SETLK */

#include "base/atomic_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ATTEMPTS = 1000, MAX_LINKS = 40, SUFFIX_SIZE = 48, LONGEST_NAME = 255 - SUFFIX_SIZE };

/* Where a stream writes: stdio forgets why a write failed, and a full disk should be called one. */
struct score_atomic_sink {
    int descriptor;
    int reason; /* errno of the first write that failed, or 0 */
};

static ssize_t write_to_sink(void *cookie, const char *bytes, size_t size) {
    struct score_atomic_sink *sink = cookie;
    size_t done = 0;
    if (sink->reason != 0)
        return 0; /* what comes after a failure is not written */
    while (done < size) {
        const ssize_t count = write(sink->descriptor, bytes + done, size - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            sink->reason = count < 0 ? errno : EIO;
            return 0;
        }
        done += (size_t)count;
    }
    return (ssize_t)size;
}

static void clear(score_atomic_file *file) {
    if (file->sink != NULL && file->sink->descriptor >= 0)
        close(file->sink->descriptor);
    free(file->sink);
    free(file->path);
    free(file->temporary);
    *file = (score_atomic_file){0};
}

/* Where the link `path` leads, seen from the current folder; NULL: it is none, or no memory. */
static char *follow(const char *path) {
    char target[4096];
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size < 0)
        return NULL;
    target[size] = '\0';
    const char *slash = strrchr(path, '/');
    const size_t folder = target[0] == '/' || slash == NULL ? 0 : (size_t)(slash - path) + 1;
    char *result = malloc(folder + (size_t)size + 1);
    if (result != NULL) {
        memcpy(result, path, folder);
        memcpy(result + folder, target, (size_t)size + 1);
    }
    return result;
}

char *score_resolve_links(const char *path) {
    char *resolved = realpath(path, NULL);
    if (resolved != NULL || errno == ELOOP)
        return resolved;
    resolved = strdup(path);
    for (int k = 0; k < MAX_LINKS && resolved != NULL; k++) {
        char *next = follow(resolved);
        if (next == NULL)
            break;
        free(resolved);
        resolved = next;
    }
    return resolved;
}

bool score_path_exists(const char *path) {
    struct stat information;
    return stat(path, &information) == 0;
}

int score_copy_mode(int descriptor, const char *path) {
    struct stat old;
    if (stat(path, &old) != 0 || fchmod(descriptor, old.st_mode & 0777) == 0)
        return 0;
    return errno == EPERM || errno == ENOTSUP || errno == ENOSYS ? 0 : -1;
}

bool score_lock_file(int descriptor) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* The process in ".<process>-<number>.tmp", or 0. */
static long process_of(const char *ending) {
    char *end;
    if (ending[0] != '.' || ending[1] < '1' || ending[1] > '9')
        return 0;
    const long process = strtol(ending + 1, &end, 10);
    if (end[0] != '-' || end[1] < '0' || end[1] > '9')
        return 0;
    strtol(end + 1, &end, 10);
    return strcmp(end, ".tmp") == 0 ? process : 0;
}

/* The lock tells where processes of other machines or containers, whose numbers say nothing here,
 * are still at work. */
void score_remove_leftovers(const char *path, bool is_ours) {
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    const size_t size = strlen(name) < LONGEST_NAME ? strlen(name) : LONGEST_NAME;
    char *folder = strdup(path);
    if (folder == NULL)
        return;
    folder[slash == NULL ? 0 : slash - path + 1] = '\0';
    DIR *entries = opendir(slash == NULL ? "." : folder);
    free(folder);
    if (entries == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strncmp(entry->d_name, name, size) != 0)
            continue;
        const long process = process_of(entry->d_name + size);
        const bool is_gone = is_ours || (kill((pid_t)process, 0) != 0 && errno == ESRCH);
        if (process == 0 || !is_gone)
            continue;
        const int descriptor = openat(dirfd(entries), entry->d_name,
                                      O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (descriptor >= 0 && score_lock_file(descriptor))
            unlinkat(dirfd(entries), entry->d_name, 0);
        if (descriptor >= 0)
            close(descriptor);
    }
    closedir(entries);
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
        if (descriptor >= 0)
            score_lock_file(descriptor);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* Makes the temporary and its stream. Returns 0 or the errno of what failed. */
static int open_stream(score_atomic_file *file, bool exists) {
    static const cookie_io_functions_t functions = {.write = write_to_sink};
    file->sink->descriptor = open_temporary(file);
    if (file->sink->descriptor < 0)
        return errno;
    if (!exists || score_copy_mode(file->sink->descriptor, file->path) == 0)
        file->stream = fopencookie(file->sink, "w", functions);
    const int reason = file->stream != NULL ? 0 : errno;
    if (reason != 0)
        unlink(file->temporary);
    return reason;
}

score_status score_atomic_open(const char *path, score_atomic_file *file, score_error *error) {
    score_status status = SCORE_ERROR_FILE;
    *file = (score_atomic_file){.path = score_resolve_links(path),
                                .sink = malloc(sizeof *file->sink)};
    if (file->sink != NULL)
        *file->sink = (struct score_atomic_sink){.descriptor = -1};
    if (file->path != NULL)
        file->temporary = malloc(strlen(file->path) + SUFFIX_SIZE);
    struct stat old;
    int reason = errno;
    const bool exists = file->path != NULL && stat(file->path, &old) == 0;
    if (file->path == NULL && reason == ELOOP) {
        score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be replaced: %s", strerror(reason));
    } else if (file->sink == NULL || file->path == NULL || file->temporary == NULL) {
        status = score_fail_at(error, SCORE_ERROR_MEMORY, path, 0, "cannot allocate a file name");
    } else if (exists && !S_ISREG(old.st_mode)) {
        score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                      "cannot be replaced: it is not a regular file");
    } else {
        score_remove_leftovers(file->path, false);
        if ((reason = open_stream(file, exists)) == 0)
            return SCORE_OK;
        score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                      "cannot open a temporary file beside it: %s", strerror(reason));
    }
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

void score_atomic_write(score_atomic_file *file, const void *data, size_t size) {
    fwrite(data, 1, size, file->stream);
}

void score_atomic_print(score_atomic_file *file, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(file->stream, format, arguments);
    va_end(arguments);
}

score_status score_atomic_commit(score_atomic_file *file, score_error *error) {
    errno = 0;
    int good = !ferror(file->stream);
    int reason = 0;
    if (fclose(file->stream) != 0)
        good = 0;
    if (good && fsync(file->sink->descriptor) != 0) {
        good = 0;
        reason = errno;
    }
    if (!good && file->sink->reason != 0)
        reason = file->sink->reason;
    if (close(file->sink->descriptor) != 0 && good) {
        good = 0;
        reason = errno;
    }
    file->sink->descriptor = -1;
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
