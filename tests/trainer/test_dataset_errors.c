/* Files of frames that are not what they should be: each is an error that names the file and what is
 * wrong, with nothing printed and nothing leaked. */
#define _POSIX_C_SOURCE 200809L
#include "frame_files.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "contained.h"
#include "dataset.h"

enum { FRAMES = 20, BEADS = 2, VALUES = 6 };

/* Opening is an error of kind `code` in file `path` whose message has `message`. */
static void check_error(const score_recipe *recipe, score_status code, const char *message) {
    score_dataset *dataset = (score_dataset *)recipe;
    score_error error = {0};
    score_status status = score_dataset_open(recipe, ".", &dataset, &error);
    if (status != code || error.code != code || strstr(error.message, message) == NULL)
        fail_msg("expected '%s', got %d: %s", message, (int)status, error.message);
    assert_null(dataset);
    assert_string_equal(error.file, recipe->data.path);
}

static hdf5_file good_file(void) {
    return (hdf5_file){.frames = FRAMES, .beads = BEADS, .dimensions = 3, .units = "nanometers"};
}

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
#define TOPOLOGY(atoms)                                                                            \
    "{\"chains\": [{\"index\": 0, \"residues\": [{\"index\": 0, \"name\": \"ALA\", \"resSeq\": "   \
    "1, "                                                                                          \
    "\"atoms\": [" atoms                                                                           \
    "]}], \"name\": \"chain\"}], \"bonds\": [[0, 1]], \"more\": {\"name\": null}}"

static void beads_of_other_names(void **state) {
    (void)state;
    static const struct {
        const char *topology, *message; /* NULL: good */
    } cases[] = {
        {TOPOLOGY(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\"")), NULL},
        {TOPOLOGY(ATOM("1", "\"N\"") ", " ATOM("0", "\"CA\"")), NULL},
        {TOPOLOGY(ATOM("7", "\"CA\"") "," ATOM("7", "\"\\u004e\"")), NULL},
        {TOPOLOGY(ATOM("0", "\"N\"") ", " ATOM("1", "\"CA\"")), "bead 0 is N, the recipe's is CA"},
        {TOPOLOGY(ATOM("1", "\"CA\"") ", " ATOM("0", "\"N\"")), "bead 0 is N, the recipe's is CA"},
        {TOPOLOGY(ATOM("0", "\"CA\"") ", " ATOM("1", "\"N\\\"\"")), "bead 1 is N\", the recipe's"},
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
    const score_bead beads[BEADS] = {{.name = "CA"}, {.name = "N"}};
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
}

