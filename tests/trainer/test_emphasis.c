/* Emphasis of a region: its angle, which frames are drawn, and that weighted means stay what they
 * are without. */
#include "recipe/emphasis.h"

#include <math.h>

#include "programs/executor_openmp.h"
#include "frame_files.h"
#include "losses/minibatch.h"

enum { BEADS = 4, FRAMES = 60, COORDINATES = 3 * BEADS };

static const score_emphasis UPPER = {.factor = 6, .beads = {0, 1, 2, 3}, .from = 20, .to = 140};

/* Four points with dihedral `angle`, degrees, along an axis that is not a coordinate's. Seen along
 * the middle bond, the last point is turned clockwise from the first, IUPAC's positive sense. */
static void put_dihedral(double angle, double *x) {
    const double a = angle * acos(-1) / 180;
    const double upright[BEADS][3] = {
        {1, 0, 0.3}, {0, 0, 0}, {0, 0, 1}, {2 * cos(a), 2 * sin(a), 1.5}};
    const double axes[3][3] = {
        {2. / 3, -1. / 3, 2. / 3}, {2. / 3, 2. / 3, -1. / 3}, {-1. / 3, 2. / 3, 2. / 3}};
    for (int b = 0; b < BEADS; b++)
        for (int d = 0; d < 3; d++) {
            x[3 * b + d] = 0.5 * d;
            for (int e = 0; e < 3; e++)
                x[3 * b + d] += axes[d][e] * upright[b][e];
        }
}

static void range_is_of_the_dihedral_angle(void **state) {
    (void)state;
    const struct {
        double from, to, inside[3], outside[3];
    } cases[] = {{20, 140, {20.01, 90, 139.99}, {19.99, -90, 140.01}},
                 {-15, 135, {-14.99, 0, 134.99}, {-15.01, 180, 135.01}},
                 {150, -170, {150.01, 179.99, -170.01}, {149.99, 0, -169.99}}};
    double x[COORDINATES];
    for (int k = 0; k < 3; k++) {
        const score_emphasis emphasis = {
            .factor = 7, .beads = {0, 1, 2, 3}, .from = cases[k].from, .to = cases[k].to};
        for (int n = 0; n < 3; n++) {
            put_dihedral(cases[k].inside[n], x);
            assert_true(score_emphasis_at(&emphasis, x) == 7);
            put_dihedral(cases[k].outside[n], x);
            assert_true(score_emphasis_at(&emphasis, x) == 1);
        }
    }
    /* The same from the other end, and of other beads. */
    const score_emphasis backwards = {.factor = 7, .beads = {3, 2, 1, 0}, .from = 20, .to = 140};
    put_dihedral(30, x);
    assert_true(score_emphasis_at(&backwards, x) == 7);
    put_dihedral(-30, x);
    assert_true(score_emphasis_at(&backwards, x) == 1);
}

/* Frame k has an angle and a weight of its own; a third of the frames are inside UPPER. */
static double angle_of(int frame) {
    return 6.0 * frame - 177;
}

static double log_weight_of(int frame) {
    return sin(frame);
}

static score_recipe make_recipe(score_stage *stages) {
    score_recipe recipe = recipe_for((char *)"frames.h5", BEADS, 3);
    for (int k = 0; k < 2; k++)
        recipe.stages[k] = stages[k];
    recipe.stage_count = 2;
    return recipe;
}

static score_recipe emphasised_recipe(void) {
    return make_recipe((score_stage[2]){{.batch = 1}, {.batch = 1, .emphasis = UPPER}});
}

static score_dataset *open_frames(const score_recipe *recipe) {
    static double coordinates[FRAMES * COORDINATES], log_weights[FRAMES];
    for (int k = 0; k < FRAMES; k++) {
        put_dihedral(angle_of(k), coordinates + k * COORDINATES);
        log_weights[k] = log_weight_of(k);
    }
    hdf5_file file = {.frames = FRAMES,
                      .beads = BEADS,
                      .dimensions = 3,
                      .coordinates = coordinates,
                      .log_weights = log_weights};
    write_hdf5("frames.h5", &file);
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return dataset;
}

