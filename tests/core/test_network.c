#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gaussians.h"
#include "score/batch.h"
#include "nn/activation_kind.h"
#include "subjects.h"

static const score_bead three_beads[3] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};
static const int three[2] = {3, 3}, uneven[2] = {3, 2}, one[3] = {1, 1, 1};
static const int features[5 * 2] = {0, 1, 2, 0, 1, 1, 2, 1, 0, 0};

static score_model_config transformer(score_output output, double t_begin, double t_end) {
    return (score_model_config){.dimensions = 3,
                                .centred = 1,
                                .scale_nm = 0.2,
                                .temperature_k = 300,
                                .schedule = {0, {0.1, 20}},
                                .bead_count = 3,
                                .beads = three_beads,
                                .expert_count = 1,
                                .experts = {{.architecture = SCORE_GRAPH_TRANSFORMER,
                                             .output = output,
                                             .hidden = 8,
                                             .layers = 2,
                                             .heads = 2,
                                             .head_width = 4,
                                             .t_begin = t_begin,
                                             .t_end = t_end}}};
}

static score_model_config feature_transformer(void) {
    score_model_config config = transformer(SCORE_OUTPUT_ENERGY, 0, 1);
    config.feature_count = 2;
    config.feature_sizes[0] = 3;
    config.feature_sizes[1] = 2;
    config.bead_count = 0;
    config.beads = NULL;
    return config;
}

static score_model_config perceptron(score_output output) {
    return (score_model_config){
        .dimensions = 2,
        .scale_nm = 1,
        .temperature_k = 300,
        .schedule = {0, {0.1, 20}},
        .bead_count = 1,
        .beads = three_beads,
        .expert_count = 1,
        .experts = {
            {.architecture = SCORE_MLP, .output = output, .hidden = 8, .layers = 3, .t_end = 1}}};
}

static void climb_all_sets(const char *name, score_model_config config, int molecules,
                           const int *beads, const int *bead_features) {
    for (int set = 0; set < STREAM_SETS; set++)
        with_network(name, &config, molecules, beads, bead_features, set, climb);
}

static void energy_transformer_climbs_the_ladder(void **state) {
    (void)state;
    climb_all_sets("energy transformer", transformer(SCORE_OUTPUT_ENERGY, 0, 1), 2, three, NULL);
}

static void transformer_of_other_settings_climbs_the_ladder(void **state) {
    (void)state;
    score_model_config config = transformer(SCORE_OUTPUT_ENERGY, 0, 1);
    config.experts[0].activation = SCORE_GELU_ERF;
    config.experts[0].norm_epsilon = .01;
    climb_all_sets("transformer with exact gelu", config, 2, three, NULL);
}

static void score_transformer_climbs_the_ladder(void **state) {
    (void)state;
    climb_all_sets("score transformer", transformer(SCORE_OUTPUT_SCORE, 0, 0.1), 2, three, NULL);
}

static void transformer_of_seven_time_features_climbs_the_ladder(void **state) {
    (void)state;
    climb_all_sets("transformer on (.1, .6)", transformer(SCORE_OUTPUT_ENERGY, 0.1, 0.6), 2, three,
                   NULL);
}

static void transformer_of_bead_features_climbs_the_ladder(void **state) {
    (void)state;
    climb_all_sets("transformer of features", feature_transformer(), 2, uneven, features);
}

static void perceptrons_climb_the_ladder(void **state) {
    (void)state;
    climb_all_sets("energy perceptron", perceptron(SCORE_OUTPUT_ENERGY), 3, one, NULL);
    climb_all_sets("score perceptron", perceptron(SCORE_OUTPUT_SCORE), 3, one, NULL);
}

static void networks_with_a_base_climb_the_ladder(void **state) {
    (void)state;
    const gaussian_kind beads = gaussian_of_kind(7), all = gaussian_of_kind(5);
    const gaussian_kind point = gaussian_of_kind(2);
    score_model_config one_hot = transformer(SCORE_OUTPUT_ENERGY, 0, 1);
    score_model_config many = feature_transformer(), plane = perceptron(SCORE_OUTPUT_ENERGY);
    one_hot.gaussian = &beads.gaussian;
    many.gaussian = &all.gaussian;
    plane.gaussian = &point.gaussian;
    one_hot.experts[0].base = many.experts[0].base = SCORE_BASE_GAUSSIAN;
    plane.experts[0].base = SCORE_BASE_GAUSSIAN;
    climb_all_sets("transformer with a base", one_hot, 2, three, NULL);
    climb_all_sets("transformer of features with a base", many, 2, uneven, features);
    climb_all_sets("perceptron with a base", plane, 3, one, NULL);
}

/* Streams computed in several passes, as training does, are those of one pass to the last bit,
 * and what was not asked for is left alone. */
