/* Which of the tables of operations is used. */
#include <stdlib.h>
#include <string.h>

#ifdef SCORE_HAS_OPENBLAS
#include "base/openblas.h"
#endif
#include "base/processor.h"
#include "host/host.h"

#define TABLE__(precision, isa) score_host_table_##precision##_##isa
#define TABLE_(precision, isa) TABLE__(precision, isa)
#define TABLE(isa) TABLE_(SCORE_PRECISION_SUFFIX, isa)

extern const score_host TABLE(v1);
#ifdef SCORE_HAS_X86_64_LEVELS
extern const score_host TABLE(v3);
extern const score_host TABLE(v4);
#endif

#ifdef SCORE_HAS_OPENBLAS
extern const score_host TABLE(openblas);
#endif

static const score_host *chosen = &TABLE(v1);

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

/* Whose products are OpenBLAS's, or NULL. */
static const score_host *openblas(void) {
#ifdef SCORE_HAS_OPENBLAS
    if (score_openblas_load() != NULL)
        return &TABLE(openblas);
#endif
    return NULL;
}

/* The best instructions that the processor has, with the panels of nn/product.c; or OpenBLAS's products
 * where these panels are not made for the processor. The environment variable SCORE_ISA (v1, v3, v4) can
 * ask for less, SCORE_PRODUCTS for `panels` or `openblas` (beside which all is compiled for v1), to test
 * and to compare. Anything else they say is not heeded, nor is `openblas` where there is none:
 * score-info --build prints what is in use. */
__attribute__((constructor)) static void choose(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    const bool wants_openblas = asked("SCORE_PRODUCTS", "openblas");
#else
    const bool wants_openblas = !asked("SCORE_PRODUCTS", "panels");
#endif
    const score_host *library = wants_openblas ? openblas() : NULL;
    chosen = library != NULL ? library : best();
}

const score_host *score_host_in_use(void) {
    return chosen;
}

const score_host *score_host_reference(void) {
    const score_host *library = asked("SCORE_PRODUCTS", "panels") ? NULL : openblas();
    return library != NULL ? library : chosen;
}
