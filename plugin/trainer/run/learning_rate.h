/* What changes over the steps of a stage: the learning rate and how long the weights' average
 * remembers. */
#ifndef SCORE_LEARNING_RATE_H
#define SCORE_LEARNING_RATE_H

#include <stdint.h>

#include "recipe/recipe.h"

/* Steps of stage number `stage` with `frames` training frames: its samples, or its epochs rounded
 * to whole samples, rounded up to whole batches. SCORE_ERROR_ARGUMENT: more than 2^32 - 1 steps or
 * 2^53 samples; names the recipe's line. */
score_status score_stage_steps(const score_recipe *recipe, int stage, uint64_t frames,
                               uint64_t *steps, score_error *error);

/* How a rate falls, by its word in recipes, of which NULL ends the list: "cosine"
 * (arXiv 1608.03983) is the first. */
const char *score_rate_decay_word(int decay);

/* The rate of step `step` (from 0) of `steps` steps of `batch` samples: a linear warm-up whose
 * first step already moves, then it falls by config->decay to final_rate, which it reaches in the
 * last step. */
double score_learning_rate(const score_optimizer_config *config, uint64_t step, uint64_t steps,
                           int batch);

/* The share that the weights get in their average after step `step` (from 0). It makes the average
 * one over all weights so far, each counting half as much as one half_life samples younger. It
 * knows nothing of the initial weights: the first share is 1. With half_life 0 every share is. */
double score_average_share(double half_life, uint64_t step, int batch);

#endif