static void check_passes(const subject *self) {
    const int all = self->layout.count * self->x_size, outputs = self->layout.count * self->y_size;
    double *x = calloc((size_t)all, sizeof *x), *y = calloc((size_t)outputs, sizeof *y);
    double *theta = calloc((size_t)self->theta_size, sizeof *theta);
    double *expected = calloc((size_t)outputs, sizeof *expected);
    fill_normal(4, all, x);
    for (int s = 1; s < self->layout.count - 1; s++)
        memset(x + (s + 1) * self->x_size - 2, 0, 2 * sizeof *x);
    fill_normal(5, self->theta_size, theta);
    const unsigned last = 1u << (self->layout.count - 1);
    self->forward(self, 2 * last - 1, x, theta, expected);
    self->forward(self, last - 1, x, theta, y);
    self->forward(self, last, x, theta, y);
    assert_memory_equal(y, expected, (size_t)outputs * sizeof *y);
    free(x);
    free(y);
    free(theta);
    free(expected);
}

static void passes_compose(void **state) {
    (void)state;
    const gaussian_kind kind = gaussian_of_kind(7);
    score_model_config config = transformer(SCORE_OUTPUT_ENERGY, 0, 1);
    with_network("energy transformer", &config, 2, three, NULL, 2, check_passes);
    config.gaussian = &kind.gaussian;
    config.experts[0].base = SCORE_BASE_GAUSSIAN;
    with_network("energy transformer with a base", &config, 2, three, NULL, 2, check_passes);
}

static score_model *random_model(score_model_config config, unsigned seed) {
    score_model *model;
    assert_int_equal(score_model_create(&config, &model, NULL), SCORE_OK);
    fill_normal(seed, (int)score_model_parameter_count(model, 0), score_model_parameters(model, 0));
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        score_model_parameters(model, 0)[k] *= 0.5;
    return model;
}

static void evaluate(const score_model *model, score_precision precision, int molecules,
                     const score_molecule *molecule, const double *x, double t, double *energy,
                     double *score, double *rate) {
    const score_executor serial = score_executor_serial();
    score_error error = {0};
    score_batch *batch;
    assert_int_equal(score_batch_create(model, precision, molecules, molecule, 1, &batch, &error),
                     SCORE_OK);
    if (score_batch_evaluate(batch, x, t, &serial, energy, score, rate, &error))
        fail_msg("%s", error.message);
    score_batch_destroy(batch);
}

enum { COPIES = 40 };

static void translation_changes_nothing(void **state) {
    (void)state;
    score_model *model = random_model(transformer(SCORE_OUTPUT_ENERGY, 0, 1), 6);
    const score_molecule molecule = {3, NULL};
    double x[9], energy[2], score[2][9];
    fill_normal(7, 9, x);
    for (int shift = 0; shift < 2; shift++) {
        for (int k = 0; k < 9; k++)
            x[k] += shift * 100;
        evaluate(model, SCORE_DOUBLE_PRECISION, 1, &molecule, x, 0.3, &energy[shift], score[shift],
                 NULL);
    }
    /* at 100 nm a coordinate is known to 1e-14 nm; times the score's own size and slope */
    double size = 1, sum[3] = {0};
    for (int k = 0; k < 9; k++) {
        size = fmax(size, fabs(score[0][k]));
        sum[k % 3] += score[0][k];
    }
    check_close(energy[1], energy[0], 1e-12 * size, "energy");
    for (int k = 0; k < 9; k++)
        check_close(score[1][k], score[0][k], 1e-10 * size, "score %d", k);
    for (int d = 0; d < 3; d++)
        check_close(sum[d], 0, 1e-14 * 9 * size, "total score along %d", d);
    score_model_destroy(model);
}

/* Many molecules in tiles are, to the last bit of float, what each of them is in a batch of its
 * own size; and the order of the molecules does not matter. */
static void molecules_do_not_see_each_other(void **state) {
    (void)state;
    score_model *model = random_model(transformer(SCORE_OUTPUT_ENERGY, 0, 1), 8);
    score_molecule molecules[COPIES];
    double x[COPIES * 9], reversed[COPIES * 9], energy[COPIES], score[COPIES * 9], rate[COPIES];
    double energy2[COPIES], score2[COPIES * 9], rate2[COPIES];
    fill_normal(9, COPIES * 9, x);
    for (int m = 0; m < COPIES; m++) {
        molecules[m] = (score_molecule){3, NULL};
        memcpy(reversed + 9 * (COPIES - 1 - m), x + 9 * m, 9 * sizeof *x);
    }
    evaluate(model, SCORE_DOUBLE_PRECISION, COPIES, molecules, x, 0.2, energy, score, rate);
    evaluate(model, SCORE_DOUBLE_PRECISION, COPIES, molecules, reversed, 0.2, energy2, score2,
             rate2);
    for (int m = 0; m < COPIES; m++) {
        const int r = COPIES - 1 - m;
        double alone, alone_rate, alone_score[9];
        evaluate(model, SCORE_DOUBLE_PRECISION, 1, molecules, x + 9 * m, 0.2, &alone, alone_score,
                 &alone_rate);
        /* a product's sums may be taken in another order: 100 roundings of numbers of size 10 */
        check_close(energy[m], alone, 1e-12, "energy of molecule %d", m);
        check_close(energy2[r], alone, 1e-12, "energy of molecule %d, reversed", m);
        check_close(rate[m], alone_rate, 1e-11, "time derivative of molecule %d", m);
        check_close(rate2[r], alone_rate, 1e-11, "time derivative of molecule %d, reversed", m);
        for (int k = 0; k < 9; k++) {
            check_close(score[9 * m + k], alone_score[k], 1e-11, "score %d of %d", k, m);
            check_close(score2[9 * r + k], alone_score[k], 1e-11, "score %d of %d, reversed", k, m);
        }
    }
    score_model_destroy(model);
}

