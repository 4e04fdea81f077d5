/* Files of frames: what is read from good ones, and that bad ones are errors that say why. */
#define _POSIX_C_SOURCE 200809L
#include "frame_files.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "data/dataset.h"
#include "data/periodic.h"

enum { BEADS = 3, VALUES = 9, FRAMES = 50 };

static score_dataset *open_recipe(const score_recipe *recipe) {
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s: %s", error.file, error.message);
    return dataset;
}

static void draw(const score_dataset *dataset, score_split split, uint64_t sample, double *x) {
    score_error error = {0};
    if (score_dataset_draw(dataset, split, sample, x, &error) != SCORE_OK)
        fail_msg("%s", error.message);
}

/* One epoch of `dataset` has the frames 0 to `frames`, each value as frame_value x unit, which is
 * rounded once. */
static void check_frames(const score_dataset *dataset, uint64_t frames, size_t values,
                         double unit) {
    bool seen[FRAMES] = {false};
    double x[VALUES];
    assert_int_equal(score_dataset_frames(dataset, SCORE_SPLIT_TRAINING), frames);
    for (uint64_t sample = 0; sample < frames; sample++) {
        draw(dataset, SCORE_SPLIT_TRAINING, sample, x);
        uint64_t frame = (uint64_t)lround(x[0] / unit);
        assert_true(frame < frames && !seen[frame]);
        seen[frame] = true;
        for (size_t k = 0; k < values; k++)
            assert_true(x[k] == frame_value(frame, k) * unit);
    }
}

static void check_file(char *path, int beads, int dimensions, uint64_t frames, double unit) {
    score_recipe recipe = recipe_for(path, beads, dimensions);
    recipe.data.unit_nm = unit;
    score_dataset *dataset = open_recipe(&recipe);
    check_frames(dataset, frames, (size_t)beads * (size_t)dimensions, unit == 0 ? 1 : unit);
    score_dataset_close(dataset);
}

/* -------- good files -------- */

static void hdf5_layouts_are_read(void **state) {
    (void)state;
    hdf5_file file = {.frames = FRAMES, .beads = BEADS, .dimensions = 3, .units = "nanometers"};
    write_hdf5("a.h5", &file);
    check_file("a.h5", BEADS, 3, FRAMES, 0);
    check_file("a.h5", BEADS, 3, FRAMES, 1);
    file.variable_units = true;
    file.contiguous = true;
    file.type = H5T_IEEE_F64BE;
    write_hdf5("a.h5", &file);
    check_file("a.h5", BEADS, 3, FRAMES, 0);
    file.units = "angstroms";
    write_hdf5("a.h5", &file);
    check_file("a.h5", BEADS, 3, FRAMES, 0.1);
    file.units = NULL;
    write_hdf5("a.h5", &file);
    check_file("a.h5", BEADS, 3, FRAMES, 0);
    check_file("a.h5", BEADS, 3, FRAMES, 0.1);
    file.frames = 1;
    write_hdf5("a.h5", &file);
    check_file("a.h5", BEADS, 3, 1, 0);
}

static void npy_versions_and_shapes_are_read(void **state) {
    (void)state;
    static const char *const headers[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (50, 3, 3), }   \n",
        "{\"shape\":(50,3,3),\"fortran_order\":False,\"descr\":\"<f4\"}\n"};
    for (int version = 1; version <= 3; version++)
        for (int k = 0; k < 2; k++) {
            write_npy("a.npy", version, headers[k], FRAMES, VALUES);
            check_file("a.npy", BEADS, 3, FRAMES, 1);
        }
    check_file("a.npy", BEADS, 3, FRAMES, 0.1);
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (50, 2)}", FRAMES, 2);
    check_file("a.npy", 1, 2, FRAMES, 1);
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (50, 1, 2)}", FRAMES,
              2);
    check_file("a.npy", 1, 2, FRAMES, 1);
}

