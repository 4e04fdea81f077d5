/* The Gaussian: what it is over and the beads say which tensors there must be. */
#include <stdio.h>
#include <stdlib.h>

#include "weights/attributes.h"
#include "weights/reader.h"

enum { VARIANCES, MODES, MEAN };

static void add(score_tensor *tensors, int k, const char *name, int rank, int rows, int columns) {
    score_tensor *tensor = &tensors[k];
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->rank = rank;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    tensor->size = (size_t)rows * (size_t)columns;
    tensor->offset = k == 0 ? 0 : tensor[-1].offset + tensor[-1].size;
}

static score_status open_tensors(score_reader *reader, long line) {
    const score_gaussian *gaussian = &reader->gaussian;
    score_tensor *tensors = reader->gaussian_tensors;
    const bool has_modes = gaussian->over != SCORE_OVER_ALL;
    const bool may_have_mean = gaussian->over == SCORE_OVER_COORDINATES;
    add(tensors, VARIANCES, "variances", 1, gaussian->modes, 1);
    add(tensors, MODES, "modes", 2, gaussian->modes, gaussian->width);
    add(tensors, MEAN, "mean", 1, gaussian->width, 1);
    reader->gaussian_numbers = calloc(tensors[MEAN].offset + tensors[MEAN].size, sizeof(double));
    if (reader->gaussian_numbers == NULL)
        return score_fail_at(reader->error, SCORE_ERROR_MEMORY, reader->file, line,
                             "cannot allocate a Gaussian of %d modes", gaussian->modes);
    const score_tensor_list list = {.owner = "the Gaussian",
                                    .kind = "Gaussian",
                                    .source = "model",
                                    .count = may_have_mean ? 3
                                             : has_modes   ? 2
                                                           : 1,
                                    .last_is_optional = may_have_mean,
                                    .tensors = tensors,
                                    .dtype = SCORE_FLOAT64,
                                    .values = reader->gaussian_numbers};
    return score_open_tensors(reader, &list, line);
}

score_status score_read_gaussian(score_reader *reader, score_xml_element *element) {
    score_model_config *config = &reader->config;
    int over;
    score_status status = score_attribute_choice(element, "over", SCORE_OVER_WORDS, &over);
    if (status != SCORE_OK)
        return status;
    reader->gaussian = (score_gaussian){.over = (score_over)over};
    config->gaussian = &reader->gaussian;
    if ((status = score_gaussian_check_size(config, reader->error)))
        return score_reader_place(reader, status, element->line);
    reader->gaussian.modes = score_gaussian_modes(config, (score_over)over);
    reader->gaussian.width = score_gaussian_width(config, (score_over)over);
    reader->gaussian_line = element->line;
    return open_tensors(reader, element->line);
}

score_status score_end_gaussian(score_reader *reader, long line) {
    score_gaussian *gaussian = &reader->gaussian;
    const double *numbers = reader->gaussian_numbers;
    const score_tensor *tensors = reader->gaussian_tensors;
    const bool has_mean = gaussian->over == SCORE_OVER_COORDINATES && reader->present[MEAN];
    score_status status = score_close_tensors(reader, line);
    if (status != SCORE_OK)
        return status;
    gaussian->variances = numbers;
    gaussian->directions = gaussian->over == SCORE_OVER_ALL ? NULL
                                                            : numbers + tensors[MODES].offset;
    gaussian->mean = has_mean ? numbers + tensors[MEAN].offset : NULL;
    return score_reader_place(reader, score_gaussian_check(&reader->config, reader->error),
                              reader->gaussian_line);
}
