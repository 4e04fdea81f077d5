/* Files of frames that are not what they should be: each is an error that names the file and what is
 * wrong, with nothing printed and nothing leaked. */
#define _POSIX_C_SOURCE 200809L
#include "frame_errors.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/dataset.h"

static void check_hdf5(const hdf5_file *file, const char *message) {
    write_hdf5("a.h5", file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, message);
}

static void wrong_shapes_and_types(void **state) {
    (void)state;
    hdf5_file file = good_file();
    file.beads = 3;
    check_hdf5(&file, "(20 x 3 x 3), must be (frames x 2 x 3)");
    file = good_file();
    file.dimensions = 2;
    check_hdf5(&file, "(20 x 2 x 2), must be");
    file = good_file();
    file.frames = 0;
    check_hdf5(&file, "0 frames");
    file = good_file();
    file.name = "positions";
    check_hdf5(&file, "no data set 'coordinates'");
    file = good_file();
    file.type = H5T_NATIVE_INT;
    check_hdf5(&file, "floating-point");
    file = good_file();
    file.units = "furlongs";
    check_hdf5(&file, "'furlongs'");
    file = good_file();
    file.claimed = (uint64_t)1 << 31;
    check_hdf5(&file, "never written");
    file.claimed = FRAMES + 4;
    check_hdf5(&file, "never written");
    file = good_file();
    file.frames = 0;
    file.claimed = FRAMES;
    file.contiguous = true;
    check_hdf5(&file, "never written");
    file = good_file();
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.unit_nm = 0.1;
    check_error(&recipe, SCORE_ERROR_FORMAT, "recipe says angstrom");
}

static void values_that_are_not_finite_name_their_frame(void **state) {
    (void)state;
    double coordinates[FRAMES * VALUES] = {0}, bad[] = {NAN, INFINITY, -INFINITY, 1e300};
    for (int k = 0; k < FRAMES * VALUES; k++)
        coordinates[k] = k;
    for (size_t b = 0; b < sizeof bad / sizeof bad[0]; b++) {
        coordinates[17 * VALUES + 4] = bad[b];
        hdf5_file file = good_file();
        file.coordinates = coordinates;
        check_hdf5(&file, "frame 17 has coordinate"); /* 1e300 is infinite as a float */
        if (b == 0) {
            file.type = H5T_NATIVE_DOUBLE;
            check_hdf5(&file, "frame 17 has coordinate nan (number 4 ");
        }
    }
}

static void frames_that_are_all_alike(void **state) {
    (void)state;
    double coordinates[FRAMES * 3] = {0};
    hdf5_file file = good_file();
    file.beads = 1;
    file.coordinates = coordinates;
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", 1, 3);
    recipe.data.scale_nm = 0;
    check_error(&recipe, SCORE_ERROR_FORMAT, "standard deviation 0");
}

/* As frames that were never written are; wherever the point is. */
static void beads_that_are_in_one_point(void **state) {
    (void)state;
    double coordinates[FRAMES * VALUES];
    for (int k = 0; k < FRAMES * VALUES; k++)
        coordinates[k] = frame_value((uint64_t)(k / VALUES), (size_t)(k % VALUES));
    hdf5_file file = good_file();
    file.coordinates = coordinates;
    for (int k = 0; k < 3; k++)
        coordinates[13 * VALUES + 3 + k] = coordinates[13 * VALUES + k];
    check_hdf5(&file, "frame 13 has all its beads in one point");
    file.type = H5T_NATIVE_DOUBLE;
    check_hdf5(&file, "frame 13 has all its beads in one point");
    coordinates[13 * VALUES + 5] += 0.5;
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    score_dataset *dataset = NULL;
    assert_int_equal(score_dataset_open(&recipe, ".", &dataset, NULL), SCORE_OK);
    score_dataset_close(dataset);
}

#define ATOM(index, name) "{\"index\": " index ", \"name\": " name ", \"element\": \"C\"}"
#define RESIDUES(atoms, name)                                                                      \
    "{\"chains\": [{\"index\": 0, \"residues\": [{\"index\": 0, \"name\": " name                   \
    ", \"resSeq\": 1, \"atoms\": [" atoms                                                          \
    "]}], \"name\": \"chain\"}], \"bonds\": [[0, 1]], \"more\": {\"name\": null}}"
#define TOPOLOGY(atoms) RESIDUES(atoms, "\"ALA\"")

