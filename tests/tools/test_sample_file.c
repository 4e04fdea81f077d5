/* The files of samples: whole or not at all, and the same bytes for the same samples. What MDTraj
 * and NumPy read in them is in tests/python/test_score_sample.py. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "programs/command_line.h"
#include "sampled_models.h"
#include "sample_file.h"

enum { COUNT = 3 };

static const float POSITIONS[COUNT * 9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double DENSITY[COUNT] = {-1.5, 2.5, 0};

static score_samples samples_of(const score_model *model) {
    return (score_samples){.model = model,
                           .model_name = "a.xml",
                           .solver = "sde-dpm-solver++",
                           .steps = 100,
                           .seed = 9,
                           .count = COUNT,
                           .has_density = true};
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static size_t read_file(const char *path, char bytes[65536]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, 65536, file);
    fclose(file);
    return size;
}

static void check(score_status status, const score_error *error) {
    char text[1024];
    if (status != SCORE_OK)
        fail_msg("%s", score_error_text(error, text, sizeof text));
}

/* The last sample first. */
static void write_samples(const char *path, const score_samples *samples) {
    score_sample_file file;
    score_error error = {0};
    const score_model_config *config = score_model_get_config(samples->model);
    const uint32_t size = (uint32_t)(config->bead_count * config->dimensions);
    check(score_sample_file_open(path, samples, &file, &error), &error);
    check(score_sample_file_write(&file, 2, 1, POSITIONS + (size_t)2 * size, DENSITY + 2, &error),
          &error);
    check(score_sample_file_write(&file, 0, 2, POSITIONS, DENSITY, &error), &error);
    check(score_sample_file_finish(&file, &error), &error);
}

static void npy_files_are_numpys(void **state) {
    (void)state;
    static char bytes[65536];
    score_model *model = make_sampled_model(MODEL_TOY);
    const score_samples samples = samples_of(model);
    write_samples("toy.npy", &samples);
    assert_int_equal(read_file("toy.npy", bytes), 128 + COUNT * 2 * 4);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', ", 26);
    bytes[127] = '\0';
    assert_non_null(strstr(bytes + 10, "'fortran_order': False, 'shape': (3, 1, 2), }"));
    assert_memory_equal(bytes + 128, POSITIONS, COUNT * 2 * 4);
    assert_int_equal(read_file("toy.log_density.npy", bytes), 128 + COUNT * 8);
    bytes[127] = '\0';
    assert_non_null(
        strstr(bytes + 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"));
    assert_memory_equal(bytes + 128, DENSITY, sizeof DENSITY);
    score_model_destroy(model);
}

/* They would be taken for those of the new samples. */
static void old_log_densities_do_not_stay_beside_new_samples(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_TOY);
    score_samples samples = samples_of(model);
    write_samples("old.npy", &samples);
    assert_true(exists("old.log_density.npy"));
    samples.has_density = false;
    write_samples("old.npy", &samples);
    assert_true(exists("old.npy") && !exists("old.log_density.npy"));
    score_model_destroy(model);
}

static void hdf5_files_are_the_same_for_the_same_samples(void **state) {
    (void)state;
    static char first[65536], second[65536];
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const score_samples samples = samples_of(model);
    write_samples("first.h5", &samples);
    sleep(1); /* HDF5's times are whole seconds */
    write_samples("second.h5", &samples);
    const size_t size = read_file("first.h5", first);
    assert_true(size > 1000 && size < sizeof first);
    assert_int_equal(read_file("second.h5", second), size);
    assert_memory_equal(first, second, size);
    score_model_destroy(model);
}

static void nothing_is_left_of_an_abandoned_file(void **state) {
    (void)state;
    static const char *const paths[] = {"gone.npy", "gone.h5"};
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    for (int k = 0; k < 2; k++) {
        score_sample_file file;
        score_error error = {0};
        const score_samples samples = samples_of(model);
        check(score_sample_file_open(paths[k], &samples, &file, &error), &error);
        assert_true(exists(k == 0 ? "gone.npy.unfinished" : "gone.h5.unfinished"));
        assert_int_equal(exists("gone.log_density.npy.unfinished"), k == 0);
        score_sample_file_abandon(&file);
    }
    assert_int_equal(system("ls | grep -q gone"), 1 << 8);
    score_model_destroy(model);
}

static void the_topology_is_json(void **state) {
    (void)state;
    static const char expected[] =
        "{\"chains\": [{\"index\": 0, \"residues\": ["
        "{\"index\": 0, \"name\": \"ACE\", \"resSeq\": 1, \"segmentID\": \"\", \"atoms\": ["
        "{\"index\": 0, \"name\": \"C\", \"element\": \"C\"}]}, "
        "{\"index\": 1, \"name\": \"A\\\"\\\\\", \"resSeq\": 2, \"segmentID\": \"\", \"atoms\": ["
        "{\"index\": 1, \"name\": \"CA\", \"element\": \"VS\"}, "
        "{\"index\": 2, \"name\": \"N\", \"element\": \"N\"}]}]}], \"bonds\": []}";
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    char *json;
    assert_int_equal(score_sample_topology(model, &json, NULL), SCORE_OK);
    assert_string_equal(json, expected);
    score_free(json);
    score_model_destroy(model);
}

static void what_cannot_be_written_is_refused_before_the_work(void **state) {
    (void)state;
    static const struct {
        const char *path;
        sampled_model kind;
        score_status status;
        const char *message;
    } all[] = {
        {"a.txt", MODEL_TOY, SCORE_ERROR_ARGUMENT, "'a.txt' ends neither in .h5 nor in .npy"},
        {"npy", MODEL_TOY, SCORE_ERROR_ARGUMENT, "'npy' ends neither"},
        {"a.h5", MODEL_TOY, SCORE_ERROR_ARGUMENT, "have 3 coordinates, those of the model 2"},
        {"no/a.h5", MODEL_MOLECULE, SCORE_ERROR_FILE, "cannot be opened: No such file"},
        {"no/a.npy", MODEL_TOY, SCORE_ERROR_FILE, "cannot be opened: No such file"},
        {"taken.npy", MODEL_TOY, SCORE_ERROR_FILE, "not a regular file"},
        {"busy.npy", MODEL_TOY, SCORE_ERROR_FILE, "not a regular file"},
    };
    assert_int_equal(mkdir("taken.npy", 0700) | mkdir("busy.log_density.npy", 0700), 0);
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        score_model *model = make_sampled_model(all[k].kind);
        score_sample_file file;
        score_error error = {0};
        const score_samples samples = samples_of(model);
        assert_int_equal(score_sample_file_open(all[k].path, &samples, &file, &error),
                         all[k].status);
        if (strstr(error.message, all[k].message) == NULL)
            fail_msg("'%s' is not in: %s", all[k].message, error.message);
        score_model_destroy(model);
    }
    assert_int_equal(system("ls | grep -q unfinished"), 1 << 8);
}