/* Number k of the file is k/8, so frame f is 9 f/8 + ..., see fixtures/make.py. */
static void files_of_mdtraj_and_numpy_are_read(void **state) {
    (void)state;
    char *paths[] = {SCORE_TEST_FIXTURES "/frames_mdtraj.h5",
                     SCORE_TEST_FIXTURES "/frames_numpy.npy"};
    for (int p = 0; p < 2; p++) {
        score_recipe recipe = recipe_for(paths[p], BEADS, 3);
        recipe.data.unit_nm = 1;
        score_dataset *dataset = open_recipe(&recipe);
        assert_int_equal(score_dataset_frames(dataset, SCORE_SPLIT_TRAINING), 7);
        unsigned seen = 0;
        for (uint64_t sample = 0; sample < 7; sample++) {
            double x[VALUES];
            draw(dataset, SCORE_SPLIT_TRAINING, sample, x);
            unsigned frame = (unsigned)lround(x[0] * 8 / VALUES);
            seen |= 1u << frame;
            for (unsigned k = 0; k < VALUES; k++)
                assert_true(x[k] == (frame * VALUES + k) / 8.0);
        }
        assert_int_equal(seen, 127);
        score_dataset_close(dataset);
    }
}

static int entries_of_folder(void) {
    int count = 0;
    DIR *folder = opendir(".");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void frames_beyond_memory_are_the_same(void **state) {
    (void)state;
    double log_weights[FRAMES];
    for (int k = 0; k < FRAMES; k++)
        log_weights[k] = sin(k);
    hdf5_file file = {.frames = FRAMES,
                      .beads = BEADS,
                      .dimensions = 3,
                      .units = "nanometers",
                      .log_weights = log_weights};
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.log_weights = "log_weights";
    recipe.data.held_out = 0.2;
    recipe.data.scale_nm = 0;
    recipe.model.centred = 1;
    score_dataset *inside = open_recipe(&recipe);
    recipe.data.memory = 0;
    int before = entries_of_folder();
    score_dataset *outside = open_recipe(&recipe);
    assert_int_equal(entries_of_folder(), before);
    assert_true(score_dataset_scale_nm(inside) == score_dataset_scale_nm(outside));
    for (int split = 0; split < 2; split++)
        for (uint64_t sample = 0; sample < 200; sample++) {
            double x[VALUES], y[VALUES];
            draw(inside, (score_split)split, sample, x);
            draw(outside, (score_split)split, sample, y);
            assert_memory_equal(x, y, sizeof x);
        }
    score_dataset_close(inside);
    score_dataset_close(outside);
}

static void a_folder_may_have_a_long_name(void **state) {
    (void)state;
    char folder[400] = ".";
    for (int k = 0; k < 3; k++) {
        const size_t size = strlen(folder);
        snprintf(folder + size, sizeof folder - size, "/%0120d", k);
        assert_int_equal(mkdir(folder, 0777), 0);
    }
    hdf5_file file = {.frames = FRAMES, .beads = BEADS, .dimensions = 3};
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.memory = 0;
    score_dataset *dataset = NULL;
    assert_int_equal(score_dataset_open(&recipe, folder, &dataset, NULL), SCORE_OK);
    score_dataset_close(dataset);
}

static void a_folder_without_room_is_an_error(void **state) {
    (void)state;
    hdf5_file file = {.frames = FRAMES, .beads = BEADS, .dimensions = 3};
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.memory = 0;
    score_dataset *dataset = NULL;
    score_error error = {0};
    assert_int_equal(score_dataset_open(&recipe, "nowhere", &dataset, &error), SCORE_ERROR_FILE);
    assert_null(dataset);
    assert_string_equal(error.file, "nowhere");
}

/* A file of more than one piece (4 MiB) has every frame in its place. */
static void check_pieces(char *path, uint64_t memory, uint64_t frames) {
    score_recipe recipe = recipe_for(path, BEADS, 3);
    recipe.data.unit_nm = 1;
    recipe.data.memory = memory;
    score_dataset *dataset = open_recipe(&recipe);
    bool *seen = calloc(frames, sizeof *seen);
    assert_non_null(seen);
    for (uint64_t sample = 0; sample < frames; sample++) {
        double x[VALUES];
        draw(dataset, SCORE_SPLIT_TRAINING, sample, x);
        uint64_t frame = (uint64_t)x[0];
        assert_true(frame < frames && !seen[frame]);
        seen[frame] = true;
        assert_true(x[VALUES - 1] == frame_value(frame, VALUES - 1));
    }
    free(seen);
    score_dataset_close(dataset);
}

static void pieces_join(void **state) {
    (void)state;
    enum { MANY = 130000 };
    char header[128];
    snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3, 3)}",
             MANY);
    write_npy("a.npy", 1, header, MANY, VALUES);
    hdf5_file file = {.frames = MANY, .beads = BEADS, .dimensions = 3, .contiguous = true};
    write_hdf5("a.h5", &file);
    check_pieces("a.npy", 0, MANY);
    check_pieces("a.npy", 1 << 30, MANY);
    check_pieces("a.h5", 1 << 30, MANY);
}

