/* A text of numbers, read word by word; what is wrong is said with its line. `#` begins a comment
 * line. */
#ifndef PEPTIDE_TEXT_FILE_H
#define PEPTIDE_TEXT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "score/status.h"

typedef struct text_file {
    const char *path;
    char *content;
    size_t size;
    char *at;
    long line;
    char word[64];
} text_file;

/* SCORE_ERROR_FILE, SCORE_ERROR_MEMORY; SCORE_ERROR_FORMAT: a zero byte. */
score_status text_file_open(const char *path, text_file *file, score_error *error);
void text_file_close(text_file *file);

/* Each fails with SCORE_ERROR_FORMAT where the next word is not what is asked for. `what` is its
 * name in the message. */
score_status text_file_keyword(text_file *file, const char *keyword, score_error *error);
score_status text_file_integer(text_file *file, const char *what, int64_t least, int64_t most,
                               int *value, score_error *error);
score_status text_file_number(text_file *file, const char *what, double *value, score_error *error);
/* As many numbers as `count`. */
score_status text_file_numbers(text_file *file, const char *what, int count, double *values,
                               score_error *error);
/* The rest of the line, without blanks at its ends, for free(). */
score_status text_file_rest(text_file *file, char **text, score_error *error);
/* Whether the next word is `keyword`; it is taken then. */
int text_file_try(text_file *file, const char *keyword);
/* Nothing but comments may follow. */
score_status text_file_end(text_file *file, score_error *error);
score_status text_file_fail(const text_file *file, score_error *error, const char *format, ...)
    SCORE_PRINTF(3, 4);

#endif
