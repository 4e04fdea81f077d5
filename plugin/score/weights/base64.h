/* Base64 (RFC 4648, section 4) in pieces of any size. */
#ifndef SCORE_BASE64_H
#define SCORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise before use. */
typedef struct score_base64_decoder {
    uint32_t bits; /* what has been read of the current group of four characters */
    int characters;
    int padding;
    bool ended; /* padding has been seen, nothing may follow */
} score_base64_decoder;

enum { SCORE_BASE64_PIECE = 4096 };

/* Decodes the first characters of text[size], at most SCORE_BASE64_PIECE of them, to `bytes` (room
 * for SCORE_BASE64_PIECE); white space is skipped. Returns how many characters were taken;
 * fewer than asked for if text[returned] is not allowed there. */
size_t score_base64_decode(score_base64_decoder *decoder, const char *text, size_t size,
                           unsigned char *bytes, size_t *byte_count);

/* True if what has been read is a whole number of groups. */
bool score_base64_complete(const score_base64_decoder *decoder);

/* Encodes bytes[size] with padding to `text` (room for 4 * ((size + 2) / 3)), without a
 * terminating zero; returns the number of characters. Pieces of a longer text need a size that is
 * a multiple of 3, except for the last. */
size_t score_base64_encode(const unsigned char *bytes, size_t size, char *text);

#endif
