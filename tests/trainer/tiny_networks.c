#define _XOPEN_SOURCE 700
#include "tiny_networks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

const tiny_network TINY_NETWORKS[TINY_NETWORK_COUNT] = {
    {"graph transformer", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 0, SCORE_BASE_NONE, 0,
     1},
    {"graph transformer, features", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 2,
     SCORE_BASE_NONE, 0, 0.1},
    {"graph transformer, score", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_SCORE, 3, 1, 0,
     SCORE_BASE_NONE, 0.1, 0.6},
    {"MLP", SCORE_MLP, SCORE_OUTPUT_ENERGY, 2, 0, 0, SCORE_BASE_NONE, 0, 1},
    {"MLP, score", SCORE_MLP, SCORE_OUTPUT_SCORE, 2, 0, 0, SCORE_BASE_NONE, 0.6, 1},
    {"graph transformer, base", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 0,
     SCORE_BASE_GAUSSIAN, 0, 0.1},
    {"features, base", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 2, SCORE_BASE_GAUSSIAN,
     0, 1},
    {"MLP, base", SCORE_MLP, SCORE_OUTPUT_ENERGY, 2, 0, 0, SCORE_BASE_GAUSSIAN, 0.1, 0.6},
};

/* Three beads: over all of features, over beads where centred, else over six coordinates. */
static score_gaussian gaussian_of(const tiny_network *network) {
    static const double variances[6] = {1.8, 0.4, 0.9, 0.7, 1.1, 0.3};
    static const double pair[6] = {M_SQRT1_2, -M_SQRT1_2, 0, 0.5, 0.5, -1};
    static const double mean[6] = {0.3, -0.1, 0.5, 0, -0.4, 0.2};
    static double directions[36];
    if (network->features > 0)
        return (score_gaussian){.over = SCORE_OVER_ALL, .modes = 1, .variances = variances};
    if (network->centred) {
        for (int k = 0; k < 6; k++)
            directions[k] = k < 3 ? pair[k] : pair[k] / sqrt(1.5);
        return (score_gaussian){.over = SCORE_OVER_BEADS,
                                .modes = 2,
                                .width = 3,
                                .variances = variances,
                                .directions = directions};
    }
    for (int k = 0; k < 36; k++) /* a reflection */
        directions[k] = (k % 7 == 0) - 2 * mean[k / 6] * mean[k % 6] / 0.55;
    return (score_gaussian){.over = SCORE_OVER_COORDINATES,
                            .modes = 6,
                            .width = 6,
                            .variances = variances,
                            .directions = directions,
                            .mean = mean};
}

score_model *make_tiny_model(const tiny_network *network, const int **features) {
    static const int bead_features[2 * TINY_BEADS] = {0, 1, 2, 0, 1, 1};
    score_bead beads[TINY_BEADS] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
    score_model_config config = {.dimensions = network->dimensions,
                                 .centred = network->centred,
                                 .scale_nm = 1,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .feature_count = network->features,
                                 .feature_sizes = {3, 2},
                                 .bead_count = TINY_BEADS,
                                 .beads = beads,
                                 .expert_count = 1};
    const score_gaussian gaussian = gaussian_of(network);
    config.gaussian = network->base == SCORE_BASE_GAUSSIAN ? &gaussian : NULL;
    int attends = network->architecture == SCORE_GRAPH_TRANSFORMER;
    config.experts[0] = (score_expert_config){.architecture = network->architecture,
                                              .output = network->output,
                                              .hidden = 8,
                                              .layers = 2,
                                              .heads = attends ? 2 : 0,
                                              .head_width = attends ? 4 : 0,
                                              .t_begin = network->t_begin,
                                              .t_end = network->t_end,
                                              .base = network->base};
    for (int b = 0; b < TINY_BEADS; b++)
        for (int f = 0; f < network->features; f++)
            beads[b].features[f] = bead_features[b * network->features + f];
    *features = network->features > 0 ? bead_features : NULL;
    score_model *model = NULL;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    double *parameters = score_model_parameters(model, 0);
    score_random random = score_random_stream(5, 0, 0, 0);
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        parameters[k] = 0.5 * score_random_normal(&random);
    return model;
}
