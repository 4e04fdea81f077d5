/* A file of frames: what HDF5 reads in it, that it has its name only when it is complete, and that
 * nobody else's file is lost. */
#define _GNU_SOURCE /* fallocate, syscall */
#include "read_frames.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frames_file.h"

enum { ROWS = 12, BEADS = 5, COORDINATES = 0, ENERGY, COPY, COLUMNS };

static const double LADDER_K[3] = {300, 310.5, 330}, TIMESTEP_PS = 0.002;
static const char TOPOLOGY[] = "{\"chains\": []}";

static score_frames_layout make_layout(void) {
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

/* ---- Support ---- */

static int empty_folder(void **state) {
    return leave_folder(state) == 0 ? enter_folder(state) : -1;
}

static bool exists(const char *path) {
    struct stat information;
    return lstat(path, &information) == 0;
}

static int count_files(const char *path) {
    int count = 0;
    DIR *folder = opendir(path);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static void expect_ok(score_status status, const score_error *error) {
    char text[1024];
    if (status != SCORE_OK)
        fail_msg("%s", score_error_text(error, text, sizeof text));
}

static score_frames_file create(const char *path) {
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    expect_ok(score_frames_file_create(path, &layout, &file, &error), &error);
    return file;
}

static void expect_refused(score_status status, score_status expected, const score_error *error,
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

static void write_rows(score_frames_file *file, int first, int count) {
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

static void finish(score_frames_file *file) {
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

static void expect_content(const char *path) {
    hid_t file = open_frames(path);
    expect_attributes(file);
    expect_rows(file);
    expect_topology(file);
    close_frames(file);
}

/* ---- Tests ---- */

static void what_is_written_is_read_by_hdf5(void **state) {
    (void)state;
    score_error error = {0};
    score_frames_file file = create("a.h5");
    write_rows(&file, 4, 8); /* in any order */
    write_rows(&file, 0, 4);
    expect_ok(score_frames_file_sync(&file, &error), &error);
    finish(&file);
    expect_content("a.h5");
    assert_int_equal(count_files("."), 1);
}

static void the_file_has_its_name_only_when_it_is_complete(void **state) {
    (void)state;
    assert_false(score_frames_file_is_begun("a.h5"));
    score_frames_file file = create("a.h5");
    assert_true(score_frames_file_is_begun("a.h5") && !exists("a.h5"));
    write_rows(&file, 0, 7);
    score_frames_file_close(&file);
    score_frames_file_close(&file); /* does nothing */
    assert_true(exists("a.h5.unfinished") && !exists("a.h5"));
    const score_frames_layout layout = make_layout();
    score_error error = {0};
    expect_ok(score_frames_file_reopen("a.h5", &layout, &file, &error), &error);
    write_rows(&file, 7, ROWS - 7);
    finish(&file);
    expect_content("a.h5");
    assert_false(score_frames_file_is_begun("a.h5"));
}

static void a_file_is_begun_anew_over_an_unfinished_one(void **state) {
    (void)state;
    score_frames_file file = create("a.h5");
    write_rows(&file, 3, 5);
    score_frames_file_close(&file);
    file = create("a.h5");
    write_rows(&file, 0, ROWS);
    finish(&file);
    expect_content("a.h5");
}

/* Whatever was written before a kill is there, with or without a sync. */
static void a_killed_writer_leaves_its_rows_and_no_name(void **state) {
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        score_frames_file file = create("a.h5");
        write_rows(&file, 0, 9);
        raise(SIGKILL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(exists("a.h5.unfinished") && !exists("a.h5"));
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    expect_ok(score_frames_file_reopen("a.h5", &layout, &file, &error), &error);
    write_rows(&file, 9, ROWS - 9);
    finish(&file);
    expect_content("a.h5");
}

static bool both_ways_to_open_are_refused(void) {
    const score_frames_layout layout = make_layout();
    bool good = true;
    for (int k = 0; k < 2; k++) {
        score_frames_file file;
        score_error error = {0};
        const score_status status = k == 0
                                        ? score_frames_file_create("a.h5", &layout, &file, &error)
                                        : score_frames_file_reopen("a.h5", &layout, &file, &error);
        good = good && status == SCORE_ERROR_FILE && file.descriptor == -1 &&
               strcmp(error.file, "a.h5.unfinished") == 0 &&
               strcmp(error.message, "is being written by another process") == 0;
    }
    return good;
}

/* In this process and in another; the first writer is none the worse. */
static void a_second_writer_is_refused(void **state) {
    (void)state;
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    assert_true(both_ways_to_open_are_refused());
    const pid_t child = fork();
    if (child == 0)
        _exit(both_ways_to_open_are_refused() ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    finish(&file);
    expect_content("a.h5");
    file = create("a.h5"); /* which is nobody's now */
    score_frames_file_close(&file);
}

static bool finishes_meanwhile; /* the writer of what is opened next */

/* In place of the C library's. */
int open(const char *path, int flags, ...) {
    const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0666);
    if (finishes_meanwhile)
        rename("a.h5.unfinished", "a.h5");
    finishes_meanwhile = false;
    return descriptor;
}

/* Between opening the file and locking it: what is locked has another name now. */
static void a_file_that_is_finished_meanwhile_is_left_alone(void **state) {
    (void)state;
    const score_frames_layout layout = make_layout();
    for (int k = 0; k < 2; k++) {
        score_frames_file file = create("a.h5");
        write_rows(&file, 0, ROWS);
        score_frames_file_close(&file);
        score_error error = {0};
        finishes_meanwhile = true;
        const score_status status = k == 0
                                        ? score_frames_file_create("a.h5", &layout, &file, &error)
                                        : score_frames_file_reopen("a.h5", &layout, &file, &error);
        assert_false(finishes_meanwhile);
        expect_refused(status, SCORE_ERROR_FILE, &error, "a.h5.unfinished", "another process");
        expect_content("a.h5");
        unlink("a.h5");
    }
}

static void a_link_stays_a_link(void **state) {
    (void)state;
    struct stat information;
    mkdir("folder", 0777);
    fclose(fopen("folder/target.h5", "w"));
    assert_int_equal(symlink("folder/target.h5", "link.h5"), 0);
    score_frames_file file = create("link.h5");
    assert_true(score_frames_file_is_begun("link.h5") && exists("folder/target.h5.unfinished"));
    write_rows(&file, 0, ROWS);
    finish(&file);
    assert_int_equal(lstat("link.h5", &information), 0);
    assert_true(S_ISLNK(information.st_mode));
    expect_content("folder/target.h5");
    assert_int_equal(count_files("folder"), 1);
    assert_int_equal(count_files("."), 2);
}

static void an_old_file_stays_until_the_new_one_is_finished(void **state) {
    (void)state;
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    finish(&file);
    file = create("a.h5");
    expect_content("a.h5");
    write_rows(&file, 0, ROWS);
    finish(&file);
    expect_content("a.h5");
}

static void another_layout_is_refused(void **state) {
    (void)state;
    enum { CHANGES = 7 };
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    score_frames_file_close(&file);
    for (int change = 0; change < CHANGES; change++) {
        score_frames_layout layout = make_layout();
        switch (change) {
        case 0:
            layout.rows++;
            break;
        case 1:
            layout.column[COORDINATES].shape[0]--;
            break;
        case 2:
            layout.column[COORDINATES].shape[1] = 0;
            break;
        case 3:
            layout.column[ENERGY].type = SCORE_FRAMES_F32;
            break;
        case 4:
            layout.column[COPY].name = "copies";
            break;
        case 5:
            layout.column[ENERGY].shape[0] = 1;
            break;
        default: /* a column more */
            layout.column[layout.columns++] = (score_frames_column){.name = "time",
                                                                    .type = SCORE_FRAMES_F32};
        }
        score_error error = {0};
        expect_refused(score_frames_file_reopen("a.h5", &layout, &file, &error), SCORE_ERROR_FORMAT,
                       &error, "a.h5.unfinished", "is not the file of this run");
    }
    const score_frames_layout layout = make_layout();
    score_error error = {0};
    expect_ok(score_frames_file_reopen("a.h5", &layout, &file, &error), &error);
    finish(&file);
    expect_content("a.h5");
}

/* Which tell of the run that it is of: with both values. */
static void other_attributes_are_refused(void **state) {
    (void)state;
    enum { TITLE, LADDER, TIMESTEP, SEED, MISSING, OTHER_KIND, CHANGES };
    static const double other_k[3] = {300, 310.5, 331}, other_ps = 0.0021;
    static const char *const messages[CHANGES] = {
        "was made with title 'AA', now it is 'A'",
        "was made with ladder_k '300 310.5 330', now it is '300 310.5 331'",
        "was made with timestep_ps '0.002",
        "was made with seed '-7', now it is '7'",
        "does not say with which friction it was made",
        "does not say with which title it was made"};
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    score_frames_file_close(&file);
    for (int change = 0; change < CHANGES; change++) {
        score_frames_layout layout = make_layout();
        switch (change) {
        case TITLE:
            layout.attribute[TITLE].text = "A";
            break;
        case LADDER:
            layout.attribute[LADDER].numbers = other_k;
            break;
        case TIMESTEP:
            layout.attribute[TIMESTEP].numbers = &other_ps;
            break;
        case SEED:
            layout.attribute[SEED].integer = 7;
            break;
        case MISSING:
            layout.attribute[layout.attributes++] = (score_frames_attribute){.name = "friction",
                                                                             .integer = 1};
            break;
        default:
            layout.attribute[TITLE].text = NULL;
        }
        score_error error = {0};
        expect_refused(score_frames_file_reopen("a.h5", &layout, &file, &error), SCORE_ERROR_FORMAT,
                       &error, "a.h5.unfinished", messages[change]);
    }
    file = create("a.h5");
    score_frames_file_abandon(&file);
}

static void rows_have_a_checksum(void **state) {
    (void)state;
    score_error error = {0};
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    uint32_t before, after, other;
    expect_ok(score_frames_file_checksum(&file, 4, 3, &before, &error), &error);
    expect_ok(score_frames_file_checksum(&file, 5, 3, &other, &error), &error);
    assert_true(before != other);
    const double energies[2] = {1, 2};
    expect_ok(score_frames_file_write(&file, ENERGY, 7, 2, energies, &error), &error);
    expect_ok(score_frames_file_checksum(&file, 4, 3, &after, &error), &error);
    assert_true(before == after);
    expect_ok(score_frames_file_write(&file, ENERGY, 6, 1, energies, &error), &error);
    expect_ok(score_frames_file_checksum(&file, 4, 3, &after, &error), &error);
    assert_true(before != after);
    score_frames_file_abandon(&file);
}

/* Nothing is written to what is not a file of its own. */
static void links_and_pipes_in_the_way_are_refused(void **state) {
    (void)state;
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    FILE *other = fopen("other", "w");
    fputs("others'", other);
    fclose(other);
    for (int k = 0; k < 6; k++) {
        score_error error = {0};
        assert_int_equal(k / 2 == 0   ? symlink("other", "a.h5.unfinished")
                         : k / 2 == 1 ? symlink("nowhere", "a.h5.unfinished")
                                      : mkfifo("a.h5.unfinished", 0666),
                         0);
        const score_status status = k % 2 == 0
                                        ? score_frames_file_create("a.h5", &layout, &file, &error)
                                        : score_frames_file_reopen("a.h5", &layout, &file, &error);
        expect_refused(status, SCORE_ERROR_FILE, &error, "a.h5.unfinished",
                       k / 2 < 2 ? "is a link" : "is not a regular file");
        assert_int_equal(unlink("a.h5.unfinished"), 0);
    }
    struct stat information;
    assert_int_equal(stat("other", &information), 0);
    assert_int_equal(information.st_size, 7);
    assert_int_equal(count_files("."), 1);
}

static void links_in_a_circle_are_refused(void **state) {
    (void)state;
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    assert_int_equal(symlink("b.h5", "a.h5"), 0);
    assert_int_equal(symlink("a.h5", "b.h5"), 0);
    expect_refused(score_frames_file_create("a.h5", &layout, &file, &error), SCORE_ERROR_FILE,
                   &error, "a.h5", "Too many levels of symbolic links");
    assert_int_equal(count_files("."), 2);
}

static void what_is_no_such_file_is_refused(void **state) {
    (void)state;
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    expect_refused(score_frames_file_reopen("a.h5", &layout, &file, &error), SCORE_ERROR_FILE,
                   &error, "a.h5.unfinished", "No such file");
    FILE *text = fopen("a.h5.unfinished", "w");
    fputs("no HDF5", text);
    fclose(text);
    expect_refused(score_frames_file_reopen("a.h5", &layout, &file, &error), SCORE_ERROR_FORMAT,
                   &error, "a.h5.unfinished", "is not the file of this run");
    expect_refused(score_frames_file_create("no/a.h5", &layout, &file, &error), SCORE_ERROR_FILE,
                   &error, "no/a.h5.unfinished", "No such file");
    assert_int_equal(count_files("."), 1);
}

static void rows_beyond_the_end_are_refused(void **state) {
    (void)state;
    const double energies[ROWS + 1] = {0};
    score_frames_file file = create("a.h5");
    write_rows(&file, 0, ROWS);
    const uint64_t places[][2] = {{0, ROWS + 1}, {ROWS, 1}, {ROWS + 5, 1}, {1, UINT64_MAX}};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        score_error error = {0};
        assert_int_equal(
            score_frames_file_write(&file, ENERGY, places[k][0], places[k][1], energies, &error),
            SCORE_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "potential_energy"));
    }
    finish(&file);
    expect_content("a.h5");
}

/* More than a disk can have, and than a limit on the size of files lets through, which stands in
 * for a full disk. */
static void no_room_is_said_at_once_and_nothing_is_left(void **state) {
    (void)state;
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    const uint64_t rows[] = {(uint64_t)1 << 55, 1000000, 10000, 300};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        score_frames_layout layout = make_layout();
        layout.rows = rows[k];
        score_frames_file file;
        score_error error = {0};
        small.rlim_cur = 20000;
        setrlimit(RLIMIT_FSIZE, &small);
        const score_status status = score_frames_file_create("a.h5", &layout, &file, &error);
        setrlimit(RLIMIT_FSIZE, &before);
        expect_refused(status, SCORE_ERROR_FILE, &error, "a.h5.unfinished", "");
        assert_int_equal(file.descriptor, -1);
        assert_int_equal(count_files("."), 0);
    }
}

static int posix_fallocate_result; /* that of a full disk; 0: what the disk says */

/* In place of the C library's. */
int posix_fallocate(int descriptor, off_t offset, off_t size) {
    if (posix_fallocate_result != 0)
        return posix_fallocate_result;
    return fallocate(descriptor, 0, offset, size) == 0 ? 0 : errno;
}

static void a_full_disk_is_said_at_once_and_nothing_is_left(void **state) {
    (void)state;
    const score_frames_layout layout = make_layout();
    score_frames_file file;
    score_error error = {0};
    posix_fallocate_result = ENOSPC;
    const score_status status = score_frames_file_create("a.h5", &layout, &file, &error);
    posix_fallocate_result = 0;
    expect_refused(status, SCORE_ERROR_FILE, &error, "a.h5.unfinished", strerror(ENOSPC));
    assert_int_equal(count_files("."), 0);
}

/* So that a disk does not get full later. */
static void the_room_is_taken_before_the_first_row(void **state) {
    (void)state;
    score_frames_layout layout = make_layout();
    layout.rows = 20000;
    score_frames_file file;
    score_error error = {0};
    struct stat begun, finished;
    expect_ok(score_frames_file_create("a.h5", &layout, &file, &error), &error);
    assert_int_equal(stat("a.h5.unfinished", &begun), 0);
    assert_true(begun.st_blocks * 512 >= 20000 * (BEADS * 12 + 8 + 4));
    finish(&file);
    assert_int_equal(stat("a.h5", &finished), 0);
    assert_true(begun.st_size == finished.st_size && begun.st_ino == finished.st_ino);
}

static void the_same_content_gives_the_same_bytes(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        score_frames_file file = create(k == 0 ? "a.h5" : "b.h5");
        write_rows(&file, 0, ROWS);
        finish(&file);
        sleep(k == 0 ? 1 : 0); /* HDF5's times are whole seconds */
    }
    assert_int_equal(system("cmp a.h5 b.h5"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_written_is_read_by_hdf5, empty_folder),
        cmocka_unit_test_setup(the_file_has_its_name_only_when_it_is_complete, empty_folder),
        cmocka_unit_test_setup(a_file_is_begun_anew_over_an_unfinished_one, empty_folder),
        cmocka_unit_test_setup(a_killed_writer_leaves_its_rows_and_no_name, empty_folder),
        cmocka_unit_test_setup(a_second_writer_is_refused, empty_folder),
        cmocka_unit_test_setup(a_file_that_is_finished_meanwhile_is_left_alone, empty_folder),
        cmocka_unit_test_setup(a_link_stays_a_link, empty_folder),
        cmocka_unit_test_setup(an_old_file_stays_until_the_new_one_is_finished, empty_folder),
        cmocka_unit_test_setup(another_layout_is_refused, empty_folder),
        cmocka_unit_test_setup(other_attributes_are_refused, empty_folder),
        cmocka_unit_test_setup(rows_have_a_checksum, empty_folder),
        cmocka_unit_test_setup(links_and_pipes_in_the_way_are_refused, empty_folder),
        cmocka_unit_test_setup(links_in_a_circle_are_refused, empty_folder),
        cmocka_unit_test_setup(what_is_no_such_file_is_refused, empty_folder),
        cmocka_unit_test_setup(rows_beyond_the_end_are_refused, empty_folder),
        cmocka_unit_test_setup(no_room_is_said_at_once_and_nothing_is_left, empty_folder),
        cmocka_unit_test_setup(a_full_disk_is_said_at_once_and_nothing_is_left, empty_folder),
        cmocka_unit_test_setup(the_room_is_taken_before_the_first_row, empty_folder),
        cmocka_unit_test_setup(the_same_content_gives_the_same_bytes, empty_folder),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
