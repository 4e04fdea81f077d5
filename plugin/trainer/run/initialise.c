#include "run/initialise.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "model/diffusion.h"
#include "run/purposes.h"

static double cut_normal(score_random *random) {
    for (;;) {
        double z = score_random_normal(random);
        if (fabs(z) < 2)
            return z;
    }
}

static void initialise_tensor(const score_tensor *tensor, score_random random, double *values) {
    /* The standard deviation of a normal variable cut at -2 and 2. */
    const double cut_deviation = 0.87962566103423978;
    if (tensor->role == SCORE_ROLE_TABLE) {
        for (size_t k = 0; k < tensor->size; k++)
            values[k] = score_random_normal(&random) / sqrt(tensor->shape[1]);
    } else if (tensor->role == SCORE_ROLE_WEIGHT) {
        double deviation = 1 / (sqrt(tensor->shape[0]) * cut_deviation);
        for (size_t k = 0; k < tensor->size; k++)
            values[k] = deviation * cut_normal(&random);
    } else {
        double value = tensor->role == SCORE_ROLE_SCALE ? 1 : 0;
        for (size_t k = 0; k < tensor->size; k++)
            values[k] = value;
    }
}

/* A network begins without the features of noise (model/diffusion.h), so that what it learns at one
 * time holds for all until it learns better. Their rows are the last of the first weight. */
static void silence_noise_features(const score_model *model, int expert, double *parameters) {
    if (score_model_get_config(model)->experts[expert].time_variance == 0)
        return;
    int k = 0;
    while (score_model_tensor(model, expert, k)->role != SCORE_ROLE_WEIGHT)
        k++;
    const score_tensor *tensor = score_model_tensor(model, expert, k);
    const size_t silent = (size_t)SCORE_NOISE_FEATURES * (size_t)tensor->shape[1];
    memset(parameters + tensor->offset + tensor->size - silent, 0, silent * sizeof *parameters);
}

void score_initialise(score_model *model, int expert, uint64_t seed) {
    double *parameters = score_model_parameters(model, expert);
    for (int k = 0; k < score_model_tensor_count(model, expert); k++) {
        const score_tensor *tensor = score_model_tensor(model, expert, k);
        uint32_t purpose = SCORE_PURPOSE_WEIGHTS + (uint32_t)expert;
        initialise_tensor(tensor, score_random_stream(seed, purpose, 0, (uint32_t)k),
                          parameters + tensor->offset);
    }
    silence_noise_features(model, expert, parameters);
}