/* -------- centring, scale, start frame -------- */

static void scale_and_frames_agree_with_a_direct_computation(void **state) {
    (void)state;
    double coordinates[FRAMES * VALUES], log_weights[FRAMES], sum = 0, squares = 0, weights = 0;
    for (int k = 0; k < FRAMES * VALUES; k++)
        coordinates[k] = (float)(sin(1.0 + k * k) + k % 3);
    for (int f = 0; f < FRAMES; f++)
        log_weights[f] = 700 + 2 * cos(f); /* exp of it alone would overflow with 50 of them */
    hdf5_file file = {.frames = FRAMES,
                      .beads = BEADS,
                      .dimensions = 3,
                      .coordinates = coordinates,
                      .log_weights = log_weights};
    write_hdf5("a.h5", &file);
    for (int centred = 0; centred < 2; centred++) {
        sum = squares = weights = 0;
        double centre[FRAMES * VALUES];
        for (int k = 0; k < FRAMES * VALUES; k++) {
            int first = k / VALUES * VALUES + k % 3;
            double mean = (coordinates[first] + coordinates[first + 3] + coordinates[first + 6]) /
                          3;
            centre[k] = (coordinates[k] - (centred ? mean : 0)) * 0.1;
            double weight = exp(log_weights[k / VALUES] - 700);
            sum += weight * centre[k];
            squares += weight * centre[k] * centre[k];
            weights += weight;
        }
        double scale = sqrt(squares / weights - sum / weights * (sum / weights));
        score_recipe recipe = recipe_for("a.h5", BEADS, 3);
        recipe.data.unit_nm = 0.1;
        recipe.data.scale_nm = 0;
        recipe.data.log_weights = "log_weights";
        recipe.model.centred = centred;
        score_dataset *dataset = open_recipe(&recipe);
        /* Two sums of 450 terms of one sign, and the difference of mean square and squared mean,
         * of condition (mean square)/variance < 4: 4 x 2 x 450 eps = 8e-13. */
        assert_true(fabs(score_dataset_scale_nm(dataset) / scale - 1) < 8e-13);
        double start[VALUES], x[VALUES];
        score_error error = {0};
        assert_int_equal(score_dataset_start_frame(dataset, start, &error), SCORE_OK);
        for (int k = 0; k < VALUES; k++) /* cos f is largest at f = 0 */
            assert_true(fabs(start[k] - centre[k]) < 1e-15);
        draw(dataset, SCORE_SPLIT_TRAINING, 3, x);
        int found = 0;
        for (int f = 0; f < FRAMES; f++) {
            double furthest = 0;
            for (int k = 0; k < VALUES; k++)
                furthest = fmax(furthest, fabs(x[k] - centre[f * VALUES + k] / scale));
            found += furthest < 1e-11;
        }
        assert_int_equal(found, 1);
        score_dataset_close(dataset);
    }
}

