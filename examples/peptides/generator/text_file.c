#include "text_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/input_file.h"
#include "base/number.h"

enum { WORD_SIZE = 60 }; /* longer words are neither keywords nor numbers */

static score_status read_all(FILE *stream, text_file *file, score_error *error) {
    size_t room = 0;
    for (;;) {
        if (file->size + 2 > room) {
            room = room == 0 ? 1 << 16 : 2 * room;
            char *larger = realloc(file->content, room);
            if (larger == NULL)
                return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", room);
            file->content = larger;
        }
        const size_t got = fread(file->content + file->size, 1, room - 1 - file->size, stream);
        file->size += got;
        if (got == 0)
            break;
    }
    if (ferror(stream))
        return score_fail_at(error, SCORE_ERROR_FILE, file->path, 0, "cannot be read: %s",
                             strerror(errno));
    file->content[file->size] = '\0';
    if (memchr(file->content, '\0', file->size) != NULL)
        return score_fail_at(error, SCORE_ERROR_FORMAT, file->path, 0, "is not a text");
    return SCORE_OK;
}

score_status text_file_open(const char *path, text_file *file, score_error *error) {
    *file = (text_file){.path = path, .line = 1};
    FILE *stream = NULL;
    score_status status = score_open_input(path, &stream, error);
    if (status != SCORE_OK)
        return status;
    status = read_all(stream, file, error);
    fclose(stream);
    file->at = file->content;
    if (status != SCORE_OK)
        text_file_close(file);
    return status;
}

void text_file_close(text_file *file) {
    free(file->content);
    file->content = file->at = NULL;
}

/* To the next word, over blanks, line ends and comment lines. */
static void skip(text_file *file) {
    for (;; file->at++) {
        if (*file->at == '#')
            file->at += strcspn(file->at, "\n");
        if (*file->at == '\n')
            file->line++;
        else if (*file->at == '\0' || strchr(" \t\r", *file->at) == NULL)
            return;
    }
}

/* The next word is in file->word, cut to fit, and file->at still before it. Its length. */
static size_t peek(text_file *file) {
    skip(file);
    const size_t size = strcspn(file->at, " \t\r\n");
    snprintf(file->word, sizeof file->word, "%.*s", (int)(size < WORD_SIZE ? size : WORD_SIZE),
             file->at);
    return size;
}

score_status text_file_fail(const text_file *file, score_error *error, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return score_fail_at(error, SCORE_ERROR_FORMAT, file->path, file->line, "%s", text);
}

static const char *found(const text_file *file) {
    return *file->at == '\0' ? "the end of the file" : file->word;
}

score_status text_file_keyword(text_file *file, const char *keyword, score_error *error) {
    const size_t size = peek(file);
    if (size != strlen(keyword) || strcmp(file->word, keyword) != 0)
        return text_file_fail(file, error, "'%s' expected, found '%s'", keyword, found(file));
    file->at += size;
    return SCORE_OK;
}

int text_file_try(text_file *file, const char *keyword) {
    const size_t size = peek(file);
    if (size != strlen(keyword) || strcmp(file->word, keyword) != 0)
        return 0;
    file->at += size;
    return 1;
}

score_status text_file_integer(text_file *file, const char *what, int64_t least, int64_t most,
                               int *value, score_error *error) {
    const size_t size = peek(file);
    int64_t number;
    if (size > WORD_SIZE || !score_parse_int(file->word, least, most, &number))
        return text_file_fail(file, error,
                              "%s is '%s', must be an integer from %" PRId64 " to %" PRId64, what,
                              found(file), least, most);
    file->at += size;
    *value = (int)number;
    return SCORE_OK;
}

score_status text_file_number(text_file *file, const char *what, double *value,
                              score_error *error) {
    const size_t size = peek(file);
    if (size > WORD_SIZE || !score_parse_double(file->word, value))
        return text_file_fail(file, error, "%s is '%s', must be a number", what, found(file));
    file->at += size;
    return SCORE_OK;
}

score_status text_file_numbers(text_file *file, const char *what, int count, double *values,
                               score_error *error) {
    for (int k = 0; k < count; k++) {
        const score_status status = text_file_number(file, what, &values[k], error);
        if (status != SCORE_OK)
            return status;
    }
    return SCORE_OK;
}

score_status text_file_rest(text_file *file, char **text, score_error *error) {
    while (*file->at == ' ' || *file->at == '\t')
        file->at++;
    size_t size = strcspn(file->at, "\n");
    const char *begin = file->at;
    file->at += size;
    while (size > 0 && strchr(" \t\r", begin[size - 1]) != NULL)
        size--;
    *text = malloc(size + 1);
    if (*text == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu bytes", size + 1);
    memcpy(*text, begin, size);
    (*text)[size] = '\0';
    return SCORE_OK;
}

score_status text_file_end(text_file *file, score_error *error) {
    peek(file);
    if (*file->at == '\0')
        return SCORE_OK;
    return text_file_fail(file, error, "'%s' after the end", file->word);
}
