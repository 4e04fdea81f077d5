/* supported ISA PROGRAM: becomes PROGRAM if the processor has the instructions of ISA (v1, v3, v4),
 * else exits with 77, which ctest takes for skipped. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int has(const char *isa) {
    if (strcmp(isa, "v1") == 0)
        return 1;
#ifdef SCORE_HAS_X86_64_LEVELS
    __builtin_cpu_init();
    if (strcmp(isa, "v3") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(isa, "v4") == 0)
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
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