/* Of frames k, two beads at (0, 0, 0) and (k, 0, 0), of which the last has weight 0. */
static void range_is_that_of_training_frames_that_count(void **state) {
    (void)state;
    enum { COUNT = 20 };
    double coordinates[COUNT * 6] = {0}, log_weights[COUNT] = {0};
    for (int k = 0; k < COUNT; k++)
        coordinates[6 * k + 3] = k + 1;
    log_weights[COUNT - 1] = -INFINITY;
    hdf5_file file = {.frames = COUNT,
                      .beads = 2,
                      .dimensions = 3,
                      .coordinates = coordinates,
                      .log_weights = log_weights};
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", 2, 3);
    recipe.data.log_weights = "log_weights";
    for (int kind = 0; kind < 4; kind++) { /* centred, angstrom */
        recipe.model.centred = kind % 2;
        recipe.data.unit_nm = kind < 2 ? 1 : .1;
        score_dataset *dataset = open_recipe(&recipe);
        score_data_range range;
        assert_int_equal(score_dataset_range(dataset, &range, NULL), SCORE_OK);
        const double longest = (COUNT - 1) * recipe.data.unit_nm;
        assert_true(fabs(range.neighbours_nm - longest) < 1e-12);
        assert_true(fabs(range.centre_nm - longest / (1 + kind % 2)) < 1e-12);
        score_dataset_close(dataset);
    }
}

/* -------- threads -------- */

typedef struct drawing {
    const score_dataset *dataset;
    double sum;
} drawing;

static void *draw_many(void *argument) {
    drawing *mine = argument;
    for (uint64_t sample = 0; sample < 2000; sample++) {
        double x[VALUES];
        if (score_dataset_draw(mine->dataset, SCORE_SPLIT_TRAINING, sample, x, NULL) == SCORE_OK)
            mine->sum += x[0] * (double)(sample + 1);
    }
    return NULL;
}

static void threads_draw_what_one_draws(void **state) {
    (void)state;
    enum { THREADS = 4 };
    hdf5_file file = {.frames = FRAMES, .beads = BEADS, .dimensions = 3};
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.memory = 0;
    drawing alone = {open_recipe(&recipe), 0}, drawings[THREADS];
    draw_many(&alone);
    assert_true(alone.sum > 0);
    pthread_t threads[THREADS];
    for (int k = 0; k < THREADS; k++) {
        drawings[k] = (drawing){alone.dataset, 0};
        assert_int_equal(pthread_create(&threads[k], NULL, draw_many, &drawings[k]), 0);
    }
    for (int k = 0; k < THREADS; k++) {
        pthread_join(threads[k], NULL);
        assert_true(drawings[k].sum == alone.sum);
    }
    score_dataset_close((score_dataset *)alone.dataset);
}

/* Lattice vectors of a box, by another formula than that of the reader: a corner cut off a cube, or
 * one that leans by more than half of an edge. */
static void lattice_vector(int kind, int k, double vector[3]) {
    static const double rows[3][3][3] = {
        {{2, 0, 0}, {0, 3, 0}, {0, 0, 4}},
        {{2, 0, 0}, {-0.9, 2, 0}, {0.7, -0.8, 2.5}},
        {{2, 0, 0}, {1.6, 2, 0}, {0.7, 1.9, 2.5}},
    };
    memcpy(vector, rows[kind][k], sizeof rows[kind][k]);
}

static void describe_box(int kind, double box[6]) {
    double v[3][3];
    for (int k = 0; k < 3; k++) {
        lattice_vector(kind, k, v[k]);
        box[k] = sqrt(v[k][0] * v[k][0] + v[k][1] * v[k][1] + v[k][2] * v[k][2]);
    }
    for (int k = 0; k < 3; k++) {
        const double *a = v[(k + 1) % 3], *b = v[(k + 2) % 3];
        const double dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        box[3 + k] = acos(dot / (box[(k + 1) % 3] * box[(k + 2) % 3])) * 180 / acos(-1);
    }
}

/* Every bead is moved by lattice vectors of its own; the steps from bead to bead, shorter than half of
 * any lattice vector, come back, and frames that are whole keep their bits. */