static void beads_of_other_names(void **state) {
    (void)state;
    static const struct {
        const char *topology, *message; /* NULL: good */
    } cases[] = {
        {TOPOLOGY(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\"")), NULL},
        {TOPOLOGY(ATOM("1", "\"N\"") ", " ATOM("0", "\"CA\"")), NULL},
        {TOPOLOGY(ATOM("7", "\"CA\"") "," ATOM("7", "\"\\u004e\"")), NULL},
        {RESIDUES(ATOM("0", "\"CA\"") "]}, {\"atoms\": [" ATOM("1", "\"N\""), "\"ALA\""), NULL},
        {RESIDUES(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\""), "null"), NULL},
        {RESIDUES(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\""), "\"VAL\""),
         "bead 0, CA, is of residue VAL, the recipe's is of ALA"},
        {TOPOLOGY(ATOM("0", "\"N\"") ", " ATOM("1", "\"CA\"")), "bead 0 is N, the recipe's is CA"},
        {TOPOLOGY(ATOM("1", "\"CA\"") ", " ATOM("0", "\"N\"")), "bead 0 is N, the recipe's is CA"},
        {TOPOLOGY(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\\\"\"")), "bead 1 is N\", the recipe's"},
        {TOPOLOGY(ATOM("0", "\"CA\"") ", " ATOM("1", "\"\"")),
         "bead 1 has no name, the recipe's is N"},
        {TOPOLOGY(ATOM("0", "\"CA\"")), "a topology of 1 atoms, the recipe has 2 beads"},
        {TOPOLOGY(ATOM("0", "\"CA\"") "," ATOM("1", "\"N\"") "," ATOM("2", "\"C\"")),
         "a topology of 3 atoms"},
        {TOPOLOGY(ATOM("0", "\"CA\"") ATOM("1", "\"N\"")), "is not that of MDTraj's layout"},
        {TOPOLOGY(""), "is not that of MDTraj's layout"},
        {"{}", "is not that of MDTraj's layout"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "is not that of MDTraj's layout"},
        {"{\"atoms\": [{\"name\": \"CA", "is not that of MDTraj's layout"},
        {"{\"atoms\": [{\"name\": \"\\u00", "is not that of MDTraj's layout"},
        {" ", "is not that of MDTraj's layout"},
    };
    const score_bead beads[BEADS] = {{.name = "CA", .residue = "ALA"}, {.name = "N"}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (int variable = 0; variable < 2; variable++) {
            hdf5_file file = good_file();
            file.topology = cases[k].topology;
            file.variable_topology = variable == 1;
            write_hdf5("a.h5", &file);
            score_recipe recipe = recipe_for("a.h5", BEADS, 3);
            recipe.model.beads = beads;
            score_dataset *dataset = NULL;
            if (cases[k].message != NULL) {
                check_error(&recipe, SCORE_ERROR_FORMAT, cases[k].message);
                continue;
            }
            score_error error = {0};
            if (score_dataset_open(&recipe, ".", &dataset, &error) != SCORE_OK)
                fail_msg("%s: %s", cases[k].topology, error.message);
            score_dataset_close(dataset);
        }
}

static void boxes_that_are_none(void **state) {
    (void)state;
    static const double boxes[][6] = {{1, 1, -1, 90, 90, 90},   {0, 1, 1, 90, 90, 90},
                                      {1, 1, NAN, 90, 90, 90},  {1, 1, 1, 90, 90, 180},
                                      {1, 1, 1, 150, 150, 150}, {1, 1, 1, 90, INFINITY, 90}};
    hdf5_file file = good_file();
    for (size_t k = 0; k < sizeof boxes / sizeof boxes[0]; k++) {
        file.box = boxes[k];
        check_hdf5(&file, "frame 0 has a box of lengths ");
    }
    const double good[] = {100, 100, 100, 90, 90, 90};
    file.box = good;
    file.box_units = "parsecs";
    check_hdf5(&file, "cell_lengths have units 'parsecs'");
    file.box_units = NULL;
    file.angle_units = "radians";
    check_hdf5(&file, "cell_angles have units 'radians', must be degrees");
    file.angle_units = NULL;
    file.boxed = 7;
    check_hdf5(&file, "frame 7 has no box, and frame 0 has one");
}

static void frames_that_have_no_box(void **state) {
    (void)state;
    const double none[] = {0, 0, 0, 90, 90, 90};
    hdf5_file file = good_file();
    file.box = none;
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, FRAMES);
}

/* Beads of frame_value are .65 apart. */
static void boxes_that_are_too_small(void **state) {
    (void)state;
    const double apart = 0.375 * sqrt(3);
    hdf5_file file = good_file();
    double box[] = {10, apart / 0.44, 10, 90, 90, 90};
    file.box = box;
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, FRAMES);
    box[1] = apart / 0.46;
    check_hdf5(&file, "frame 0 has beads 0 and 1 as far apart as nearly half of its box");
}

