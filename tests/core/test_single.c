/* The core in float against the same core in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/random.h"
#include "base/vector_math.h"
#include "score/batch.h"

/* Every 997th float of the whole range, and both ends of it. */
static void exp_is_within_its_bound(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 997)
        for (int sign = -1; sign <= 1; sign += 2) {
            float x;
            memcpy(&x, &bits, sizeof x);
            x *= (float)sign;
            const double clamped = fmin(fmax((double)x, -87), 88), exact = exp(clamped);
            const double error = fabs((double)score_exp(x) - exact) / exact;
            if (!(error <= 3e-7))
                fail_msg("exp(%g): relative error %g", (double)x, error);
        }
}

static void tanh_and_logistic_are_within_their_bounds(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits < 0x7f800000u; bits += 997)
        for (int sign = -1; sign <= 1; sign += 2) {
            float x;
            memcpy(&x, &bits, sizeof x);
            x *= (float)sign;
            const double by_tanh = fabs((double)score_tanh(x) - tanh((double)x));
            const double by_logistic = fabs((double)score_logistic(x) - 1 / (1 + exp(-(double)x)));
            if (!(by_tanh <= 3e-7) || !(by_logistic <= 3e-7))
                fail_msg("at %g: errors of tanh %g, of the logistic function %g", (double)x,
                         by_tanh, by_logistic);
        }
}

enum { BEADS = 10, MOLECULES = 20, SIZE = MOLECULES * BEADS * 3 };

static void forces_in_float_are_those_in_double(void **state) {
    (void)state;
    const score_bead beads[BEADS] = {{.name = "CA"}};
    const score_model_config config = {
        .dimensions = 3,
        .centred = 1,
        .scale_nm = 0.3,
        .temperature_k = 300,
        .beta_min = 0.1,
        .beta_max = 20,
        .bead_count = BEADS,
        .beads = beads,
        .expert_count = 1,
        .experts = {{.hidden = 32, .layers = 2, .heads = 4, .head_width = 16, .t_end = 1}}};
    score_model *model;
    score_molecule molecules[MOLECULES];
    static double x[SIZE], score[2][SIZE];
    double energy[2][MOLECULES], rate[2][MOLECULES];
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
            score_batch_evaluate(batch, x, 1e-5, &serial, energy[p], score[p], rate[p], NULL),
            SCORE_OK);
        score_batch_destroy(batch);
    }
    /* 2^-24 a rounding, of which a force here sees some hundred, in sums that partly cancel */
    double square = 0, largest = 0;
    for (int k = 0; k < SIZE; k++) {
        square += score[0][k] * score[0][k] / SIZE;
        largest = fmax(largest, fabs(score[1][k] - score[0][k]));
    }
    if (!(largest <= 1e-4 * sqrt(square)))
        fail_msg("largest error %g of forces of root mean square %g", largest, sqrt(square));
    if (largest == 0)
        fail_msg("float and double agree to the last bit: the same code ran twice");
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_its_bound),
        cmocka_unit_test(tanh_and_logistic_are_within_their_bounds),
        cmocka_unit_test(forces_in_float_are_those_in_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
