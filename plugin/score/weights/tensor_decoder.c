#include "weights/tensor_decoder.h"

#include <math.h>
#include <string.h>

#include "weights/scalar_bytes.h"

static score_status fail(const score_tensor_decoder *decoder, const char *what,
                         score_error *error) {
    return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->line, "tensor '%s' %s",
                         decoder->tensor, what);
}

score_status score_tensor_decoder_begin(score_tensor_decoder *decoder, const char *file, long line,
                                        const char *tensor, score_dtype dtype, double *values,
                                        size_t size, score_error *error) {
    *decoder = (score_tensor_decoder){.file = file,
                                      .tensor = tensor,
                                      .line = line,
                                      .text_line = line,
                                      .dtype = dtype,
                                      .values = values,
                                      .size = size,
                                      .bad = size,
                                      .crc = crc32(0, NULL, 0)};
    if (inflateInit(&decoder->zlib) != Z_OK)
        return score_fail_at(error, SCORE_ERROR_MEMORY, file, line, "cannot start zlib");
    decoder->open = true;
    return SCORE_OK;
}

void score_tensor_decoder_close(score_tensor_decoder *decoder) {
    if (decoder->open)
        inflateEnd(&decoder->zlib);
    decoder->open = false;
}

/* Turns the whole values in the window into numbers and moves the rest to its front. */
static void store_values(score_tensor_decoder *decoder) {
    const size_t width = score_dtype_bytes(decoder->dtype);
    const size_t count = decoder->pending / width;
    for (size_t k = 0; k < count; k++) {
        double value = score_scalar_load(decoder->dtype, decoder->window + k * width);
        if (!isfinite(value) && decoder->bad == decoder->size) {
            decoder->bad = decoder->stored + k;
            decoder->bad_value = value;
        }
        decoder->values[decoder->stored + k] = value;
    }
    decoder->stored += count;
    decoder->pending -= count * width;
    memmove(decoder->window, decoder->window + count * width, decoder->pending);
}

/* Inflates one piece, window by window; stops at the first byte beyond the tensor. */
static score_status inflate_piece(score_tensor_decoder *decoder, unsigned char *bytes, size_t size,
                                  score_error *error) {
    z_stream *zlib = &decoder->zlib;
    const size_t width = score_dtype_bytes(decoder->dtype);
    zlib->next_in = bytes;
    zlib->avail_in = (uInt)size;
    while (zlib->avail_in > 0 && !decoder->ended) {
        size_t missing = (decoder->size - decoder->stored) * width - decoder->pending;
        uInt room = (uInt)(sizeof decoder->window - decoder->pending);
        zlib->next_out = decoder->window + decoder->pending;
        zlib->avail_out = room;
        int code = inflate(zlib, Z_NO_FLUSH);
        size_t made = room - zlib->avail_out;
        if (made > missing)
            return fail(decoder, "has more data than its shape holds", error);
        decoder->crc = crc32(decoder->crc, decoder->window + decoder->pending, (uInt)made);
        decoder->pending += made;
        store_values(decoder);
        decoder->ended = code == Z_STREAM_END;
        if (code == Z_MEM_ERROR)
            return score_fail_at(error, SCORE_ERROR_MEMORY, decoder->file, decoder->line,
                                 "out of memory in zlib");
        if (code != Z_OK && code != Z_STREAM_END)
            return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->line,
                                 "tensor '%s' has corrupt zlib data: %s", decoder->tensor,
                                 zlib->msg != NULL ? zlib->msg : "unknown reason");
    }
    if (zlib->avail_in > 0)
        return fail(decoder, "goes on after the end of its zlib data", error);
    return SCORE_OK;
}

static long count_lines(const char *text, size_t size) {
    long lines = 0;
    for (size_t k = 0; k < size; k++)
        lines += text[k] == '\n';
    return lines;
}

score_status score_tensor_decoder_feed(score_tensor_decoder *decoder, const char *text, size_t size,
                                       score_error *error) {
    while (size > 0) {
        unsigned char bytes[SCORE_BASE64_PIECE];
        size_t byte_count;
        size_t asked = size < SCORE_BASE64_PIECE ? size : SCORE_BASE64_PIECE;
        size_t taken = score_base64_decode(&decoder->base64, text, asked, bytes, &byte_count);
        decoder->text_line += count_lines(text, taken);
        if (taken < asked)
            return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->text_line,
                                 "tensor '%s' has character 0x%02x where base64 does not allow it",
                                 decoder->tensor, (unsigned char)text[taken]);
        score_status status = inflate_piece(decoder, bytes, byte_count, error);
        if (status != SCORE_OK)
            return status;
        text += taken;
        size -= taken;
    }
    return SCORE_OK;
}

score_status score_tensor_decoder_finish(score_tensor_decoder *decoder, uint32_t expected,
                                         score_error *error) {
    if (!score_base64_complete(&decoder->base64))
        return fail(decoder, "has base64 text that breaks off", error);
    if (decoder->stored < decoder->size || decoder->pending > 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->line,
                             "tensor '%s' has data for %zu values, its shape holds %zu",
                             decoder->tensor, decoder->stored, decoder->size);
    if (!decoder->ended)
        return fail(decoder, "has zlib data that break off", error);
    if (decoder->crc != expected)
        return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->line,
                             "tensor '%s' has CRC-32 %08lx, crc32 says %08lx", decoder->tensor,
                             decoder->crc, (unsigned long)expected);
    if (decoder->bad < decoder->size)
        return score_fail_at(error, SCORE_ERROR_FORMAT, decoder->file, decoder->line,
                             "tensor '%s' has value %g at place %zu, must be finite",
                             decoder->tensor, decoder->bad_value, decoder->bad);
    return SCORE_OK;
}
