/* Numbers in text that a person or a program wrote, read alike in every locale. */
#ifndef SCORE_NUMBER_H
#define SCORE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* True if `text` is a decimal number from its first to its last character (no spaces, no "inf",
 * "nan" or hexadecimal) that is finite as a double; rounded to nearest. *value is set only then. */
bool score_parse_double(const char *text, double *value);

/* True if `text` is a decimal integer in [least, most] from its first to its last character.
 * *value is set only then. */
bool score_parse_int(const char *text, int64_t least, int64_t most, int64_t *value);

#endif
