/* Checkpoints and logs: what is written is read again, and what is damaged is an error that names
 * the file. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "run/identity.h"
#include "run/log_file.h"
#include "run/run_state.h"
#include "temporary_folder.h"

static const score_run_state STATE = {.stage = 1,
                                      .step = 77,
                                      .samples = 123456789012345,
                                      .frames = 5,
                                      .seconds = 1.5,
                                      .interval_steps = 3,
                                      .interval_losses = {0.25, 0.5},
                                      .interval_norm = 8,
                                      .last_loss = 0.5,
                                      .last_validation_loss = NAN};
static score_run_state reread;
static const char IDENTITY[] = "seed: 1\nbatch: 128\n";

typedef struct content {
    double weights[5];
    float moments[7];
} content;

static content make_content(void) {
    content c;
    for (int k = 0; k < 5; k++)
        c.weights[k] = 1.0 / (k + 3);
    for (int k = 0; k < 7; k++)
        c.moments[k] = (float)(-k / 3.0);
    return c;
}

static score_run_arrays arrays_of(content *c) {
    score_run_arrays arrays = {0};
    score_run_arrays_add(&arrays, c->weights, sizeof c->weights);
    score_run_arrays_add(&arrays, c->moments, sizeof c->moments);
    return arrays;
}

static void write_checkpoint(const char *path) {
    content c = make_content();
    score_run_arrays arrays = arrays_of(&c);
    score_error error = {0};
    assert_int_equal(
        score_checkpoint_write(path, &SCORE_TRAINING_RUN, &STATE, IDENTITY, &arrays, &error),
        SCORE_OK);
}

static size_t read_bytes(const char *path, unsigned char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static void write_bytes(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void checkpoint_comes_back(void **state) {
    (void)state;
    write_checkpoint("checkpoint");
    score_checkpoint checkpoint;
    score_error error = {0};
    assert_int_equal(
        score_checkpoint_open("checkpoint", &SCORE_TRAINING_RUN, &reread, &checkpoint, &error),
        SCORE_OK);
    assert_memory_equal(&reread, &STATE, sizeof STATE);
    assert_string_equal(checkpoint.identity, IDENTITY);
    content expected = make_content(), found = {{0}, {0}};
    score_run_arrays arrays = arrays_of(&found);
    assert_int_equal(score_checkpoint_arrays(&checkpoint, &arrays, &error), SCORE_OK);
    assert_memory_equal(found.weights, expected.weights, sizeof found.weights);
    assert_memory_equal(found.moments, expected.moments, sizeof found.moments);
    score_checkpoint_close(&checkpoint);
}

static void arrays_of_another_model_are_refused(void **state) {
    (void)state;
    write_checkpoint("checkpoint");
    score_checkpoint checkpoint;
    score_error error = {0};
    assert_int_equal(
        score_checkpoint_open("checkpoint", &SCORE_TRAINING_RUN, &reread, &checkpoint, &error),
        SCORE_OK);
    for (int kind = 0; kind < 4; kind++) {
        content found = {{0}, {0}}, untouched = {{0}, {0}};
        double surplus[2];
        score_run_arrays arrays = arrays_of(&found);
        if (kind == 0)
            arrays.count = 1;
        else if (kind == 1)
            score_run_arrays_add(&arrays, surplus, sizeof surplus);
        else if (kind == 2)
            arrays.size[1] -= 4;
        else
            arrays.size[0] += 8, arrays.size[1] -= 8;
        assert_int_equal(score_checkpoint_arrays(&checkpoint, &arrays, &error), SCORE_ERROR_FORMAT);
        assert_string_equal(error.file, "checkpoint");
        assert_memory_equal(&found, &untouched, sizeof found);
    }
    score_checkpoint_close(&checkpoint);
}

static void assert_refused(const char *path) {
    score_checkpoint checkpoint;
    score_error error = {0};
    assert_int_equal(score_checkpoint_open(path, &SCORE_TRAINING_RUN, &reread, &checkpoint, &error),
                     SCORE_ERROR_FORMAT);
    assert_string_equal(error.file, path);
    assert_null(checkpoint.content);
}

static void another_kind_of_run_is_refused(void **state) {
    (void)state;
    write_checkpoint("checkpoint");
    score_checkpoint_kind kinds[] = {SCORE_TRAINING_RUN, SCORE_TRAINING_RUN};
    kinds[0].magic[7] = 'Q';
    kinds[1].version++;
    for (int k = 0; k < 2; k++) {
        score_checkpoint checkpoint;
        score_error error = {0};
        assert_int_equal(
            score_checkpoint_open("checkpoint", &kinds[k], &reread, &checkpoint, &error),
            SCORE_ERROR_FORMAT);
    }
}

static void damage_is_noticed_wherever_it_is(void **state) {
    (void)state;
    unsigned char bytes[1024] = {0};
    write_checkpoint("checkpoint");
    size_t size = read_bytes("checkpoint", bytes, sizeof bytes);
    assert_true(size < sizeof bytes);
    for (size_t k = 0; k < size; k++) {
        bytes[k] ^= 0x10;
        write_bytes("damaged", bytes, size);
        assert_refused("damaged");
        bytes[k] ^= 0x10;
        write_bytes("damaged", bytes, k);
        assert_refused("damaged");
    }
    write_bytes("damaged", bytes, size + 1);
    assert_refused("damaged");
    score_checkpoint checkpoint;
    score_error error = {0};
    assert_int_equal(
        score_checkpoint_open("missing", &SCORE_TRAINING_RUN, &reread, &checkpoint, &error),
        SCORE_ERROR_FILE);
    assert_string_equal(error.file, "missing");
}

static void checkpoint_that_cannot_be_written_is_an_error(void **state) {
    (void)state;
    content c = make_content();
    score_run_arrays arrays = arrays_of(&c);
    score_error error = {0};
    assert_int_equal(score_checkpoint_write("nowhere/checkpoint", &SCORE_TRAINING_RUN, &STATE,
                                            IDENTITY, &arrays, &error),
                     SCORE_ERROR_FILE);
}

static void difference_is_named(void **state) {
    (void)state;
    score_error error = {0};
    char *warning = NULL;
    assert_int_equal(score_identity_compare("a: 1\nb: 2\n", "x", "a: 1\nb: 2\n", &warning, &error),
                     SCORE_OK);
    assert_null(warning);
    const char *others[] = {"a: 1\nb: 3\n", "a: 1\n", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 22\n"};
    for (int k = 0; k < 4; k++) {
        assert_int_equal(score_identity_compare("a: 1\nb: 2\n", "x", others[k], &warning, &error),
                         SCORE_ERROR_ARGUMENT);
        assert_string_equal(error.file, "x");
        assert_non_null(strstr(error.message, k == 2 ? "'c: 3'" : "'b: 2'"));
        assert_null(strstr(error.message, "a: 1"));
    }
}

/* Also that of a checkpoint that does not say yet where it was computed. */
static void another_build_or_processor_is_a_warning(void **state) {
    (void)state;
    static const char here[] = "a: 1\nprogram: p\nprocessor: v4\n";
    static const struct {
        const char *saved, *named;
    } cases[] = {
        {"a: 1\nprogram: p\nprocessor: v3\n", "'processor: v3', now it is 'processor: v4'"},
        {"a: 1\nprogram: o\nprocessor: v4\n", "'program: o', now it is 'program: p'"},
        {"a: 1\n", "'an older version', now it is 'program: p'"}};
    score_error error = {0};
    char *warning = NULL;
    assert_int_equal(score_identity_compare(here, "x", here, &warning, &error), SCORE_OK);
    assert_null(warning);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(score_identity_compare(cases[k].saved, "x", here, &warning, &error),
                         SCORE_OK);
        assert_non_null(warning);
        if (strstr(warning, cases[k].named) == NULL)
            fail_msg("%s", warning);
        free(warning);
    }
    assert_int_equal(score_identity_compare("a: 2\nprogram: o\n", "x", here, &warning, &error),
                     SCORE_ERROR_ARGUMENT);
    assert_null(warning);
    assert_non_null(strstr(error.message, "'a: 2'"));
}

