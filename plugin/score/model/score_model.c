#include "score/model.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/network.h"
#include "model/noise_schedule.h"

struct score_model {
    score_model_config config;
    score_bead *beads;
    score_gaussian gaussian; /* what config.gaussian points to, if it is not NULL */
    double *gaussian_numbers;
    score_note *notes;
    score_network networks[SCORE_MAX_EXPERTS];
    double *parameters[SCORE_MAX_EXPERTS];
};

static score_status check_count(const char *name, int value, int least, int most,
                                score_error *error) {
    if (value < least || value > most)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%s is %d, must be in [%d, %d]", name, value,
                          least, most);
    return SCORE_OK;
}

static score_status check_positive(const char *name, double value, score_error *error) {
    if (!(value > 0) || !isfinite(value))
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%s is %g, must be positive and finite",
                          name, value);
    return SCORE_OK;
}

static score_status check_expert(const score_model_config *config, int k, score_error *error) {
    const score_expert_config *expert = &config->experts[k];
    score_status status;
    if ((status = check_count("hidden", expert->hidden, 1,
                              SCORE_MAX_WIDTH / SCORE_FEEDFORWARD_FACTOR, error)) ||
        (status = check_count("layers", expert->layers, 1, SCORE_MAX_LAYERS, error)) ||
        (status = score_expert_settings_check(expert, error)))
        return status;
    if (!(expert->t_begin >= 0 && expert->t_begin < expert->t_end && expert->t_end <= 1))
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d owns diffusion times [%g, %g], must be a range inside [0, 1]",
                          k, expert->t_begin, expert->t_end);
    if (!(expert->time_variance >= 0) || !isfinite(expert->time_variance))
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d has time_variance %g, must not be negative", k,
                          expert->time_variance);
    if (expert->output == SCORE_OUTPUT_SCORE && config->feature_count > 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d predicts a score, which a model of bead features, whose "
                          "molecules differ in size, cannot do",
                          k);
    if (expert->base == SCORE_BASE_GAUSSIAN && expert->output == SCORE_OUTPUT_SCORE)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d predicts a score and has base gaussian, which only an energy "
                          "can have",
                          k);
    if (expert->architecture == SCORE_MLP) {
        if (config->feature_count > 0)
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "expert %d is an MLP, which cannot use bead features", k);
        return SCORE_OK;
    }
    if (config->dimensions != 3)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "expert %d is a graph transformer in %d dimensions, must be 3", k,
                          config->dimensions);
    if ((long)expert->heads * expert->head_width * 3 > SCORE_MAX_WIDTH)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "%d heads of width %d are wider than the limit of %d", expert->heads,
                          expert->head_width, SCORE_MAX_WIDTH / 3);
    return SCORE_OK;
}

static score_status check_bead(const score_model_config *config, int k, score_error *error) {
    const score_bead *bead = &config->beads[k];
    if (!(bead->mass_amu >= 0) || !isfinite(bead->mass_amu))
        return score_fail(error, SCORE_ERROR_ARGUMENT, "bead %d has mass %g, must not be negative",
                          k, bead->mass_amu);
    int before = k == 0 ? 0 : config->beads[k - 1].residue_index;
    if (bead->residue_index < before)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "bead %d has residue index %d, must be at least %d", k,
                          bead->residue_index, before);
    for (int d = 0; d < 3; d++)
        if (!isfinite(bead->frame_nm[d]))
            return score_fail(error, SCORE_ERROR_ARGUMENT, "bead %d has coordinate %g", k,
                              bead->frame_nm[d]);
    for (int f = 0; f < config->feature_count; f++)
        if (bead->features[f] < 0 || bead->features[f] >= config->feature_sizes[f])
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "bead %d has feature %d = %d, must be in [0, %d)", k, f,
                              bead->features[f], config->feature_sizes[f]);
    return SCORE_OK;
}

/* A molecule of one bead has no neighbours, and one bead at the origin no distance. */
static score_status check_range(const score_data_range *range, score_error *error) {
    if (range->neighbours_nm >= 0 && isfinite(range->neighbours_nm) && range->centre_nm >= 0 &&
        isfinite(range->centre_nm) && (range->centre_nm > 0 || range->neighbours_nm == 0))
        return SCORE_OK;
    return score_fail(
        error, SCORE_ERROR_ARGUMENT,
        "the data's range is %g nm between neighbours, %g nm from the centre: must be "
        "finite, not negative, and both 0 where it is not known",
        range->neighbours_nm, range->centre_nm);
}

