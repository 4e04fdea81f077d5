#define _XOPEN_SOURCE 700
#include "made_frames.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

static const double LADDER_K[3] = {300, 310.5, 330}, TIMESTEP_PS = 0.002;
static const char TOPOLOGY[] = "{\"chains\": []}";

score_frames_layout make_layout(void) {
    return (score_frames_layout){
        .rows = ROWS,
        .program = "test",
        .topology = TOPOLOGY,
        .columns = COLUMNS,
        .column = {{"coordinates", "nanometers", SCORE_FRAMES_F32, {BEADS, 3}},
                   {"potential_energy", "kilojoules_per_mole", SCORE_FRAMES_F64, {0}},
                   {"copy", NULL, SCORE_FRAMES_I32, {0}}},
        .attributes = 4,
        .attribute = {{.name = "title", .text = "AA"},
                      {.name = "ladder_k", .numbers = LADDER_K, .count = 3},
                      {.name = "timestep_ps", .numbers = &TIMESTEP_PS, .count = 1},
                      {.name = "seed", .integer = -7}}};
}

int empty_folder(void **state) {
    return leave_folder(state) == 0 ? enter_folder(state) : -1;
}

bool exists(const char *path) {
    struct stat information;
    return lstat(path, &information) == 0;
}

int count_files(const char *path) {
    int count = 0;
    DIR *folder = opendir(path);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

void expect_ok(score_status status, const score_error *error) {
    char text[1024];
    if (status != SCORE_OK)
        fail_msg("%s", score_error_text(error, text, sizeof text));
}

score_frames_file create_frames(const char *path) {
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    expect_ok(score_frames_file_create(path, &layout, &file, &error), &error);
    return file;
}

void expect_refused(score_status status, score_status expected, const score_error *error,
                    const char *name, const char *message) {
    assert_int_equal(status, expected);
    assert_string_equal(error->file, name);
    if (strstr(error->message, message) == NULL)
        fail_msg("'%s' does not say '%s'", error->message, message);
}

/* What row k of a column has. */
static float coordinate(int row, int k) {
    return (float)row + (float)k / 64;
}

static double energy(int row) {
    return -100.125 * row;
}

static int32_t copy(int row) {
    return 1000000 + row;
}

void write_rows(score_frames_file *file, int first, int count) {
    float coordinates[ROWS * BEADS * 3];
    double energies[ROWS];
    int32_t copies[ROWS];
    for (int row = 0; row < count; row++) {
        for (int k = 0; k < BEADS * 3; k++)
            coordinates[row * BEADS * 3 + k] = coordinate(first + row, k);
        energies[row] = energy(first + row);
        copies[row] = copy(first + row);
    }
    const void *const rows[COLUMNS] = {coordinates, energies, copies};
    score_error error = {0};
    for (int column = 0; column < COLUMNS; column++)
        expect_ok(score_frames_file_write(file, column, (uint64_t)first, (uint64_t)count,
                                          rows[column], &error),
                  &error);
}

void finish_frames(score_frames_file *file) {
    score_error error = {0};
    expect_ok(score_frames_file_finish(file, &error), &error);
    assert_true(file->descriptor == -1 && file->path == NULL && file->unfinished == NULL);
}

/* ---- What HDF5 reads ---- */

static void expect_attributes(hid_t file) {
    expect_text(file, NULL, "conventions", "Pande");
    expect_text(file, NULL, "conventionVersion", "1.1");
    expect_text(file, NULL, "program", "test");
    expect_text(file, NULL, "title", "AA");
    expect_numbers(file, "ladder_k", H5T_NATIVE_DOUBLE, 3, LADDER_K);
    expect_number(file, "timestep_ps", H5T_NATIVE_DOUBLE, TIMESTEP_PS);
    expect_number(file, "seed", H5T_NATIVE_INT64, -7);
    expect_text(file, "coordinates", "units", "nanometers");
    expect_text(file, "potential_energy", "units", "kilojoules_per_mole");
    assert_true(H5Aexists_by_name(file, "copy", "units", H5P_DEFAULT) == 0);
}

static void expect_rows(hid_t file) {
    const hsize_t shape[3] = {ROWS, BEADS, 3};
    float coordinates[ROWS][BEADS * 3];
    double energies[ROWS];
    int32_t copies[ROWS];
    read_set(file, "coordinates", H5T_IEEE_F32LE, 3, shape, coordinates);
    read_set(file, "potential_energy", H5T_IEEE_F64LE, 1, shape, energies);
    read_set(file, "copy", H5T_STD_I32LE, 1, shape, copies);
    for (int row = 0; row < ROWS; row++) {
        for (int k = 0; k < BEADS * 3; k++)
            assert_true(coordinates[row][k] == coordinate(row, k));
        assert_true(energies[row] == energy(row) && copies[row] == copy(row));
    }
}

static void expect_topology(hid_t file) {
    char text[64] = "";
    const hsize_t one = 1;
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(TOPOLOGY));
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    read_set(file, "topology", type, 1, &one, text);
    H5Tclose(type);
    assert_string_equal(text, TOPOLOGY);
}

void expect_content(const char *path) {
    hid_t file = open_frames(path);
    expect_attributes(file);
    expect_rows(file);
    expect_topology(file);
    close_frames(file);
}
