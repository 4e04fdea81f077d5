/* The Gaussian of the training frames: moments of what the file holds, whatever kind of model; and
 * what a recipe says of it. */
#include "data/data_gaussian.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "frame_files.h"
#include "model/network.h"

enum { FRAMES = 60, BEADS = 4, MOST = BEADS * 3 };

static double coordinates[FRAMES * MOST], log_weights[FRAMES];

/* Points that know of each other, in float, as they are stored; far from the origin. */
static void make_frames(int beads, int dimensions) {
    const int size = beads * dimensions;
    score_random random = score_random_stream(3, 0, 0, 0);
    for (int f = 0; f < FRAMES; f++) {
        log_weights[f] = 1.5 * sin(f);
        for (int k = 0; k < size; k++)
            coordinates[f * size + k] = (float)(2 + 0.3 * k +
                                                (k % 3 + 1) * score_random_normal(&random) +
                                                0.5 * (k > 0 ? coordinates[f * size + k - 1] : 0));
    }
}

static score_recipe make_recipe(int beads, int dimensions, bool centred, bool rotate, int features,
                                bool weighted) {
    static score_bead list[BEADS] = {{.name = "A"}};
    score_recipe recipe = recipe_for((char *)"frames.h5", beads, dimensions);
    recipe.data.scale_nm = 0.8;
    recipe.data.held_out = 0.2;
    recipe.data.log_weights = weighted ? (char *)"log_weights" : NULL;
    recipe.data.no_weights = !weighted;
    recipe.rotate = rotate;
    recipe.model = (score_model_config){.dimensions = dimensions,
                                        .centred = centred,
                                        .scale_nm = 0.8,
                                        .temperature_k = 300,
                                        .schedule = {0, {0.1, 20}},
                                        .feature_count = features,
                                        .feature_sizes = {1},
                                        .bead_count = beads,
                                        .beads = list,
                                        .expert_count = 1};
    recipe.model.experts[0] = (score_expert_config){.architecture = SCORE_MLP,
                                                    .hidden = 2,
                                                    .layers = 1,
                                                    .t_end = 1,
                                                    .base = SCORE_BASE_GAUSSIAN};
    if (features > 0)
        recipe.model.experts[0] = (score_expert_config){.hidden = 2,
                                                        .layers = 1,
                                                        .heads = 1,
                                                        .head_width = 1,
                                                        .t_end = 1,
                                                        .base = SCORE_BASE_GAUSSIAN};
    return recipe;
}