static void too_few_frames_to_hold_out(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.held_out = 0.04;
    check_error(&recipe, SCORE_ERROR_FORMAT, "heldOut=\"0.04\"");
}

static void say_units(const char *name, const char *units) {
    hid_t root = H5Fopen("a.h5", H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
    hid_t space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(units));
    hid_t attribute = H5Acreate_by_name(root, name, "units", type, space, H5P_DEFAULT, H5P_DEFAULT,
                                        H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, units) >= 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
    H5Fclose(root);
}

static void units_that_are_filled_up(void **state) {
    (void)state;
    hdf5_file file = good_file();
    file.units = "nanometers      ";
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, FRAMES);
}

static void wrong_log_weights(void **state) {
    (void)state;
    double log_weights[FRAMES] = {0};
    hdf5_file file = good_file();
    file.log_weights = log_weights;
    check_hdf5(&file, "has log_weights, which");
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.log_weights = "weights";
    check_error(&recipe, SCORE_ERROR_FORMAT, "no data set 'weights'");
    recipe.data.log_weights = "coordinates";
    check_error(&recipe, SCORE_ERROR_FORMAT, "one a frame (20)");
    recipe.data.log_weights = "log_weights";
    log_weights[3] = NAN;
    write_hdf5("a.h5", &file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "frame 3 has log-weight nan");
    log_weights[3] = INFINITY;
    write_hdf5("a.h5", &file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "frame 3 has log-weight inf");
    for (int k = 0; k < FRAMES; k++)
        log_weights[k] = -INFINITY;
    write_hdf5("a.h5", &file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "all 20 training frames have weight 0");
    say_units("log_weights", "kT");
    check_error(&recipe, SCORE_ERROR_FORMAT,
                "log_weights have units 'kT', must be natural logarithm or dimensionless");
    recipe.data.log_weights = NULL;
    recipe.data.no_weights = true;
    score_dataset *dataset = NULL;
    assert_int_equal(score_dataset_open(&recipe, ".", &dataset, NULL), SCORE_OK);
    score_dataset_close(dataset);
}

static void files_of_no_known_kind(void **state) {
    (void)state;
    score_recipe recipe = recipe_for("nowhere", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FILE, "cannot be opened: No such file");
    static const char *const texts[] = {"", "\x93NUMP", "PK\x03\x04", "\x89HDF", "text"};
    recipe = recipe_for("a", BEADS, 3);
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        FILE *file = fopen("a", "wb");
        assert_non_null(file);
        fputs(texts[k], file);
        fclose(file);
        check_error(&recipe, SCORE_ERROR_FORMAT, "neither");
    }
    recipe = recipe_for(".", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FILE, "cannot be opened: Is a directory");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    recipe = recipe_for("pipe", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FILE, "is no regular file");
    recipe = recipe_for("/dev/zero", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FILE, "is no regular file");
}

/* Cut at any byte, a file is an error: never a crash, never other frames. */
static void truncated_files(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("a.h5", &file);
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", FRAMES,
              VALUES);
    char *paths[] = {"a.h5", "a.npy"};
    for (int p = 0; p < 2; p++) {
        score_recipe recipe = recipe_for(paths[p], BEADS, 3);
        recipe.data.unit_nm = 1;
        FILE *whole = fopen(paths[p], "rb");
        fseek(whole, 0, SEEK_END);
        long size = ftell(whole);
        fclose(whole);
        for (long left = size - 1; left >= 0; left -= left > 600 ? 97 : 1) {
            assert_int_equal(truncate(paths[p], left), 0);
            score_dataset *dataset = NULL;
            score_error error = {0};
            score_status status = score_dataset_open(&recipe, ".", &dataset, &error);
            if (status == SCORE_OK)
                fail_msg("%s of %ld bytes was read", paths[p], left);
            assert_null(dataset);
            assert_string_equal(error.file, paths[p]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_shapes_and_types),
        cmocka_unit_test(values_that_are_not_finite_name_their_frame),
        cmocka_unit_test(frames_that_are_all_alike),
        cmocka_unit_test(beads_that_are_in_one_point),
        cmocka_unit_test(beads_of_other_names),
        cmocka_unit_test(boxes_that_are_none),
        cmocka_unit_test(frames_that_have_no_box),
        cmocka_unit_test(boxes_that_are_too_small),
        cmocka_unit_test(too_few_frames_to_hold_out),
        cmocka_unit_test(units_that_are_filled_up),
        cmocka_unit_test(wrong_log_weights),
        cmocka_unit_test(files_of_no_known_kind),
        cmocka_unit_test(truncated_files),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
