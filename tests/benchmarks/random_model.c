#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "run/initialise.h"
#include "random_model.h"

enum { SEED = 1, PURPOSE = 0x62656e63 };

/* Biases and norm scales of a network to be trained are 0 and 1; here they are not, so that one
 * that a peer forgets is seen. */
static void perturb(score_model *model) {
    double *parameters = score_model_parameters(model, 0);
    for (int k = 0; k < score_model_tensor_count(model, 0); k++) {
        const score_tensor *tensor = score_model_tensor(model, 0, k);
        if (score_ends_with(tensor->name, ".weight"))
            continue;
        score_random random = score_random_stream(SEED, PURPOSE, 0, (uint32_t)k);
        for (size_t i = 0; i < tensor->size; i++)
            parameters[tensor->offset + i] += 0.1 * score_random_normal(&random);
    }
}

score_status random_model_create(int beads, int hidden, int layers, int heads, int head_width,
                                 score_model **result, score_error *error) {
    static score_bead list[SCORE_MAX_BEADS];
    if (beads < 1 || beads > SCORE_MAX_BEADS)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%d beads", beads);
    for (int k = 0; k < beads; k++) {
        list[k] = (score_bead){.residue_index = k, .mass_amu = 110};
        memcpy(list[k].name, "CA", 3);
        memcpy(list[k].residue, "GLY", 4);
    }
    const score_model_config config = {
        .dimensions = 3,
        .centred = 1,
        .scale_nm = 0.3,
        .temperature_k = 300,
        .schedule = {0, {0.1, 20}},
        .bead_count = beads,
        .beads = list,
        .expert_count = 1,
        .experts = {{.architecture = SCORE_GRAPH_TRANSFORMER,
                     .output = SCORE_OUTPUT_ENERGY,
                     .hidden = hidden,
                     .layers = layers,
                     .heads = heads,
                     .head_width = head_width,
                     .t_begin = 0,
                     .t_end = 1,
                     .dtype = SCORE_FLOAT32}},
    };
    const score_status status = score_model_create(&config, result, error);
    if (status == SCORE_OK) {
        score_initialise(*result, 0, SEED);
        perturb(*result);
    }
    return status;
}

score_status random_model_write(const char *path, int beads, int hidden, int layers, int heads,
                                int head_width, score_error *error) {
    score_model *model = NULL;
    score_status status = random_model_create(beads, hidden, layers, heads, head_width, &model,
                                              error);
    if (status == SCORE_OK)
        status = score_model_write(model, path, error);
    score_model_destroy(model);
    return status;
}
