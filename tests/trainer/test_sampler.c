/* Noised samples, and the loss and gradient of a step over all of them, in double. */
#include <math.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "frame_files.h"
#include "losses/minibatch.h"
#include "tiny_networks.h"

enum { FRAMES = 64, COORDINATES = 3 * TINY_BEADS };

typedef struct noised {
    double x[COORDINATES];
    double noise[COORDINATES];
    double t;
} noised;

/* Frames of three beads, of no symmetry; every third number is that of the frame. */
static score_dataset *make_dataset(bool centred) {
    static double coordinates[FRAMES * COORDINATES];
    for (int k = 0; k < FRAMES * COORDINATES; k++)
        coordinates[k] = sin(k * k % 101) + (k % COORDINATES);
    hdf5_file file = {.frames = FRAMES,
                      .beads = TINY_BEADS,
                      .dimensions = 3,
                      .units = "nanometers",
                      .coordinates = coordinates};
    write_hdf5("frames.h5", &file);
    score_recipe recipe = recipe_for((char *)"frames.h5", TINY_BEADS, 3);
    recipe.model.centred = centred;
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
        .times = {.scale = {.schedule = {0, {0.1, 20}}, .t_begin = 0.1, .t_end = 0.6},
                  .even_in_t = true},
        .beads = TINY_BEADS,
        .dimensions = 3,
        .rotate = true,
        .count = 40};
}

