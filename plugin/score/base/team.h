/* Threads that work on the same tile and wait for each other between its steps. They run at the
 * same time, so a wait is a few hundred cycles of looking; only a thread that looks for long lets
 * others run. */
#ifndef SCORE_TEAM_H
#define SCORE_TEAM_H

#include <stdatomic.h>

typedef struct score_team { /* NOLINT(clang-analyzer-optin.performance.Padding): on lines apart */
    int parts;
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint turn;
} score_team;

/* Returns when all parts have called it. What a part wrote before, all see after. */
void score_team_wait(score_team *team);

#endif