/* Puts a.h5 together from the first `mapped` frames of each of two files. */
static void write_virtual(const char *second, hsize_t mapped) {
    const hsize_t all[3] = {2 * FRAMES, BEADS, 3}, part[3] = {FRAMES, BEADS, 3};
    hid_t root = H5Fcreate("a.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(3, all, NULL);
    hid_t source = H5Screate_simple(3, part, NULL);
    for (hsize_t k = 0; k < 2; k++) {
        const hsize_t from[3] = {0, 0, 0}, to[3] = {k * FRAMES, 0, 0}, size[3] = {mapped, BEADS, 3};
        if (mapped == FRAMES)
            H5Sselect_all(source);
        else
            H5Sselect_hyperslab(source, H5S_SELECT_SET, from, NULL, size, NULL);
        H5Sselect_hyperslab(space, H5S_SELECT_SET, to, NULL, size, NULL);
        assert_true(
            H5Pset_virtual(plan, space, k == 0 ? "one.h5" : second, "coordinates", source) >= 0);
    }
    H5Sselect_all(space);
    hid_t set = H5Dcreate2(root, "coordinates", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, plan,
                           H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(source);
    H5Sclose(space);
    H5Pclose(plan);
    assert_true(H5Fclose(root) >= 0);
}

static void sources_of_virtual_data_sets(void **state) {
    (void)state;
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    score_dataset *dataset = NULL;
    hdf5_file file = good_file(), fewer = good_file(), empty = good_file();
    hdf5_file other = good_file();
    fewer.frames = FRAMES - 4;
    empty.frames = 4;
    empty.claimed = FRAMES;
    other.name = "positions";
    write_hdf5("one.h5", &file);
    write_hdf5("two.h5", &file);
    write_hdf5("fewer.h5", &fewer);
    write_hdf5("empty.h5", &empty);
    write_hdf5("other.h5", &other);
    write_virtual("two.h5", FRAMES);
    assert_int_equal(score_dataset_open(&recipe, ".", &dataset, NULL), SCORE_OK);
    assert_int_equal(score_dataset_frames(dataset, SCORE_SPLIT_TRAINING), 2 * FRAMES);
    score_dataset_close(dataset);
    assert_int_equal(rename("two.h5", "elsewhere.h5"), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT, "is put together from others, and two.h5 is missing");
    write_virtual("other.h5", FRAMES);
    check_error(&recipe, SCORE_ERROR_FORMAT, "coordinates of other.h5 is missing");
    write_virtual("fewer.h5", FRAMES);
    check_error(&recipe, SCORE_ERROR_FORMAT, "frames of fewer.h5 that were never written");
    write_virtual("empty.h5", FRAMES);
    check_error(&recipe, SCORE_ERROR_FORMAT, "frames of empty.h5 that were never written");
    write_virtual("fewer.h5", FRAMES - 1);
    check_error(&recipe, SCORE_ERROR_FORMAT, "frames of fewer.h5 that were never written");
    write_virtual("elsewhere.h5", FRAMES - 1);
    check_error(&recipe, SCORE_ERROR_FORMAT, "claims frames that were never written");
}

static void too_few_frames_to_hold_out(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("a.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    recipe.data.held_out = 0.04;
    check_error(&recipe, SCORE_ERROR_FORMAT, "heldOut=\"0.04\"");
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
    recipe.data.log_weights = NULL;
    recipe.data.no_weights = true;
    score_dataset *dataset = NULL;
    assert_int_equal(score_dataset_open(&recipe, ".", &dataset, NULL), SCORE_OK);
    score_dataset_close(dataset);
}

static void files_of_no_known_kind(void **state) {
    (void)state;
    score_recipe recipe = recipe_for("nowhere", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FILE, "cannot open");
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
    check_error(&recipe, SCORE_ERROR_FILE, "cannot read");
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

static void wrong_npy_headers(void **state) {
    (void)state;
    static const struct {
        int version;
        const char *header, *message;
    } cases[] = {
        {4, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "version 4.0"},
        {0, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "version 0.0"},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (20, 2, 3)}", "Fortran"},
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "'>f4'"},
        {1, "{'descr': '|O', 'fortran_order': False, 'shape': (20, 2, 3)}", "'|O'"},
        {1, "{'descr': '<i4', 'fortran_order': False, 'shape': (20, 2, 3)}", "'<i4'"},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (19, 2, 3)}", "claims"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (21, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 3, 2)}", "(20 x 3 x 2)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 6)}", "(20 x 6)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (120,)}", "(120)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "has shape ()"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2, 3)}", "0 frames"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 2, 3)}", "4294967296"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2, 3)}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 20, 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, -2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False}", "understood"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 2, 3), 'descr': '<f4'}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3), 'more': 1}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)} x", "understood"},
        {1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': 'a name of many characters', 'shape': (20, 2, 3)}", "understood"},
        {1, "", "understood"},
        {1, "{", "understood"},
        {1, "{,}", "understood"},
    };
    score_recipe recipe = recipe_for("a.npy", BEADS, 3);
    recipe.data.unit_nm = 1;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        write_npy("a.npy", cases[k].version, cases[k].header, FRAMES, VALUES);
        check_error(&recipe, SCORE_ERROR_FORMAT, cases[k].message);
    }
    write_npy("a.npy", 1, cases[2].header, FRAMES, VALUES);
    FILE *file = fopen("a.npy", "r+b"); /* a header of 4 GB, and one with a NUL in it */
    fseek(file, 6, SEEK_SET);
    fwrite("\x02\0\xff\xff\xff\xff", 1, 6, file);
    fclose(file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "4294967295 bytes, the limit");
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)} ", FRAMES,
              VALUES);
    file = fopen("a.npy", "r+b");
    fseek(file, 10 + 61, SEEK_SET);
    fputc(0, file);
    fclose(file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "understood");
}

