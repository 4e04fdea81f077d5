/* The score of a model of several experts, and what a sample becomes in a file. */
#include "temporary_folder.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "random_models.h"
#include "sample_model.h"
#include "sampled_models.h"

enum { COUNT = 4, MOST = COUNT * 9 };

static const double X[MOST] = {.1, -.2, .3,  .5,  -.7, .2, .9,  -.4, .6,  -.1, .8, 1.2,
                               .4, 1.1, -.9, -.3, .7,  .2, -.6, .5,  -.8, .3,  .1, -.2,
                               .6, .4,  -.5, 1.3, .2,  .9, -.7, .1,  .3,  -.4, .8, -.6};

static void assert_good(score_status status, const score_error *error) {
    if (status != SCORE_OK)
        fail_msg("%s", error->message);
}

static void assert_message(score_status status, const score_error *error, const char *expected) {
    assert_int_equal(status, SCORE_ERROR_ARGUMENT);
    if (strstr(error->message, expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, error->message);
}

/* The score by one expert, in 1/nm, straight from the core. */
static void score_by(const score_sample_model *sampled, int expert, double t, double *score) {
    const score_executor serial = score_executor_serial();
    score_error error = {0};
    assert_good(score_batch_evaluate_expert(sampled->batch, expert, X, t, &serial, NULL, score,
                                            NULL, &error),
                &error);
}

static void experts_share_a_common_boundary_equally(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_TOY); /* scale 1: x is in nm */
    score_sample_model sampled;
    score_error error = {0};
    double found[MOST], first[MOST], second[MOST];
    assert_good(score_sample_model_create(model, COUNT, &sampled, &error), &error);
    static const struct {
        double t;
        int experts[2];
    } all[] = {{1, {0, 0}},   {.61, {0, 0}}, {.6, {0, 1}},  {.59, {1, 1}},
               {.11, {1, 1}}, {.1, {1, 2}},  {.09, {2, 2}}, {1e-5, {2, 2}}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        score_by(&sampled, all[k].experts[0], all[k].t, first);
        score_by(&sampled, all[k].experts[1], all[k].t, second);
        assert_good(score_sample_model_score(&sampled, X, all[k].t, found, &error), &error);
        for (int c = 0; c < 2 * COUNT; c++) {
            assert_true(found[c] == (first[c] + second[c]) / 2);
            assert_true(all[k].experts[0] == all[k].experts[1] || first[c] != second[c]);
        }
    }
    score_sample_model_destroy(&sampled);
    score_model_destroy(model);
}

static void one_expert_is_asked_by_its_number(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_TOY);
    score_sample_model sampled;
    const score_executor serial = score_executor_serial();
    score_error error = {0};
    double score[MOST], energy[COUNT], expected[MOST];
    assert_good(score_sample_model_create(model, COUNT, &sampled, &error), &error);
    assert_good(score_batch_evaluate(sampled.batch, X, .1, &serial, energy, expected, NULL, &error),
                &error);
    score_by(&sampled, 2, .1, score); /* the last that owns .1 */
    assert_memory_equal(score, expected, 2 * COUNT * sizeof *score);
    static const struct {
        int expert;
        double t;
        const char *message;
    } bad[] = {{3, .1, "there is no expert 3 among 3"},
               {-1, .1, "there is no expert -1"},
               {2, .11, "expert 2 does not own diffusion time 0.11, but 0 to 0.1"},
               {2, NAN, "expert 2 does not own diffusion time"}};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        assert_message(score_batch_evaluate_expert(sampled.batch, bad[k].expert, X, bad[k].t,
                                                   &serial, NULL, score, NULL, &error),
                       &error, bad[k].message);
    assert_message(
        score_batch_evaluate_expert(sampled.batch, 1, X, .1, &serial, energy, score, NULL, &error),
        &error, "expert 1, which predicts the score");
    score_sample_model_destroy(&sampled);
    score_model_destroy(model);
}

static void scores_are_those_of_normalised_coordinates(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const double scale = score_model_get_config(model)->scale_nm;
    const score_executor serial = score_executor_serial();
    score_sample_model sampled;
    score_error error = {0};
    double found[MOST], nm[MOST], per_nm[MOST];
    assert_good(score_sample_model_create(model, COUNT, &sampled, &error), &error);
    for (int c = 0; c < MOST; c++)
        nm[c] = scale * X[c];
    assert_good(score_batch_evaluate(sampled.batch, nm, .4, &serial, NULL, per_nm, NULL, &error),
                &error);
    assert_good(score_sample_model_score(&sampled, X, .4, found, &error), &error);
    /* To nm and back, and a division and a product, are four roundings. */
    for (int c = 0; c < MOST; c++)
        assert_true(fabs(found[c] - scale * per_nm[c]) <= 4 * DBL_EPSILON * fabs(found[c]));
    score_sample_model_destroy(&sampled);
    score_model_destroy(model);
}

