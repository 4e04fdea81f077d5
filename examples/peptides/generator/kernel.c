#include "kernel.h"

#include <string.h>

#include "base/processor.h"
#include "base/text.h"
#include "host/host.h"

extern const peptide_kernel peptide_kernel_v1;
#ifdef SCORE_HAS_X86_64_LEVELS
extern const peptide_kernel peptide_kernel_v3;
extern const peptide_kernel peptide_kernel_v4;
#endif

const peptide_kernel *peptide_kernel_named(const char *name) {
#ifdef SCORE_HAS_X86_64_LEVELS
    if (strcmp(name, "v4") == 0)
        return score_processor_has_v4() ? &peptide_kernel_v4 : NULL;
    if (strcmp(name, "v3") == 0)
        return score_processor_has_v3() ? &peptide_kernel_v3 : NULL;
#endif
    return strcmp(name, "v1") == 0 ? &peptide_kernel_v1 : NULL;
}

/* What the model core has chosen, by the processor and SCORE_ISA. */
const peptide_kernel *peptide_kernel_best(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    if (score_ends_with(score_host_in_use()->name, "v4"))
        return &peptide_kernel_v4;
    if (score_ends_with(score_host_in_use()->name, "v3"))
        return &peptide_kernel_v3;
#endif
    return &peptide_kernel_v1;
}
