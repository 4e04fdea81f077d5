/* Frames that a file claims and does not have: in chunks, in other files that it is put together from,
 * and in raw files. */
#define _POSIX_C_SOURCE 200809L
#include "frame_errors.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    check_good(&recipe, 2 * FRAMES);
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

/* a.h5, whose `frames` coordinates are made by a plan; the plan is closed. */
static void write_planned(hid_t plan, hsize_t frames, bool grows) {
    const hsize_t shape[3] = {frames, BEADS, 3};
    const hsize_t most[3] = {grows ? H5S_UNLIMITED : frames, BEADS, 3};
    hid_t root = H5Fcreate("a.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, shape, most);
    hid_t set = H5Dcreate2(root, "coordinates", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, plan,
                           H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plan);
    assert_true(H5Fclose(root) >= 0);
}

/* Frames `start`, `start` + `stride`, ... of a set: `count` of them, or without end. */
static hid_t frames_of(hsize_t size, hsize_t start, hsize_t stride, hsize_t count) {
    const hsize_t shape[3] = {size, BEADS, 3}, most[3] = {H5S_UNLIMITED, BEADS, 3};
    const hsize_t from[3] = {start, 0, 0}, apart[3] = {stride, BEADS, 3};
    const hsize_t blocks[3] = {count, 1, 1}, block[3] = {1, BEADS, 3};
    hid_t space = H5Screate_simple(3, shape, most);
    assert_true(H5Sselect_hyperslab(space, H5S_SELECT_SET, from, apart, blocks, block) >= 0);
    return space;
}

static void add_source(hid_t plan, hid_t to, const char *file, hid_t from) {
    assert_true(H5Pset_virtual(plan, to, file, "coordinates", from) >= 0);
    H5Sclose(to);
    H5Sclose(from);
}

/* What two sources fill is counted once, and what none fills is not made up for. */
static void sources_that_overlap(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("one.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    for (int k = 0; k < 2; k++)
        add_source(plan, frames_of(2 * FRAMES, 0, 1, FRAMES), "one.h5",
                   frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, 2 * FRAMES, false);
    check_error(&recipe, SCORE_ERROR_FORMAT,
                "claims frames that were never written: its sources fill 120 of 240 numbers");
    plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "one.h5", frames_of(FRAMES, 0, 1, FRAMES));
    add_source(plan, frames_of(FRAMES, 1, 2, FRAMES / 2), "one.h5",
               frames_of(FRAMES, 0, 1, FRAMES / 2));
    write_planned(plan, FRAMES, false);
    check_good(&recipe, FRAMES);
}

/* Every second frame comes from one of two sources that may grow. */
static void sources_without_end(void **state) {
    (void)state;
    hdf5_file file = good_file(), fewer = good_file();
    fewer.frames = FRAMES - 4;
    write_hdf5("one.h5", &file);
    write_hdf5("two.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(1, 0, 2, H5S_UNLIMITED), "one.h5",
               frames_of(1, 0, 1, H5S_UNLIMITED));
    add_source(plan, frames_of(1, 1, 2, H5S_UNLIMITED), "two.h5",
               frames_of(1, 0, 1, H5S_UNLIMITED));
    write_planned(plan, 2 * FRAMES, true);
    check_good(&recipe, 2 * FRAMES);
    write_hdf5("two.h5", &fewer);
    check_error(&recipe, SCORE_ERROR_FORMAT, "its sources fill 216 of ");
}

/* A source of its own for every ten frames, its number in its name. */
static void sources_with_numbers(void **state) {
    (void)state;
    hdf5_file file = good_file(), fewer = good_file();
    fewer.frames = FRAMES - 1;
    const hsize_t start[3] = {0}, apart[3] = {FRAMES, BEADS, 3}, count[3] = {H5S_UNLIMITED, 1, 1};
    for (int k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "50%%-%d.h5", k);
        write_hdf5(name, &file);
    }
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), to = frames_of(FRAMES, 0, 1, FRAMES);
    H5Sselect_hyperslab(to, H5S_SELECT_SET, start, apart, count, apart);
    add_source(plan, to, "50%%-%b.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, true);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, 3 * FRAMES);
    write_hdf5("50%-1.h5", &fewer);
    check_error(&recipe, SCORE_ERROR_FORMAT, "needs frames of 50%-1.h5 that were never written");
}

static void sources_in_other_units(void **state) {
    (void)state;
    hdf5_file file = good_file();
    file.units = "angstroms";
    write_hdf5("one.h5", &file);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "one.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, "one.h5 has units 'angstroms', which are not its own");
    file.units = "nm";
    write_hdf5("one.h5", &file);
    check_good(&recipe, FRAMES);
}

/* Sources that are put together from sources, or from themselves. */
static void sources_of_sources(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("one.h5", &file);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "one.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    assert_int_equal(rename("a.h5", "middle.h5"), 0);
    plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "middle.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    check_good(&recipe, FRAMES);
    assert_int_equal(unlink("one.h5"), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT, "one.h5 is missing");
    plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), ".", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    check_error(&recipe, SCORE_ERROR_FORMAT, "these again from others, too often");
}

