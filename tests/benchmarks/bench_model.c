#include "bench_model.h"

#include "random_models.h"

score_model *bench_model(int beads, int hidden, int layers, int heads, int head_width) {
    score_model_config config = molecule_config(beads);
    config.scale_nm = 0.3;
    config.experts[0].hidden = hidden;
    config.experts[0].layers = layers;
    config.experts[0].heads = heads;
    config.experts[0].head_width = head_width;
    config.experts[0].dtype = SCORE_FLOAT32;
    return make_model(&config, 1, 1);
}
