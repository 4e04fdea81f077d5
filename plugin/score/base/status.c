#include "score/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "score/model.h"

#undef score_fail /* macros only for the static analyzer */
#undef score_fail_at

static score_status fail(score_error *error, score_status code, const char *file, long line,
                         const char *format, va_list arguments) SCORE_PRINTF(5, 0);

static const char LEFT_OUT[] = "...";

static void replace_control_characters(char *text) {
    for (const char *found; (found = score_control_character(text)) != NULL;) {
        char *at = text + (found - text);
        if ((unsigned char)*at == 0xc2) /* of two bytes */
            memmove(at, at + 1, strlen(at));
        *at = '?';
        text = at + 1;
    }
}

/* The end of a path says most. `file` may be error->file itself. */
static void set_file(score_error *error, const char *file) {
    const size_t size = strlen(file), room = sizeof error->file - 1;
    if (size > room)
        snprintf(error->file, sizeof error->file, "%s%s", LEFT_OUT,
                 file + size - (room - strlen(LEFT_OUT)));
    else
        memmove(error->file, file, size + 1);
    replace_control_characters(error->file);
}

static score_status fail(score_error *error, score_status code, const char *file, long line,
                         const char *format, va_list arguments) {
    if (error != NULL) {
        error->code = code;
        error->line = line;
        const int size = vsnprintf(error->message, sizeof error->message, format, arguments);
        if (size >= (int)sizeof error->message)
            memcpy(error->message + sizeof error->message - sizeof LEFT_OUT, LEFT_OUT,
                   sizeof LEFT_OUT);
        replace_control_characters(error->message);
        set_file(error, file);
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
