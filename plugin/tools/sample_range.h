/* Samples that the model knows nothing of. */
#ifndef SCORE_SAMPLE_RANGE_H
#define SCORE_SAMPLE_RANGE_H

#include <stdint.h>

#include "score/model.h"

/* How many of the samples (count x beads x dimensions) reach beyond SCORE_RANGE_FACTOR times the
 * range of the training data; 0 where the model does not state it. */
uint32_t score_samples_outside(const score_model *model, uint32_t count, const float *positions_nm);

#endif
