/* A file of frames: what HDF5 reads in it, that it has its name only when it is complete, and that
 * nobody else's file is lost. */
#define _GNU_SOURCE /* syscall */
#include "made_frames.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void what_is_written_is_read_by_hdf5(void **state) {
    (void)state;
    score_error error = {0};
    score_frames_file file = create_frames("a.h5");
    write_rows(&file, 4, 8); /* in any order */
    write_rows(&file, 0, 4);
    expect_ok(score_frames_file_sync(&file, &error), &error);
    finish_frames(&file);
    expect_content("a.h5");
    assert_int_equal(count_files("."), 1);
}

static void the_file_has_its_name_only_when_it_is_complete(void **state) {
    (void)state;
    assert_false(score_frames_file_is_begun("a.h5"));
    score_frames_file file = create_frames("a.h5");
    assert_true(score_frames_file_is_begun("a.h5") && !exists("a.h5"));
    write_rows(&file, 0, 7);
    score_frames_file_close(&file);
    score_frames_file_close(&file); /* does nothing */
    assert_true(exists("a.h5.unfinished") && !exists("a.h5"));
    const score_frames_layout layout = make_layout();
    score_error error = {0};
    expect_ok(score_frames_file_reopen("a.h5", &layout, &file, &error), &error);
    write_rows(&file, 7, ROWS - 7);
    finish_frames(&file);
    expect_content("a.h5");
    assert_false(score_frames_file_is_begun("a.h5"));
}

static void a_file_is_begun_anew_over_an_unfinished_one(void **state) {
    (void)state;
    score_frames_file file = create_frames("a.h5");
    write_rows(&file, 3, 5);
    score_frames_file_close(&file);
    file = create_frames("a.h5");
    write_rows(&file, 0, ROWS);
    finish_frames(&file);
    expect_content("a.h5");
}

/* Whatever was written before a kill is there, with or without a sync. */
static void a_killed_writer_leaves_its_rows_and_no_name(void **state) {
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        score_frames_file file = create_frames("a.h5");
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
    finish_frames(&file);
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
    score_frames_file file = create_frames("a.h5");
    write_rows(&file, 0, ROWS);
    assert_true(both_ways_to_open_are_refused());
    const pid_t child = fork();
    if (child == 0)
        _exit(both_ways_to_open_are_refused() ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    finish_frames(&file);
    expect_content("a.h5");
    file = create_frames("a.h5"); /* which is nobody's now */
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
        score_frames_file file = create_frames("a.h5");
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
    score_frames_file file = create_frames("link.h5");
    assert_true(score_frames_file_is_begun("link.h5") && exists("folder/target.h5.unfinished"));
    write_rows(&file, 0, ROWS);
    finish_frames(&file);
    assert_int_equal(lstat("link.h5", &information), 0);
    assert_true(S_ISLNK(information.st_mode));
    expect_content("folder/target.h5");
    assert_int_equal(count_files("folder"), 1);
    assert_int_equal(count_files("."), 2);
}

static void an_old_file_stays_until_the_new_one_is_finished(void **state) {
    (void)state;
    score_frames_file file = create_frames("a.h5");
    write_rows(&file, 0, ROWS);
    finish_frames(&file);
    file = create_frames("a.h5");
    expect_content("a.h5");
    write_rows(&file, 0, ROWS);
    finish_frames(&file);
    expect_content("a.h5");
}

static void rows_have_a_checksum(void **state) {
    (void)state;
    score_error error = {0};
    score_frames_file file = create_frames("a.h5");
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
    finish_frames(&file);
    assert_int_equal(stat("a.h5", &finished), 0);
    assert_true(begun.st_size == finished.st_size && begun.st_ino == finished.st_ino);
}

static void the_same_content_gives_the_same_bytes(void **state) {
    (void)state;
    for (int k = 0; k < 2; k++) {
        score_frames_file file = create_frames(k == 0 ? "a.h5" : "b.h5");
        write_rows(&file, 0, ROWS);
        finish_frames(&file);
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
        cmocka_unit_test_setup(rows_have_a_checksum, empty_folder),
        cmocka_unit_test_setup(the_room_is_taken_before_the_first_row, empty_folder),
        cmocka_unit_test_setup(the_same_content_gives_the_same_bytes, empty_folder),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
