/* What a network begins with. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "run/initialise.h"
#include "score/model.h"
#include "temporary_folder.h"

static score_model *make_model(score_architecture architecture, double time_variance) {
    static const score_bead bead = {.name = "A"};
    score_model_config config = {.dimensions = 3,
                                 .scale_nm = 1,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .bead_count = 1,
                                 .beads = &bead,
                                 .expert_count = 1};
    config.experts[0] = (score_expert_config){.architecture = architecture,
                                              .output = SCORE_OUTPUT_ENERGY,
                                              .hidden = 64,
                                              .layers = 2,
                                              .t_begin = 1e-5,
                                              .t_end = 0.1,
                                              .time_variance = time_variance};
    if (architecture == SCORE_GRAPH_TRANSFORMER)
        config.experts[0].heads = config.experts[0].head_width = 4;
    score_model *model = NULL;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    score_initialise(model, 0, 5);
    return model;
}

/* Weights have the variance 1/inputs, norms the scale 1, all else is 0. */
static void tensors_have_their_scale(void **state) {
    (void)state;
    score_model *model = make_model(SCORE_GRAPH_TRANSFORMER, 0);
    for (int k = 0; k < score_model_tensor_count(model, 0); k++) {
        const score_tensor *tensor = score_model_tensor(model, 0, k);
        const double *values = score_model_parameters_const(model, 0) + tensor->offset;
        double square = 0;
        for (size_t n = 0; n < tensor->size; n++)
            square += values[n] * values[n];
        square /= (double)tensor->size;
        if (score_ends_with(tensor->name, ".weight")) { /* six standard errors of a mean square */
            const double expected = 1.0 / tensor->shape[0];
            if (!(fabs(square / expected - 1) < 6 * sqrt(2.0 / (double)tensor->size)))
                fail_msg("%s: mean square %g, expected %g", tensor->name, square, expected);
        } else {
            assert_true(square == (score_ends_with(tensor->name, ".scale") ? 1 : 0));
        }
    }
    score_model_destroy(model);
}

/* The last four rows of the first weight, 64 columns, are those of the features of noise. */
static void noise_features_begin_silent(void **state) {
    (void)state;
    const score_architecture architectures[] = {SCORE_GRAPH_TRANSFORMER, SCORE_MLP};
    for (int a = 0; a < 2; a++)
        for (int has_them = 0; has_them < 2; has_them++) {
            score_model *model = make_model(architectures[a], has_them ? 1e-3 : 0);
            const score_tensor *tensor = score_model_tensor(model, 0, 0);
            const int rows = tensor->shape[0];
            assert_int_equal(tensor->shape[1], 64);
            for (int row = 0; row < rows; row++) {
                const double *values = score_model_parameters_const(model, 0) + tensor->offset +
                                       (size_t)row * 64;
                const bool is_silent = has_them && row >= rows - 4;
                for (int n = 0; n < 64; n++)
                    assert_true((values[n] == 0) == is_silent);
            }
            score_model_destroy(model);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_have_their_scale),
        cmocka_unit_test(noise_features_begin_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
