/* supported ISA PROGRAM: becomes PROGRAM if the processor has the instructions of ISA (v1, v3, v4, or
 * openblas, which chooses for itself), else exits with 77, which ctest takes for skipped. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/processor.h"

static int has(const char *isa) {
    if (strcmp(isa, "v1") == 0 || strcmp(isa, "openblas") == 0)
        return 1;
#ifdef SCORE_HAS_X86_64_LEVELS
    if (strcmp(isa, "v3") == 0)
        return score_processor_has_v3();
    if (strcmp(isa, "v4") == 0)
        return score_processor_has_v4();
#endif
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: supported ISA PROGRAM\n");
        return 2;
    }
    if (!has(argv[1])) {
        printf("%s: not on this processor\n", argv[1]);
        return 77;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 2;
}