/* -------- logs -------- */

/* Of the first three losses. */
enum { LOG_COLUMNS = 7 };

static score_log_row row_at(uint64_t samples) {
    return (score_log_row){.stage = 1,
                           .step = samples / 10,
                           .samples = samples,
                           .columns = LOG_COLUMNS,
                           .losses = {0.5, 0, 0.25},
                           .validation_loss = NAN};
}

static void write_log(const char *path, int rows) {
    FILE *log = NULL;
    score_error error = {0};
    assert_int_equal(score_log_create(path, LOG_COLUMNS, &log, &error), SCORE_OK);
    for (int k = 1; k <= rows; k++) {
        score_log_row row = row_at(100 * (uint64_t)k);
        assert_int_equal(score_log_write(log, path, &row, &error), SCORE_OK);
    }
    assert_int_equal(score_log_sync(log, path, &error), SCORE_OK);
    fclose(log);
}

static void assert_same_file(const char *a, const char *b) {
    unsigned char left[4096], right[4096];
    size_t size = read_bytes(a, left, sizeof left);
    assert_int_equal(read_bytes(b, right, sizeof right), size);
    assert_memory_equal(left, right, size);
}

/* Resumes a log at `samples` and writes the rows after it up to 500: it is whole again. */
static void resume_to_the_end(const char *path, uint64_t samples) {
    FILE *log = NULL;
    score_error error = {0};
    assert_int_equal(score_log_resume(path, LOG_COLUMNS, samples, &log, &error), SCORE_OK);
    for (uint64_t done = samples / 100 * 100 + 100; done <= 500; done += 100) {
        score_log_row row = row_at(done);
        assert_int_equal(score_log_write(log, path, &row, &error), SCORE_OK);
    }
    fclose(log);
}

