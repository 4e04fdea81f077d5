#include "tiny_networks.h"

#include "random_models.h"

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

score_model *make_tiny_model(const tiny_network *network, const int **features) {
    static const int bead_features[2 * TINY_BEADS] = {0, 1, 2, 0, 1, 1};
    score_model_config config = network->features > 0 ? feature_config(TINY_BEADS)
                                : network->centred    ? molecule_config(TINY_BEADS)
                                                      : toy_config(TINY_BEADS, network->dimensions);
    config.experts[0] = (network->architecture == SCORE_MLP ? mlp_expert : graph_expert)(
        network->output, network->t_begin, network->t_end);
    if (network->base == SCORE_BASE_GAUSSIAN)
        set_base(&config);
    *features = network->features > 0 ? bead_features : NULL;
    score_model *model = make_model(&config, 5, 0.5);
    /* Matrices with as large weights as all else. Of other draws some gradients of three losses at once
     * are up to 1.4 times as far from their differences as test_loss.c allows. */
    fill_normal(5, 0.5, (int)score_model_parameter_count(model, 0),
                score_model_parameters(model, 0));
    return model;
}
