/* Files cut anywhere and with any byte changed: an error, or the model that was meant. */
#include "temporary_folder.h"

#include <string.h>

#include "sample_models.h"

/* Reads; 1 if there was an error, 0 if all parameters are those of `model`. */
static int read_damaged(const char *bytes, size_t size, const score_model *model, const char *what,
                        size_t where) {
    score_error error = {0};
    score_model *copy = (score_model *)&error;
    score_status status = score_model_read_memory(bytes, size, "damaged", &copy, &error);
    if (status != SCORE_OK) {
        if (copy != NULL || error.code != status || strcmp(error.file, "damaged") != 0 ||
            error.message[0] == '\0')
            fail_msg("%s at byte %zu: an error without its particulars", what, where);
        return 1;
    }
    if (!parameters_are_identical(model, copy))
        fail_msg("%s at byte %zu: other parameters were read", what, where);
    score_model_destroy(copy);
    return 0;
}

/* The samples as text, and one compressed. */
static char *make_bytes(sample_model kind, bool compressed, size_t *size) {
    score_model *model = make_sample(kind);
    const char *path = compressed ? "model.xml.gz" : "model.xml";
    assert_int_equal(score_model_write(model, path, NULL), SCORE_OK);
    score_model_destroy(model);
    return read_file(path, size);
}

static void cut_files_are_refused(void **state) {
    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        size_t size;
        char *bytes = make_bytes(SAMPLE_MLP, compressed, &size);
        score_model *model = make_sample(SAMPLE_MLP);
        /* The last byte of the text is the end of its last line, which XML can do without. */
        for (size_t cut = 0; cut < size - 1; cut++)
            if (!read_damaged(bytes, cut, model, "cut", cut))
                fail_msg("a file cut at byte %zu of %zu was read", cut, size);
        assert_false(read_damaged(bytes, size, model, "whole", size));
        score_model_destroy(model);
        free(bytes);
    }
}

/* Numbers of the header carry no checksum, so a changed one may be read; parameters may not. */
static void changed_bytes_never_change_parameters(void **state) {
    (void)state;
    static const unsigned char masks[] = {0x01, 0x04, 0x20, 0x80, 0xff};
    static const sample_model kinds[] = {SAMPLE_MLP, SAMPLE_MLP, SAMPLE_GAUSSIAN_COORDINATES};
    for (int n = 0; n < 3; n++) {
        size_t size, errors = 0;
        char *bytes = make_bytes(kinds[n], n == 1, &size);
        score_model *model = make_sample(kinds[n]);
        for (size_t k = 0; k < size; k++)
            for (size_t m = 0; m < sizeof masks; m++) {
                bytes[k] = (char)(bytes[k] ^ masks[m]);
                errors += (size_t)read_damaged(bytes, size, model, "change", k);
                bytes[k] = (char)(bytes[k] ^ masks[m]);
            }
        assert_true(errors > size); /* at most a part of the changes goes unnoticed */
        score_model_destroy(model);
        free(bytes);
    }
}

/* The same pieces in another order are no model either. */
static void pieces_out_of_place_never_change_parameters(void **state) {
    (void)state;
    size_t size;
    char *bytes = make_bytes(SAMPLE_MLP, false, &size), *shuffled = malloc(size);
    score_model *model = make_sample(SAMPLE_MLP);
    for (size_t length = 1; length < size / 2; length = 2 * length + 3)
        for (size_t from = 0; from + length < size; from += 1 + length / 2) {
            /* The text from `from` on goes to the front of that before it. */
            size_t to = from / 2;
            memcpy(shuffled, bytes, to);
            memcpy(shuffled + to, bytes + from, length);
            memcpy(shuffled + to + length, bytes + to, from - to);
            memcpy(shuffled + from + length, bytes + from + length, size - from - length);
            read_damaged(shuffled, size, model, "move", from);
        }
    score_model_destroy(model);
    free(shuffled);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(changed_bytes_never_change_parameters),
        cmocka_unit_test(pieces_out_of_place_never_change_parameters),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
