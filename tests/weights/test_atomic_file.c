/* A file appears whole or not at all, and nothing is left beside it. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE // syscall
#include "temporary_folder.h"

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

#include "base/atomic_file.h"
#include "sample_models.h"

static void assert_holds(const char *path, const char *text) {
    size_t size;
    char *bytes = read_file(path, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    free(bytes);
}

static int count_files(void) {
    int count = 0;
    DIR *folder = opendir(".");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static mode_t mode_of(const char *path) {
    struct stat information;
    assert_int_equal(stat(path, &information), 0);
    return information.st_mode & 07777;
}

static int empty_folder(void **state) {
    return leave_folder(state) == 0 ? enter_folder(state) : -1;
}

static void commit_text(const char *path, const char *text) {
    score_atomic_file file;
    score_error error = {0};
    assert_int_equal(score_atomic_open(path, &file, &error), SCORE_OK);
    fputs(text, file.stream);
    assert_int_equal(score_atomic_commit(&file, &error), SCORE_OK);
    assert_null(file.stream);
    assert_null(file.path);
}

static void a_file_appears_when_committed(void **state) {
    (void)state;
    score_atomic_file file;
    assert_int_equal(score_atomic_open("new", &file, NULL), SCORE_OK);
    fputs("text", file.stream);
    assert_int_equal(access("new", F_OK), -1);
    assert_int_equal(score_atomic_commit(&file, NULL), SCORE_OK);
    assert_holds("new", "text");
    assert_int_equal(count_files(), 1);
}

static void an_old_file_stays_until_then(void **state) {
    (void)state;
    write_file("old", "old", 3);
    score_atomic_file file;
    assert_int_equal(score_atomic_open("old", &file, NULL), SCORE_OK);
    fputs("new", file.stream);
    fflush(file.stream);
    assert_holds("old", "old");
    score_atomic_abandon(&file);
    score_atomic_abandon(&file);
    assert_holds("old", "old");
    assert_int_equal(count_files(), 1);
    commit_text("old", "new");
    assert_holds("old", "new");
}

static void two_writers_do_not_meet(void **state) {
    (void)state;
    score_atomic_file a, b;
    assert_int_equal(score_atomic_open("both", &a, NULL), SCORE_OK);
    assert_int_equal(score_atomic_open("both", &b, NULL), SCORE_OK);
    fputs("first", a.stream);
    fputs("second", b.stream);
    assert_int_equal(score_atomic_commit(&b, NULL), SCORE_OK);
    assert_holds("both", "second");
    assert_int_equal(score_atomic_commit(&a, NULL), SCORE_OK);
    assert_holds("both", "first");
    assert_int_equal(count_files(), 1);
}

static void permissions_are_those_of_the_old_file_or_the_usual(void **state) {
    (void)state;
    mode_t before = umask(027);
    commit_text("new", "text");
    write_file("old", "old", 3);
    assert_int_equal(chmod("old", 0604), 0);
    commit_text("old", "new");
    umask(before);
    assert_int_equal(mode_of("new"), 0640);
    assert_int_equal(mode_of("old"), 0604);
}

static int fchmod_errno; /* that of a file system that knows no permissions; 0: of any other */

/* In place of the C library's. */
int fchmod(int descriptor, mode_t mode) {
    if (fchmod_errno == 0)
        return (int)syscall(SYS_fchmod, descriptor, mode);
    errno = fchmod_errno;
    return -1;
}

static void a_file_system_may_know_no_permissions(void **state) {
    (void)state;
    const int reasons[] = {EPERM, ENOTSUP, ENOSYS};
    write_file("old", "old", 3);
    for (int k = 0; k < 3; k++) {
        const char text[] = {(char)('a' + k), 0};
        fchmod_errno = reasons[k];
        commit_text("old", text);
        assert_holds("old", text);
    }
    score_atomic_file file;
    score_error error = {0};
    fchmod_errno = EIO;
    assert_int_equal(score_atomic_open("old", &file, &error), SCORE_ERROR_FILE);
    fchmod_errno = 0;
    assert_non_null(strstr(error.message, strerror(EIO)));
    assert_holds("old", "c");
    assert_int_equal(count_files(), 1);
}

static void links_are_followed(void **state) {
    (void)state;
    struct stat information;
    mkdir("folder", 0777);
    write_file("folder/target", "old", 3);
    assert_int_equal(symlink("folder/target", "link"), 0);
    commit_text("link", "new");
    assert_int_equal(lstat("link", &information), 0);
    assert_true(S_ISLNK(information.st_mode));
    assert_holds("folder/target", "new");
}

/* As one to a disk that is still empty. */
static void a_link_to_a_file_to_come_stays_one(void **state) {
    (void)state;
    struct stat information;
    mkdir("folder", 0777);
    assert_int_equal(symlink("folder/second", "first"), 0);
    assert_int_equal(symlink("target", "folder/second"), 0);
    commit_text("first", "new");
    assert_int_equal(lstat("first", &information), 0);
    assert_true(S_ISLNK(information.st_mode));
    assert_int_equal(lstat("folder/target", &information), 0);
    assert_true(S_ISREG(information.st_mode));
    assert_holds("folder/target", "new");
    assert_int_equal(count_files(), 2);
}

