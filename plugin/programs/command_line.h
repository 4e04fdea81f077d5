/* What the command lines of score-train and score-sample have in common. */
#ifndef SCORE_COMMAND_LINE_H
#define SCORE_COMMAND_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "score/status.h"

/* Opens what is closed of stdin, stdout and stderr: else the next file that is opened has its number,
 * and gets what is said there. First of all in a program. */
void score_hold_standard_streams(void);

/* Reads the value of an option that is an integer from `least` to `most`. Otherwise says so on
 * stderr and returns false. */
bool score_option_integer(const char *program, const char *option, const char *text, int64_t least,
                          int64_t most, int64_t *value);

/* The exit status of a program that ended like this; says on stderr what went wrong. */
int score_exit_status(const char *program, score_status status, const score_error *error);

#endif
