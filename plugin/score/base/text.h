/* Strings. */
#ifndef SCORE_TEXT_H
#define SCORE_TEXT_H

#include <stdbool.h>
#include <string.h>

static inline bool score_ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

#endif
