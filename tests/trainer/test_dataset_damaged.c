/* Files on which HDF5 crashes, and filters that it lacks. */
#include "frame_errors.h"

#include <string.h>
#include <unistd.h>

#include "data/contained.h"

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

enum { ROOM = 1 << 16 };

static size_t read_all(const char *path, char bytes[ROOM]) {
    FILE *file = fopen(path, "rb");
    const size_t size = fread(bytes, 1, ROOM, file);
    fclose(file);
    return size;
}

static void write_all(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static size_t find(const char *bytes, size_t size, const char *mark, size_t length) {
    size_t at = 0;
    while (at < size - length && memcmp(bytes + at, mark, length) != 0)
        at++;
    assert_true(at < size - length);
    return at;
}

/* The size of a text in HDF5's heap, 24 bytes after its mark, crashes libhdf5 1.10 where it is wrong. */
static void check_damaged_heap(const hdf5_file *good, const score_bead *beads) {
    enum { SIZE_AT = 24 };
    static char bytes[ROOM];
    write_hdf5("a.h5", good);
    const size_t size = read_all("a.h5", bytes), heap = find(bytes, size, "GCOL", 4);
    for (size_t k = heap + SIZE_AT + 2; k < heap + SIZE_AT + 8; k++) {
        bytes[k] = 0x7f;
        write_all("a.h5", bytes, size);
        score_recipe recipe = recipe_for("a.h5", BEADS, 3);
        recipe.model.beads = beads;
        check_error(&recipe, SCORE_ERROR_FORMAT, "");
        bytes[k] = 0;
    }
}

static void damaged_texts_are_refused(void **state) {
    (void)state;
    const score_bead beads[BEADS] = {{.name = "CA"}, {.name = "N"}};
    hdf5_file good = good_file();
    good.variable_units = true;
    check_damaged_heap(&good, NULL);
    good.variable_units = false;
    good.topology = "{\"atoms\": [{\"name\": \"CA\"}, {\"name\": \"N\"}]}";
    good.variable_topology = true;
    check_damaged_heap(&good, beads);
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

/* libhdf5 1.10 believes what a file says of the size of a chunk, and reads beyond it. */
static void damaged_chunks_are_refused(void **state) {
    (void)state;
    static const char chunk[] = "\4\0\0\0\2\0\0\0\3\0\0\0\4\0\0";
    static char bytes[ROOM];
    hdf5_file file = good_file();
    file.frames = 4; /* in one chunk */
    write_hdf5("a.h5", &file);
    const size_t size = read_all("a.h5", bytes);
    bytes[find(bytes, size, chunk, sizeof chunk) + 9] = (char)0x81;
    write_all("a.h5", bytes, size);
    score_recipe recipe = recipe_for("a.h5", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, "its chunks are larger than it may become");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_that_are_missing_are_named),
        cmocka_unit_test(crashes_and_loops_are_survived),
        cmocka_unit_test(damaged_texts_are_refused),
        cmocka_unit_test(damaged_chunks_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
