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

char *make_bad_tensor(const bad_tensor *bad, long *line) {
    unsigned char packed[256];
    char base64[512], element[1024];
    uLongf size = sizeof packed;
    if (compress(packed, &size, bad->bytes, bad->size) != Z_OK)
        abort();
    size -= bad->cut;
    memcpy(packed + size, bad->more, strlen(bad->more));
    size += strlen(bad->more);
    base64[score_base64_encode(packed, size, base64)] = '\0';
    snprintf(element, sizeof element,
             "<Tensor name=\"readout.bias\" shape=\"1\" dtype=\"float32\" crc32=\"%08lx\">%s"
             "</Tensor>\n",
             crc32(0, bad->bytes, (uInt)bad->size), base64);
    char *document = make_document(SAMPLE_TRANSFORMER);
    char *text = replace_text(document, "<Tensor name=\"readout.bias\"", "</Tensor>\n", element);
    *line = line_of(text, strstr(text, "<Tensor name=\"readout.bias\""));
    free(document);
    return text;
}
