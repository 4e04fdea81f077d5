#include "weights/base64.h"

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a character of the alphabet, or -1. */
static int value_of(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Takes one character that is not white space; false if it is not allowed where it stands. */
static bool take(score_base64_decoder *decoder, char c) {
    int value = value_of(c);
    if (c == '=' && decoder->characters + decoder->padding >= 2) {
        decoder->padding++;
        value = 0;
    } else if (value < 0 || decoder->padding > 0 || decoder->ended) {
        return false;
    } else {
        decoder->characters++;
    }
    decoder->bits = decoder->bits << 6 | (uint32_t)value;
    return true;
}

size_t score_base64_decode(score_base64_decoder *decoder, const char *text, size_t size,
                           unsigned char *bytes, size_t *byte_count) {
    size_t count = 0, limit = size < SCORE_BASE64_PIECE ? size : SCORE_BASE64_PIECE, k;
    for (k = 0; k < limit; k++) {
        if (is_space(text[k]))
            continue;
        if (!take(decoder, text[k]))
            break;
        if (decoder->characters + decoder->padding < 4)
            continue;
        /* Bits beyond the last byte must be zero, so that a text has one meaning only. */
        if ((decoder->bits & ((1u << 8 * decoder->padding) - 1)) != 0)
            break;
        for (int b = 0; b < 3 - decoder->padding; b++)
            bytes[count++] = (unsigned char)(decoder->bits >> (16 - 8 * b));
        *decoder = (score_base64_decoder){.ended = decoder->padding > 0};
    }
    *byte_count = count;
    return k;
}

bool score_base64_complete(const score_base64_decoder *decoder) {
    return decoder->characters == 0 && decoder->padding == 0;
}

size_t score_base64_encode(const unsigned char *bytes, size_t size, char *text) {
    char *end = text;
    for (size_t k = 0; k < size; k += 3) {
        uint32_t bits = (uint32_t)bytes[k] << 16;
        if (k + 1 < size)
            bits |= (uint32_t)bytes[k + 1] << 8;
        if (k + 2 < size)
            bits |= bytes[k + 2];
        *end++ = ALPHABET[bits >> 18];
        *end++ = ALPHABET[bits >> 12 & 63];
        *end++ = k + 1 < size ? ALPHABET[bits >> 6 & 63] : '=';
        *end++ = k + 2 < size ? ALPHABET[bits & 63] : '=';
    }
    return (size_t)(end - text);
}
