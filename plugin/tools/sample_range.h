/* Samples that the model knows nothing of. */
#ifndef SCORE_SAMPLE_RANGE_H
#define SCORE_SAMPLE_RANGE_H

#include "sample_file.h"

/* How many of the samples reach beyond SCORE_RANGE_FACTOR times the range of the training data; 0
 * where the model does not state it. */
uint32_t score_samples_outside(const score_samples *samples);

#endif
