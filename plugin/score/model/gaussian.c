/* The Gaussian of a model's data: what it must be. */
#include <math.h>

#include "model/network.h"

#define ORTHONORMAL_TOLERANCE 1e-9

static int unseen_beads(const score_model_config *config) {
    return config->centred ? 1 : 0;
}

int score_gaussian_width(const score_model_config *config, score_over over) {
    if (over == SCORE_OVER_ALL)
        return 0;
    return over == SCORE_OVER_BEADS ? config->bead_count : config->bead_count * config->dimensions;
}

int score_gaussian_modes(const score_model_config *config, score_over over) {
    if (over == SCORE_OVER_ALL)
        return 1;
    const int beads = config->bead_count - unseen_beads(config);
    return over == SCORE_OVER_BEADS ? beads : beads * config->dimensions;
}

score_status score_gaussian_check_size(const score_model_config *config, score_error *error) {
    const score_gaussian *gaussian = config->gaussian;
    if (gaussian->over == SCORE_OVER_ALL)
        return SCORE_OK;
    if (config->feature_count > 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the Gaussian is over %s, but beads are known by features, and molecules "
                          "may be of any size: it must be over all",
                          gaussian->over == SCORE_OVER_BEADS ? "beads" : "coordinates");
    if (score_gaussian_width(config, gaussian->over) > SCORE_MAX_GAUSSIAN)
        return score_fail(
            error, SCORE_ERROR_ARGUMENT, "the Gaussian is over %d %s, more than the limit of %d",
            score_gaussian_width(config, gaussian->over),
            gaussian->over == SCORE_OVER_BEADS ? "beads" : "coordinates", SCORE_MAX_GAUSSIAN);
    return SCORE_OK;
}

static score_status check_counts(const score_model_config *config, score_error *error) {
    const score_gaussian *gaussian = config->gaussian;
    const int width = score_gaussian_width(config, gaussian->over);
    const int modes = score_gaussian_modes(config, gaussian->over);
    if (gaussian->width != width || gaussian->modes != modes)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the Gaussian has %d modes of %d numbers, must have %d of %d",
                          gaussian->modes, gaussian->width, modes, width);
    if (gaussian->variances == NULL ||
        (gaussian->directions == NULL) != (gaussian->over == SCORE_OVER_ALL))
        return score_fail(
            error, SCORE_ERROR_ARGUMENT,
            "the Gaussian lacks its variances or directions, or has directions though "
            "it is over all");
    if (gaussian->mean != NULL && gaussian->over != SCORE_OVER_COORDINATES)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the Gaussian has a mean, which only one over coordinates can have");
    return SCORE_OK;
}

static score_status check_variances(const score_gaussian *gaussian, score_error *error) {
    for (int k = 0; k < gaussian->modes; k++)
        if (!(gaussian->variances[k] > 0) || !isfinite(gaussian->variances[k]))
            return score_fail(error, SCORE_ERROR_ARGUMENT,
                              "the Gaussian is not positive definite: mode %d has the variance %g",
                              k, gaussian->variances[k]);
    for (int i = 0; gaussian->mean != NULL && i < gaussian->width; i++)
        if (!isfinite(gaussian->mean[i]))
            return score_fail(error, SCORE_ERROR_ARGUMENT, "the Gaussian has %g in its mean",
                              gaussian->mean[i]);
    return SCORE_OK;
}

static double dot(int size, const double *a, const double *b) {
    double sum = 0;
    for (int i = 0; i < size; i++)
        sum += a[i] * b[i];
    return sum;
}

static score_status check_directions(const score_gaussian *gaussian, score_error *error) {
    const int width = gaussian->width;
    for (int k = 0; k < gaussian->modes; k++)
        for (int j = 0; j <= k; j++) {
            const double product = dot(width, gaussian->directions + (size_t)j * (size_t)width,
                                       gaussian->directions + (size_t)k * (size_t)width);
            if (!(fabs(product - (j == k)) <= ORTHONORMAL_TOLERANCE))
                return score_fail(error, SCORE_ERROR_ARGUMENT,
                                  "the product of modes %d and %d of the Gaussian is %.9g, must be "
                                  "%d",
                                  j, k, product, j == k);
        }
    return SCORE_OK;
}

/* Mode k, or -1 for the mean, must not move the mean over beads along dimension `offset`. */
static score_status check_sum(const double *numbers, int width, int offset, int step, int k,
                              score_error *error) {
    double sum = 0, size = 1;
    for (int i = offset; i < width; i += step) {
        sum += numbers[i];
        size = fmax(size, fabs(numbers[i]));
    }
    if (fabs(sum) <= ORTHONORMAL_TOLERANCE * size * width)
        return SCORE_OK;
    if (k < 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "the mean of the Gaussian moves the mean over beads by %.9g, which a "
                          "centred model does not see",
                          sum * step / width);
    return score_fail(error, SCORE_ERROR_ARGUMENT,
                      "mode %d of the Gaussian moves the mean over beads by %.9g, which a centred "
                      "model does not see",
                      k, sum * step / width);
}

static score_status check_centred(const score_model_config *config, score_error *error) {
    const score_gaussian *gaussian = config->gaussian;
    const int width = gaussian->width;
    const int step = gaussian->over == SCORE_OVER_BEADS ? 1 : config->dimensions;
    score_status status = SCORE_OK;
    for (int k = gaussian->mean == NULL ? 0 : -1; k < gaussian->modes; k++) {
        const double *numbers = k < 0 ? gaussian->mean
                                      : gaussian->directions + (size_t)k * (size_t)width;
        for (int offset = 0; offset < step && status == SCORE_OK; offset++)
            status = check_sum(numbers, width, offset, step, k, error);
    }
    return status;
}

score_status score_gaussian_check(const score_model_config *config, score_error *error) {
    score_status status;
    if ((status = score_gaussian_check_size(config, error)) ||
        (status = check_counts(config, error)) ||
        (status = check_variances(config->gaussian, error)))
        return status;
    if (config->gaussian->over == SCORE_OVER_ALL)
        return SCORE_OK;
    status = check_directions(config->gaussian, error);
    return status == SCORE_OK && config->centred ? check_centred(config, error) : status;
}
