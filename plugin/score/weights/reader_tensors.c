/* The tensors of an expert or of the Gaussian: their list says which there must be, and how large;
 * nothing is read or allocated on the word of the file's tensors alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/attributes.h"
#include "weights/reader.h"
#include "weights/scalar_bytes.h"

score_status score_open_tensors(score_reader *reader, const score_tensor_list *list, long line) {
    reader->list = *list;
    reader->next = 0;
    reader->present = calloc((size_t)list->count, sizeof *reader->present);
    if (reader->present == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, line,
                             "cannot allocate a list of %d tensors", list->count);
    return SCORE_OK;
}

score_status score_close_tensors(score_reader *reader, long line) {
    const score_tensor_list *list = &reader->list;
    for (int k = 0; k < list->count; k++)
        if (!reader->present[k] && !(list->last_is_optional && k == list->count - 1))
            return score_reader_fail(reader, line, "tensor '%s' of %s is missing",
                                     list->tensors[k].name, list->owner);
    free(reader->present);
    reader->present = NULL;
    return SCORE_OK;
}

/* The place of tensor `name` in the list, or -1. */
static int find_tensor(const score_reader *reader, const char *name) {
    const score_tensor_list *list = &reader->list;
    if (reader->next < list->count && strcmp(list->tensors[reader->next].name, name) == 0)
        return reader->next;
    if (list->network != NULL)
        return score_network_find(list->network, name);
    for (int k = 0; k < list->count; k++)
        if (strcmp(list->tensors[k].name, name) == 0)
            return k;
    return -1;
}

static score_status check_shape(const score_reader *reader, score_xml_element *element,
                                const score_tensor *tensor) {
    int shape[2] = {0, 1}, rank;
    score_status status = score_attribute_ints(element, "shape", 2, shape, &rank);
    if (status != SCORE_OK)
        return status;
    if (rank == tensor->rank && shape[0] == tensor->shape[0] && shape[1] == tensor->shape[1])
        return SCORE_OK;
    if (tensor->rank == 1)
        return score_reader_fail(
            reader, element->line, "tensor '%s' has shape '%d%s', the %s says '%d'", tensor->name,
            shape[0], rank == 1 ? "" : " ...", reader->list.source, tensor->shape[0]);
    return score_reader_fail(
        reader, element->line, "tensor '%s' has shape '%d %d', the %s says '%d %d'", tensor->name,
        shape[0], shape[1], reader->list.source, tensor->shape[0], tensor->shape[1]);
}

/* Exactly eight hexadecimal digits. */
static score_status read_crc(score_reader *reader, score_xml_element *element) {
    char text[64];
    score_status status = score_attribute_text(element, "crc32", text, sizeof text);
    if (status != SCORE_OK)
        return status;
    if (strlen(text) != 8 || strspn(text, "0123456789abcdef") != 8)
        return score_reader_fail(reader, element->line,
                                 "<Tensor> has crc32 = '%s', must be 8 hexadecimal digits in lower "
                                 "case",
                                 text);
    reader->crc = (uint32_t)strtoul(text, NULL, 16);
    return SCORE_OK;
}

/* How long the text of a tensor may be: incompressible data as base64, and as much white space. */
static size_t text_bound(const score_tensor *tensor, score_dtype dtype) {
    size_t bytes = tensor->size * score_dtype_bytes(dtype);
    return 2 * ((bytes + bytes / 100 + 1024) / 3 * 4) + 1024;
}

score_status score_read_tensor(score_reader *reader, score_xml_element *element) {
    const score_tensor_list *list = &reader->list;
    char name[SCORE_NAME_SIZE];
    int stated_dtype;
    score_status status = score_attribute_text(element, "name", name, sizeof name);
    if (status != SCORE_OK)
        return status;
    const int k = find_tensor(reader, name);
    if (k < 0)
        return score_reader_fail(reader, element->line, "tensor '%s' is not one of the %s's", name,
                                 list->source);
    if (reader->present[k])
        return score_reader_fail(reader, element->line, "tensor '%s' appears twice", name);
    const score_tensor *tensor = &list->tensors[k];
    if ((status = check_shape(reader, element, tensor)) ||
        (status = score_attribute_choice(element, "dtype", SCORE_DTYPE_WORDS, &stated_dtype)) ||
        (status = read_crc(reader, element)))
        return status;
    if (stated_dtype != (int)list->dtype)
        return score_reader_fail(reader, element->line, "tensor '%s' has dtype %s, its %s has %s",
                                 name, SCORE_DTYPE_WORDS[stated_dtype], list->kind,
                                 SCORE_DTYPE_WORDS[list->dtype]);
    reader->present[k] = true;
    reader->next = k + 1;
    reader->allowed_bytes += text_bound(tensor, list->dtype);
    return score_tensor_decoder_begin(&reader->decoder, reader->file, element->line, tensor->name,
                                      list->dtype, list->values + tensor->offset, tensor->size,
                                      reader->error);
}

score_status score_read_tensor_text(score_reader *reader, const char *text, size_t size,
                                    long line) {
    (void)line; /* the decoder counts lines itself: libxml2's is that of the end of the piece */
    return score_tensor_decoder_feed(&reader->decoder, text, size, reader->error);
}

score_status score_end_tensor(score_reader *reader, long line) {
    (void)line;
    score_status status = score_tensor_decoder_finish(&reader->decoder, reader->crc, reader->error);
    score_tensor_decoder_close(&reader->decoder);
    return status;
}