/* Of this file alone, and only if nobody is still at work. */
static void what_a_killed_process_left_is_removed(void **state) {
    (void)state;
    const pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child); /* so its number is that of no process */
    char gone[64], held[64], other[64], mine[64];
    snprintf(gone, sizeof gone, "file.%ld-0.tmp", (long)child);
    snprintf(held, sizeof held, "file.%ld-1.tmp", (long)child);
    snprintf(other, sizeof other, "other.%ld-0.tmp", (long)child);
    snprintf(mine, sizeof mine, "file.%ld-7.tmp", (long)getpid());
    const char *const names[] = {gone, held, other, mine, "file.tmp", "file.1-x.tmp"};
    for (int k = 0; k < 6; k++)
        write_file(names[k], "left", 4);
    const int holder = open(held, O_RDWR);
    assert_true(score_lock_file(holder));
    commit_text("file", "text");
    assert_int_equal(access(gone, F_OK), -1);
    for (int k = 1; k < 6; k++)
        assert_int_equal(access(names[k], F_OK), 0);
    close(holder);
    commit_text("file", "text");
    assert_int_equal(access(held, F_OK), -1);
    assert_int_equal(count_files(), 5);
}

/* Whoever knows that nobody else writes a file needs no number of a process to tell it. */
static void what_nobody_writes_is_removed(void **state) {
    (void)state;
    const char *const names[] = {"file.1-0.tmp", "other.1-0.tmp", "file.1-x.tmp"};
    for (int k = 0; k < 3; k++)
        write_file(names[k], "left", 4);
    score_remove_leftovers("file", false);
    assert_int_equal(count_files(), 3);
    score_remove_leftovers("file", true);
    assert_int_equal(access(names[0], F_OK), -1);
    assert_int_equal(count_files(), 2);
}

static void links_in_a_circle_are_not_replaced(void **state) {
    (void)state;
    score_atomic_file file;
    score_error error = {0};
    assert_int_equal(symlink("second", "first"), 0);
    assert_int_equal(symlink("first", "second"), 0);
    assert_false(score_path_exists("first"));
    assert_int_equal(score_atomic_open("first", &file, &error), SCORE_ERROR_FILE);
    assert_string_equal(error.file, "first");
    assert_non_null(strstr(error.message, "Too many levels of symbolic links"));
    assert_null(file.stream);
    assert_int_equal(count_files(), 2);
}

static void what_is_not_a_file_is_not_replaced(void **state) {
    (void)state;
    score_atomic_file file;
    score_error error = {0};
    mkdir("folder", 0777);
    const char *const paths[] = {"folder", "/dev/null"};
    for (int k = 0; k < 2; k++) {
        assert_int_equal(score_atomic_open(paths[k], &file, &error), SCORE_ERROR_FILE);
        assert_string_equal(error.file, paths[k]);
        assert_string_equal(error.message, "cannot be replaced: it is not a regular file");
        assert_null(file.stream);
    }
    assert_int_equal(score_atomic_open("none/file", &file, &error), SCORE_ERROR_FILE);
    assert_non_null(strstr(error.message, "No such file or directory"));
    assert_int_equal(count_files(), 1);
}

/* A limit on the size of files stands in for a full disk. Returns the limit before. */
static struct rlimit limit_file_size(rlim_t bytes) {
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &small);
    return before;
}

static void a_failed_write_leaves_the_old_file(void **state) {
    (void)state;
    score_error error = {0};
    score_model *model = make_sample(SAMPLE_EXPERTS);
    write_file("model.xml", "old", 3);
    struct rlimit before = limit_file_size(5000); /* of about 15,000 bytes */
    score_status status = score_model_write(model, "model.xml", &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, SCORE_ERROR_FILE);
    assert_string_equal(error.message, "cannot be written: File too large");
    assert_non_null(strstr(error.file, "model.xml"));
    assert_holds("model.xml", "old");
    assert_int_equal(count_files(), 1);
    score_model_destroy(model);
}

static void a_write_that_failed_is_not_forgotten(void **state) {
    (void)state;
    score_atomic_file file;
    score_error error = {0};
    write_file("file", "old", 3);
    assert_int_equal(score_atomic_open("file", &file, NULL), SCORE_OK);
    struct rlimit before = limit_file_size(10);
    char *much = calloc(1, 1 << 20);
    score_atomic_write(&file, much, 1 << 20);
    free(much);
    setrlimit(RLIMIT_FSIZE, &before);
    score_atomic_print(&file, "and then there is room");
    assert_int_equal(score_atomic_commit(&file, &error), SCORE_ERROR_FILE);
    assert_string_equal(error.message, "cannot be written: File too large");
    assert_holds("file", "old");
    assert_int_equal(count_files(), 1);
}

static void long_names_have_temporaries_too(void **state) {
    (void)state;
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    commit_text(name, "text");
    assert_holds(name, "text");
    assert_int_equal(count_files(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_file_appears_when_committed, empty_folder),
        cmocka_unit_test_setup(an_old_file_stays_until_then, empty_folder),
        cmocka_unit_test_setup(two_writers_do_not_meet, empty_folder),
        cmocka_unit_test_setup(permissions_are_those_of_the_old_file_or_the_usual, empty_folder),
        cmocka_unit_test_setup(a_file_system_may_know_no_permissions, empty_folder),
        cmocka_unit_test_setup(links_are_followed, empty_folder),
        cmocka_unit_test_setup(a_link_to_a_file_to_come_stays_one, empty_folder),
        cmocka_unit_test_setup(what_a_killed_process_left_is_removed, empty_folder),
        cmocka_unit_test_setup(what_nobody_writes_is_removed, empty_folder),
        cmocka_unit_test_setup(links_in_a_circle_are_not_replaced, empty_folder),
        cmocka_unit_test_setup(what_is_not_a_file_is_not_replaced, empty_folder),
        cmocka_unit_test_setup(a_failed_write_leaves_the_old_file, empty_folder),
        cmocka_unit_test_setup(a_write_that_failed_is_not_forgotten, empty_folder),
        cmocka_unit_test_setup(long_names_have_temporaries_too, empty_folder),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
