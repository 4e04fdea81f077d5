/* Which of the tables of operations is used. */
#include <stdlib.h>
#include <string.h>

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

static const score_host *chosen = &TABLE(v1);

/* The best that the processor has; the environment variable SCORE_ISA (v1, v3, v4) can ask for less,
 * to test and to compare. Anything else it says is not heeded: score-info --build prints what is in
 * use. */
__attribute__((constructor)) static void choose(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    const char *wanted = getenv("SCORE_ISA");
    if (wanted != NULL && strcmp(wanted, "v1") == 0)
        return;
    const bool at_most_v3 = wanted != NULL && strcmp(wanted, "v3") == 0;
    if (score_processor_has_v4() && !at_most_v3)
        chosen = &TABLE(v4);
    else if (score_processor_has_v3())
        chosen = &TABLE(v3);
#endif
}

const score_host *score_host_in_use(void) {
    return chosen;
}
