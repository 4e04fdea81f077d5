/* Does the processor, and the system with it, have the instructions of the x86-64 levels? All of
 * those that the compiler may use are asked for: under a hypervisor one may be missing. */
#ifndef SCORE_PROCESSOR_H
#define SCORE_PROCESSOR_H

#include <stdbool.h>

#ifdef SCORE_HAS_X86_64_LEVELS

#include <cpuid.h>

/* Bits of cpuid that __builtin_cpu_supports has no name for in every compiler. */
static inline bool score_processor_has_lzcnt_movbe_f16c(void) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_MOVBE) || !(ecx & bit_F16C))
        return false;
    return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & (1u << 5)) != 0; /* lzcnt */
}

static inline bool score_processor_has_v3(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("sse4.2") && score_processor_has_lzcnt_movbe_f16c();
}

static inline bool score_processor_has_v4(void) {
    return score_processor_has_v3() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#endif
#endif
