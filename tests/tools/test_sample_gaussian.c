/* Samples of models whose network is zero: those of their Gaussian. */
#include "temporary_folder.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "programs/executor_openmp.h"
#include "sample_draw.h"
#include "sample_model.h"

enum { BEADS = 3, SIZE = 3 * BEADS, MODES = 2, COUNT = 8000 };
#define SCALE_NM 0.2

static const double VARIANCES[MODES] = {2.1, 0.05};

static score_model *make_model(void) {
    const score_bead beads[BEADS] = {{.name = "A"}};
    const double r = sqrt(0.5), s = sqrt(1.0 / 6);
    const double directions[MODES * BEADS] = {r, 0, -r, s, -2 * s, s};
    const score_gaussian gaussian = {.over = SCORE_OVER_BEADS,
                                     .modes = MODES,
                                     .width = BEADS,
                                     .variances = VARIANCES,
                                     .directions = directions};
    const score_model_config config = {.dimensions = 3,
                                       .centred = 1,
                                       .scale_nm = SCALE_NM,
                                       .temperature_k = 300,
                                       .schedule = {0, {0.1, 20}},
                                       .bead_count = BEADS,
                                       .beads = beads,
                                       .gaussian = &gaussian,
                                       .expert_count = 1,
                                       .experts = {{.architecture = SCORE_MLP,
                                                    .hidden = 1,
                                                    .layers = 1,
                                                    .t_end = 1,
                                                    .base = SCORE_BASE_GAUSSIAN}}};
    score_model *model;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return model;
}

/* Component c of mode k, in normalised coordinates. */
static double along(const score_model *model, int k, int c, const float *x) {
    const score_gaussian *gaussian = score_model_get_config(model)->gaussian;
    double sum = 0;
    for (int b = 0; b < BEADS; b++)
        sum += gaussian->directions[k * BEADS + b] * (double)x[3 * b + c] / SCALE_NM;
    return sum;
}

static struct {
    float positions[COUNT * SIZE];
    double density[COUNT];
} drawn;

static score_status take(void *context, uint32_t first, uint32_t count, const float *positions_nm,
                         const double *log_density, score_error *error) {
    (void)context;
    (void)error;
    memcpy(drawn.positions + first * SIZE, positions_nm, count * SIZE * sizeof *drawn.positions);
    memcpy(drawn.density + first, log_density, count * sizeof *drawn.density);
    return SCORE_OK;
}

/* The variance of n = 3 COUNT normal numbers has the relative error sqrt(2/n); a hundred steps of
 * second order are within .007 of it (docs/sampling.md). */
static void samples_have_the_covariance(void **state) {
    (void)state;
    const float *positions = drawn.positions;
    const double *density = drawn.density;
    score_model *model = make_model();
    const int threads = 1;
    const score_executor executor = score_executor_openmp(&threads);
    const score_sample_plan plan = {.model = model,
                                    .solver = &SCORE_SOLVERS[0],
                                    .steps = 100,
                                    .seed = 5,
                                    .count = COUNT,
                                    .batch = SCORE_SAMPLE_BATCH,
                                    .has_density = true,
                                    .take = take};
    score_error error = {0};
    if (score_sample_draw(&plan, &executor, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    const double statistical = 5 * sqrt(2.0 / (3 * COUNT));
    double product = 0, mean = 0;
    for (int k = 0; k < MODES; k++) {
        double square = 0;
        for (int n = 0; n < COUNT; n++)
            for (int c = 0; c < 3; c++) {
                const double z = along(model, k, c, positions + n * SIZE);
                square += z * z / (3 * COUNT);
                product += k == 0 ? z * along(model, 1, c, positions + n * SIZE) / (3 * COUNT) : 0;
            }
        if (!(fabs(square / VARIANCES[k] - 1) < statistical + 0.007))
            fail_msg("variance %g along mode %d, expected %g", square, k, VARIANCES[k]);
    }
    assert_true(fabs(product) < 5 * sqrt(VARIANCES[0] * VARIANCES[1] / (3 * COUNT)));
    /* The mean of log q over its own samples is -D_r/2 - 3/2 sum of log(2 pi v), +- sqrt(D_r/2). */
    for (int n = 0; n < COUNT; n++)
        mean += density[n] / COUNT;
    double expected = -3.0;
    for (int k = 0; k < MODES; k++)
        expected -= 1.5 * log(2 * acos(-1) * VARIANCES[k]);
    if (!(fabs(mean - expected) < 5 * sqrt(3.0 / COUNT) + 3 * 0.007))
        fail_msg("mean log-density %g, expected %g", mean, expected);
    score_model_destroy(model);
}

/* Where the reverse process begins, the score is that of the data that have diffused until then, to
 * the rounding of float: the only place that a sample without a base can be lost at once. */
static void the_first_score_is_exact(void **state) {
    (void)state;
    enum { FEW = 50 };
    score_model *model = make_model();
    score_sample_model sampled;
    score_error error = {0};
    static double x[FEW * SIZE], score[FEW * SIZE];
    score_random random = score_random_stream(8, 0, 0, 0);
    for (int k = 0; k < FEW * SIZE; k++)
        x[k] = 3 * score_random_normal(&random);
    if (score_sample_model_create(model, FEW, &sampled, &error) != SCORE_OK ||
        score_sample_model_score(&sampled, x, 1, score, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    const double square = exp(-19.9 / 2 - 0.1); /* m^2 */
    const score_gaussian *gaussian = score_model_get_config(model)->gaussian;
    for (int n = 0; n < FEW; n++)
        for (int i = 0; i < SIZE; i++) {
            double expected = 0;
            for (int k = 0; k < MODES; k++) {
                double z = 0;
                for (int b = 0; b < BEADS; b++)
                    z += gaussian->directions[k * BEADS + b] * x[n * SIZE + 3 * b + i % 3];
                expected -= gaussian->directions[k * BEADS + i / 3] * z /
                            (1 + square * (VARIANCES[k] - 1));
            }
            if (!(fabs(score[n * SIZE + i] - expected) < 20 * 0x1p-24 * 10))
                fail_msg("score %d of %d: %g, expected %g", i, n, score[n * SIZE + i], expected);
        }
    score_sample_model_destroy(&sampled);
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_the_covariance),
        cmocka_unit_test(the_first_score_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
