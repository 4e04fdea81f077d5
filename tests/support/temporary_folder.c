#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

static char folder[256], before[4096];

int enter_folder(void **state) {
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/score-test-XXXXXX", parent == NULL ? "/tmp" : parent);
    if (getcwd(before, sizeof before) == NULL || mkdtemp(folder) == NULL)
        return -1;
    return chdir(folder);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place) {
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

int leave_folder(void **state) {
    (void)state;
    if (chdir(before) != 0)
        return -1;
    return nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
