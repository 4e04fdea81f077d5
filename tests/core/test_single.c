/* The core in float against the same core in double, with rates and as a simulation asks, without
 * them, when the first attention comes from constants. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "score/batch.h"

enum { BEADS = 10, MOLECULES = 20, SIZE = MOLECULES * BEADS * 3 };

/* 2^-24 a rounding, of which a force here sees some hundred, in sums that partly cancel. */
static void check_forces(const double *expected, const double *found) {
    double square = 0, largest = 0;
    for (int k = 0; k < SIZE; k++)
        square += expected[k] * expected[k] / SIZE;
    for (int k = 0; k < SIZE; k++) {
        const double error = fabs(found[k] - expected[k]);
        if (!(error <= 1e-4 * sqrt(square)))
            fail_msg("error %g of forces of root mean square %g", error, sqrt(square));
        largest = fmax(largest, error);
    }
    if (largest == 0)
        fail_msg("float and double agree to the last bit: the same code ran twice");
}

static void forces_in_float_are_those_in_double(void **state) {
    (void)state;
    const score_bead beads[BEADS] = {{.name = "CA"}};
    const score_model_config config = {
        .dimensions = 3,
        .centred = 1,
        .scale_nm = 0.3,
        .temperature_k = 300,
        .schedule = {0, {0.1, 20}},
        .bead_count = BEADS,
        .beads = beads,
        .expert_count = 1,
        .experts = {{.hidden = 32, .layers = 2, .heads = 4, .head_width = 16, .t_end = 1}}};
    score_model *model;
    score_molecule molecules[MOLECULES];
    static double x[SIZE], with_rates[2][SIZE], score[2][SIZE];
    double energy[MOLECULES], rate[MOLECULES];
    score_random random = score_random_stream(1, 0, 0, 0);
    assert_int_equal(score_model_create(&config, &model, NULL), SCORE_OK);
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        score_model_parameters(model, 0)[k] = 0.2 * score_random_normal(&random);
    for (int k = 0; k < SIZE; k++)
        x[k] = 0.3 * score_random_normal(&random);
    for (int m = 0; m < MOLECULES; m++)
        molecules[m] = (score_molecule){BEADS, NULL};
    for (int p = 0; p < 2; p++) {
        const score_executor serial = score_executor_serial();
        score_batch *batch;
        assert_int_equal(
            score_batch_create(model, p == 0 ? SCORE_DOUBLE_PRECISION : SCORE_SINGLE_PRECISION,
                               MOLECULES, molecules, 1, &batch, NULL),
            SCORE_OK);
        assert_int_equal(
            score_batch_evaluate(batch, x, 1e-5, &serial, energy, with_rates[p], rate, NULL),
            SCORE_OK);
        assert_int_equal(
            score_batch_evaluate(batch, x, 1e-5, &serial, energy, score[p], NULL, NULL), SCORE_OK);
        score_batch_destroy(batch);
    }
    check_forces(with_rates[0], with_rates[1]);
    check_forces(score[0], score[1]);
    check_forces(with_rates[0], score[1]);
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forces_in_float_are_those_in_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
