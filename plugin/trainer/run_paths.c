#define _GNU_SOURCE /* flock */
#include "run_paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS "0123456789"

static char *join(const char *folder, size_t folder_size, const char *name) {
    size_t name_size = strlen(name);
    char *path = malloc(folder_size + name_size + 2);
    if (path == NULL)
        return NULL;
    memcpy(path, folder, folder_size);
    if (folder_size > 0 && folder[folder_size - 1] != '/')
        path[folder_size++] = '/';
    memcpy(path + folder_size, name, name_size + 1);
    return path;
}

static bool exists(const char *path) {
    struct stat information;
    return lstat(path, &information) == 0;
}

static score_status lock_folder(score_run_paths *paths, score_error *error) {
    if (mkdir(paths->folder, 0777) != 0 && errno != EEXIST)
        return score_fail_at(error, SCORE_ERROR_FILE, paths->folder, 0, "cannot be made: %s",
                             strerror(errno));
    paths->lock = open(paths->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (paths->lock < 0)
        return score_fail_at(error, SCORE_ERROR_FILE, paths->folder, 0, "cannot be opened: %s",
                             strerror(errno));
    if (flock(paths->lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return score_fail_at(error, SCORE_ERROR_FILE, paths->folder, 0,
                             "is in use by another score-train");
    return SCORE_OK;
}

static score_status check_files(const score_run_paths *paths, bool resume, bool *resumes,
                                score_error *error) {
    *resumes = resume && exists(paths->checkpoint);
    if (*resumes)
        return SCORE_OK;
    const char *files[] = {paths->checkpoint, paths->model, paths->log};
    for (int k = 0; k < 3; k++)
        if (exists(files[k]))
            return score_fail_at(error, SCORE_ERROR_FILE, files[k], 0, "%s",
                                 resume ? "exists, but no checkpoint to resume from"
                                        : "exists already: continue that run with --resume, or "
                                          "choose another --output");
    return SCORE_OK;
}

/* Whether `name` is that of a temporary of base/atomic_file.h for the file `path`:
 * "<file>.<process>-<number>.tmp". */
static bool is_temporary(const char *name, const char *path) {
    const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;
    const size_t size = strlen(file);
    if (strncmp(name, file, size) != 0 || name[size] != '.')
        return false;
    const char *rest = name + size + 1;
    const size_t process = strspn(rest, DIGITS);
    if (process == 0 || rest[process] != '-')
        return false;
    rest += process + 1;
    const size_t number = strspn(rest, DIGITS);
    return number > 0 && strcmp(rest + number, ".tmp") == 0;
}

/* Removes what killed runs have left. The folder is locked: nobody writes these files now. What
 * cannot be removed does no harm. */
static void remove_temporaries(const score_run_paths *paths) {
    DIR *folder = opendir(paths->folder);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (is_temporary(entry->d_name, paths->checkpoint) ||
            is_temporary(entry->d_name, paths->model) || is_temporary(entry->d_name, paths->log))
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
}

score_status score_run_paths_open(const char *folder, bool resume, score_run_paths *paths,
                                  bool *resumes, score_error *error) {
    *paths = (score_run_paths){.lock = -1};
    const size_t size = strlen(folder);
    paths->folder = strdup(folder);
    paths->checkpoint = join(folder, size, "checkpoint");
    paths->model = join(folder, size, "model.xml.gz");
    paths->log = join(folder, size, "log.csv");
    score_status status = SCORE_OK;
    if (!paths->folder || !paths->checkpoint || !paths->model || !paths->log)
        status = score_fail(error, SCORE_ERROR_MEMORY, "out of memory");
    if (status == SCORE_OK)
        status = lock_folder(paths, error);
    if (status == SCORE_OK)
        status = check_files(paths, resume, resumes, error);
    if (status == SCORE_OK)
        remove_temporaries(paths);
    else
        score_run_paths_close(paths);
    return status;
}

void score_run_paths_close(score_run_paths *paths) {
    if (paths->lock >= 0)
        close(paths->lock);
    free(paths->folder);
    free(paths->checkpoint);
    free(paths->model);
    free(paths->log);
    *paths = (score_run_paths){.lock = -1};
}
