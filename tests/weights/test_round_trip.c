/* What is written is what is read. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "../comma_locale.h"
#include "model/network.h"
#include "random_models.h"
#include "sample_models.h"

static void assert_ok(score_status status, const score_error *error) {
    char text[1024];
    if (status != SCORE_OK)
        fail_msg("%s", score_error_text(error, text, sizeof text));
}

static void assert_file_holds(const char *path, const score_model *model) {
    score_error error = {0};
    score_model *copy;
    assert_ok(score_model_read(path, &copy, &error), &error);
    assert_true(models_are_identical(model, copy));
    score_model_destroy(copy);
}

static void files_keep_every_bit(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLE_COUNT; kind++) {
        score_model *model = make_sample((sample_model)kind);
        score_error error = {0};
        assert_ok(score_model_write(model, "model.xml", &error), &error);
        assert_file_holds("model.xml", model);
        assert_ok(score_model_write(model, "model.xml.gz", &error), &error);
        assert_file_holds("model.xml.gz", model);
        score_model_destroy(model);
    }
}

static void compression_is_told_by_content(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_TRANSFORMER);
    score_error error = {0};
    size_t size;
    assert_ok(score_model_write(model, "a.xml.gz", &error), &error);
    char *bytes = read_file("a.xml.gz", &size);
    assert_int_equal((unsigned char)bytes[0], 0x1f);
    write_file("b.xml", bytes, size);
    assert_file_holds("b.xml", model);
    free(bytes);
    score_model_destroy(model);
}

static void memory_keeps_every_bit(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLE_COUNT; kind++) {
        score_model *model = make_sample((sample_model)kind), *copy;
        score_error error = {0};
        char *text;
        size_t size;
        assert_ok(score_model_write_memory(model, &text, &size, &error), &error);
        assert_int_equal(strlen(text), size);
        assert_ok(score_model_read_memory(text, size, "memory", &copy, &error), &error);
        assert_true(models_are_identical(model, copy));
        score_free(text);
        score_model_destroy(copy);
        score_model_destroy(model);
    }
}

static void assert_same_bytes(const char *a, size_t a_size, const char *path) {
    size_t b_size;
    char *b = read_file(path, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(b);
}

static void the_same_model_gives_the_same_bytes(void **state) {
    (void)state;
    for (int kind = 0; kind < SAMPLE_COUNT; kind++) {
        score_model *model = make_sample((sample_model)kind), *copy;
        score_error error = {0};
        char *text = make_document((sample_model)kind);
        assert_ok(score_model_write(model, "a.xml", &error), &error);
        assert_same_bytes(text, strlen(text), "a.xml");
        assert_ok(score_model_read("a.xml", &copy, &error), &error);
        assert_ok(score_model_write(copy, "b.xml", &error), &error);
        assert_same_bytes(text, strlen(text), "b.xml");
        assert_ok(score_model_write(model, "a.xml.gz", &error), &error);
        assert_ok(score_model_write(copy, "another-name.xml.gz", &error), &error);
        size_t size;
        char *compressed = read_file("a.xml.gz", &size);
        assert_same_bytes(compressed, size, "another-name.xml.gz");
        assert_true(memcmp(compressed + 3, "\0\0\0\0\0", 5) == 0); /* neither flags nor time */
        free(compressed);
        free(text);
        score_model_destroy(copy);
        score_model_destroy(model);
    }
}

/* Enough text for many pieces of every buffer on the way, and not a multiple of any. */
static void large_tensors_keep_every_bit(void **state) {
    (void)state;
    score_model *sample = make_sample(SAMPLE_TRANSFORMER), *model;
    score_model_config config = *score_model_get_config(sample);
    score_error error = {0};
    config.expert_count = 2;
    config.experts[0].hidden = 73;
    config.experts[0].t_begin = 0.5;
    config.experts[1] = config.experts[0];
    config.experts[1].dtype = SCORE_FLOAT64;
    config.experts[1].t_begin = 0;
    assert_ok(score_model_create(&config, &model, &error), &error);
    for (int e = 0; e < 2; e++)
        for (size_t k = 0; k < score_model_parameter_count(model, e); k++)
            score_model_parameters(model, e)[k] = e == 0 ? (float)sin((double)k) : sin((double)k);
    assert_ok(score_model_write(model, "large.xml.gz", &error), &error);
    assert_file_holds("large.xml.gz", model);
    score_model_destroy(model);
    score_model_destroy(sample);
}

