#include "score/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "score/model.h"

#undef score_fail /* macros only for the static analyzer */
#undef score_fail_at

static score_status fail(score_error *error, score_status code, const char *file, long line,
                         const char *format, va_list arguments) SCORE_PRINTF(5, 0);

static score_status fail(score_error *error, score_status code, const char *file, long line,
                         const char *format, va_list arguments) {
    if (error != NULL) {
        error->code = code;
        error->line = line;
        snprintf(error->file, sizeof error->file, "%s", file);
        vsnprintf(error->message, sizeof error->message, format, arguments);
    }
    return code;
}

score_status score_fail(score_error *error, score_status code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(error, code, "", 0, format, arguments);
    va_end(arguments);
    return code;
}

score_status score_fail_at(score_error *error, score_status code, const char *file, long line,
                           const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(error, code, file, line, format, arguments);
    va_end(arguments);
    return code;
}

const char *score_error_text(const score_error *error, char *text, unsigned long size) {
    if (error->file[0] == '\0')
        snprintf(text, size, "%s", error->message);
    else if (error->line == 0)
        snprintf(text, size, "%s: %s", error->file, error->message);
    else
        snprintf(text, size, "%s:%ld: %s", error->file, error->line, error->message);
    return text;
}

void score_free(void *memory) {
    free(memory);
}
