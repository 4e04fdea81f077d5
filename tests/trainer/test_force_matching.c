/* Force matching: the forces that its samples have, and that it is least where the energy is exact. */
#include <math.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "frame_files.h"
#include "losses/minibatch.h"
#include "random_models.h"

enum { FRAMES = 40, BEADS = 3, COORDINATES = 3 * BEADS, SAMPLES = 16 };
static const double STIFFNESS = 4; /* kJ/mol/nm^2 */

/* Frames of no symmetry with the forces of a harmonic well around the origin. */
static score_dataset *make_dataset(void) {
    static double coordinates[FRAMES * COORDINATES], forces[FRAMES * COORDINATES];
    for (int k = 0; k < FRAMES * COORDINATES; k++) {
        coordinates[k] = sin(k * k % 101) + 0.3 * (k % COORDINATES);
        forces[k] = -STIFFNESS * coordinates[k];
    }
    hdf5_file file = {.frames = FRAMES,
                      .beads = BEADS,
                      .dimensions = 3,
                      .type = H5T_NATIVE_DOUBLE,
                      .units = "nanometers",
                      .coordinates = coordinates,
                      .forces = forces,
                      .force_units = "kJ/mol/nm"};
    write_hdf5("frames.h5", &file);
    score_recipe recipe = recipe_for((char *)"frames.h5", BEADS, 3);
    recipe.model.centred = true;
    recipe.model.temperature_k = 300;
    recipe.data.scale_nm = 0.5;
    recipe.stage_count = 1;
    recipe.stages[0].losses[SCORE_LOSS_FORCE_MATCHING].weight = 1;
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(&recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return dataset;
}

static score_sampler make_sampler(const score_dataset *dataset) {
    return (score_sampler){
        .dataset = dataset,
        .split = SCORE_SPLIT_TRAINING,
        .seed = 3,
        .purpose = 0x300,
        .times = {.scale = {.schedule = RANDOM_MODEL_SCHEDULE, .t_begin = 1e-5, .t_end = 1},
                  .even_in_t = true},
        .beads = BEADS,
        .dimensions = 3,
        .rotate = true,
        .count = SAMPLES};
}

/* F scale/(kT) of F = -k scale x. */
static double stiffness(void) {
    return STIFFNESS * 0.5 * 0.5 / (0.00831446261815324 * 300);
}

/* Along the coordinates of the turned sample the force is what it was along those of the frame, as
 * a vector that turns with them: -k x of the turned sample. */
static void forces_turn_with_their_sample(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset();
    for (int antithetic = 0; antithetic < 2; antithetic++) {
        score_sampler sampler = make_sampler(dataset);
        sampler.antithetic = antithetic;
        double turned = 0;
        for (int index = 0; index < SAMPLES; index++) {
            const int number = 5 * score_sampler_frames(&sampler) +
                               (antithetic ? index / 2 : index);
            double frame[COORDINATES], x[COORDINATES], noise[COORDINATES], t, forces[COORDINATES],
                before[COORDINATES];
            score_error error;
            assert_int_equal(score_sampler_draw(&sampler, 5, index, frame, x, noise, &t, &error),
                             SCORE_OK);
            assert_int_equal(score_sampler_draw_forces(&sampler, 5, index, forces, &error),
                             SCORE_OK);
            assert_int_equal(
                score_dataset_draw(dataset, SCORE_SPLIT_TRAINING, (uint64_t)number, before, &error),
                SCORE_OK);
            for (int d = 0; d < COORDINATES; d++) {
                assert_true(fabs(forces[d] + stiffness() * frame[d]) <= 1e-13);
                turned += fabs(frame[d] - before[d]);
            }
        }
        assert_true(turned > 1);
    }
    score_dataset_close(dataset);
}

/* -------- the least loss -------- */

/* Whose energy is that of a Gaussian of one width plus what the network adds; nothing where all its
 * weights are 0. At t_0 the variance is m^2 g + sigma^2 = 1/stiffness. */
static score_model *exact_model(void) {
    const score_noise_schedule schedule = RANDOM_MODEL_SCHEDULE;
    const double m = score_signal(schedule, SCORE_TIME_MIN);
    const double sigma = score_noise(schedule, SCORE_TIME_MIN);
    const double variance = (1 / stiffness() - sigma * sigma) / (m * m);
    const double variances[2] = {variance, variance};
    score_model_config config = molecule_config(BEADS);
    set_base(&config);
    score_gaussian gaussian = *config.gaussian;
    gaussian.variances = variances;
    config.gaussian = &gaussian;
    config.scale_nm = 0.5;
    config.experts[0].layers = 1;
    return make_model(&config, 1, 0);
}

typedef struct fixture {
    score_dataset *dataset;
    score_sampler sampler;
    score_model *model;
    score_packed *packed;
    score_minibatch *minibatch;
    score_executor executor;
    double *gradient;
} fixture;

static void set_up(fixture *f) {
    static int threads = 1;
    const score_loss_setting setting = {
        .schedule = RANDOM_MODEL_SCHEDULE,
        .t_begin = 1e-5,
        .t_end = 1,
        .weight_middle = 0.5,
        .losses = {[SCORE_LOSS_DENOISING] = {1, 1, {0}}, [SCORE_LOSS_FORCE_MATCHING] = {2, 1, {0}}},
        .beads = BEADS};
    f->dataset = make_dataset();
    f->sampler = make_sampler(f->dataset);
    f->model = exact_model();
    f->executor = score_executor_openmp(&threads);
    const score_network *network = score_model_network(f->model, 0);
    assert_int_equal(score_packed_create(network, &f->packed, NULL), SCORE_OK);
    assert_int_equal(score_minibatch_create(network, f->packed, &setting, 1, &f->minibatch, NULL),
                     SCORE_OK);
    f->gradient = calloc(score_packed_gradient_size(f->packed), sizeof *f->gradient);
}

static void tear_down(fixture *f) {
    free(f->gradient);
    score_minibatch_destroy(f->minibatch);
    score_packed_destroy(f->packed);
    score_model_destroy(f->model);
    score_dataset_close(f->dataset);
}

/* The loss with random weights of the deviation `scale`. */
static double loss_at(fixture *f, double scale, uint64_t seed) {
    double *weights = score_model_parameters(f->model, 0), losses[SCORE_LOSS_KINDS];
    fill_normal(seed, scale, (int)score_model_parameter_count(f->model, 0), weights);
    score_packed_update(f->packed, weights, &f->executor);
    assert_int_equal(score_minibatch_evaluate(f->minibatch, f->packed, &f->sampler, 2,
                                              SCORE_BIT(SCORE_LOSS_FORCE_MATCHING), &f->executor,
                                              losses, f->gradient, NULL),
                     SCORE_OK);
    assert_true(losses[SCORE_LOSS_DENOISING] == 0);
    return losses[SCORE_LOSS_FORCE_MATCHING];
}

static void exact_energy_has_the_least_loss(void **state) {
    (void)state;
    fixture f;
    set_up(&f);
    /* Residuals are differences of forces of order 10, off by some epsilon of them. */
    assert_true(loss_at(&f, 0, 0) < 1e-24);
    for (size_t k = 0; k < score_model_parameter_count(f.model, 0); k++)
        assert_true(fabs(f.gradient[k]) < 1e-11);
    for (uint64_t seed = 1; seed <= 20; seed++)
        assert_true(loss_at(&f, 0.5, seed) > 1e-4);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forces_turn_with_their_sample),
        cmocka_unit_test(exact_energy_has_the_least_loss),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