static void molecules_that_a_box_has_broken_are_made_whole(void **state) {
    (void)state;
    static double whole[FRAMES * VALUES], broken[FRAMES * VALUES];
    for (int kind = 0; kind < 3; kind++) {
        double box[6], x[VALUES], lattice[3];
        describe_box(kind, box);
        for (int k = 0; k < FRAMES * VALUES; k++) {
            const int frame = k / VALUES, bead = k % VALUES / 3, c = k % 3;
            whole[k] = 0.01 * frame + (bead > 0 ? whole[k - 3] - 0.01 * frame : 0) +
                       0.45 * sin(frame + 2 * bead + 3 * c);
            broken[k] = whole[k];
            for (int v = 0; v < 3; v++) {
                lattice_vector(kind, v, lattice);
                broken[k] += frame % 5 == 0 ? 0 : ((frame + bead * (v + 1)) % 5 - 2) * lattice[c];
            }
        }
        for (int unit = 0; unit < 2; unit++) {
            for (int k = 0; k < FRAMES * VALUES && unit == 1; k++)
                broken[k] *= 10;
            const hdf5_file file = {.frames = FRAMES,
                                    .beads = BEADS,
                                    .dimensions = 3,
                                    .units = unit == 1 ? "angstroms" : "nanometers",
                                    .type = unit == 1 ? H5T_NATIVE_DOUBLE : 0,
                                    .coordinates = broken,
                                    .box = box};
            write_hdf5("box.h5", &file);
            score_recipe recipe = recipe_for("box.h5", BEADS, 3);
            recipe.data.scale_nm = 1;
            score_dataset *dataset = open_recipe(&recipe);
            int found = 0;
            for (uint64_t sample = 0; sample < FRAMES; sample++) {
                draw(dataset, SCORE_SPLIT_TRAINING, sample, x);
                for (int frame = 0; frame < FRAMES; frame++) {
                    bool same = true;
                    for (int k = 3; k < VALUES; k++)
                        same = same && fabs(x[k] - x[k - 3] - whole[frame * VALUES + k] +
                                            whole[frame * VALUES + k - 3]) < 2e-6;
                    found += same;
                    for (int k = 0; k < VALUES && same && frame % 5 == 0 && unit == 0; k++)
                        assert_true(x[k] == (double)(float)whole[frame * VALUES + k]);
                }
            }
            assert_int_equal(found, FRAMES);
            score_dataset_close(dataset);
        }
    }
}

/* Against all lattice vectors around, in boxes that lean far; the lattice itself stays. */
static void the_nearest_image_is_that_of_all(void **state) {
    (void)state;
    score_random random = score_random_stream(1, 2, 3, 4);
    int boxes = 0;
    while (boxes < 1000) {
        double lengths[3], angles[3], delta[3], least = INFINITY;
        score_box box;
        for (int k = 0; k < 3; k++) {
            lengths[k] = 1 + 2 * score_random_uniform(&random);
            angles[k] = 40 + 80 * score_random_uniform(&random);
            delta[k] = 6 * score_random_uniform(&random) - 3;
        }
        /* Three angles may not fit together, or make a box that is flat. */
        if (!score_box_make(lengths, angles, &box) || box.vector[2][2] < 0.5)
            continue;
        boxes++;
        for (int n = 0; n < 31 * 31 * 31; n++) {
            const int turns[3] = {n % 31 - 15, n / 31 % 31 - 15, n / 961 - 15};
            double square = 0;
            for (int c = 0; c < 3; c++) {
                double x = delta[c];
                for (int k = 0; k < 3; k++)
                    x += turns[k] * box.vector[k][c];
                square += x * x;
            }
            least = fmin(least, square);
        }
        score_box_nearest(&box, delta);
        const double found = delta[0] * delta[0] + delta[1] * delta[1] + delta[2] * delta[2];
        assert_true(fabs(found - least) < 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hdf5_layouts_are_read),
        cmocka_unit_test(npy_versions_and_shapes_are_read),
        cmocka_unit_test(files_of_mdtraj_and_numpy_are_read),
        cmocka_unit_test(frames_beyond_memory_are_the_same),
        cmocka_unit_test(a_folder_may_have_a_long_name),
        cmocka_unit_test(a_folder_without_room_is_an_error),
        cmocka_unit_test(pieces_join),
        cmocka_unit_test(scale_and_frames_agree_with_a_direct_computation),
        cmocka_unit_test(range_is_that_of_training_frames_that_count),
        cmocka_unit_test(threads_draw_what_one_draws),
        cmocka_unit_test(molecules_that_a_box_has_broken_are_made_whole),
        cmocka_unit_test(the_nearest_image_is_that_of_all),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
