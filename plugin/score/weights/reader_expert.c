/* Experts: the architecture says which tensors there must be. */
#include <stdio.h>
#include <stdlib.h>

#include "model/settings.h"
#include "weights/attributes.h"
#include "weights/claim.h"
#include "weights/reader.h"

static score_status read_config(score_xml_element *element, score_expert_config *expert) {
    int architecture, output, dtype;
    score_status status;
    if ((status = score_attribute_kind(element, "architecture", score_architecture_word,
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
    int base = SCORE_BASE_NONE;
    if (score_has_attribute(element, "base") &&
        (status = score_attribute_choice(element, "base", SCORE_BASE_WORDS, &base)))
        return status;
    expert->base = (score_base)base;
    expert->architecture = (score_architecture)architecture;
    expert->output = (score_output)output;
    expert->dtype = (score_dtype)dtype;
    return score_read_settings(element, score_architecture_settings(expert->architecture), expert);
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
    if (config->experts[k].base == SCORE_BASE_GAUSSIAN && config->gaussian == NULL)
        return score_reader_fail(reader, element->line,
                                 "<Expert> has base = 'gaussian', but there is no <Gaussian>");
    if ((status = score_model_check(config, reader->error)) ||
        (status = score_network_create(config, k, network, reader->error)))
        return score_reader_place(reader, status, element->line);
    if ((status = check_claim(reader, network->parameter_count, element->line)))
        return status;
    /* calloc leaves pages that no tensor fills to the system. */
    reader->parameters[k] = calloc(network->parameter_count, sizeof(double));
    if (reader->parameters[k] == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, element->line,
                             "cannot allocate %zu parameters", network->parameter_count);
    score_tensor_list list = {.kind = "expert",
                              .source = "architecture",
                              .count = network->tensor_count,
                              .tensors = network->tensors,
                              .network = network,
                              .dtype = config->experts[k].dtype,
                              .values = reader->parameters[k]};
    snprintf(list.owner, sizeof list.owner, "expert %d", k);
    return score_open_tensors(reader, &list, element->line);
}
