/* Whichever allocation fails, reading and writing say so and leave nothing behind. Linked with
 * malloc, calloc and realloc of the library (not of libxml2 and zlib) passing through here. */
#include "temporary_folder.h"

#include <string.h>

#include "sample_models.h"

static int allocations_left = -1; /* -1: any number */

static bool may_allocate(void) {
    if (allocations_left == 0)
        return false;
    if (allocations_left > 0)
        allocations_left--;
    return true;
}

/* The linker's names: NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */

void *__wrap_malloc(size_t size) {
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size) {
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size) {
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

static void reading_survives_each_failure(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLE_COUNT; kind++) {
        char *text = make_document((sample_model)kind);
        score_status status = SCORE_ERROR_MEMORY;
        int allowed = 0;
        for (; status != SCORE_OK; allowed++) {
            score_error error = {0};
            score_model *model = (score_model *)&error;
            allocations_left = allowed;
            status = score_model_read_memory(text, strlen(text), "memory", &model, &error);
            allocations_left = -1;
            if (status != SCORE_OK) {
                assert_int_equal(status, SCORE_ERROR_MEMORY);
                assert_int_equal(error.code, SCORE_ERROR_MEMORY);
                assert_null(model);
            }
            score_model_destroy(model);
        }
        assert_true(allowed > 10);
        free(text);
    }
}

static void writing_survives_each_failure(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_EXPERTS);
    score_status status = SCORE_ERROR_MEMORY;
    write_file("model.xml", "old", 3);
    for (int allowed = 0; status != SCORE_OK; allowed++) {
        size_t size;
        char *text;
        allocations_left = allowed;
        status = score_model_write(model, "model.xml", NULL);
        allocations_left = -1;
        text = read_file("model.xml", &size);
        if (status != SCORE_OK)
            assert_int_equal(size, 3);
        free(text);
    }
    status = SCORE_ERROR_MEMORY;
    for (int allowed = 0; status != SCORE_OK; allowed++) {
        size_t size;
        char *text;
        allocations_left = allowed;
        status = score_model_write_memory(model, &text, &size, NULL);
        allocations_left = -1;
        assert_true((status == SCORE_OK) == (text != NULL));
        score_free(text);
    }
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_survives_each_failure),
        cmocka_unit_test(writing_survives_each_failure),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
