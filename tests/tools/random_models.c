#include "random_models.h"

#include "temporary_folder.h"

#include "base/random.h"

static const score_bead BEADS[3] = {
    {.name = "C", .residue = "ACE", .mass_amu = 12.011, .features = {0, 1}},
    {.name = "CA", .residue = "A\"\\", .residue_index = 1, .mass_amu = 13.5, .features = {2, 0}},
    {.name = "N", .residue = "A\"\\", .residue_index = 1, .mass_amu = 14.007, .features = {1, 1}},
};

static score_expert_config mlp(score_output output, double t_begin, double t_end) {
    return (score_expert_config){.architecture = SCORE_MLP,
                                 .output = output,
                                 .hidden = 8,
                                 .layers = 2,
                                 .t_begin = t_begin,
                                 .t_end = t_end};
}

static score_model_config config_of(random_model kind) {
    score_model_config config = {.dimensions = 3,
                                 .centred = 1,
                                 .scale_nm = 0.25,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .bead_count = 3,
                                 .beads = BEADS,
                                 .expert_count = 1};
    config.experts[0] = (score_expert_config){.architecture = SCORE_GRAPH_TRANSFORMER,
                                              .output = SCORE_OUTPUT_ENERGY,
                                              .hidden = 8,
                                              .layers = 2,
                                              .heads = 2,
                                              .head_width = 4,
                                              .t_end = kind == MODEL_LATE ? 0.1 : 1};
    if (kind == MODEL_FEATURES) {
        config.feature_count = 2;
        config.feature_sizes[0] = 3;
        config.feature_sizes[1] = 2;
    }
    if (kind == MODEL_TOY || kind == MODEL_SCORES) {
        config.dimensions = 2;
        config.centred = 0;
        config.scale_nm = 1;
        config.bead_count = 1;
        config.expert_count = 3;
        config.experts[0] = mlp(SCORE_OUTPUT_SCORE, 0.6, 1);
        config.experts[1] = mlp(SCORE_OUTPUT_SCORE, 0.1, 0.6);
        config.experts[2] = mlp(kind == MODEL_TOY ? SCORE_OUTPUT_ENERGY : SCORE_OUTPUT_SCORE, 0,
                                0.1);
    }
    return config;
}

score_model *make_random_model(random_model kind) {
    const score_model_config config = config_of(kind);
    score_model *model = NULL;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    for (int k = 0; k < config.expert_count; k++) {
        double *parameters = score_model_parameters(model, k);
        score_random random = score_random_stream(7, (uint32_t)kind, (uint32_t)k, 0);
        for (size_t p = 0; p < score_model_parameter_count(model, k); p++)
            parameters[p] = (double)(float)(0.3 * score_random_normal(&random));
    }
    return model;
}