static void emphasise(score_dataset *dataset, const score_recipe *recipe, int stage) {
    score_error error = {0};
    if (score_dataset_emphasise(dataset, &recipe->stages[stage].emphasis, recipe->path, &error) !=
        SCORE_OK)
        fail_msg("%s", error.message);
}

/* The share of the draws of `epochs` epochs that are inside UPPER. */
static double share_inside(const score_dataset *dataset, score_split split, int epochs) {
    const uint64_t draws = (uint64_t)epochs * score_dataset_frames(dataset, split);
    double inside = 0, x[COORDINATES];
    for (uint64_t k = 0; k < draws; k++) {
        assert_int_equal(score_dataset_draw(dataset, split, k, x, NULL), SCORE_OK);
        inside += score_emphasis_at(&UPPER, x) != 1;
    }
    return inside / (double)draws;
}

/* Draws follow weight times g in the stage that says so, with weights and without. */
static void frames_inside_are_drawn_more_often(void **state) {
    (void)state;
    enum { EPOCHS = 2000 };
    for (int weighted = 0; weighted < 2; weighted++) {
        score_recipe recipe = emphasised_recipe();
        recipe.data.log_weights = weighted ? (char *)"log_weights" : NULL;
        recipe.data.no_weights = !weighted;
        score_dataset *dataset = open_frames(&recipe);
        double inside = 0, all = 0;
        for (int k = 0; k < FRAMES; k++) {
            const double weight = weighted ? exp(log_weight_of(k)) : 1;
            all += weight;
            inside += angle_of(k) > 20 && angle_of(k) < 140 ? weight : 0;
        }
        const double plain = inside / all, emphasised = 6 * inside / (all + 5 * inside);
        /* Stratified draws err by less than independent ones: 5 of those' standard errors. */
        const double limit = 5 * 0.5 / sqrt(EPOCHS * FRAMES);
        for (int again = 0; again < 2; again++) {
            emphasise(dataset, &recipe, 0);
            assert_true(fabs(share_inside(dataset, SCORE_SPLIT_TRAINING, EPOCHS) - plain) < limit);
            emphasise(dataset, &recipe, 1);
            assert_true(fabs(share_inside(dataset, SCORE_SPLIT_TRAINING, EPOCHS) - emphasised) <
                        limit);
        }
        score_dataset_close(dataset);
    }
}

static void frames_held_out_are_not_emphasised(void **state) {
    (void)state;
    score_recipe recipe = emphasised_recipe();
    recipe.data.no_weights = true;
    recipe.data.held_out = 0.5;
    score_dataset *dataset = open_frames(&recipe);
    const double before = share_inside(dataset, SCORE_SPLIT_VALIDATION, 1);
    emphasise(dataset, &recipe, 1);
    assert_true(share_inside(dataset, SCORE_SPLIT_VALIDATION, 1) == before);
    score_dataset_close(dataset);
}

static void a_range_without_frames_is_an_error(void **state) {
    (void)state;
    const score_emphasis bad[] = {
        {.factor = 2, .beads = {0, 1, 2, 3}, .from = 1, .to = 2, .line = 9},
        {.factor = 2, .beads = {0, 1, 2, 3}, .from = -180, .to = 180, .line = 9}};
    for (int k = 0; k < 2; k++) {
        score_recipe recipe = make_recipe((score_stage[2]){{.emphasis = bad[k]}, {.batch = 1}});
        recipe.data.no_weights = true;
        score_dataset *dataset = open_frames(&recipe);
        score_error error = {0};
        const double before = share_inside(dataset, SCORE_SPLIT_TRAINING, 1);
        assert_int_equal(
            score_dataset_emphasise(dataset, &recipe.stages[0].emphasis, "recipe.xml", &error),
            SCORE_ERROR_FORMAT);
        assert_true(share_inside(dataset, SCORE_SPLIT_TRAINING, 1) == before);
        assert_string_equal(error.file, "recipe.xml");
        assert_int_equal(error.line, 9);
        assert_non_null(strstr(error.message, k == 0 ? "none of the" : "all of the"));
        score_dataset_close(dataset);
    }
}