/* Also beyond another link, and of a source. */
static void links_to_what_is_no_regular_file(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("one.h5", &file);
    hid_t root = H5Fcreate("a.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("one.h5", "/", root, "folder", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/folder/coordinates", root, "coordinates", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(root);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, FRAMES);
    assert_int_equal(unlink("one.h5"), 0);
    assert_int_equal(mkfifo("one.h5", 0600), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT,
                "coordinates (a link leads to one.h5, which is no regular file)");
    assert_int_equal(rename("a.h5", "middle.h5"), 0);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "middle.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    check_error(&recipe, SCORE_ERROR_FORMAT, "coordinates of middle.h5 is missing");
    assert_int_equal(unlink("one.h5"), 0);
}

static void raw_files(void **state) {
    (void)state;
    float frames[FRAMES * VALUES];
    for (int k = 0; k < FRAMES * VALUES; k++)
        frames[k] = (float)frame_value((uint64_t)(k / VALUES), (size_t)(k % VALUES));
    FILE *file = fopen("a.raw", "wb");
    fwrite(frames, 1, sizeof frames, file);
    fclose(file);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plan, "a.raw", 0, sizeof frames / 2);
    H5Pset_external(plan, "a.raw", sizeof frames / 2, H5F_UNLIMITED);
    write_planned(plan, FRAMES, false);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_good(&recipe, FRAMES);
    assert_int_equal(truncate("a.raw", sizeof frames - 1), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT, "its raw file a.raw has 479 bytes of 480");
    assert_int_equal(unlink("a.raw"), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT, "its raw file a.raw is missing");
    assert_int_equal(mkfifo("a.raw", 0600), 0);
    check_error(&recipe, SCORE_ERROR_FORMAT, "its raw file a.raw is no regular file");
}

static void prefixes_that_lead_hdf5_elsewhere(void **state) {
    (void)state;
    hdf5_file file = good_file();
    write_hdf5("one.h5", &file);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    add_source(plan, frames_of(FRAMES, 0, 1, FRAMES), "one.h5", frames_of(FRAMES, 0, 1, FRAMES));
    write_planned(plan, FRAMES, false);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    setenv("HDF5_VDS_PREFIX", "/else where", 1);
    check_error(&recipe, SCORE_ERROR_FORMAT, "HDF5_VDS_PREFIX='/else where' leads HDF5 away");
    setenv("HDF5_VDS_PREFIX", "", 1);
    check_good(&recipe, FRAMES);
    plan = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plan, "a.raw", 0, H5F_UNLIMITED);
    write_planned(plan, FRAMES, false);
    setenv("HDF5_EXTFILE_PREFIX", "/else where", 1);
    check_error(&recipe, SCORE_ERROR_FORMAT, "HDF5_EXTFILE_PREFIX='/else where' leads HDF5 away");
    unsetenv("HDF5_EXTFILE_PREFIX");
}

/* A vector of `name` for every frame, of which only some were written. */
static void write_part(const char *name, int rank) {
    hdf5_file file = good_file();
    write_hdf5("a.h5", &file);
    const hsize_t shape[2] = {FRAMES, 3}, chunk[2] = {4, 3}, start[2] = {0}, size[2] = {16, 3};
    const double numbers[48] = {0};
    hid_t root = H5Fopen("a.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, shape, NULL);
    hid_t memory = H5Screate_simple(rank, size, NULL);
    H5Pset_chunk(plan, rank, chunk);
    hid_t set = H5Dcreate2(root, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, numbers) >= 0);
    H5Dclose(set);
    H5Sclose(memory);
    H5Sclose(space);
    H5Pclose(plan);
    assert_true(H5Fclose(root) >= 0);
}

static void weights_and_boxes_that_were_never_written(void **state) {
    (void)state;
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    write_part("cell_lengths", 2);
    check_error(
        &recipe, SCORE_ERROR_FORMAT,
        "data set cell_lengths claims frames that were never written: it has 4 of 5 chunks");
    recipe.data.log_weights = "log_weights";
    write_part("log_weights", 1);
    check_error(&recipe, SCORE_ERROR_FORMAT,
                "data set log_weights claims frames that were never written: it has 4 of 5 chunks");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_of_virtual_data_sets),
        cmocka_unit_test(sources_that_overlap),
        cmocka_unit_test(sources_without_end),
        cmocka_unit_test(sources_with_numbers),
        cmocka_unit_test(sources_of_sources),
        cmocka_unit_test(sources_in_other_units),
        cmocka_unit_test(links_to_what_is_no_regular_file),
        cmocka_unit_test(raw_files),
        cmocka_unit_test(prefixes_that_lead_hdf5_elsewhere),
        cmocka_unit_test(weights_and_boxes_that_were_never_written),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
