#define _XOPEN_SOURCE 700 /* SIGXFSZ */
#include "programs/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t received;

static void handle(int signal_number) {
    /* A terminal that closes sends several signals, and they are one request. */
    if (received != 0 && signal_number == SIGINT) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    if (received == 0)
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
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int score_interrupt_signal(void) {
    return received;
}