/* A limit on the size of files stands in for a full disk: HDF5 itself crashes at either. */
static void a_full_disk_is_found_before_the_work(void **state) {
    (void)state;
    static const char *const paths[] = {"full.h5", "full.npy"};
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    for (int k = 0; k < 2; k++) {
        score_samples samples = samples_of(model);
        write_samples(paths[k], &samples);
        for (rlim_t limit = 0; limit <= 40000; limit += 10000) {
            score_sample_file file;
            score_error error = {0};
            samples.count = 2000;
            small = before;
            small.rlim_cur = limit;
            setrlimit(RLIMIT_FSIZE, &small);
            const score_status status = score_sample_file_open(paths[k], &samples, &file, &error);
            setrlimit(RLIMIT_FSIZE, &before);
            assert_int_equal(status, SCORE_ERROR_FILE);
            assert_string_equal(error.message, "cannot reserve its room: File too large");
            assert_non_null(strstr(error.file, paths[k]));
        }
        assert_true(exists(paths[k]));
    }
    assert_int_equal(system("ls | grep -q unfinished"), 1 << 8);
    score_model_destroy(model);
}

static mode_t mode_of(const char *path) {
    struct stat information;
    assert_int_equal(stat(path, &information), 0);
    return information.st_mode & 0777;
}

static void permissions_and_links_stay(void **state) {
    (void)state;
    static const char *const paths[] = {"a.npy", "a.h5"};
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const score_samples samples = samples_of(model);
    const mode_t mask = umask(027);
    for (int k = 0; k < 2; k++) {
        struct stat information;
        write_samples(paths[k], &samples);
        assert_int_equal(mode_of(paths[k]), 0640);
        assert_int_equal(chmod(paths[k], 0604), 0);
        unlink("link.npy");
        unlink("link.h5");
        const char *link = k == 0 ? "link.npy" : "link.h5";
        assert_int_equal(symlink(paths[k], link), 0);
        write_samples(link, &samples);
        assert_int_equal(lstat(link, &information), 0);
        assert_true(S_ISLNK(information.st_mode));
        assert_int_equal(mode_of(paths[k]), 0604);
    }
    umask(mask);
    score_model_destroy(model);
}

/* Two processes would mix their samples; what a killed one has left is begun anew. */
static void a_file_belongs_to_one_process(void **state) {
    (void)state;
    score_model *model = make_sampled_model(MODEL_MOLECULE);
    const score_samples samples = samples_of(model);
    for (int k = 0; k < 2; k++) {
        const char *path = k == 0 ? "one.npy" : "one.h5";
        score_sample_file first, second;
        score_error error = {0};
        check(score_sample_file_open(path, &samples, &first, &error), &error);
        assert_int_equal(score_sample_file_open(path, &samples, &second, &error), SCORE_ERROR_FILE);
        assert_string_equal(error.message, "is being written by another process");
        assert_true(exists(k == 0 ? "one.npy.unfinished" : "one.h5.unfinished"));
        score_frames_file_close(&first.frames); /* as a kill does */
        score_frames_file_close(&first.density);
        free(first.density_path);
        write_samples(path, &samples);
        assert_false(exists(k == 0 ? "one.npy.unfinished" : "one.h5.unfinished"));
    }
    score_model_destroy(model);
}

/* What is said there would be in the file. */
static void no_file_gets_the_number_of_a_closed_stream(void **state) {
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        for (int descriptor = 0; descriptor < 3; descriptor++)
            close(descriptor);
        score_hold_standard_streams();
        _exit(open("stream", O_CREAT | O_WRONLY, 0600) > 2 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_files_are_numpys),
        cmocka_unit_test(old_log_densities_do_not_stay_beside_new_samples),
        cmocka_unit_test(hdf5_files_are_the_same_for_the_same_samples),
        cmocka_unit_test(nothing_is_left_of_an_abandoned_file),
        cmocka_unit_test(a_full_disk_is_found_before_the_work),
        cmocka_unit_test(permissions_and_links_stay),
        cmocka_unit_test(a_file_belongs_to_one_process),
        cmocka_unit_test(no_file_gets_the_number_of_a_closed_stream),
        cmocka_unit_test(the_topology_is_json),
        cmocka_unit_test(what_cannot_be_written_is_refused_before_the_work),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