static void score_is_the_gradient_of_the_energy(void **state) {
    (void)state;
    score_model *model = random_model(feature_transformer(), 10);
    const score_molecule molecules[2] = {{3, features}, {2, features + 6}};
    const double h = 1e-5, t = 0.4;
    double x[15], score[15], rate[2], energy[2], up[2], down[2];
    fill_normal(11, 15, x);
    for (int k = 0; k < 15; k++)
        x[k] *= 0.2;
    evaluate(model, SCORE_DOUBLE_PRECISION, 2, molecules, x, t, energy, score, rate);
    for (int k = 0; k < 15; k++) {
        const double centre = x[k];
        x[k] = centre + h;
        evaluate(model, SCORE_DOUBLE_PRECISION, 2, molecules, x, t, up, NULL, NULL);
        x[k] = centre - h;
        evaluate(model, SCORE_DOUBLE_PRECISION, 2, molecules, x, t, down, NULL, NULL);
        x[k] = centre;
        /* h^2 f'''/6 with f''' about 1e3 (lengths of 0.2 nm) and eps/h */
        check_close(score[k], -(up[0] + up[1] - down[0] - down[1]) / (2 * h), 1e-6, "score %d", k);
    }
    evaluate(model, SCORE_DOUBLE_PRECISION, 2, molecules, x, t + h, up, NULL, NULL);
    evaluate(model, SCORE_DOUBLE_PRECISION, 2, molecules, x, t - h, down, NULL, NULL);
    for (int m = 0; m < 2; m++)
        check_close(rate[m], (up[m] - down[m]) / (2 * h), 1e-6, "time derivative of %d", m);
    score_model_destroy(model);
}

static void expect_error(const score_model *model, int molecules, const score_molecule *molecule,
                         const char *text) {
    score_error error = {0};
    score_batch *batch;
    assert_int_equal(
        score_batch_create(model, SCORE_DOUBLE_PRECISION, molecules, molecule, 1, &batch, &error),
        SCORE_ERROR_ARGUMENT);
    assert_null(batch);
    if (strstr(error.message, text) == NULL)
        fail_msg("'%s' does not contain '%s'", error.message, text);
}

static void misuse_names_the_value(void **state) {
    (void)state;
    score_model *model = random_model(transformer(SCORE_OUTPUT_SCORE, 0, 0.5), 12);
    const score_molecule good = {3, NULL}, wrong = {4, NULL}, surplus = {3, features};
    const int out_of_range[4] = {0, 1, 3, 0};
    const score_molecule unknown = {2, out_of_range};
    expect_error(model, 1, &wrong, "has 4 beads, but the model has 3");
    expect_error(model, 0, &good, "number of molecules is 0");
    expect_error(model, 1, &surplus, "knows its beads one by one");
    const score_executor serial = score_executor_serial();
    score_error error = {0};
    score_batch *batch;
    double x[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0}, energy, score[9];
    assert_int_equal(score_batch_create(model, SCORE_DOUBLE_PRECISION, 1, &good, 1, &batch, &error),
                     SCORE_OK);
    assert_int_equal(score_batch_evaluate(batch, x, 0.6, &serial, NULL, score, NULL, &error),
                     SCORE_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "0.6"));
    assert_int_equal(score_batch_evaluate(batch, x, 0.4, &serial, &energy, score, NULL, &error),
                     SCORE_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "predicts the score"));
    x[4] = NAN;
    assert_int_equal(score_batch_evaluate(batch, x, 0.4, &serial, NULL, score, NULL, &error),
                     SCORE_ERROR_NUMERIC);
    assert_non_null(strstr(error.message, "molecule 0"));
    score_batch_destroy(batch);
    score_model_destroy(model);
    model = random_model(feature_transformer(), 12);
    expect_error(model, 1, &unknown, "bead 1 has feature 0 = 3, must be in [0, 3)");
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energy_transformer_climbs_the_ladder),
        cmocka_unit_test(transformer_of_other_settings_climbs_the_ladder),
        cmocka_unit_test(score_transformer_climbs_the_ladder),
        cmocka_unit_test(transformer_of_seven_time_features_climbs_the_ladder),
        cmocka_unit_test(transformer_of_bead_features_climbs_the_ladder),
        cmocka_unit_test(perceptrons_climb_the_ladder),
        cmocka_unit_test(networks_with_a_base_climb_the_ladder),
        cmocka_unit_test(passes_compose),
        cmocka_unit_test(translation_changes_nothing),
        cmocka_unit_test(molecules_do_not_see_each_other),
        cmocka_unit_test(score_is_the_gradient_of_the_energy),
        cmocka_unit_test(misuse_names_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
