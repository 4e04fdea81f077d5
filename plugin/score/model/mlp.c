/* The multi-layer perceptron of the toy systems: input [x, time features], dense layers with swish
 * activations, a dense read-out: E, or score = -Dense_D. */
#include "model/architecture.h"

static void describe(score_description *d) {
    const score_network *network = d->network;
    const int h = network->expert.hidden, layers = network->expert.layers;
    const int coordinates = network->beads * network->dimensions;
    const int x = score_add_positions(d, 1), time = score_add_times(d);
    int width = coordinates + network->time_features;
    /* A layer's adjoints, and those of the layer before it. */
    const int bars[] = {score_add_molecules(d, "even_bar", h, SCORE_NO_ARRAY),
                        score_add_molecules(d, "odd_bar", h, SCORE_NO_ARRAY)};
    int input = score_add_molecules(d, "input", width,
                                    score_add_molecules(d, "input_bar", width, SCORE_NO_ARRAY));
    score_add_step(
        d,
        (score_step){.operation = SCORE_JOIN_INPUTS, .layer = -1, .in = {x, time}, .out = {input}});
    for (int l = 0; l < layers; l++) {
        const int tensor = score_add_linear(d, l, "", width, h, l > 0 ? 1 : 0);
        const int dense = score_add_molecules(d, l % 2 == 0 ? "even" : "odd", h, bars[l % 2]);
        const int active = score_add_molecules(d, l % 2 == 0 ? "even_active" : "odd_active", h,
                                               bars[l % 2]);
        const int slope = score_add_array(
            d, (score_array){.name = "slope", .extent = {.molecule = h}});
        score_add_step(d, (score_step){.operation = SCORE_LINEAR,
                                       .layer = l,
                                       .in = {input},
                                       .out = {dense},
                                       .tensor = {tensor}});
        score_add_step(d, (score_step){.operation = SCORE_ACTIVATE,
                                       .layer = l,
                                       .in = {dense},
                                       .out = {active, slope},
                                       .activation = SCORE_SWISH});
        input = active;
        width = h;
    }
    const int readout = score_begin_readout(d);
    score_add_step(d, (score_step){.operation = SCORE_LINEAR,
                                   .layer = -1,
                                   .in = {input},
                                   .out = {readout},
                                   .tensor = {score_add_linear(d, -1, "readout", width,
                                                               network->outputs, 0)}});
    score_end_readout(d, readout);
}

static const score_setting settings[] = {{.name = NULL}};

const score_architecture_kind SCORE_MLP_KIND = {"mlp", "MLP", settings, describe};
