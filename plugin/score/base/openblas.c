#include "base/openblas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static score_openblas library;
static const score_openblas *loaded;
static char missing[256];

/* Sets a pointer to a function, which ISO C does not convert from dlsym's. */
static int find(void *handle, const char *name, void *function) {
    void *found = dlsym(handle, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

static void load(void) {
    __typeof__(openblas_set_num_threads) *set_num_threads;
    __typeof__(openblas_get_config) *get_config;
    void *handle = dlopen(SCORE_OPENBLAS_NAME, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *why = dlerror();
        snprintf(missing, sizeof missing, "%s", why != NULL ? why : SCORE_OPENBLAS_NAME);
        return;
    }
    if (!find(handle, "cblas_sgemm", &library.sgemm) ||
        !find(handle, "cblas_dgemm", &library.dgemm) ||
        !find(handle, "openblas_set_num_threads", &set_num_threads) ||
        !find(handle, "openblas_get_config", &get_config)) {
        snprintf(missing, sizeof missing, "%s is not OpenBLAS with CBLAS", SCORE_OPENBLAS_NAME);
        dlclose(handle);
        return;
    }
    set_num_threads(1);
    if (sscanf(get_config(), "OpenBLAS %31s", library.version) != 1)
        strcpy(library.version, "of unknown version");
    loaded = &library;
}

const score_openblas *score_openblas_load(void) {
    pthread_once(&once, load);
    return loaded;
}

const char *score_openblas_missing(void) {
    return score_openblas_load() != NULL ? NULL : missing;
}
