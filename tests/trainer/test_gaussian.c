/* The loss of the best Gaussian: the closed form against simulation and linear algebra. */
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "frame_files.h"
#include "data/gaussian.h"
#include "random_models.h"

static const score_noise_schedule SCHEDULE = RANDOM_MODEL_SCHEDULE;

static score_stage make_stage(double begin, double end) {
    return (score_stage){.t_begin = begin,
                         .t_end = end,
                         .time_variance = -1,
                         .weight_middle = begin + 0.3 * (end - begin),
                         .losses = {[SCORE_LOSS_DENOISING] = {.weight = 1}}};
}

static void eigenvalues_are_those_of_the_matrix(void **state) {
    (void)state;
    /* 2 - 2 cos(k pi/6), k = 1 to 5: the second difference on five points. */
    enum { N = 5 };
    double a[N * N] = {0}, found[N], vectors[N * N];
    for (int k = 0; k < N; k++) {
        a[k * N + k] = 2;
        if (k > 0)
            a[k * N + k - 1] = a[(k - 1) * N + k] = -1;
    }
    double matrix[N * N], alone[N];
    memcpy(matrix, a, sizeof a);
    score_symmetric_eigenvalues(N, a, found, vectors);
    for (int k = 0; k < N; k++) /* a v = l v, and v . v = 1 */
        for (int i = 0; i < N; i++) {
            double product = 0, overlap = 0;
            for (int j = 0; j < N; j++) {
                product += matrix[i * N + j] * vectors[k * N + j];
                overlap += vectors[i * N + j] * vectors[k * N + j];
            }
            assert_true(fabs(product - found[k] * vectors[k * N + i]) <= 1e-14);
            assert_true(fabs(overlap - (i == k)) <= 1e-14);
        }
    memcpy(a, matrix, sizeof a);
    score_symmetric_eigenvalues(N, a, alone, NULL);
    assert_memory_equal(alone, found, sizeof found);
    for (int k = 1; k <= N; k++) {
        double expected = 2 - 2 * cos(k * acos(-1) / 6), nearest = INFINITY;
        for (int j = 0; j < N; j++)
            nearest = fmin(nearest, fabs(found[j] - expected));
        assert_true(nearest <= 1e-14); /* some 10 epsilon of the largest, 4 */
    }
}

/* Two coordinates of variances .5 and .01 and three that the model does not see, in no order of
 * coordinates: the residual eps + sigma s of the Gaussian's own score, simulated. */
static void loss_is_that_of_simulated_samples(void **state) {
    (void)state;
    enum { SAMPLES = 200000 };
    const double variance[2] = {0.5, 0.01};
    const score_stage stage = make_stage(0.1, 0.6);
    double sum = 0, square = 0;
    score_random random = score_random_stream(9, 0, 0, 0);
    for (int n = 0; n < SAMPLES; n++) {
        const double t = 0.1 + 0.5 * (n + score_random_uniform(&random)) / SAMPLES;
        const double m = score_signal(SCHEDULE, t), sigma = score_noise(SCHEDULE, t);
        double residual = 0;
        for (int k = 0; k < 5; k++) {
            const double eps = score_random_normal(&random);
            double score = 0;
            if (k < 2) {
                double x = m * sqrt(variance[k]) * score_random_normal(&random) + sigma * eps;
                score = -x / (m * m * variance[k] + sigma * sigma);
            }
            residual += (eps + sigma * score) * (eps + sigma * score);
        }
        residual *= score_equal_weight(t, stage.weight_middle, 0.1, 0.6) / 5;
        sum += residual;
        square += residual * residual;
    }
    const double mean = sum / SAMPLES;
    const double error = sqrt((square / SAMPLES - mean * mean) / SAMPLES);
    const double seen[5] = {variance[0], variance[1]};
    double loss = score_gaussian_loss(SCHEDULE, &stage, 5, seen, 1, 3);
    if (!(fabs(loss - mean) < 5 * error))
        fail_msg("%.6f, simulated %.6f +- %.6f", loss, mean, error);
}

/* Of data, by the two ways in which a recipe can treat them: the trace of
 * m^2 C (m^2 C + sigma^2)^-1 for 2 x 2 matrices, at the ends of a narrow range of t. */
static double trace_loss(const double c[4], double t) {
    const double m = score_signal(SCHEDULE, t), sigma = score_noise(SCHEDULE, t);
    const double a = m * m * c[0] + sigma * sigma, b = m * m * c[1];
    const double d = m * m * c[3] + sigma * sigma;
    return 2 - sigma * sigma * (a + d) / (a * d - b * b);
}

static double data_loss(bool rotate, int beads, int dimensions, const double *coordinates,
                        uint64_t frames) {
    hdf5_file file = {.frames = frames,
                      .beads = beads,
                      .dimensions = dimensions,
                      .units = "nanometers",
                      .coordinates = coordinates};
    write_hdf5("frames.h5", &file);
    score_recipe recipe = recipe_for((char *)"frames.h5", beads, dimensions);
    recipe.rotate = rotate;
    recipe.model.centred = rotate;
    recipe.model.schedule = SCHEDULE;
    recipe.stage_count = 1;
    recipe.stages[0] = make_stage(0.2, 0.2000001);
    score_dataset *dataset = NULL;
    score_error error = {0};
    double loss = NAN;
    if (score_dataset_open(&recipe, ".", &dataset, &error) != SCORE_OK ||
        score_gaussian_data_loss(&recipe, dataset, 0, &loss, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    score_dataset_close(dataset);
    return loss;
}

static void loss_of_points_in_the_plane(void **state) {
    (void)state;
    enum { FRAMES = 40 };
    double coordinates[2 * FRAMES], mean[2] = {0}, c[4] = {0};
    for (int f = 0; f < FRAMES; f++) { /* in float, as they are stored */
        coordinates[2 * f] = (float)(1 + cos(f));
        coordinates[2 * f + 1] = (float)(0.2 * sin(3 * f) - cos(f));
        for (int d = 0; d < 2; d++)
            mean[d] += coordinates[2 * f + d] / FRAMES;
    }
    for (int f = 0; f < FRAMES; f++)
        for (int k = 0; k < 4; k++)
            c[k] += (coordinates[2 * f + k / 2] - mean[k / 2]) *
                    (coordinates[2 * f + k % 2] - mean[k % 2]) / FRAMES;
    double loss = data_loss(false, 1, 2, coordinates, FRAMES);
    /* The trace changes by less than 1e-6 over the range of t. */
    assert_true(fabs(loss - trace_loss(c, 0.2) / 2) < 1e-6);
}

/* Two beads at distance r: centred they are +-r/2, of covariance <r^2>/12 (1 -1; -1 1). */
static void loss_of_turned_pairs(void **state) {
    (void)state;
    enum { FRAMES = 10 };
    double coordinates[6 * FRAMES] = {0}, square = 0;
    for (int f = 0; f < FRAMES; f++) {
        double r = 1 + f / 8.0;
        coordinates[6 * f + f % 3] = 5; /* wherever the pair may be */
        coordinates[6 * f + 3 + f % 3] = 5 + r;
        square += r * r / FRAMES;
    }
    const double c[4] = {square / 12, -square / 12, -square / 12, square / 12};
    double loss = data_loss(true, 2, 3, coordinates, FRAMES);
    assert_true(fabs(loss - (3 + 3 * trace_loss(c, 0.2)) / 6) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eigenvalues_are_those_of_the_matrix),
        cmocka_unit_test(loss_is_that_of_simulated_samples),
        cmocka_unit_test(loss_of_points_in_the_plane),
        cmocka_unit_test(loss_of_turned_pairs),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
