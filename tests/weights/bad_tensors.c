#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bad_documents.h"
#include "weights/base64.h"

const bad_tensor BAD_TENSORS[] = {
    {"nan", "\0\0\xc0\x7f", 4, 0, "", "has value nan at place 0, must be finite"},
    {"infinity", "\0\0\x80\xff", 4, 0, "", "has value -inf at place 0, must be finite"},
    {"too much", "\0\0\0\0\0", 5, 0, "", "has more data than its shape holds"},
    {"twice", "\0\0\0\0\0\0\0\0", 8, 0, "", "has more data than its shape holds"},
    {"part of a value", "\0\0\0", 3, 0, "", "has data for 0 values, its shape holds 1"},
    {"without zlib's checksum", "\0\0\0\0", 4, 4, "", "has zlib data that break off"},
    {"wrong zlib checksum", "\0\0\0\0", 4, 1, "x", "corrupt zlib data: incorrect data check"},
    {"more after the end", "\0\0\0\0", 4, 0, "more", "goes on after the end of its zlib data"},
};
const int BAD_TENSOR_COUNT = sizeof BAD_TENSORS / sizeof BAD_TENSORS[0];

const bad_gaussian BAD_GAUSSIANS[] = {
    {"no variance",
     SAMPLE_GAUSSIAN_BEADS,
     "variances",
     {0},
     "the Gaussian is not positive definite: mode 0 has the variance 0"},
    {"negative variance",
     SAMPLE_GAUSSIAN_ALL,
     "variances",
     {-0.25},
     "the Gaussian is not positive definite: mode 0 has the variance -0.25"},
    {"second variance negative",
     SAMPLE_GAUSSIAN_COORDINATES,
     "variances",
     {1, -1e-9},
     "the Gaussian is not positive definite: mode 1 has the variance -1e-09"},
    {"mode too long",
     SAMPLE_GAUSSIAN_BEADS,
     "modes",
     {-1, 1},
     "the product of modes 0 and 0 of the Gaussian is 2, must be 1"},
    {"modes not at right angles",
     SAMPLE_GAUSSIAN_COORDINATES,
     "modes",
     {1, 0, 0.6, 0.8},
     "the product of modes 0 and 1 of the Gaussian is 0.6, must be 0"},
    {"mode that moves the centre",
     SAMPLE_GAUSSIAN_BEADS,
     "modes",
     {0.6, 0.8},
     "mode 0 of the Gaussian moves the mean over beads by 0.7"},
    {"variance that is no number",
     SAMPLE_GAUSSIAN_BEADS,
     "variances",
     {NAN},
     "tensor 'variances' has value nan at place 0, must be finite"},
};
const int BAD_GAUSSIAN_COUNT = sizeof BAD_GAUSSIANS / sizeof BAD_GAUSSIANS[0];

/* Whole elements <Tensor>, for one of `shape` numbers. */
static void print_tensor(char *element, size_t room, const char *name, const char *shape,
                         score_dtype dtype, const unsigned char *packed, size_t packed_size,
                         unsigned long crc) {
    char base64[512];
    base64[score_base64_encode(packed, packed_size, base64)] = '\0';
    snprintf(element, room,
             "<Tensor name=\"%s\" shape=\"%s\" dtype=\"%s\" crc32=\"%08lx\">%s</Tensor>\n", name,
             shape, dtype == SCORE_FLOAT32 ? "float32" : "float64", crc, base64);
}

char *make_bad_gaussian(const bad_gaussian *bad, long *line) {
    char *document = make_document(bad->sample), begin[64], shape[16], element[1024];
    snprintf(begin, sizeof begin, "<Tensor name=\"%s\" shape=\"", bad->tensor);
    const char *place = strstr(document, begin);
    if (place == NULL || sscanf(place + strlen(begin), "%15[0-9 ]", shape) != 1)
        abort();
    char *rest;
    const long rows = strtol(shape, &rest, 10), columns = *rest == ' ' ? strtol(rest, NULL, 10) : 1;
    const size_t size = (size_t)(rows * columns) * sizeof(double);
    unsigned char packed[256];
    uLongf packed_size = sizeof packed;
    if (compress(packed, &packed_size, (const void *)bad->values, size) != Z_OK)
        abort();
    print_tensor(element, sizeof element, bad->tensor, shape, SCORE_FLOAT64, packed, packed_size,
                 crc32(0, (const void *)bad->values, (uInt)size));
    char *text = replace_text(document, begin, "</Tensor>\n", element);
    *line = line_of(text, strstr(text, isnan(bad->values[0]) ? begin : "<Gaussian"));
    free(document);
    return text;
}

char *make_bad_tensor(const bad_tensor *bad, long *line) {
    unsigned char packed[256];
    char element[1024];
    uLongf size = sizeof packed;
    if (compress(packed, &size, bad->bytes, bad->size) != Z_OK)
        abort();
    size -= bad->cut;
    memcpy(packed + size, bad->more, strlen(bad->more));
    size += strlen(bad->more);
    print_tensor(element, sizeof element, "readout.bias", "1", SCORE_FLOAT32, packed, size,
                 crc32(0, bad->bytes, (uInt)bad->size));
    char *document = make_document(SAMPLE_TRANSFORMER);
    char *text = replace_text(document, "<Tensor name=\"readout.bias\"", "</Tensor>\n", element);
    *line = line_of(text, strstr(text, "<Tensor name=\"readout.bias\""));
    free(document);
    return text;
}
