#include "sampled_models.h"

#include "random_models.h"

static const score_bead BEADS[3] = {
    {.name = "C", .residue = "ACE", .mass_amu = 12.011, .features = {0, 1}},
    {.name = "CA", .residue = "A\"\\", .residue_index = 1, .mass_amu = 13.5, .features = {2, 0}},
    {.name = "N", .residue = "A\"\\", .residue_index = 1, .mass_amu = 14.007, .features = {1, 1}},
};

static score_model_config config_of(sampled_model kind) {
    score_model_config config = kind == MODEL_FEATURES ? feature_config(3) : molecule_config(3);
    config.beads = BEADS;
    config.experts[0].t_end = kind == MODEL_LATE ? 0.1 : 1;
    if (kind == MODEL_TOY || kind == MODEL_SCORES) {
        config = toy_config(1, 2);
        config.expert_count = 3;
        config.experts[0] = mlp_expert(SCORE_OUTPUT_SCORE, 0.6, 1);
        config.experts[1] = mlp_expert(SCORE_OUTPUT_SCORE, 0.1, 0.6);
        config.experts[2] = mlp_expert(kind == MODEL_TOY ? SCORE_OUTPUT_ENERGY : SCORE_OUTPUT_SCORE,
                                       0, 0.1);
    }
    return config;
}

score_model *make_sampled_model(sampled_model kind) {
    const score_model_config config = config_of(kind);
    return make_model(&config, 7, 1);
}