/* Each expert alone is far below what a size_t counts. */
static score_status check_parameters(const score_model_config *config, score_error *error) {
    size_t total = 0;
    for (int k = 0; k < config->expert_count; k++) {
        total += score_network_count(config, k);
        if (total > SCORE_MAX_PARAMETERS)
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "%d expert%s %zu parameters, more than the limit of %zu", k + 1,
                              k == 0 ? " has" : "s have", total, SCORE_MAX_PARAMETERS);
    }
    return SCORE_OK;
}

score_status score_model_check(const score_model_config *config, score_error *error) {
    score_status status;
    if ((status = check_count("dimensions", config->dimensions, 1, 3, error)) ||
        (status = check_count("the number of experts", config->expert_count, 1, SCORE_MAX_EXPERTS,
                              error)) ||
        (status = check_count("the number of features", config->feature_count, 0,
                              SCORE_MAX_FEATURES, error)) ||
        (status = check_count("the number of beads", config->bead_count,
                              config->feature_count > 0 ? 0 : 1, SCORE_MAX_BEADS, error)) ||
        (status = check_count("the number of notes", config->note_count, 0, SCORE_MAX_NOTES,
                              error)) ||
        (status = check_positive("scale_nm", config->scale_nm, error)) ||
        (status = check_positive("temperature_k", config->temperature_k, error)) ||
        (status = score_noise_schedule_check(&config->schedule, error)))
        return status;
    if (config->centred && config->bead_count == 1)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "a model of one bead cannot be centred: nothing would be left of it");
    for (int f = 0; f < config->feature_count; f++)
        if ((status = check_count("the size of a feature", config->feature_sizes[f], 1,
                                  SCORE_MAX_WIDTH, error)))
            return status;
    for (int k = 0; k < config->bead_count; k++)
        if ((status = check_bead(config, k, error)))
            return status;
    if ((status = check_range(&config->range, error)))
        return status;
    for (int k = 0; k < config->expert_count; k++)
        if ((status = check_expert(config, k, error)))
            return status;
    return check_parameters(config, error);
}

static char *copy_text(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

score_status score_model_set_note(score_model *model, const char *name, const char *text,
                                  score_error *error) {
    int k = 0;
    while (k < model->config.note_count && strcmp(model->notes[k].name, name) != 0)
        k++;
    char *new_text = copy_text(text);
    char *new_name = k == model->config.note_count ? copy_text(name) : (char *)"";
    score_note *notes = realloc(model->notes,
                                ((size_t)model->config.note_count + 1) * sizeof *notes);
    if (notes != NULL)
        model->notes = notes;
    model->config.notes = model->notes;
    if (new_text == NULL || new_name == NULL || notes == NULL) {
        free(new_text);
        if (k == model->config.note_count)
            free(new_name);
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate note '%s'", name);
    }
    if (k == model->config.note_count) {
        notes[k].name = new_name;
        model->config.note_count++;
    } else {
        free((char *)notes[k].text);
    }
    notes[k].text = new_text;
    return SCORE_OK;
}

/* Whoever has the Gaussian as its base finds one, and that is what it must be. */
static score_status check_base(const score_model_config *config, score_error *error) {
    for (int k = 0; k < config->expert_count; k++)
        if (config->experts[k].base == SCORE_BASE_GAUSSIAN && config->gaussian == NULL)
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "expert %d has base gaussian, but the model has no Gaussian", k);
    return config->gaussian == NULL ? SCORE_OK : score_gaussian_check(config, error);
}

static score_status copy_gaussian(const score_gaussian *source, score_model *model,
                                  score_error *error) {
    if (source == NULL)
        return SCORE_OK;
    const size_t modes = (size_t)source->modes, width = (size_t)source->width;
    double *numbers = malloc((modes + modes * width + width) * sizeof *numbers);
    if (numbers == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a Gaussian of %zu modes",
                          modes);
    score_gaussian *copy = &model->gaussian;
    *copy = *source;
    copy->variances = memcpy(numbers, source->variances, modes * sizeof *numbers);
    if (source->directions != NULL)
        copy->directions = memcpy(numbers + modes, source->directions,
                                  modes * width * sizeof *numbers);
    if (source->mean != NULL)
        copy->mean = memcpy(numbers + modes + modes * width, source->mean, width * sizeof *numbers);
    model->gaussian_numbers = numbers;
    model->config.gaussian = copy;
    return SCORE_OK;
}

