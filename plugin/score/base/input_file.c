#define _POSIX_C_SOURCE 200809L

#include "base/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static score_status fail_to_open(const char *path, int why, score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be opened: %s", strerror(why));
}

score_status score_open_input(const char *path, FILE **file, score_error *error) {
    *file = NULL;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return fail_to_open(path, errno, error);
    struct stat information;
    const bool is_known = fstat(descriptor, &information) == 0;
    if (is_known && S_ISREG(information.st_mode))
        *file = fdopen(descriptor, "rb");
    if (*file != NULL)
        return SCORE_OK;
    const int why = errno;
    close(descriptor);
    if (is_known && S_ISDIR(information.st_mode))
        return fail_to_open(path, EISDIR, error);
    if (is_known && !S_ISREG(information.st_mode))
        return score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                             "is no regular file, but a pipe or a device");
    return fail_to_open(path, why, error);
}