/* Comments, processing instructions, CDATA, empty lines, another order of the tensors: all XML. */
static void what_xml_leaves_open_is_read(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_MLP), *copy;
    score_error error = {0};
    char *text = make_document(SAMPLE_MLP);
    char *first = strstr(text, "      <Tensor"), *last = strstr(text, "    </Expert>");
    size_t size = strlen(text) + 200;
    char *second = strstr(first + 10, "      <Tensor"), *other = calloc(1, size);
    snprintf(other, size,
             "%.*s%.*s<!-- reordered --><?some instruction?>\n\n%.*s\r\n%s<!-- end -->\n",
             (int)(first - text), text, (int)(last - second), second, (int)(second - first), first,
             last);
    assert_ok(score_model_read_memory(other, strlen(other), "other", &copy, &error), &error);
    assert_true(models_are_identical(model, copy));
    free(other);
    free(text);
    score_model_destroy(copy);
    score_model_destroy(model);
}

/* A network of 5,000 tensors, which are found by their names. */
static void tensors_may_stand_in_any_order(void **state) {
    (void)state;
    score_model_config config = feature_config(2);
    config.experts[0].layers = 320;
    config.experts[0].hidden = config.experts[0].heads = config.experts[0].head_width = 1;
    config.experts[0].activation = 1;
    config.experts[0].norm_epsilon = 1e-5;
    score_model *model = make_model(&config, 1, 1), *copy;
    score_error error = {0};
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        score_model_parameters(model, 0)[k] = (double)k;
    const score_network *network = score_model_network(model, 0);
    assert_true(network->tensor_count > 5000);
    for (int k = 0; k < network->tensor_count; k++) {
        assert_int_equal(score_network_find(network, network->tensors[k].name), k);
        if (k > 0)
            assert_true(strcmp(network->by_name[k - 1]->name, network->by_name[k]->name) < 0);
    }
    assert_int_equal(score_network_find(network, "layer.320.attention_out.bias"), -1);

    char *text, *at;
    size_t size;
    assert_ok(score_model_write_memory(model, &text, &size, &error), &error);
    char *other = malloc(size + 1), *first = strstr(text, "      <Tensor");
    const char *last = strstr(text, "    </Expert>");
    memcpy(other, text, size + 1);
    char *end = other + (last - text);
    for (at = first; at < last;) {
        const char *next = strstr(at, "</Tensor>\n") + strlen("</Tensor>\n");
        end -= next - at;
        memcpy(end, at, (size_t)(next - at));
        at += next - at;
    }
    assert_ok(score_model_read_memory(other, size, "other", &copy, &error), &error);
    assert_true(models_are_identical(model, copy));
    free(other);
    score_free(text);
    score_model_destroy(copy);
    score_model_destroy(model);
}

static void every_noise_schedule_is_read_again(void **state) {
    (void)state;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++) {
        const score_noise_schedule schedule = score_noise_schedule_usual(kind);
        score_model *model = make_sample_of_schedule(schedule), *copy;
        score_error error = {0};
        char *text;
        size_t size;
        assert_ok(score_model_write_memory(model, &text, &size, &error), &error);
        assert_ok(score_model_read_memory(text, size, "memory", &copy, &error), &error);
        assert_true(models_are_identical(model, copy));
        assert_int_equal(score_model_get_config(copy)->schedule.kind, kind);
        score_free(text);
        score_model_destroy(copy);
        score_model_destroy(model);
    }
}

static void what_has_no_base_says_so_or_nothing(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_TRANSFORMER), *copy;
    score_error error = {0};
    char *text = make_document(SAMPLE_TRANSFORMER);
    assert_null(strstr(text, "base=")); /* as before there were any */
    char *place = strstr(text, "layers=");
    char *said = calloc(1, strlen(text) + 20);
    snprintf(said, strlen(text) + 20, "%.*sbase=\"none\" %s", (int)(place - text), text, place);
    assert_ok(score_model_read_memory(said, strlen(said), "said", &copy, &error), &error);
    assert_true(models_are_identical(model, copy));
    free(said);
    free(text);
    score_model_destroy(copy);
    score_model_destroy(model);
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    if (!use_comma_locale())
        skip();
    score_model *model = make_sample(SAMPLE_TRANSFORMER), *copy;
    score_error error = {0};
    char *text = make_document(SAMPLE_TRANSFORMER);
    score_status status = score_model_read_memory(text, strlen(text), "memory", &copy, &error);
    setlocale(LC_ALL, "C");
    assert_ok(status, &error);
    assert_non_null(strstr(text, "betaMin=\"0.1\""));
    assert_true(models_are_identical(model, copy));
    free(text);
    score_model_destroy(copy);
    score_model_destroy(model);
}