static noised draw(const score_sampler *sampler, uint32_t step, int index) {
    noised sample;
    double frame[COORDINATES];
    score_error error = {0};
    if (score_sampler_draw(sampler, step, index, frame, sample.x, sample.noise, &sample.t,
                           &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return sample;
}

static double squared_distance(const double *a, const double *b) {
    double sum = 0;
    for (int d = 0; d < 3; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* m x_0, with x_0 recovered from x_t and eps, has the shape of the frame that was drawn. */
static void samples_are_noised_frames(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    score_sampler sampler = make_sampler(dataset);
    score_error error = {0};
    double turned = 0;
    for (int index = 0; index < sampler.count; index++) {
        noised sample = draw(&sampler, 2, index);
        double frame[COORDINATES];
        uint64_t number = 2 * 40 + (uint64_t)index;
        assert_int_equal(score_dataset_draw(dataset, SCORE_SPLIT_TRAINING, number, frame, &error),
                         SCORE_OK);
        const double m = score_signal(sampler.times.scale.schedule, sample.t);
        const double sigma = score_noise(sampler.times.scale.schedule, sample.t);
        for (int k = 0; k < COORDINATES; k++)
            sample.x[k] = (sample.x[k] - sigma * sample.noise[k]) / m;
        for (int a = 0; a < TINY_BEADS; a++)
            for (int b = 0; b < a; b++) {
                double was = squared_distance(frame + 3 * a, frame + 3 * b);
                double is = squared_distance(sample.x + 3 * a, sample.x + 3 * b);
                /* m is at least .02, so rounding of x_t is some 50 epsilon of x_0. */
                assert_true(fabs(is - was) <= 1e-12 * (1 + was));
            }
        turned += squared_distance(frame, sample.x);
    }
    assert_true(turned > 1);
    score_dataset_close(dataset);
}

static void noise_is_standard_normal(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    score_sampler sampler = make_sampler(dataset);
    double sum = 0, square = 0;
    const int steps = 100, count = steps * sampler.count * COORDINATES;
    for (int step = 0; step < steps; step++)
        for (int index = 0; index < sampler.count; index++) {
            noised sample = draw(&sampler, (uint32_t)step, index);
            for (int k = 0; k < COORDINATES; k++) {
                sum += sample.noise[k];
                square += sample.noise[k] * sample.noise[k];
            }
        }
    /* Five standard errors, of the mean and of the mean square of normal numbers. */
    assert_true(fabs(sum / count) < 5 / sqrt(count));
    assert_true(fabs(square / count - 1) < 5 * sqrt(2.0 / count));
    score_dataset_close(dataset);
}

static void times_are_stratified(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    for (int antithetic = 0; antithetic < 2; antithetic++) {
        score_sampler sampler = make_sampler(dataset);
        sampler.antithetic = antithetic;
        const int strata = score_sampler_frames(&sampler);
        assert_int_equal(strata, antithetic ? 20 : 40);
        int hits[40] = {0};
        for (int index = 0; index < sampler.count; index++) {
            double t = draw(&sampler, 1, index).t;
            assert_true(t > 0.1 && t < 0.6);
            hits[(int)((t - 0.1) / 0.5 * strata)]++;
        }
        for (int k = 0; k < strata; k++)
            assert_int_equal(hits[k], antithetic ? 2 : 1);
    }
    score_dataset_close(dataset);
}

static void antithetic_pairs_share_all_but_the_sign(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    score_sampler sampler = make_sampler(dataset);
    sampler.antithetic = true;
    for (int index = 0; index < sampler.count; index += 2) {
        noised plus = draw(&sampler, 5, index), minus = draw(&sampler, 5, index + 1);
        const double sigma = score_noise(sampler.times.scale.schedule, plus.t);
        assert_true(plus.t == minus.t);
        for (int k = 0; k < COORDINATES; k++) {
            assert_true(plus.noise[k] == -minus.noise[k]);
            double difference = plus.x[k] - minus.x[k] - 2 * sigma * plus.noise[k];
            assert_true(fabs(difference) <= 1e-14 * (fabs(plus.x[k]) + fabs(minus.x[k]) + 1));
        }
    }
    score_dataset_close(dataset);
}

static void samples_depend_on_their_number_alone(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    score_sampler sampler = make_sampler(dataset);
    noised first = draw(&sampler, 7, 3);
    draw(&sampler, 1, 2);
    noised again = draw(&sampler, 7, 3), other = draw(&sampler, 8, 3);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(first.t != other.t && first.noise[0] != other.noise[0]);
    sampler.seed++;
    assert_true(draw(&sampler, 7, 3).noise[0] != first.noise[0]);
    sampler.seed--, sampler.purpose++;
    assert_true(draw(&sampler, 7, 3).noise[0] != first.noise[0]);
    score_dataset_close(dataset);
}

/* -------- a step -------- */

enum {
    ALL_LOSSES = 1 << SCORE_LOSS_DENOISING | 1 << SCORE_LOSS_FOKKER_PLANCK |
                 1 << SCORE_LOSS_CLASSIFICATION
};

typedef struct step_fixture {
    score_model *model;
    score_dataset *dataset;
    score_loss_setting setting;
    score_packed *packed;
    size_t size;
    score_sampler sampler;
} step_fixture;

static step_fixture begin_step(void) {
    step_fixture f;
    score_error error = {0};
    const int *features;
    f.dataset = make_dataset(true);
    f.model = make_tiny_model(&TINY_NETWORKS[0], &features);
    f.setting = (score_loss_setting){
        .schedule = {0, {0.1, 20}},
        .t_begin = 0.1,
        .t_end = 0.6,
        .weight_middle = 0.5,
        .losses = {[SCORE_LOSS_DENOISING] = {1, 1, {0}},
                   [SCORE_LOSS_FOKKER_PLANCK] = {0.02, 0.3, {0}},
                   [SCORE_LOSS_CLASSIFICATION] = {0.7, 0.6, {0.8, 0.01}}},
        .beads = TINY_BEADS};
    assert_int_equal(score_packed_create(score_model_network(f.model, 0), &f.packed, &error),
                     SCORE_OK);
    const score_executor serial = score_executor_serial();
    score_packed_update(f.packed, score_model_parameters(f.model, 0), &serial);
    f.size = score_packed_gradient_size(f.packed);
    f.sampler = make_sampler(f.dataset);
    return f;
}

static void end_step(step_fixture *f) {
    score_packed_destroy(f->packed);
    score_model_destroy(f->model);
    score_dataset_close(f->dataset);
}

/* The sum of all losses. */
static double evaluate(step_fixture *f, int threads, double *gradient) {
    score_minibatch *minibatch = NULL;
    score_error error = {0};
    const score_executor executor = score_executor_openmp(&threads);
    double losses[SCORE_LOSS_KINDS];
    assert_int_equal(score_minibatch_create(score_model_network(f->model, 0), f->packed,
                                            &f->setting, threads, &minibatch, &error),
                     SCORE_OK);
    for (int again = 0; again < 2; again++) /* the second time finds nothing left of the first */
        assert_int_equal(score_minibatch_evaluate(minibatch, f->packed, &f->sampler, 4, ALL_LOSSES,
                                                  &executor, losses, gradient, &error),
                         SCORE_OK);
    score_minibatch_destroy(minibatch);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        assert_true((losses[k] != 0) == ((ALL_LOSSES >> k & 1) != 0));
    return losses[0] + losses[1] + losses[2];
}

static void lay_out_sample(const step_fixture *f, score_losses *losses, int index, unsigned use) {
    noised sample = draw(&f->sampler, 4, index);
    score_loss_samples room = score_losses_room(losses, 1, use);
    memcpy(room.x, sample.x, sizeof sample.x);
    memcpy(room.noise, sample.noise, sizeof sample.noise);
    room.t[0] = sample.t;
    room.weight[0] = 1;
    const score_loss_draw of = {&f->sampler, 4, index, NULL, sample.t};
    assert_int_equal(score_losses_draw(losses, &of, &room, 0, NULL), SCORE_OK);
}

/* Of group g of eight, how many samples have the loss: the first ones, rounded up. */
static int samples_with(const step_fixture *f, int g, int kind) {
    const int samples = 267 * (g + 1) / 8 - 267 * g / 8;
    return (int)ceil(f->setting.losses[kind].share * samples);
}

static void a_step_is_the_mean_of_its_samples(void **state) {
    (void)state;
    step_fixture f = begin_step();
    f.sampler.count = 267; /* several tiles a group, groups of 33 and 34 samples */
    double *gradient = calloc(f.size, sizeof *gradient), *sum = calloc(f.size, sizeof *sum);
    double loss = evaluate(&f, 1, gradient), sums[SCORE_LOSS_KINDS] = {0}, largest = 0;
    score_losses *losses = NULL;
    score_error error = {0};
    assert_int_equal(
        score_losses_create(score_model_network(f.model, 0), &f.setting, 1, &losses, &error),
        SCORE_OK);
    double share[SCORE_LOSS_KINDS];
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        int samples = 0;
        for (int g = 0; g < 8; g++)
            samples += samples_with(&f, g, k);
        share[k] = samples > 0 ? 1.0 / samples : 0;
    }
    for (int g = 0; g < 8; g++)
        for (int index = 267 * g / 8; index < 267 * (g + 1) / 8; index++) {
            unsigned use = 0;
            for (int k = 0; k < SCORE_LOSS_KINDS; k++)
                use |= index - 267 * g / 8 < samples_with(&f, g, k) ? SCORE_BIT(k) : 0;
            lay_out_sample(&f, losses, index, use);
            score_losses_evaluate(losses, f.packed, share, sum, sums);
        }
    score_packed_fold_gradient(f.packed, sum);
    for (size_t k = 0; k < score_model_parameter_count(f.model, 0); k++)
        largest = fmax(largest, fabs(sum[k]));
    double expected = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        expected += share[k] * sums[k];
    /* Sums of 267 terms in another order: 267 epsilon times what cancels, a factor of 100. */
    assert_true(fabs(loss - expected) <= 1e-11 * fabs(expected));
    for (size_t k = 0; k < score_model_parameter_count(f.model, 0); k++)
        assert_true(fabs(gradient[k] - sum[k]) <= 1e-11 * largest);
    score_losses_destroy(losses);
    free(gradient);
    free(sum);
    end_step(&f);
}

/* z_1 . H z_2 of a known H has the mean 0, z . H z its trace, and the product of two estimates the
 * trace's square. The standard errors are those measured. */
static void probes_are_independent_and_unbiased(void **state) {
    (void)state;
    const score_sampler sampler = {.seed = 3, .beads = 1, .dimensions = 2, .count = 1};
    const score_loss *loss = score_loss_table[SCORE_LOSS_FOKKER_PLANCK];
    enum { N = 20000 };
    double sum[3] = {0}, square[3] = {0};
    for (int k = 0; k < N; k++) {
        double z[2][2], estimate[3];
        const score_loss_samples room = {.probes = {z[0], z[1]}};
        const score_loss_draw of = {&sampler, 7, k, NULL, 0};
        score_random random = score_sampler_loss_random(&sampler, SCORE_LOSS_FOKKER_PLANCK, 7, k);
        assert_int_equal(loss->draw(NULL, &of, &random, &room, 0, NULL), SCORE_OK);
        for (int p = 0; p < 2; p++) /* H = (2, 1; 1, -.5) */
            estimate[p] = 2 * z[p][0] * z[p][0] + 2 * z[p][0] * z[p][1] - 0.5 * z[p][1] * z[p][1];
        estimate[2] = estimate[0] * estimate[1];
        for (int p = 0; p < 3; p++) {
            sum[p] += estimate[p];
            square[p] += estimate[p] * estimate[p];
        }
    }
    const double expected[] = {1.5, 1.5, 2.25};
    for (int p = 0; p < 3; p++) {
        const double mean = sum[p] / N, error = sqrt((square[p] / N - mean * mean) / N);
        assert_true(error > 0 && fabs(mean - expected[p]) < 4 * error);
    }
}

/* Any quarter of neighbours has times of all quarters of the range. */
static void neighbours_cover_the_times(void **state) {
    (void)state;
    score_dataset *dataset = make_dataset(true);
    const score_sampler sampler = make_sampler(dataset);
    for (int first = 0; first + 10 <= sampler.count; first++) {
        int hits[4] = {0};
        for (int index = first; index < first + 10; index++)
            hits[(int)((draw(&sampler, 1, index).t - 0.1) / 0.5 * 4)]++;
        for (int quarter = 0; quarter < 4; quarter++)
            assert_in_range(hits[quarter], 1, 4);
    }
    score_dataset_close(dataset);
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    step_fixture f = begin_step();
    double *gradient = calloc(f.size, sizeof *gradient), *other = calloc(f.size, sizeof *other);
    const int counts[] = {3, 70, 267}; /* fewer than groups, one tile a group, several */
    for (int k = 0; k < 3; k++) {
        f.sampler.count = counts[k];
        double loss = evaluate(&f, 1, gradient);
        for (int threads = 2; threads <= 3; threads++) {
            double other_loss = evaluate(&f, threads, other);
            assert_memory_equal(&loss, &other_loss, sizeof loss);
            assert_memory_equal(gradient, other, f.size * sizeof *gradient);
        }
        assert_true(evaluate(&f, 1, NULL) == loss);
    }
    free(gradient);
    free(other);
    end_step(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_noised_frames),
        cmocka_unit_test(noise_is_standard_normal),
        cmocka_unit_test(times_are_stratified),
        cmocka_unit_test(antithetic_pairs_share_all_but_the_sign),
        cmocka_unit_test(samples_depend_on_their_number_alone),
        cmocka_unit_test(neighbours_cover_the_times),
        cmocka_unit_test(probes_are_independent_and_unbiased),
        cmocka_unit_test(a_step_is_the_mean_of_its_samples),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
