#include "base/team.h"

#include <sched.h>

enum { LOOKS = 4000 };

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

void score_team_wait(score_team *team) {
    const unsigned turn = atomic_load_explicit(&team->turn, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) + 1 == team->parts) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->turn, turn + 1, memory_order_release);
        return;
    }
    for (int looks = 0; atomic_load_explicit(&team->turn, memory_order_acquire) == turn; looks++) {
        if (looks < LOOKS)
            pause_briefly();
        else
            sched_yield();
    }
}