static score_dataset *open_frames(const score_recipe *recipe) {
    hdf5_file file = {.frames = FRAMES,
                      .beads = recipe->model.bead_count,
                      .dimensions = recipe->model.dimensions,
                      .units = "nanometers",
                      .coordinates = coordinates,
                      .log_weights = log_weights};
    score_dataset *dataset = NULL;
    score_error error = {0};
    write_hdf5("frames.h5", &file);
    if (score_dataset_open(recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    return dataset;
}

/* What there is; a model can be made of it. */
static score_gaussian *create(const score_recipe *recipe, const score_dataset *dataset) {
    score_gaussian *gaussian = NULL;
    score_error error = {0};
    score_model *model = NULL;
    if (score_data_gaussian_create(recipe, dataset, &gaussian, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    score_model_config config = recipe->model;
    config.gaussian = gaussian;
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    score_model_destroy(model);
    for (int k = 1; k < gaussian->modes; k++)
        assert_true(gaussian->variances[k] <= gaussian->variances[k - 1]);
    return gaussian;
}

/* Mean and second moments of the normalised coordinates by the file's numbers. Which frames are held
 * out is the data set's to say: it draws those of validation as they are. */
typedef struct truth {
    double mean[MOST];
    double second[MOST * MOST]; /* of deviations from `origin` */
} truth;

static bool is_held_out(const score_dataset *dataset, const double *frame, int size) {
    double x[MOST];
    for (uint64_t k = 0; k < score_dataset_frames(dataset, SCORE_SPLIT_VALIDATION); k++) {
        assert_int_equal(score_dataset_draw(dataset, SCORE_SPLIT_VALIDATION, k, x, NULL), SCORE_OK);
        double worst = 0;
        for (int c = 0; c < size; c++)
            worst = fmax(worst, fabs(x[c] - frame[c]));
        if (worst < 1e-12)
            return true;
    }
    return false;
}

static void normalise(const score_recipe *recipe, int f, double *x) {
    const int d = recipe->model.dimensions, beads = recipe->model.bead_count;
    for (int k = 0; k < beads * d; k++) {
        double mean = 0;
        for (int b = 0; b < beads && recipe->model.centred; b++)
            mean += coordinates[f * beads * d + b * d + k % d] / beads;
        x[k] = (coordinates[f * beads * d + k] - mean) / 0.8;
    }
}

/* With held-out frames drawn without weights, so that all of them are seen. */
static truth find_truth(const score_recipe *recipe, bool weighted, bool has_mean) {
    score_recipe plain = *recipe;
    plain.data.log_weights = NULL;
    plain.data.no_weights = true;
    score_dataset *dataset = open_frames(&plain);
    const int size = recipe->model.bead_count * recipe->model.dimensions;
    truth found = {0};
    int training = 0;
    for (int pass = has_mean ? 0 : 1; pass < 2; pass++) {
        double weights = 0, sums[MOST] = {0};
        training = 0;
        for (int f = 0; f < FRAMES; f++) {
            double x[MOST];
            const double weight = weighted ? exp(log_weights[f]) : 1;
            normalise(recipe, f, x);
            if (is_held_out(dataset, x, size))
                continue;
            training++;
            weights += weight;
            for (int a = 0; a < size; a++) {
                sums[a] += weight * x[a];
                for (int b = 0; b < size && pass == 1; b++)
                    found.second[a * size + b] += weight * (x[a] - found.mean[a]) *
                                                  (x[b] - found.mean[b]);
            }
        }
        for (int a = 0; a < size && pass == 0; a++)
            found.mean[a] = sums[a] / weights;
        for (int k = 0; k < size * size && pass == 1; k++)
            found.second[k] /= weights;
    }
    assert_int_equal(training, score_dataset_frames(dataset, SCORE_SPLIT_TRAINING));
    assert_true(training < FRAMES);
    score_dataset_close(dataset);
    return found;
}

/* Element a, b of the sum over modes of variance times direction times direction. */
static double rebuilt(const score_gaussian *gaussian, int a, int b) {
    double sum = 0;
    for (int k = 0; k < gaussian->modes; k++)
        sum += gaussian->variances[k] * gaussian->directions[k * gaussian->width + a] *
               gaussian->directions[k * gaussian->width + b];
    return sum;
}

static void check_close(double found, double expected, const char *what, int a, int b) {
    /* sums of 60 numbers of size 100, and Jacobi's sweeps */
    if (!(fabs(found - expected) <= 1e4 * DBL_EPSILON * 100))
        fail_msg("%s %d, %d: %.15g, expected %.15g", what, a, b, found, expected);
}

static void check_beads(bool centred, bool weighted) {
    make_frames(BEADS, 3);
    const score_recipe recipe = make_recipe(BEADS, 3, centred, true, 0, weighted);
    const truth expected = find_truth(&recipe, weighted, false);
    score_dataset *dataset = open_frames(&recipe);
    score_gaussian *gaussian = create(&recipe, dataset);
    assert_int_equal(gaussian->over, SCORE_OVER_BEADS);
    assert_null(gaussian->mean);
    for (int a = 0; a < BEADS; a++)
        for (int b = 0; b < BEADS; b++) {
            double gram = 0;
            for (int c = 0; c < 3; c++)
                gram += expected.second[(3 * a + c) * MOST + 3 * b + c] / 3;
            check_close(rebuilt(gaussian, a, b), gram, "Gram matrix", a, b);
        }
    score_data_gaussian_destroy(gaussian);
    score_dataset_close(dataset);
}

static void turned_frames_have_their_gram_matrix(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++)
        check_beads(k % 2 == 1, k / 2 == 1);
}

static void check_coordinates(int beads, int dimensions, bool centred, bool weighted) {
    make_frames(beads, dimensions);
    const int size = beads * dimensions;
    const score_recipe recipe = make_recipe(beads, dimensions, centred, false, 0, weighted);
    const truth expected = find_truth(&recipe, weighted, true);
    score_dataset *dataset = open_frames(&recipe);
    score_gaussian *gaussian = create(&recipe, dataset);
    assert_int_equal(gaussian->over, SCORE_OVER_COORDINATES);
    for (int a = 0; a < size; a++) {
        check_close(gaussian->mean[a], expected.mean[a], "mean", a, 0);
        for (int b = 0; b < size; b++)
            check_close(rebuilt(gaussian, a, b), expected.second[a * size + b], "covariance", a, b);
    }
    score_data_gaussian_destroy(gaussian);
    score_dataset_close(dataset);
}

static void frames_as_they_are_have_their_mean_and_covariance(void **state) {
    (void)state;
    for (int weighted = 0; weighted < 2; weighted++) {
        check_coordinates(1, 2, false, weighted);
        check_coordinates(3, 1, false, weighted);
        check_coordinates(3, 3, true, weighted);
        check_coordinates(2, 2, true, weighted);
    }
}

static void molecules_of_features_have_one_variance(void **state) {
    (void)state;
    for (int k = 0; k < 4; k++) {
        const bool centred = k % 2 == 1, weighted = k / 2 == 1;
        make_frames(BEADS, 3);
        const score_recipe recipe = make_recipe(BEADS, 3, centred, true, 1, weighted);
        const truth expected = find_truth(&recipe, weighted, false);
        score_dataset *dataset = open_frames(&recipe);
        score_gaussian *gaussian = create(&recipe, dataset);
        double trace = 0;
        for (int a = 0; a < MOST; a++)
            trace += expected.second[a * MOST + a];
        assert_int_equal(gaussian->over, SCORE_OVER_ALL);
        check_close(gaussian->variances[0], trace / (3 * (BEADS - centred)), "variance", k, 0);
        score_data_gaussian_destroy(gaussian);
        score_dataset_close(dataset);
    }
}

/* What a stage emphasises is drawn more often, and means no other Gaussian. */
static void emphasis_does_not_matter(void **state) {
    (void)state;
    make_frames(BEADS, 3);
    const score_recipe recipe = make_recipe(BEADS, 3, true, true, 0, true);
    const score_emphasis emphasis = {.factor = 9, .beads = {0, 1, 2, 3}, .from = 0, .to = 170};
    score_dataset *dataset = open_frames(&recipe);
    score_gaussian *before = create(&recipe, dataset);
    assert_int_equal(score_dataset_emphasise(dataset, &emphasis, "recipe", NULL), SCORE_OK);
    score_gaussian *after = create(&recipe, dataset);
    assert_memory_equal(before->variances, after->variances, 3 * sizeof(double));
    assert_memory_equal(before->directions, after->directions, 12 * sizeof(double));
    score_data_gaussian_destroy(before);
    score_data_gaussian_destroy(after);
    score_dataset_close(dataset);
}

/* Beads on a line, at equal distances: of three modes, one has all there is. */
static void directions_without_width_get_almost_none(void **state) {
    (void)state;
    for (int f = 0; f < FRAMES; f++)
        for (int b = 0; b < BEADS; b++)
            for (int c = 0; c < 3; c++)
                coordinates[f * MOST + 3 * b + c] = (float)(b * sin(f + c));
    const score_recipe recipe = make_recipe(BEADS, 3, true, true, 0, false);
    score_dataset *dataset = open_frames(&recipe);
    score_gaussian *gaussian = create(&recipe, dataset);
    assert_true(gaussian->variances[0] > 1);
    assert_true(gaussian->variances[1] >= 1e-12 && gaussian->variances[1] < 1e-11);
    assert_true(gaussian->variances[2] >= 1e-12 && gaussian->variances[2] < 1e-11);
    score_data_gaussian_destroy(gaussian);
    score_dataset_close(dataset);
}

/* A recipe of an expert with this attribute and of so many beads; with a feature where `features`. */
static score_status read_recipe(int beads, bool features, const char *base, const char *rotate,
                                score_recipe **recipe, score_error *error) {
    FILE *file = fopen("recipe.xml", "w");
    assert_non_null(file);
    fprintf(file, "<ScoreRecipe version='1'><Data file='recipe.xml' unit='nm'/>\n"
                  "<Model temperatureK='300'>\n");
    if (features)
        fprintf(file, "<Feature size='2'/>");
    for (int k = 0; k < beads; k++)
        fprintf(file, "<Bead name='X' mass='1'%s/>", features ? " features='1'" : "");
    fprintf(file,
            "<Expert architecture='graph-transformer' hidden='8' layers='1'%s/></Model>\n"
            "<Training rotate='%s'><Stage samples='100' batch='2'><AdamW rate='1'/>"
            "<DenoisingScoreMatching/></Stage></Training></ScoreRecipe>",
            base, rotate);
    fclose(file);
    *error = (score_error){0};
    return score_recipe_read("recipe.xml", recipe, error);
}

static void recipe_says_what_lies_beneath(void **state) {
    (void)state;
    static const struct {
        const char *base, *rotate;
        score_over over;
        bool features, has_base;
    } cases[] = {{"", "true", SCORE_OVER_BEADS, false, false},
                 {" base='none'", "true", SCORE_OVER_BEADS, false, false},
                 {" base='gaussian'", "true", SCORE_OVER_BEADS, false, true},
                 {" base='gaussian'", "false", SCORE_OVER_COORDINATES, false, true},
                 {" base='gaussian'", "true", SCORE_OVER_ALL, true, true},
                 {" base='gaussian'", "false", SCORE_OVER_ALL, true, true}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        score_recipe *recipe;
        score_error error;
        if (read_recipe(3, cases[k].features, cases[k].base, cases[k].rotate, &recipe, &error))
            fail_msg("%s", error.message);
        assert_int_equal(score_recipe_has_base(recipe), cases[k].has_base);
        assert_int_equal(score_recipe_over(recipe), cases[k].over);
        score_recipe_destroy(recipe);
    }
}

/* Three dimensions of 342 beads are more coordinates than a Gaussian may be over; 342 beads, which
 * are turned, are not. */
static void a_gaussian_too_large_is_refused_before_the_data_are_read(void **state) {
    (void)state;
    score_recipe *recipe;
    score_error error;
    assert_int_equal(read_recipe(342, false, " base='gaussian'", "true", &recipe, &error),
                     SCORE_OK);
    score_recipe_destroy(recipe);
    assert_int_equal(read_recipe(342, false, "", "false", &recipe, &error), SCORE_OK);
    score_recipe_destroy(recipe);
    assert_int_equal(read_recipe(342, false, " base='gaussian'", "false", &recipe, &error),
                     SCORE_ERROR_FORMAT);
    assert_int_equal(error.line, 2);
    if (strstr(error.message, "over 1026 coordinates, more than the limit of 1024") == NULL)
        fail_msg("%s", error.message);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_frames_have_their_gram_matrix),
        cmocka_unit_test(frames_as_they_are_have_their_mean_and_covariance),
        cmocka_unit_test(molecules_of_features_have_one_variance),
        cmocka_unit_test(emphasis_does_not_matter),
        cmocka_unit_test(directions_without_width_get_almost_none),
        cmocka_unit_test(recipe_says_what_lies_beneath),
        cmocka_unit_test(a_gaussian_too_large_is_refused_before_the_data_are_read),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
