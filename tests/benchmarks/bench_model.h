/* A graph transformer of `beads` beads for the energy, as large as those that are used, with random
 * weights, biases and norms; stored as float32. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include "score/model.h"

score_model *bench_model(int beads, int hidden, int layers, int heads, int head_width);

#endif