static void *read_and_compare(void *argument) {
    const char *text = argument;
    score_model *model = make_sample(SAMPLE_EXPERTS);
    for (int k = 0; k < 20; k++) {
        score_model *copy;
        score_error error = {0};
        if (score_model_read_memory(text, strlen(text), "memory", &copy, &error) != SCORE_OK ||
            !models_are_identical(model, copy))
            argument = NULL;
        score_model_destroy(copy);
    }
    score_model_destroy(model);
    return argument;
}

static void threads_may_read_at_once(void **state) {
    (void)state;
    char *text = make_document(SAMPLE_EXPERTS);
    pthread_t threads[4];
    for (int k = 0; k < 4; k++)
        assert_int_equal(pthread_create(&threads[k], NULL, read_and_compare, text), 0);
    for (int k = 0; k < 4; k++) {
        void *result;
        pthread_join(threads[k], &result);
        assert_ptr_equal(result, text);
    }
    free(text);
}

static void assert_refused(const score_model *model, score_status expected, const char *fragment) {
    score_error error = {0};
    char *text;
    size_t size;
    write_file("kept.xml", "old", 3);
    assert_int_equal(score_model_write(model, "kept.xml", &error), expected);
    if (strstr(error.message, fragment) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, fragment);
    assert_same_bytes("old", 3, "kept.xml");
    assert_int_equal(score_model_write_memory(model, &text, &size, &error), expected);
    assert_null(text);
}

static void what_cannot_be_read_back_is_not_written(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *message;
    } values[] = {{NAN, "nan at place 2, must be finite as float32"},
                  {INFINITY, "inf at place 2"},
                  {1e39, "1e+39 at place 2, must be finite as float32"}};
    for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
        score_model *model = make_sample(SAMPLE_TRANSFORMER);
        score_model_parameters(model, 0)[2] = values[k].value;
        assert_refused(model, SCORE_ERROR_NUMERIC, values[k].message);
        score_model_destroy(model);
    }
    static const char *const texts[] = {"bell \a",      "\x80",     "half \xc3",
                                        "\xed\xa0\x80", "\xc0\x80", "\xef\xbf\xbf"};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        score_model *model = make_sample(SAMPLE_TRANSFORMER);
        assert_int_equal(score_model_set_note(model, "bad", texts[k], NULL), SCORE_OK);
        assert_refused(model, SCORE_ERROR_ARGUMENT, "note 1 has characters that XML cannot hold");
        score_model_destroy(model);
    }
    score_model *tab = make_sample(SAMPLE_TRANSFORMER);
    assert_int_equal(score_model_set_note(tab, "bad\tname", "text", NULL), SCORE_OK);
    assert_refused(tab, SCORE_ERROR_ARGUMENT, "note 1 has characters that XML cannot hold");
    score_model_destroy(tab);
    char name[300];
    memset(name, 'x', sizeof name);
    name[299] = '\0';
    score_model *model = make_sample(SAMPLE_TRANSFORMER);
    assert_int_equal(score_model_set_note(model, name, "text", NULL), SCORE_OK);
    assert_refused(model, SCORE_ERROR_ARGUMENT, "is longer than 255 bytes");
    score_model_destroy(model);
}

static void failed_writes_name_the_file(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_MLP);
    score_error error = {0};
    assert_int_equal(score_model_write(model, "none/model.xml", &error), SCORE_ERROR_FILE);
    assert_string_equal(error.file, "none/model.xml");
    assert_non_null(strstr(error.message, "No such file or directory"));
    assert_int_equal(score_model_write(model, "none/model.xml", NULL), SCORE_ERROR_FILE);
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            threads_may_read_at_once), /* first: it is about the first use of libxml2 */
        cmocka_unit_test(files_keep_every_bit),
        cmocka_unit_test(compression_is_told_by_content),
        cmocka_unit_test(memory_keeps_every_bit),
        cmocka_unit_test(the_same_model_gives_the_same_bytes),
        cmocka_unit_test(large_tensors_keep_every_bit),
        cmocka_unit_test(what_xml_leaves_open_is_read),
        cmocka_unit_test(tensors_may_stand_in_any_order),
        cmocka_unit_test(every_noise_schedule_is_read_again),
        cmocka_unit_test(what_has_no_base_says_so_or_nothing),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(what_cannot_be_read_back_is_not_written),
        cmocka_unit_test(failed_writes_name_the_file),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
