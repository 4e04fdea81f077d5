#define _XOPEN_SOURCE 700
#include "sample_models.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random_models.h"

static void require(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "test set-up: %s\n", what);
        abort();
    }
}

static const score_expert_config SMALL_TRANSFORMER = {.architecture = SCORE_GRAPH_TRANSFORMER,
                                                      .output = SCORE_OUTPUT_ENERGY,
                                                      .hidden = 2,
                                                      .layers = 1,
                                                      .heads = 1,
                                                      .head_width = 2,
                                                      .t_begin = 0,
                                                      .t_end = 1,
                                                      .dtype = SCORE_FLOAT32};

static void configure_beads(score_model_config *config, score_bead beads[3]) {
    *config = molecule_config(2);
    config->beads = beads;
    config->experts[0] = SMALL_TRANSFORMER;
    beads[0] = (score_bead){
        .name = "CA", .residue = "ALA", .mass_amu = 12.011, .frame_nm = {1.0 / 3, -0.0, 5e-324}};
    beads[1] = (score_bead){.name = "N<\"&'>\xc3\xa9",
                            .residue = "",
                            .residue_index = 2,
                            .mass_amu = 14.007,
                            .frame_nm = {-DBL_MAX, 1e-5, 123456789.123456789}};
}

static void configure_features(score_model_config *config, score_bead beads[3]) {
    config->feature_count = 2;
    config->feature_sizes[0] = 3;
    config->feature_sizes[1] = 5;
    beads[0].features[0] = 2;
    beads[1].features[1] = 4;
    config->experts[0].dtype = SCORE_FLOAT64;
}

static void configure_mlp(score_model_config *config, const score_bead *beads) {
    *config = toy_config(1, 2);
    config->beads = beads;
    config->experts[0] = (score_expert_config){.architecture = SCORE_MLP,
                                               .output = SCORE_OUTPUT_SCORE,
                                               .hidden = 3,
                                               .layers = 2,
                                               .t_end = 1,
                                               .dtype = SCORE_FLOAT64};
}

static void configure_experts(score_model_config *config) {
    const double third = 1.0 / 3;
    config->range = (score_data_range){.neighbours_nm = third, .centre_nm = 0.1};
    config->expert_count = 3;
    config->experts[0].output = SCORE_OUTPUT_SCORE;
    config->experts[0].t_begin = 0.6;
    config->experts[1] = (score_expert_config){.architecture = SCORE_MLP,
                                               .output = SCORE_OUTPUT_ENERGY,
                                               .hidden = 4,
                                               .layers = 1,
                                               .t_begin = third,
                                               .t_end = 0.6,
                                               .time_variance = third,
                                               .dtype = SCORE_FLOAT32};
    config->experts[2] = SMALL_TRANSFORMER;
    config->experts[2].t_end = third;
    config->experts[2].dtype = SCORE_FLOAT64;
}

static void configure_gaussian(score_model_config *config, sample_model kind, score_bead beads[3]) {
    static const double variances[2] = {1.0 / 3, 5e-324}, pair[2] = {-M_SQRT1_2, M_SQRT1_2};
    static const double mean[2] = {1e300 / 3, -0.0}, turned[4] = {0.6, -0.8, 0.8, 0.6};
    static const score_gaussian over_beads = {.over = SCORE_OVER_BEADS,
                                              .modes = 1,
                                              .width = 2,
                                              .variances = variances,
                                              .directions = pair};
    static const score_gaussian over_coordinates = {.over = SCORE_OVER_COORDINATES,
                                                    .modes = 2,
                                                    .width = 2,
                                                    .variances = variances,
                                                    .directions = turned,
                                                    .mean = mean};
    static const score_gaussian over_all = {
        .over = SCORE_OVER_ALL, .modes = 1, .variances = variances};
    if (kind == SAMPLE_GAUSSIAN_ALL) {
        configure_features(config, beads);
        config->gaussian = &over_all;
        return;
    }
    if (kind == SAMPLE_GAUSSIAN_COORDINATES) {
        configure_mlp(config, beads);
        config->experts[0].output = SCORE_OUTPUT_ENERGY;
        config->experts[0].dtype = SCORE_FLOAT32;
    }
    config->gaussian = kind == SAMPLE_GAUSSIAN_BEADS ? &over_beads : &over_coordinates;
    config->experts[0].base = SCORE_BASE_GAUSSIAN;
}

