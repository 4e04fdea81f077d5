/* Weights to start from: those of Flax's layers, with which the method was published. */
#ifndef SCORE_INITIALISE_H
#define SCORE_INITIALISE_H

#include <stdint.h>

#include "score/model.h"

/* Sets the parameters of one expert: weights from a normal distribution cut at two standard
 * deviations, of variance 1/inputs; embeddings of integer features from a normal one of variance
 * 1/width; norm scales 1; biases 0. They depend on (seed, expert, tensor) alone. */
void score_initialise(score_model *model, int expert, uint64_t seed);

#endif