score_status score_model_create(const score_model_config *config, score_model **result,
                                score_error *error) {
    *result = NULL;
    score_status status = score_model_check(config, error);
    if (status == SCORE_OK)
        status = check_base(config, error);
    if (status != SCORE_OK)
        return status;
    score_model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a model");
    model->config = *config;
    for (int k = 0; k < config->expert_count; k++)
        score_settings_complete(&model->config.experts[k],
                                score_architecture_settings(model->config.experts[k].architecture));
    model->config.note_count = 0;
    model->config.notes = NULL;
    model->config.gaussian = NULL;
    model->beads = calloc((size_t)config->bead_count + 1, sizeof *model->beads);
    model->config.beads = model->beads;
    if (model->beads == NULL) {
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d beads",
                            config->bead_count);
        goto fail;
    }
    if (config->bead_count > 0)
        memcpy(model->beads, config->beads, (size_t)config->bead_count * sizeof *model->beads);
    if ((status = copy_gaussian(config->gaussian, model, error)))
        goto fail;
    for (int k = 0; k < config->note_count; k++)
        if ((status = score_model_set_note(model, config->notes[k].name, config->notes[k].text,
                                           error)))
            goto fail;
    for (int k = 0; k < config->expert_count; k++) {
        if ((status = score_network_create(&model->config, k, &model->networks[k], error)))
            goto fail;
        model->parameters[k] = calloc(model->networks[k].parameter_count, sizeof(double));
        if (model->parameters[k] == NULL) {
            status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu parameters",
                                model->networks[k].parameter_count);
            goto fail;
        }
    }
    *result = model;
    return SCORE_OK;
fail:
    score_model_destroy(model);
    return status;
}

score_status score_model_copy(const score_model *source, score_model **model, score_error *error) {
    score_status status = score_model_create(&source->config, model, error);
    if (status != SCORE_OK)
        return status;
    for (int k = 0; k < source->config.expert_count; k++)
        memcpy((*model)->parameters[k], source->parameters[k],
               source->networks[k].parameter_count * sizeof(double));
    return SCORE_OK;
}

void score_model_destroy(score_model *model) {
    if (model == NULL)
        return;
    for (int k = 0; k < model->config.note_count; k++) {
        free((char *)model->notes[k].name);
        free((char *)model->notes[k].text);
    }
    for (int k = 0; k < SCORE_MAX_EXPERTS; k++) {
        score_network_destroy(&model->networks[k]);
        free(model->parameters[k]);
    }
    free(model->notes);
    free(model->gaussian_numbers);
    free(model->beads);
    free(model);
}

const score_model_config *score_model_get_config(const score_model *model) {
    return &model->config;
}

score_status score_model_expert_at(const score_model *model, double t, int *expert,
                                   score_error *error) {
    const score_expert_config *experts = model->config.experts;
    int found = -1;
    for (int k = 0; k < model->config.expert_count; k++) {
        const bool owns = t >= experts[k].t_begin && t <= experts[k].t_end;
        if (owns && (found < 0 || experts[k].output == SCORE_OUTPUT_ENERGY ||
                     experts[found].output != SCORE_OUTPUT_ENERGY))
            found = k;
    }
    if (found < 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "no expert of the model owns diffusion time %g", t);
    *expert = found;
    return SCORE_OK;
}

const score_network *score_model_network(const score_model *model, int expert) {
    return &model->networks[expert];
}

size_t score_model_parameter_count(const score_model *model, int expert) {
    return model->networks[expert].parameter_count;
}

double *score_model_parameters(score_model *model, int expert) {
    return model->parameters[expert];
}

const double *score_model_parameters_const(const score_model *model, int expert) {
    return model->parameters[expert];
}

int score_model_tensor_count(const score_model *model, int expert) {
    return model->networks[expert].tensor_count;
}

const score_tensor *score_model_tensor(const score_model *model, int expert, int index) {
    return &model->networks[expert].tensors[index];
}

double score_model_signal(const score_model *model, double t) {
    return score_signal(model->config.schedule, t);
}

double score_model_noise(const score_model *model, double t) {
    return score_noise(model->config.schedule, t);
}

double score_model_time_of_noise(const score_model *model, double noise) {
    return score_time_of_noise(model->config.schedule, noise);
}
