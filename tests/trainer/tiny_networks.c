#include "tiny_networks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

const tiny_network TINY_NETWORKS[TINY_NETWORK_COUNT] = {
    {"graph transformer", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 0, 0, 1},
    {"graph transformer, features", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_ENERGY, 3, 1, 2, 0, 0.1},
    {"graph transformer, score", SCORE_GRAPH_TRANSFORMER, SCORE_OUTPUT_SCORE, 3, 1, 0, 0.1, 0.6},
    {"MLP", SCORE_MLP, SCORE_OUTPUT_ENERGY, 2, 0, 0, 0, 1},
    {"MLP, score", SCORE_MLP, SCORE_OUTPUT_SCORE, 2, 0, 0, 0.6, 1},
};

score_model *make_tiny_model(const tiny_network *network, const int **features) {
    static const int bead_features[2 * TINY_BEADS] = {0, 1, 2, 0, 1, 1};
    score_bead beads[TINY_BEADS] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
    score_model_config config = {.dimensions = network->dimensions,
                                 .centred = network->centred,
                                 .scale_nm = 1,
                                 .temperature_k = 300,
                                 .beta_min = 0.1,
                                 .beta_max = 20,
                                 .feature_count = network->features,
                                 .feature_sizes = {3, 2},
                                 .bead_count = TINY_BEADS,
                                 .beads = beads,
                                 .expert_count = 1};
    int attends = network->architecture == SCORE_GRAPH_TRANSFORMER;
    config.experts[0] = (score_expert_config){.architecture = network->architecture,
                                              .output = network->output,
                                              .hidden = 8,
                                              .layers = 2,
                                              .heads = attends ? 2 : 0,
                                              .head_width = attends ? 4 : 0,
                                              .t_begin = network->t_begin,
                                              .t_end = network->t_end};
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
