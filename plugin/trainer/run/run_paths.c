#define _GNU_SOURCE /* flock */
#include "run/run_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"

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
    *resumes = resume && score_path_exists(paths->checkpoint);
    if (*resumes)
        return SCORE_OK;
    const char *files[] = {paths->checkpoint, paths->model, paths->log};
    for (int k = 0; k < 3; k++)
        if (score_path_exists(files[k]))
            return score_fail_at(error, SCORE_ERROR_FILE, files[k], 0, "%s",
                                 resume ? "exists, but no checkpoint to resume from"
                                        : "exists already: continue that run with --resume, or "
                                          "choose another --output");
    return SCORE_OK;
}

/* The folder is locked: nobody else writes these files now. */
static void remove_leftovers(const score_run_paths *paths) {
    score_remove_leftovers(paths->checkpoint, true);
    score_remove_leftovers(paths->model, true);
    score_remove_leftovers(paths->log, true);
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
        remove_leftovers(paths);
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