static void npy_needs_a_unit_and_has_no_weights(void **state) {
    (void)state;
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", FRAMES,
              VALUES);
    score_recipe recipe = recipe_for("a.npy", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, "unit=\"nm\"");
    recipe.data.unit_nm = 1;
    recipe.data.log_weights = "log_weights";
    check_error(&recipe, SCORE_ERROR_FORMAT, "HDF5");
}

/* Passes data as they are; once it is unregistered, HDF5 does not know it. */
static size_t pass(unsigned flags, size_t count, const unsigned values[], size_t size, size_t *room,
                   void **data) {
    (void)flags, (void)count, (void)values, (void)room, (void)data;
    return size;
}

static void filters_that_are_missing_are_named(void **state) {
    (void)state;
    const H5Z_class2_t kind = {.version = H5Z_CLASS_T_VERS,
                               .id = 32000,
                               .encoder_present = 1,
                               .decoder_present = 1,
                               .name = "lzf",
                               .filter = pass};
    const hsize_t shape[3] = {FRAMES, BEADS, 3};
    float frames[FRAMES * VALUES] = {0};
    H5Zregister(&kind);
    hid_t file = H5Fcreate("lzf.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, shape, NULL), plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plan, 3, shape);
    H5Pset_filter(plan, kind.id, 0, 0, NULL);
    hid_t set = H5Dcreate2(file, "coordinates", H5T_IEEE_F32LE, space, H5P_DEFAULT, plan,
                           H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, frames);
    H5Dclose(set);
    H5Pclose(plan);
    H5Sclose(space);
    H5Fclose(file);
    assert_true(H5Zunregister(kind.id) >= 0);
    score_recipe recipe = recipe_for("lzf.h5", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, "compressed by 'lzf' (HDF5's filter number 32000)");
    check_error(&recipe, SCORE_ERROR_FORMAT, "h5repack -f GZIP=5");
}

static void crash(void *argument) {
    (void)argument;
    abort();
}

static void fail_quietly(void *argument) {
    (void)argument;
    _exit(1); /* as a sanitizer does */
}

static void loop(void *argument) {
    volatile int *forever = argument;
    while (*forever != 0)
        ;
}

static void crashes_and_loops_are_survived(void **state) {
    (void)state;
    int forever = 1, never = 0;
    assert_false(score_survives(crash, NULL, 10));
    assert_false(score_survives(fail_quietly, NULL, 10));
    assert_false(score_survives(loop, &forever, 1));
    assert_true(score_survives(loop, &never, 10));
}

/* The size of a text in HDF5's heap, 24 bytes after its mark, crashes libhdf5 1.10 where it is wrong. */
static void damaged_units_are_refused(void **state) {
    (void)state;
    enum { ROOM = 1 << 16, SIZE_AT = 24 };
    static char bytes[ROOM];
    hdf5_file good = good_file();
    good.units = "nanometers";
    good.variable_units = true;
    write_hdf5("a.h5", &good);
    FILE *file = fopen("a.h5", "rb");
    const size_t size = fread(bytes, 1, ROOM, file);
    fclose(file);
    size_t heap = 0;
    while (heap < size - SIZE_AT && memcmp(bytes + heap, "GCOL", 4) != 0)
        heap++;
    assert_true(heap < size - SIZE_AT);
    for (size_t k = heap + SIZE_AT + 2; k < heap + SIZE_AT + 8; k++) {
        bytes[k] = 0x7f;
        file = fopen("a.h5", "wb");
        fwrite(bytes, 1, size, file);
        fclose(file);
        score_recipe recipe = recipe_for("a.h5", BEADS, 3);
        check_error(&recipe, SCORE_ERROR_FORMAT, "");
        bytes[k] = 0;
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
        cmocka_unit_test(sources_of_virtual_data_sets),
        cmocka_unit_test(too_few_frames_to_hold_out),
        cmocka_unit_test(wrong_log_weights),
        cmocka_unit_test(files_of_no_known_kind),
        cmocka_unit_test(truncated_files),
        cmocka_unit_test(wrong_npy_headers),
        cmocka_unit_test(npy_needs_a_unit_and_has_no_weights),
        cmocka_unit_test(filters_that_are_missing_are_named),
        cmocka_unit_test(crashes_and_loops_are_survived),
        cmocka_unit_test(damaged_units_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