/* Centred in double, then rounded to float, of which a position of at most 1 nm loses 6e-8. */
static void positions_are_scaled_and_centred(void **state) {
    (void)state;
    static const sampled_model kinds[] = {MODEL_MOLECULE, MODEL_TOY};
    for (int k = 0; k < 2; k++) {
        score_model *model = make_sampled_model(kinds[k]);
        const score_model_config *config = score_model_get_config(model);
        score_sample_model sampled;
        score_error error = {0};
        float nm[MOST];
        assert_good(score_sample_model_create(model, COUNT, &sampled, &error), &error);
        score_sample_model_positions(&sampled, X, nm);
        const int d = config->dimensions, beads = config->bead_count;
        for (int m = 0; m < COUNT; m++)
            for (int c = 0; c < d; c++) {
                const double *x = X + m * beads * d + c;
                const double mean = config->centred ? (x[0] + x[d] + x[2 * d]) / 3 : 0;
                for (int b = 0; b < beads; b++)
                    assert_true(fabs((double)nm[(m * beads + b) * d + c] -
                                     config->scale_nm * (x[b * d] - mean)) <= 6e-8);
            }
        score_sample_model_destroy(&sampled);
        score_model_destroy(model);
    }
}

static void log_densities_are_minus_the_energies_of_what_is_written(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const score_executor serial = score_executor_serial();
    score_sample_model sampled;
    score_error error = {0};
    float nm[MOST];
    double positions[MOST], energy[COUNT], found[COUNT];
    assert_good(score_sample_model_create(model, COUNT, &sampled, &error), &error);
    score_sample_model_positions(&sampled, X, nm);
    for (int c = 0; c < MOST; c++)
        positions[c] = (double)nm[c];
    assert_good(
        score_batch_evaluate(sampled.batch, positions, 1e-5, &serial, energy, NULL, NULL, &error),
        &error);
    assert_good(score_sample_model_log_density(&sampled, 10, nm, found, &error), &error);
    for (int m = 0; m < COUNT; m++)
        assert_true(found[m] == -energy[m]);
    nm[9] = INFINITY; /* sample 1 of the batch */
    assert_int_equal(score_sample_model_log_density(&sampled, 10, nm, found, &error),
                     SCORE_ERROR_NUMERIC);
    assert_string_equal(error.message, "the energy of sample 11 is not finite");
    score_sample_model_destroy(&sampled);
    score_model_destroy(model);
}

static void a_log_density_needs_an_energy_at_the_forces_time(void **state) {
    (void)state;
    static const bool expected[MODEL_COUNT] = {[MODEL_MOLECULE] = true,
                                               [MODEL_FEATURES] = true,
                                               [MODEL_TOY] = true,
                                               [MODEL_SCORES] = false,
                                               [MODEL_LATE] = true};
    for (int k = 0; k < MODEL_COUNT; k++) {
        score_model *model = make_sampled_model((sampled_model)k);
        assert_int_equal(score_sample_model_has_density(model), expected[k]);
        score_model_destroy(model);
    }
}

/* -------- times that nobody owns -------- */

typedef struct range {
    double begin;
    double end;
} range;

static score_model *make_model_of(const range *ranges, int count) {
    score_model_config config = toy_config(1, 2);
    config.expert_count = count;
    for (int k = 0; k < count; k++)
        config.experts[k] = mlp_expert(SCORE_OUTPUT_SCORE, ranges[k].begin, ranges[k].end);
    return make_model(&config, 1, 1);
}

static void times_without_an_expert_are_named(void **state) {
    (void)state;
    static const struct {
        int count;
        range ranges[3];
        const char *gaps; /* NULL: none */
    } all[] = {
        {1, {{0, 1}}, NULL},
        {1, {{1e-5, 1}}, NULL},
        {3, {{.6, 1}, {.1, .6}, {0, .1}}, NULL},
        {3, {{0, .2}, {.1, .7}, {.3, 1}}, NULL},
        {1, {{0, .1}}, "diffusion times 0.1 to 1:"},
        {1, {{.1, 1}}, "diffusion times 1e-05 to 0.1:"},
        {2, {{.5, .9}, {0, .25}}, "diffusion times 0.25 to 0.5, 0.9 to 1:"},
        {2,
         {{.3, .5}, {.4, .6}},
         "diffusion times 1e-05 to 0.3, 0.6 to 1: independent samples "
         "need all of 1e-05 to 1"},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        score_model *model = make_model_of(all[k].ranges, all[k].count);
        score_error error = {0};
        const score_status status = score_sample_model_check(model, &error);
        if (all[k].gaps == NULL)
            assert_good(status, &error);
        else
            assert_message(status, &error, all[k].gaps);
        score_model_destroy(model);
    }
}

static void a_model_without_a_list_of_beads_is_refused(void **state) {
    (void)state;
    const score_model_config config = feature_config(0);
    score_model *model = make_model(&config, 1, 1);
    score_error error = {0};
    assert_message(score_sample_model_check(model, &error), &error, "no list of beads");
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(experts_share_a_common_boundary_equally),
        cmocka_unit_test(one_expert_is_asked_by_its_number),
        cmocka_unit_test(scores_are_those_of_normalised_coordinates),
        cmocka_unit_test(positions_are_scaled_and_centred),
        cmocka_unit_test(log_densities_are_minus_the_energies_of_what_is_written),
        cmocka_unit_test(a_log_density_needs_an_energy_at_the_forces_time),
        cmocka_unit_test(times_without_an_expert_are_named),
        cmocka_unit_test(a_model_without_a_list_of_beads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
