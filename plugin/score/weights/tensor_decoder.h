/* From the text of a <Tensor> to numbers: base64, zlib, then little-endian float32 or float64, all
 * in pieces, so that no more is held than the result and two small buffers. What zlib makes of the
 * text is bounded by the size that was asked for. */
#ifndef SCORE_TENSOR_DECODER_H
#define SCORE_TENSOR_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "score/model.h"
#include "weights/base64.h"

enum { SCORE_DECODER_WINDOW = 1 << 14 };

typedef struct score_tensor_decoder {
    const char *file;
    const char *tensor; /* name, for errors */
    long line;          /* of the start tag, for what is wrong with the whole */
    long text_line;     /* that the text has reached */
    score_dtype dtype;
    double *values; /* [size] */
    size_t size;
    size_t stored; /* values so far */
    size_t bad;    /* place of the first value that is not finite, or `size` */
    double bad_value;
    uLong crc;
    bool open;
    bool ended; /* zlib has seen the end of its data */
    score_base64_decoder base64;
    z_stream zlib;
    size_t pending; /* bytes in `window` that have not become values */
    unsigned char window[SCORE_DECODER_WINDOW];
} score_tensor_decoder;

score_status score_tensor_decoder_begin(score_tensor_decoder *decoder, const char *file, long line,
                                        const char *tensor, score_dtype dtype, double *values,
                                        size_t size, score_error *error);

/* SCORE_ERROR_FORMAT: not base64, not zlib's, or too much. */
score_status score_tensor_decoder_feed(score_tensor_decoder *decoder, const char *text, size_t size,
                                       score_error *error);

/* SCORE_ERROR_FORMAT: too little, another checksum, or a value that is not finite. */
score_status score_tensor_decoder_finish(score_tensor_decoder *decoder, uint32_t crc32,
                                         score_error *error);

/* Frees what zlib holds; does nothing to a decoder that is zero or has been closed. */
void score_tensor_decoder_close(score_tensor_decoder *decoder);

#endif
