#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef SCORE_HAS_OPENBLAS
#include "base/openblas.h"
#endif
#include "base/processor.h"
#include "host/host.h"

#define TABLE__(suffix, isa) score_host_table_##suffix##_##isa
#define TABLE_(suffix, isa) TABLE__(suffix, isa)
#define TABLE(isa) TABLE_(SCORE_PRECISION_SUFFIX, isa)

extern const score_host TABLE(v1);
#ifdef SCORE_HAS_X86_64_LEVELS
extern const score_host TABLE(v3);
extern const score_host TABLE(v4);
#endif
#ifdef SCORE_HAS_OPENBLAS
extern const score_host TABLE(openblas);
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const score_host *in_use, *reference;

static bool asked(const char *variable, const char *value) {
    const char *wanted = getenv(variable);
    return wanted != NULL && strcmp(wanted, value) == 0;
}

static const score_host *best(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    if (asked("SCORE_ISA", "v1"))
        return &TABLE(v1);
    if (score_processor_has_v4() && !asked("SCORE_ISA", "v3"))
        return &TABLE(v4);
    if (score_processor_has_v3())
        return &TABLE(v3);
#endif
    return &TABLE(v1);
}

/* Why there are no products of OpenBLAS, or NULL. */
static const char *openblas_missing(void) {
#ifdef SCORE_HAS_OPENBLAS
    return score_openblas_missing();
#else
    return "this build has none (install OpenBLAS and configure again)";
#endif
}

/* That whose products are OpenBLAS's, or NULL. */
static const score_host *openblas(void) {
#ifdef SCORE_HAS_OPENBLAS
    if (openblas_missing() == NULL)
        return &TABLE(openblas);
#endif
    return NULL;
}

/* The best instructions that the processor has, with the panels of nn/product.c; or OpenBLAS's products
 * where these panels are not made for the processor. The environment variable SCORE_ISA (v1, v3, v4)
 * can ask for less, to test and to compare; anything else it says is not heeded. SCORE_PRODUCTS can
 * ask for `panels` or `openblas`, beside which all is compiled for v1. */
static void choose(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    const bool wants_openblas = asked("SCORE_PRODUCTS", "openblas");
#else
    const bool wants_openblas = !asked("SCORE_PRODUCTS", "panels");
#endif
    const score_host *library = wants_openblas ? openblas() : NULL;
    in_use = library != NULL ? library : best();
}

/* Apart from choose(), so that OpenBLAS is not loaded for nothing. */
static void choose_reference(void) {
    const score_host *library = asked("SCORE_PRODUCTS", "panels") ? NULL : openblas();
    reference = library != NULL ? library : score_host_in_use();
}

const score_host *score_host_in_use(void) {
    pthread_once(&once, choose);
    return in_use;
}

const score_host *score_host_reference(void) {
    static pthread_once_t reference_once = PTHREAD_ONCE_INIT;
    pthread_once(&reference_once, choose_reference);
    return reference;
}

score_status score_host_check(score_error *error) {
    const char *wanted = getenv("SCORE_PRODUCTS");
    if (wanted == NULL || *wanted == '\0' || strcmp(wanted, "panels") == 0)
        return SCORE_OK;
    if (strcmp(wanted, "openblas") != 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "SCORE_PRODUCTS is '%s', but must be panels or openblas", wanted);
    const char *missing = openblas_missing();
    if (missing == NULL)
        return SCORE_OK;
    return score_fail(error, SCORE_ERROR_ARGUMENT,
                      "SCORE_PRODUCTS is 'openblas', but there is no OpenBLAS: %s", missing);
}
