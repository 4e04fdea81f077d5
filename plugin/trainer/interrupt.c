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

/* A signal that this process was started to ignore stays ignored: SIGHUP under nohup, SIGINT in the
 * background of a shell script. */
static void install(int signal_number, const struct sigaction *action) {
    struct sigaction inherited;
    if (sigaction(signal_number, NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
        sigaction(signal_number, action, NULL);
}

void score_interrupt_install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    install(SIGINT, &action);
    install(SIGTERM, &action);
    install(SIGHUP, &action);
}

int score_interrupt_signal(void) {
    return received;
}
