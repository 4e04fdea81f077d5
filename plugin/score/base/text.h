/* Strings. */
#ifndef SCORE_TEXT_H
#define SCORE_TEXT_H

#include <stdbool.h>
#include <string.h>

static inline bool score_ends_with(const char *text, const char *end) {
    const size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The first control character of a UTF-8 text, of C0 or C1 or DEL, or NULL. On a terminal they move
 * the cursor or hide what was printed. */
static inline const char *score_control_character(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (*at < 0x20 || *at == 0x7f || (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0))
            return (const char *)at;
    return NULL;
}

#endif
