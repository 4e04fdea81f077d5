/* Errors of the model core. Every function that can fail returns a score_status and fills an
 * error owned by the caller; the library never exits, aborts or prints. */
#ifndef SCORE_STATUS_H
#define SCORE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SCORE_EXPORT __attribute__((visibility("default")))
#define SCORE_PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#else
#define SCORE_EXPORT
#define SCORE_PRINTF(format_index, first)
#endif

typedef enum score_status {
    SCORE_OK = 0,
    SCORE_ERROR_ARGUMENT,    /* a value the caller gave is not allowed */
    SCORE_ERROR_MEMORY,      /* an allocation failed */
    SCORE_ERROR_FILE,        /* a file cannot be opened, read or written */
    SCORE_ERROR_FORMAT,      /* a file was read but is not what it should be */
    SCORE_ERROR_NUMERIC,     /* a result is infinite or not a number */
    SCORE_ERROR_INTERRUPTED, /* stopped by the user */
} score_status;

enum { SCORE_ERROR_TEXT_SIZE = 4096 + 1024 + 32 }; /* holds what score_error_text writes */

/* Zero-initialise before use. `file` is empty and `line` 0 where the error has no place in a file.
 * A file's name of more bytes is kept from its end; a message that is too long ends with "...". In
 * both control characters are replaced by '?'. */
typedef struct score_error {
    score_status code;
    long line;
    char file[4096];
    char message[1024];
} score_error;

/* Fills `error` (may be NULL) and returns `code`, so that a caller can write
 * `return score_fail(error, SCORE_ERROR_ARGUMENT, "t is %g, must be positive", t);`. */
SCORE_EXPORT score_status score_fail(score_error *error, score_status code, const char *format, ...)
    SCORE_PRINTF(3, 4);

/* The same with a place in an input file; `line` 0 means the file as a whole. */
SCORE_EXPORT score_status score_fail_at(score_error *error, score_status code, const char *file,
                                        long line, const char *format, ...) SCORE_PRINTF(5, 6);

/* Writes "file:line: message" (or what of it there is) to `text` of `size` bytes; returns `text`. */
SCORE_EXPORT const char *score_error_text(const score_error *error, char *text, unsigned long size);

#ifdef __clang_analyzer__
/* The analyzer does not see that these return `code`, so that a failure is never taken for SCORE_OK. */
#define score_fail(error, code, ...) (score_fail(error, code, __VA_ARGS__), (code))
#define score_fail_at(error, code, ...) (score_fail_at(error, code, __VA_ARGS__), (code))
#endif

#ifdef __cplusplus
}
#endif
#endif
