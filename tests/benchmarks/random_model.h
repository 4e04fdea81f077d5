/* A graph transformer of `beads` beads for the energy, with random weights, biases and norms. */
#ifndef BENCH_RANDOM_MODEL_H
#define BENCH_RANDOM_MODEL_H

#include "score/model.h"

/* The caller destroys the model. SCORE_ERROR_ARGUMENT: a size out of range. */
score_status random_model_create(int beads, int hidden, int layers, int heads, int head_width,
                                 score_model **model, score_error *error);
/* Writes it to `path`. */
score_status random_model_write(const char *path, int beads, int hidden, int layers, int heads,
                                int head_width, score_error *error);

#endif
