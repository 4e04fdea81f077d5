#include "random_models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

enum { MOST_MODES = 64 };

static void require(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "random model: %s\n", what);
        abort();
    }
}

score_expert_config graph_expert(score_output output, double t_begin, double t_end) {
    return (score_expert_config){.architecture = SCORE_GRAPH_TRANSFORMER,
                                 .output = output,
                                 .hidden = 8,
                                 .layers = 2,
                                 .heads = 2,
                                 .head_width = 4,
                                 .t_begin = t_begin,
                                 .t_end = t_end,
                                 .dtype = SCORE_FLOAT64};
}

score_expert_config mlp_expert(score_output output, double t_begin, double t_end) {
    return (score_expert_config){.architecture = SCORE_MLP,
                                 .output = output,
                                 .hidden = 8,
                                 .layers = 2,
                                 .t_begin = t_begin,
                                 .t_end = t_end,
                                 .dtype = SCORE_FLOAT64};
}

/* The first beads of a list that only grows. */
static const score_bead *bead_list(int count) {
    static score_bead beads[SCORE_MAX_BEADS];
    static int made;
    require(count >= 0 && count <= SCORE_MAX_BEADS, "number of beads");
    for (; made < count; made++) {
        const int i = made;
        beads[i] = (score_bead){
            .residue_index = i / 2,
            .mass_amu = 12.0 + i,
            .frame_nm = {0.12 * i, 0.05 * (i % 2) + 0.01 * sin(3.0 * i), 0.03 * cos(2.0 * i)},
            .features = {i % 3, i % 2}};
        snprintf(beads[i].name, SCORE_NAME_SIZE, "B%d", i);
        snprintf(beads[i].residue, SCORE_NAME_SIZE, "R%d", i / 2);
    }
    return beads;
}

score_model_config molecule_config(int beads) {
    return (score_model_config){.dimensions = 3,
                                .centred = 1,
                                .scale_nm = 0.1,
                                .temperature_k = 300,
                                .schedule = RANDOM_MODEL_SCHEDULE,
                                .bead_count = beads,
                                .beads = bead_list(beads),
                                .expert_count = 1,
                                .experts = {graph_expert(SCORE_OUTPUT_ENERGY, 0, 1)}};
}

score_model_config feature_config(int beads) {
    score_model_config config = molecule_config(beads);
    config.feature_count = 2;
    config.feature_sizes[0] = 3;
    config.feature_sizes[1] = 2;
    return config;
}

score_model_config toy_config(int beads, int dimensions) {
    score_model_config config = molecule_config(beads);
    config.dimensions = dimensions;
    config.centred = 0;
    config.scale_nm = 1;
    config.experts[0] = mlp_expert(SCORE_OUTPUT_ENERGY, 0, 1);
    return config;
}

/* Mode k is the difference between the mean of beads 0 to k and bead k + 1. */
static void fill_differences(int beads, double *directions) {
    for (int k = 0; k < beads - 1; k++) {
        const double length = sqrt((k + 1) * (k + 2.0));
        for (int i = 0; i < beads; i++)
            directions[k * beads + i] = i <= k ? 1 / length : i == k + 1 ? -(k + 1) / length : 0;
    }
}

/* The reflection along the mean. */
static void fill_reflection(int size, double *directions, double *mean) {
    double square = 0;
    for (int k = 0; k < size; k++) {
        mean[k] = 0.5 * cos(2.0 * k);
        square += mean[k] * mean[k];
    }
    for (int k = 0; k < size; k++)
        for (int i = 0; i < size; i++)
            directions[k * size + i] = (k == i) - 2 * mean[k] * mean[i] / square;
}

void set_base(score_model_config *config) {
    static double variances[MOST_MODES], directions[MOST_MODES * MOST_MODES], mean[MOST_MODES];
    static score_gaussian gaussian;
    const int beads = config->bead_count;
    gaussian = (score_gaussian){.over = SCORE_OVER_ALL, .modes = 1, .variances = variances};
    if (config->feature_count == 0) {
        gaussian.over = config->centred ? SCORE_OVER_BEADS : SCORE_OVER_COORDINATES;
        gaussian.width = config->centred ? beads : beads * config->dimensions;
        gaussian.modes = gaussian.width - (config->centred != 0);
        gaussian.directions = directions;
        gaussian.mean = config->centred ? NULL : mean;
    }
    require(gaussian.width <= MOST_MODES, "modes of the Gaussian");
    for (int k = 0; k < gaussian.modes; k++)
        variances[k] = 1.8 / (k + 1);
    if (gaussian.over == SCORE_OVER_BEADS)
        fill_differences(beads, directions);
    if (gaussian.over == SCORE_OVER_COORDINATES)
        fill_reflection(gaussian.width, directions, mean);
    config->gaussian = &gaussian;
    config->experts[0].base = SCORE_BASE_GAUSSIAN;
}

score_model *make_model(const score_model_config *config, uint64_t seed, double width) {
    score_model *model = NULL;
    score_error error = {0};
    require(score_model_create(config, &model, &error) == SCORE_OK, error.message);
    for (int e = 0; e < config->expert_count; e++) {
        score_random random = score_random_stream(seed, 0, 0, (uint32_t)e);
        for (int k = 0; k < score_model_tensor_count(model, e); k++) {
            const score_tensor *tensor = score_model_tensor(model, e, k);
            const double deviation = tensor->rank == 2 ? width / sqrt(tensor->shape[0]) : width;
            double *values = score_model_parameters(model, e) + tensor->offset;
            for (size_t i = 0; i < tensor->size; i++)
                values[i] += deviation * score_random_normal(&random); /* 0, not -0, if 0 */
        }
    }
    return model;
}

void fill_normal(uint64_t seed, double width, int count, double *x) {
    score_random random = score_random_stream(seed, 0, 0, 0);
    for (int k = 0; k < count; k++)
        x[k] = width * score_random_normal(&random);
}
