/* Experts: the architecture says which tensors there must be, and how large; nothing is read or
 * allocated on the word of the tensors alone. */
#include <stdlib.h>
#include <string.h>

#include "weights/attributes.h"
#include "weights/claim.h"
#include "weights/reader.h"
#include "weights/scalar_bytes.h"

static score_status read_config(score_xml_element *element, score_expert_config *expert) {
    int architecture, output, dtype;
    score_status status;
    if ((status = score_attribute_choice(element, "architecture", SCORE_ARCHITECTURE_WORDS,
                                         &architecture)) ||
        (status = score_attribute_choice(element, "output", SCORE_OUTPUT_WORDS, &output)) ||
        (status = score_attribute_int(
             element, "hidden", 1, SCORE_MAX_WIDTH / SCORE_FEEDFORWARD_FACTOR, &expert->hidden)) ||
        (status = score_attribute_int(element, "layers", 1, SCORE_MAX_LAYERS, &expert->layers)) ||
        (status = score_attribute_double(element, "timeBegin", &expert->t_begin)) ||
        (status = score_attribute_double(element, "timeEnd", &expert->t_end)) ||
        (status = score_attribute_choice(element, "dtype", SCORE_DTYPE_WORDS, &dtype)))
        return status;
    if (score_has_attribute(element, "timeVariance") &&
        (status = score_attribute_positive(element, "timeVariance", &expert->time_variance)))
        return status;
    expert->architecture = (score_architecture)architecture;
    expert->output = (score_output)output;
    expert->dtype = (score_dtype)dtype;
    if (expert->architecture == SCORE_MLP)
        return SCORE_OK;
    if ((status = score_attribute_int(element, "heads", 1, SCORE_MAX_WIDTH, &expert->heads)))
        return status;
    return score_attribute_int(element, "headWidth", 1, SCORE_MAX_WIDTH, &expert->head_width);
}

static score_status check_claim(score_reader *reader, size_t weights, long line) {
    reader->weights += weights;
    if (score_claim_fits(reader->weights, reader->stored_bytes))
        return SCORE_OK;
    return score_reader_fail(reader, line,
                             "the experts up to here claim %zu parameters, too many for a file of "
                             "%llu bytes",
                             reader->weights, (unsigned long long)reader->stored_bytes);
}

score_status score_read_expert(score_reader *reader, score_xml_element *element) {
    score_model_config *config = &reader->config;
    const int k = config->expert_count;
    if (k == SCORE_MAX_EXPERTS)
        return score_reader_fail(reader, element->line, "there are more than %d <Expert>",
                                 SCORE_MAX_EXPERTS);
    score_network *network = &reader->networks[k];
    score_status status = read_config(element, &config->experts[k]);
    if (status != SCORE_OK)
        return status;
    config->expert_count++;
    if ((status = score_model_check(config, reader->error)) ||
        (status = score_network_create(config, k, network, reader->error)))
        return score_reader_place(reader, status, element->line);
    if ((status = check_claim(reader, network->parameter_count, element->line)))
        return status;
    /* calloc leaves pages that no tensor fills to the system. */
    reader->parameters[k] = calloc(network->parameter_count, sizeof(double));
    reader->present = calloc((size_t)network->tensor_count, sizeof *reader->present);
    reader->next = 0;
    if (reader->parameters[k] == NULL || reader->present == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, element->line,
                             "cannot allocate %zu parameters", network->parameter_count);
    return SCORE_OK;
}

score_status score_end_expert(score_reader *reader, long line) {
    const int k = reader->config.expert_count - 1;
    const score_network *network = &reader->networks[k];
    for (int t = 0; t < network->tensor_count; t++)
        if (!reader->present[t])
            return score_reader_fail(reader, line, "tensor '%s' of expert %d is missing",
                                     network->tensors[t].name, k);
    free(reader->present);
    reader->present = NULL;
    return SCORE_OK;
}

/* The place of tensor `name` in the network, or -1. */
static int find_tensor(const score_reader *reader, const score_network *network, const char *name) {
    const int next = reader->next;
    if (next < network->tensor_count && strcmp(network->tensors[next].name, name) == 0)
        return next;
    return score_network_find(network, name);
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
        return score_reader_fail(reader, element->line,
                                 "tensor '%s' has shape '%d%s', the architecture says '%d'",
                                 tensor->name, shape[0], rank == 1 ? "" : " ...", tensor->shape[0]);
    return score_reader_fail(reader, element->line,
                             "tensor '%s' has shape '%d %d', the architecture says '%d %d'",
                             tensor->name, shape[0], shape[1], tensor->shape[0], tensor->shape[1]);
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
    const int expert = reader->config.expert_count - 1;
    const score_network *network = &reader->networks[expert];
    const score_dtype dtype = reader->config.experts[expert].dtype;
    char name[SCORE_NAME_SIZE];
    int stated_dtype;
    score_status status = score_attribute_text(element, "name", name, sizeof name);
    if (status != SCORE_OK)
        return status;
    const int k = find_tensor(reader, network, name);
    if (k < 0)
        return score_reader_fail(reader, element->line,
                                 "tensor '%s' is not one of the architecture's", name);
    if (reader->present[k])
        return score_reader_fail(reader, element->line, "tensor '%s' appears twice", name);
    const score_tensor *tensor = &network->tensors[k];
    if ((status = check_shape(reader, element, tensor)) ||
        (status = score_attribute_choice(element, "dtype", SCORE_DTYPE_WORDS, &stated_dtype)) ||
        (status = read_crc(reader, element)))
        return status;
    if (stated_dtype != (int)dtype)
        return score_reader_fail(reader, element->line,
                                 "tensor '%s' has dtype %s, its expert has %s", name,
                                 SCORE_DTYPE_WORDS[stated_dtype], SCORE_DTYPE_WORDS[dtype]);
    reader->present[k] = true;
    reader->next = k + 1;
    reader->allowed_bytes += text_bound(tensor, dtype);
    return score_tensor_decoder_begin(&reader->decoder, reader->file, element->line, tensor->name,
                                      dtype, reader->parameters[expert] + tensor->offset,
                                      tensor->size, reader->error);
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
