/* What a file of frames refuses: others' files in the way, what another run began, and disks without
 * room. */
#define _GNU_SOURCE /* fallocate */
#include "made_frames.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void another_layout_is_refused(void **state) {
    (void)state;
    enum { CHANGES = 7 };
    score_frames_file file = create_frames("a.h5");
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
    finish_frames(&file);
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
    score_frames_file file = create_frames("a.h5");
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
    file = create_frames("a.h5");
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
    score_frames_file file = create_frames("a.h5");
    write_rows(&file, 0, ROWS);
    const uint64_t places[][2] = {{0, ROWS + 1}, {ROWS, 1}, {ROWS + 5, 1}, {1, UINT64_MAX}};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        score_error error = {0};
        assert_int_equal(
            score_frames_file_write(&file, ENERGY, places[k][0], places[k][1], energies, &error),
            SCORE_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, "potential_energy"));
    }
    finish_frames(&file);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(another_layout_is_refused, empty_folder),
        cmocka_unit_test_setup(other_attributes_are_refused, empty_folder),
        cmocka_unit_test_setup(links_and_pipes_in_the_way_are_refused, empty_folder),
        cmocka_unit_test_setup(links_in_a_circle_are_refused, empty_folder),
        cmocka_unit_test_setup(what_is_no_such_file_is_refused, empty_folder),
        cmocka_unit_test_setup(rows_beyond_the_end_are_refused, empty_folder),
        cmocka_unit_test_setup(no_room_is_said_at_once_and_nothing_is_left, empty_folder),
        cmocka_unit_test_setup(a_full_disk_is_said_at_once_and_nothing_is_left, empty_folder),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
