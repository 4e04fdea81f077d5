#define _POSIX_C_SOURCE 200809L
#include "programs/command_line.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/number.h"
#include "programs/interrupt.h"

void score_hold_standard_streams(void) {
    for (int descriptor = 0; descriptor < 3; descriptor++)
        if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return; /* the lowest number that is free is this one */
}

bool score_option_integer(const char *program, const char *option, const char *text, int64_t least,
                          int64_t most, int64_t *value) {
    if (score_parse_int(text, least, most, value))
        return true;
    fprintf(stderr, "%s: %s is '%s', must be in [%" PRId64 ", %" PRId64 "]\n", program, option,
            text, least, most);
    return false;
}

int score_exit_status(const char *program, score_status status, const score_error *error) {
    if (status == SCORE_OK)
        return EXIT_SUCCESS;
    char text[SCORE_ERROR_TEXT_SIZE];
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", program, score_error_text(error, text, sizeof text));
    /* As the shell reports a program that a signal ended. */
    return status == SCORE_ERROR_INTERRUPTED ? 128 + score_interrupt_signal() : EXIT_FAILURE;
}