static score_sampler make_sampler(const score_dataset *dataset, const score_emphasis *emphasis) {
    return (score_sampler){
        .dataset = dataset,
        .split = SCORE_SPLIT_TRAINING,
        .seed = 3,
        .purpose = 0x300,
        .times = {.scale = {.schedule = {0, {0.1, 20}}, .t_begin = 0.01, .t_end = 0.3},
                  .even_in_t = true},
        .beads = BEADS,
        .dimensions = 3,
        .rotate = true,
        .count = 50,
        .emphasis = emphasis};
}

/* Mean and squared error of f(x_t, t), two functions of the molecule's shape and time, times the
 * sample's weight, times g where the draws have it not. */
static void measure(const score_sampler *sampler, double mean[2], double error[2]) {
    enum { STEPS = 2000 };
    double sums[2] = {0}, squares[2] = {0};
    for (uint32_t step = 0; step < STEPS; step++)
        for (int index = 0; index < sampler->count; index++) {
            double frame[COORDINATES], x[COORDINATES], noise[COORDINATES], t;
            assert_int_equal(score_sampler_draw(sampler, step, index, frame, x, noise, &t, NULL),
                             SCORE_OK);
            double weight = score_sampler_weight(sampler, frame, x);
            const double g = score_emphasis_at(&UPPER, x);
            if (sampler->emphasis == NULL)
                weight *= g;
            const double ends[3] = {x[9] - x[0], x[10] - x[1], x[11] - x[2]};
            const double values[2] = {g == 1 ? 0 : 1 - t, hypot(hypot(ends[0], ends[1]), ends[2])};
            for (int k = 0; k < 2; k++) {
                sums[k] += weight * values[k];
                squares[k] += pow(weight * values[k], 2);
            }
        }
    const double n = STEPS * sampler->count;
    for (int k = 0; k < 2; k++) {
        mean[k] = sums[k] / n;
        error[k] = (squares[k] / n - mean[k] * mean[k]) / n;
    }
}

/* With Z = <g(x_0)>, emphasised draws have the density q(x_0) g(x_0) / Z, so that the mean of
 * f(x_t) g(x_t) / g(x_0) over them, times Z, is that of f(x_t) g(x_t) over all frames. */
static void weighted_means_are_those_of_all_frames(void **state) {
    (void)state;
    score_recipe recipe = emphasised_recipe();
    recipe.data.log_weights = (char *)"log_weights";
    score_dataset *dataset = open_frames(&recipe);
    double z = 0, all = 0, expected[2], mean[2], error[2], expected_error[2];
    for (int k = 0; k < FRAMES; k++) {
        all += exp(log_weight_of(k));
        z += exp(log_weight_of(k)) * (angle_of(k) > 20 && angle_of(k) < 140 ? 6 : 1);
    }
    z /= all;
    score_sampler sampler = make_sampler(dataset, NULL);
    measure(&sampler, expected, expected_error);
    emphasise(dataset, &recipe, 1);
    sampler = make_sampler(dataset, &UPPER);
    measure(&sampler, mean, error);
    for (int k = 0; k < 2; k++) {
        const double limit = 4 * sqrt(z * z * error[k] + expected_error[k]);
        assert_true(limit < 0.03 * expected[k]);
        if (!(fabs(z * mean[k] - expected[k]) < limit))
            fail_msg("mean %d: %g, expected %g +- %g", k, z * mean[k], expected[k], limit / 4);
    }
    score_dataset_close(dataset);
}

