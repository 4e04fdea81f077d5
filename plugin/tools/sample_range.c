#include "sample_range.h"

#include <math.h>
#include <stdbool.h>

static double length(int dimensions, const float *a, const double *b) {
    double sum = 0;
    for (int d = 0; d < dimensions; d++)
        sum += ((double)a[d] - b[d]) * ((double)a[d] - b[d]);
    return sqrt(sum);
}

/* Of a bead from the bead before it. */
static double step_length(int dimensions, const float *bead) {
    double before[3];
    for (int d = 0; d < dimensions; d++)
        before[d] = (double)bead[d - dimensions];
    return length(dimensions, bead, before);
}

static bool is_outside(const score_model_config *config, const float *sample) {
    const int beads = config->bead_count, dimensions = config->dimensions;
    double centre[3] = {0};
    for (int k = 0; k < beads * dimensions && config->centred; k++)
        centre[k % dimensions] += (double)sample[k] / beads;
    for (int b = 0; b < beads; b++) {
        const float *bead = sample + b * dimensions;
        if (length(dimensions, bead, centre) > SCORE_RANGE_FACTOR * config->range.centre_nm)
            return true;
        if (b > 0 &&
            step_length(dimensions, bead) > SCORE_RANGE_FACTOR * config->range.neighbours_nm)
            return true;
    }
    return false;
}

uint32_t score_samples_outside(const score_model *model, uint32_t count,
                               const float *positions_nm) {
    const score_model_config *config = score_model_get_config(model);
    const size_t values = (size_t)config->bead_count * (size_t)config->dimensions;
    uint32_t outside = 0;
    for (uint32_t k = 0; k < count && config->range.centre_nm > 0; k++)
        outside += is_outside(config, positions_nm + k * values);
    return outside;
}