static void resumed_log_is_the_uninterrupted_one(void **state) {
    (void)state;
    write_log("whole", 5);
    for (int samples = 0; samples <= 500; samples += 50) {
        write_log("log", 5); /* killed after its last row, the checkpoint is older */
        resume_to_the_end("log", (uint64_t)samples);
        assert_same_file("log", "whole");
    }
}

static void row_that_was_not_finished_is_written_again(void **state) {
    (void)state;
    unsigned char bytes[4096];
    write_log("whole", 5);
    write_log("three", 3);
    size_t size = read_bytes("whole", bytes, sizeof bytes);
    size_t begin = read_bytes("three", bytes, sizeof bytes);
    read_bytes("whole", bytes, sizeof bytes);
    for (size_t end = begin; end < size; end++) { /* cut anywhere in rows 4 and 5 */
        write_bytes("log", bytes, end);
        resume_to_the_end("log", 300);
        assert_same_file("log", "whole");
    }
    for (size_t end = 0; end < 50; end++) { /* or in the header */
        write_bytes("log", bytes, end);
        resume_to_the_end("log", 0);
        assert_same_file("log", "whole");
    }
    unlink("log");
    resume_to_the_end("log", 0);
    assert_same_file("log", "whole");
}

/* A row from before the checkpoint cannot be cut, for it was synced first. If it is all the same,
 * it goes: what follows must not be joined to it. */
static void cut_row_is_not_written_on(void **state) {
    (void)state;
    unsigned char bytes[4096];
    write_log("expected", 2);
    size_t size = read_bytes("expected", bytes, sizeof bytes);
    write_log("log", 3);
    size_t cut = read_bytes("log", bytes, sizeof bytes) - 5;
    write_bytes("log", bytes, cut);
    FILE *log = NULL;
    score_error error = {0};
    assert_int_equal(score_log_resume("log", LOG_COLUMNS, 300, &log, &error), SCORE_OK);
    fclose(log);
    assert_int_equal(read_bytes("log", bytes, sizeof bytes), size);
    assert_same_file("log", "expected");
}

static void file_that_is_no_log_is_left_alone(void **state) {
    (void)state;
    static const char text[] = "stage,step,dance\n1,2,3\n";
    write_bytes("log", text, sizeof text - 1);
    write_bytes("copy", text, sizeof text - 1);
    FILE *log = NULL;
    score_error error = {0};
    assert_int_equal(score_log_resume("log", LOG_COLUMNS, 5, &log, &error), SCORE_ERROR_FORMAT);
    assert_string_equal(error.file, "log");
    if (log != NULL)
        fclose(log);
    assert_same_file("log", "copy");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoint_comes_back),
        cmocka_unit_test(arrays_of_another_model_are_refused),
        cmocka_unit_test(another_kind_of_run_is_refused),
        cmocka_unit_test(damage_is_noticed_wherever_it_is),
        cmocka_unit_test(checkpoint_that_cannot_be_written_is_an_error),
        cmocka_unit_test(difference_is_named),
        cmocka_unit_test(another_build_or_processor_is_a_warning),
        cmocka_unit_test(resumed_log_is_the_uninterrupted_one),
        cmocka_unit_test(row_that_was_not_finished_is_written_again),
        cmocka_unit_test(cut_row_is_not_written_on),
        cmocka_unit_test(file_that_is_no_log_is_left_alone),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