static score_model *make_model(void) {
    score_bead beads[BEADS] = {{.name = "A"}, {.name = "B"}, {.name = "C"}, {.name = "D"}};
    score_model_config config = {.dimensions = 3,
                                 .scale_nm = 1,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .bead_count = BEADS,
                                 .beads = beads,
                                 .expert_count = 1};
    config.experts[0] = (score_expert_config){.architecture = SCORE_MLP,
                                              .output = SCORE_OUTPUT_ENERGY,
                                              .hidden = 4,
                                              .layers = 1,
                                              .t_end = 1};
    score_model *model = NULL;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        score_model_parameters(model, 0)[k] = sin(1.0 + (double)k);
    return model;
}

/* The losses of a step of one sample, from the same frame and noise with and without emphasis. */
static void a_sample_has_all_its_losses_weighted(void **state) {
    (void)state;
    score_recipe recipe = emphasised_recipe();
    recipe.data.no_weights = true;
    score_dataset *dataset = open_frames(&recipe);
    score_model *model = make_model();
    const score_network *network = score_model_network(model, 0);
    const score_loss_setting setting = {.schedule = {0, {0.1, 20}},
                                        .t_begin = 0.01,
                                        .t_end = 0.3,
                                        .weight_middle = 0.155,
                                        .losses = {[SCORE_LOSS_DENOISING] = {1, 1, {0}},
                                                   [SCORE_LOSS_FOKKER_PLANCK] = {1, 1, {0}},
                                                   [SCORE_LOSS_CLASSIFICATION] = {1, 1, {0.8}}},
                                        .beads = BEADS};
    int threads = 1, weights[3] = {0};
    const score_executor executor = score_executor_openmp(&threads);
    score_packed *packed = NULL;
    score_minibatch *minibatch = NULL;
    assert_int_equal(score_packed_create(network, &packed, NULL), SCORE_OK);
    score_packed_update(packed, score_model_parameters(model, 0), &executor);
    assert_int_equal(score_minibatch_create(network, packed, &setting, 1, &minibatch, NULL),
                     SCORE_OK);
    for (uint32_t step = 0; step < 200; step++) {
        double losses[2][SCORE_LOSS_KINDS], frame[COORDINATES], x[COORDINATES], noise[COORDINATES],
            t;
        score_sampler sampler = make_sampler(dataset, NULL);
        sampler.count = 1;
        for (int with = 0; with < 2; with++) {
            sampler.emphasis = with ? &UPPER : NULL;
            assert_int_equal(score_minibatch_evaluate(minibatch, packed, &sampler, step, 7,
                                                      &executor, losses[with], NULL, NULL),
                             SCORE_OK);
        }
        assert_int_equal(score_sampler_draw(&sampler, step, 0, frame, x, noise, &t, NULL),
                         SCORE_OK);
        const double weight = score_sampler_weight(&sampler, frame, x);
        weights[weight < 1 ? 0 : weight > 1 ? 2 : 1]++;
        /* A factor moves places in a product, each rounded: a few epsilon. */
        for (int k = 0; k < SCORE_LOSS_KINDS; k++)
            assert_true(fabs(losses[1][k] - weight * losses[0][k]) <=
                        1e-15 * fabs(weight * losses[0][k]));
    }
    for (int k = 0; k < 3; k++) /* samples that left the range, stayed, and entered it */
        assert_true(weights[k] > 0);
    score_minibatch_destroy(minibatch);
    score_packed_destroy(packed);
    score_model_destroy(model);
    score_dataset_close(dataset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(range_is_of_the_dihedral_angle),
        cmocka_unit_test(frames_inside_are_drawn_more_often),
        cmocka_unit_test(frames_held_out_are_not_emphasised),
        cmocka_unit_test(a_range_without_frames_is_an_error),
        cmocka_unit_test(weighted_means_are_those_of_all_frames),
        cmocka_unit_test(a_sample_has_all_its_losses_weighted),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
