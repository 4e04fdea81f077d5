#define _POSIX_C_SOURCE 200809L
#include "interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t received;

static void handle(int signal_number) {
    if (received != 0) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    received = signal_number;
}

void score_interrupt_install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int score_interrupt_signal(void) {
    return received;
}
