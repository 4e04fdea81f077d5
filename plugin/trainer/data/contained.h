/* Work that damaged input may crash or keep busy for ever, tried in a process of its own. */
#ifndef SCORE_CONTAINED_H
#define SCORE_CONTAINED_H

#include <stdbool.h>

/* Runs work(argument) in a copy of this process, which leaves no trace here but what it does to files;
 * nothing that it prints is seen. False where it crashed, or took more than `cpu_seconds` of processor
 * time, or there is no process to be had. Not for a process that has threads at work. */
bool score_survives(void (*work)(void *argument), void *argument, int cpu_seconds);

/* For work in such a copy: allows it as much processor time more, from now on. */
void score_allow_cpu(double seconds);

#endif