/* A few thousand values of all sizes and signs, and the extreme ones. */
static void fill(score_model *model) {
    uint64_t state = 1;
    for (int e = 0; e < score_model_get_config(model)->expert_count; e++) {
        double *values = score_model_parameters(model, e);
        size_t count = score_model_parameter_count(model, e);
        int single = score_model_get_config(model)->experts[e].dtype == SCORE_FLOAT32;
        for (size_t k = 0; k < count; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            double value = ((double)(state >> 12) / 0x1p51 - 1) * ((state & 7) == 0 ? 1e-30 : 3);
            values[k] = single ? (float)value : value;
        }
        values[0] = -0.0;
        values[1] = single ? 0x1p-149 : 0x1p-1074;
        values[2] = single ? FLT_MAX : DBL_MAX;
        values[3] = -values[2];
        values[4] = single ? -FLT_MIN / 2 : -DBL_MIN / 2;
    }
}

score_model *make_sample(sample_model kind) {
    static const score_note ONE_NOTE[] = {{"recipe", "plain text"}};
    static const score_note NOTES[] = {
        {"recipe", "<Recipe a=\"b\">\n\tx & y ]]> &amp; \r\n</Recipe>\n"},
        {"name with \"quotes\", <signs> & \xe2\x82\xac", ""},
        {"unicode", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\xa7\xac"},
        {"spaces", "  both ends  "}};
    score_model_config config;
    score_bead beads[3] = {0};
    configure_beads(&config, beads);
    if (kind == SAMPLE_FEATURES)
        configure_features(&config, beads);
    if (kind == SAMPLE_MLP)
        configure_mlp(&config, beads);
    if (kind == SAMPLE_EXPERTS) {
        configure_experts(&config);
        config.notes = NOTES;
        config.note_count = sizeof NOTES / sizeof NOTES[0];
    }
    if (kind == SAMPLE_TRANSFORMER) {
        config.notes = ONE_NOTE;
        config.note_count = 1;
    }
    if (kind >= SAMPLE_GAUSSIAN_BEADS)
        configure_gaussian(&config, kind, beads);
    score_model *model;
    score_error error = {0};
    require(score_model_create(&config, &model, &error) == SCORE_OK, error.message);
    fill(model);
    return model;
}

score_model *make_sample_of_schedule(score_noise_schedule schedule) {
    score_model *sample = make_sample(SAMPLE_TRANSFORMER), *model;
    score_model_config config = *score_model_get_config(sample);
    config.schedule = schedule;
    require(score_model_create(&config, &model, NULL) == SCORE_OK, "model of a schedule");
    memcpy(score_model_parameters(model, 0), score_model_parameters(sample, 0),
           score_model_parameter_count(model, 0) * sizeof(double));
    score_model_destroy(sample);
    return model;
}

char *make_document(sample_model kind) {
    score_model *model = make_sample(kind);
    score_error error = {0};
    char *text;
    size_t size;
    require(score_model_write_memory(model, &text, &size, &error) == SCORE_OK, error.message);
    score_model_destroy(model);
    return text;
}

/* Bit by bit: 0 and -0 differ. */
static int same_numbers(const void *a, const void *b, size_t count) {
    return memcmp(a, b, count * sizeof(double)) == 0;
}

/* Where both are NULL, too. */
static int same_array(const double *a, const double *b, int count) {
    return (a == NULL) == (b == NULL) && (a == NULL || same_numbers(a, b, (size_t)count));
}

static int same_gaussian(const score_gaussian *a, const score_gaussian *b) {
    if (a == NULL || b == NULL)
        return a == b;
    return a->over == b->over && a->modes == b->modes && a->width == b->width &&
           same_array(a->variances, b->variances, a->modes) &&
           same_array(a->directions, b->directions, a->modes * a->width) &&
           same_array(a->mean, b->mean, a->width);
}

int parameters_are_identical(const score_model *a, const score_model *b) {
    int experts = score_model_get_config(a)->expert_count;
    if (score_model_get_config(b)->expert_count != experts ||
        !same_gaussian(score_model_get_config(a)->gaussian, score_model_get_config(b)->gaussian))
        return 0;
    for (int e = 0; e < experts; e++) {
        size_t count = score_model_parameter_count(a, e);
        if (score_model_parameter_count(b, e) != count ||
            !same_numbers(score_model_parameters_const(a, e), score_model_parameters_const(b, e),
                          count))
            return 0;
    }
    return 1;
}

static int same_number(double a, double b) {
    return same_numbers(&a, &b, 1);
}

static int same_bead(const score_bead *a, const score_bead *b) {
    return strcmp(a->name, b->name) == 0 && strcmp(a->residue, b->residue) == 0 &&
           a->residue_index == b->residue_index && same_number(a->mass_amu, b->mass_amu) &&
           same_numbers(a->frame_nm, b->frame_nm, 3) &&
           memcmp(a->features, b->features, sizeof a->features) == 0;
}

static int same_expert(const score_expert_config *a, const score_expert_config *b) {
    return a->architecture == b->architecture && a->output == b->output && a->hidden == b->hidden &&
           a->layers == b->layers && a->heads == b->heads && a->head_width == b->head_width &&
           a->activation == b->activation && same_number(a->norm_epsilon, b->norm_epsilon) &&
           same_number(a->t_begin, b->t_begin) && same_number(a->t_end, b->t_end) &&
           same_number(a->time_variance, b->time_variance) && a->base == b->base &&
           a->dtype == b->dtype;
}

int models_are_identical(const score_model *left, const score_model *right) {
    const score_model_config *a = score_model_get_config(left);
    const score_model_config *b = score_model_get_config(right);
    if (a->dimensions != b->dimensions || a->centred != b->centred ||
        !same_number(a->scale_nm, b->scale_nm) ||
        !same_number(a->range.neighbours_nm, b->range.neighbours_nm) ||
        !same_number(a->range.centre_nm, b->range.centre_nm) ||
        !same_number(a->temperature_k, b->temperature_k) || a->schedule.kind != b->schedule.kind ||
        !same_number(a->schedule.settings[0], b->schedule.settings[0]) ||
        !same_number(a->schedule.settings[1], b->schedule.settings[1]) ||
        a->feature_count != b->feature_count || a->bead_count != b->bead_count ||
        a->note_count != b->note_count || !parameters_are_identical(left, right) ||
        memcmp(a->feature_sizes, b->feature_sizes, sizeof a->feature_sizes) != 0)
        return 0;
    for (int k = 0; k < a->bead_count; k++)
        if (!same_bead(&a->beads[k], &b->beads[k]))
            return 0;
    for (int k = 0; k < a->expert_count; k++)
        if (!same_expert(&a->experts[k], &b->experts[k]))
            return 0;
    for (int k = 0; k < a->note_count; k++)
        if (strcmp(a->notes[k].name, b->notes[k].name) != 0 ||
            strcmp(a->notes[k].text, b->notes[k].text) != 0)
            return 0;
    return 1;
}

long line_of(const char *text, const char *where) {
    long line = 1;
    for (; text < where; text++)
        line += *text == '\n';
    return line;
}

void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    require(file != NULL, path);
    require(fwrite(bytes, 1, size, file) == size && fclose(file) == 0, path);
}

char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    char *bytes = NULL;
    size_t room = 0, count = 0;
    do {
        room = 2 * room + 4096;
        bytes = realloc(bytes, room);
        require(bytes != NULL, "memory");
        count += fread(bytes + count, 1, room - count, file);
    } while (count == room);
    fclose(file);
    *size = count;
    return bytes;
}
