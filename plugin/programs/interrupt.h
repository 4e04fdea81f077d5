/* Ctrl-C (SIGINT), SIGTERM and the end of the terminal (SIGHUP) ask a run to end with a checkpoint;
 * a second Ctrl-C ends it at once. */
#ifndef SCORE_INTERRUPT_H
#define SCORE_INTERRUPT_H

/* SIGPIPE and SIGXFSZ are ignored: what cannot be written is an error there, or, of what is only said,
 * none. */
void score_interrupt_install(void);

/* The signal that asked for the end, or 0. */
int score_interrupt_signal(void);

#endif
