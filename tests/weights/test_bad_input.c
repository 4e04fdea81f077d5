/* Bad input is refused with the file, the line and what is wrong, and leaves nothing behind. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "bad_documents.h"
#include "weights/xml_input.h"

static void check_error(const char *name, score_status status, const score_model *model,
                        const score_error *error, const char *file, long line,
                        const char *message) {
    char text[1024];
    score_error_text(error, text, sizeof text);
    if (status == SCORE_OK)
        fail_msg("%s: was read", name);
    if (status != SCORE_ERROR_FORMAT || error->code != SCORE_ERROR_FORMAT)
        fail_msg("%s: status %d, '%s'", name, status, text);
    if (model != NULL)
        fail_msg("%s: a model is left", name);
    if (strcmp(error->file, file) != 0 || strstr(error->message, message) == NULL)
        fail_msg("%s: '%s' does not say '%s: ... %s'", name, text, file, message);
    if (error->line != line)
        fail_msg("%s: '%s' is not in line %ld", name, text, line);
}

static void check_text(const char *name, const char *text, long line, const char *message) {
    score_error error = {0};
    score_model *model = (score_model *)&error;
    score_status status = score_model_read_memory(text, strlen(text), "memory", &model, &error);
    check_error(name, status, model, &error, "memory", line, message);
}

/* From memory, from a file and from a compressed one: the same error in the same line. */
static void check_document(const char *name, const char *text, long line, const char *message) {
    check_text(name, text, line, message);

    score_error error = {0};
    score_model *model = (score_model *)&error;
    write_file("bad.xml", text, strlen(text));
    score_status status = score_model_read("bad.xml", &model, &error);
    check_error(name, status, model, &error, "bad.xml", line, message);

    gzFile file = gzopen("bad.xml.gz", "wb");
    gzwrite(file, text, (unsigned)strlen(text));
    gzclose(file);
    model = (score_model *)&error;
    status = score_model_read("bad.xml.gz", &model, &error);
    check_error(name, status, model, &error, "bad.xml.gz", line, message);

    assert_int_equal(score_model_read("bad.xml", &model, NULL), SCORE_ERROR_FORMAT);
}

static void documents_with_an_error_are_refused(void **state) {
    (void)state;
    for (int k = 0; k < BAD_DOCUMENT_COUNT; k++) {
        const bad_document *bad = &BAD_DOCUMENTS[k];
        long line;
        char *text = make_bad_document(bad, &line);
        check_document(bad->name, text, text[0] == '\0' ? 0 : line, bad->message);
        free(text);
    }
}

static void tensors_with_wrong_content_are_refused(void **state) {
    (void)state;
    for (int k = 0; k < BAD_TENSOR_COUNT; k++) {
        long line;
        char *text = make_bad_tensor(&BAD_TENSORS[k], &line);
        check_document(BAD_TENSORS[k].name, text, line, BAD_TENSORS[k].message);
        free(text);
    }
}

static void gaussians_that_are_none_are_refused(void **state) {
    (void)state;
    for (int k = 0; k < BAD_GAUSSIAN_COUNT; k++) {
        long line;
        char *text = make_bad_gaussian(&BAD_GAUSSIANS[k], &line);
        check_document(BAD_GAUSSIANS[k].name, text, line, BAD_GAUSSIANS[k].message);
        free(text);
    }
}

/* The line numbers of libxml2's trees end at 65,535; ours must not. */
static void lines_beyond_65535_are_counted(void **state) {
    (void)state;
    enum { LINES = 70000 };
    char *document = make_document(SAMPLE_MLP), *empty = malloc(LINES + 1);
    memset(empty, '\n', LINES);
    empty[LINES] = '\0';
    char *first = replace_text(document, "<Beads>", NULL, empty);
    long line = line_of(first, strstr(first, "<Bead "));
    check_text("far line", first, line, "<Bead> is not known inside <ScoreModel>");
    free(first);
    free(empty);
    free(document);
}

/* The sample has `before` such elements on lines of their own, and may have `most`; more of them are
 * put in front of `end`. `element` is a format for their number. */
static void check_too_many(const char *end, const char *element, int before, int most,
                           const char *message) {
    size_t room = (size_t)most * (strlen(element) + 32), used = 0;
    char *elements = malloc(room);
    for (int k = 0; k < most; k++) {
        used += (size_t)snprintf(elements + used, room - used, "<%s ", element);
        used += (size_t)snprintf(elements + used, room - used, "name=\"%d\"/>\n", k);
    }
    char *document = make_document(SAMPLE_TRANSFORMER);
    char *text = replace_text(document, end, NULL, elements);
    check_text(element, text, line_of(document, strstr(document, end)) + most - before, message);
    free(text);
    free(document);
    free(elements);
}

static void too_many_elements_are_refused(void **state) {
    (void)state;
    check_too_many("</Provenance>", "Note", 1, 1000, "there are more than 1000 <Note>");
    check_too_many("</Beads>",
                   "Bead residue=\"\" residueIndex=\"9\" mass=\"1\" x=\"0\" y=\"0\" z=\"0\"", 2,
                   SCORE_MAX_BEADS, "there are more than 65536 <Bead>");
}

static void long_attributes_are_refused(void **state) {
    (void)state;
    char value[5000];
    snprintf(value, sizeof value, "name=\"%4900s\"", "CA");
    char *document = make_document(SAMPLE_TRANSFORMER);
    char *text = replace_text(document, "name=\"CA\"", NULL, value);
    check_text("long attribute", text, line_of(document, strstr(document, "\"CA\"")),
               "<Bead> has attributes of more than 4096 bytes, 'name' among them");
    free(text);
    free(document);
}

/* A start tag in which libxml2 would compare each of 100,000 attributes with all others. */
static char *make_long_tag(const char *begin, size_t attributes) {
    const size_t room = strlen(begin) + 16 * attributes + 3;
    char *text = malloc(room);
    size_t used = (size_t)snprintf(text, room, "%s", begin);
    for (size_t k = 0; k < attributes; k++)
        used += (size_t)snprintf(text + used, room - used, " a%zu='>'", k);
    snprintf(text + used, room - used, "/>");
    return text;
}

static void long_tags_are_refused_before_they_are_parsed(void **state) {
    (void)state;
    static const char *const begins[] = {"<ScoreModel", "<!-- <a --><ScoreModel",
                                         "<?xml version='1.0'?>\n<ScoreModel",
                                         "<ScoreModel version='1'><![CDATA[ ]]> <Coordinates"};
    for (size_t k = 0; k < sizeof begins / sizeof begins[0]; k++) {
        char *text = make_long_tag(begins[k], 100000);
        check_document(begins[k], text, k == 2 ? 2 : 1, "a tag has more than 65536 bytes of XML");
        free(text);
    }
    char *text = make_long_tag("<ScoreModel version='1'", 100); /* is parsed */
    check_text("short tag", text, 1, "<ScoreModel> has 101 attributes");
    free(text);
}

/* How many bytes the guard lets pass, all at once and one by one. */
static void check_passes(const char *text, size_t expected) {
    score_tag_guard whole = {.line = 1}, parts = {.line = 1};
    const size_t size = strlen(text);
    assert_int_equal(score_tag_guard_pass(&whole, text, size), expected);
    size_t passed = 0;
    while (passed < size && score_tag_guard_pass(&parts, text + passed, 1) == 1)
        passed++;
    assert_int_equal(passed, expected);
    assert_int_equal(parts.line, whole.line);
    assert_int_equal(parts.tag_line, whole.tag_line);
}

static void only_tags_are_bounded(void **state) {
    (void)state;
    enum { LONG = 100000, MOST = SCORE_XML_MAX_TAG_BYTES };
    static const struct {
        const char *begin, *end;
        bool passes;
    } cases[] = {{"<a>", "</a>", true},
                 {"<!--", "--><a/>", true},
                 {"<!-- > ' -- ", " --><a/>", true},
                 {"<?b '", "?><a/>", true},
                 {"<a><![CDATA[ ]] > ' <", "]]></a>", true},
                 {"<!DOCTYPE a '>", "<a/>", true},
                 {"<a b='", "'/>", false},
                 {"<a b='>", "'/>", false},
                 {"<a b='\"> ", "'/>", false},
                 {"\n\n</a ", ">", false},
                 {"<!DOCTYPE a ' ", ">", false},
                 {"<!-- -->\n<![CDATA[ ]]><?b ?><a ", ">", false}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const size_t begin = strlen(cases[k].begin), end = strlen(cases[k].end);
        char *text = malloc(begin + LONG + end + 1);
        memcpy(text, cases[k].begin, begin);
        memset(text + begin, 'x', LONG);
        memcpy(text + begin + LONG, cases[k].end, end + 1);
        const size_t tag = (size_t)(strrchr(cases[k].begin, '<') - cases[k].begin);
        check_passes(text, cases[k].passes ? begin + LONG + end : tag + MOST);
        free(text);
    }
}

static void other_encodings_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"\xff\xfe<\0a\0/\0>\0", 10, "the encoding is UTF-16LE, must be UTF-8"},
        {"\xfe\xff\0<\0a\0/\0>", 10, "the encoding is UTF-16BE, must be UTF-8"},
        {"<?xml version='1.0' encoding='UTF-7'?>+ADw-a/>", 46,
         "the encoding is UTF-7, must be UTF-8"},
        /* the beginning of an XML declaration in EBCDIC */
        {"\x4c\x6f\xa7\x94\x93\x40\x6f\x6e\x4c\x81\x61\x6e", 12, ""},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        score_error error = {0};
        score_model *model;
        assert_int_equal(
            score_model_read_memory(cases[k].bytes, cases[k].size, "memory", &model, &error),
            SCORE_ERROR_FORMAT);
        if (strstr(error.message, cases[k].message) == NULL)
            fail_msg("%s", error.message);
    }
    char *document = make_document(SAMPLE_MLP);
    char *ascii = replace_text(document, "UTF-8", NULL, "us-ascii");
    score_model *model;
    assert_int_equal(score_model_read_memory(ascii, strlen(ascii), "memory", &model, NULL),
                     SCORE_OK);
    score_model_destroy(model);
    free(ascii);
    free(document);
}

static void compressed_files_that_are_damaged_are_refused(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_MLP);
    score_error error = {0};
    size_t size;
    assert_int_equal(score_model_write(model, "good.xml.gz", &error), SCORE_OK);
    score_model_destroy(model);
    char *bytes = read_file("good.xml.gz", &size);

    write_file("cut.gz", bytes, size - 9);
    assert_int_equal(score_model_read("cut.gz", &model, &error), SCORE_ERROR_FORMAT);
    assert_string_equal(error.message, "the compressed file is truncated");
    assert_null(model);

    write_file("longer.gz", bytes, size);
    FILE *longer = fopen("longer.gz", "ab");
    fputs("more", longer);
    fclose(longer);
    assert_int_equal(score_model_read("longer.gz", &model, &error), SCORE_ERROR_FORMAT);
    assert_string_equal(error.message, "the compressed file is corrupt: incorrect header check");
    assert_true(error.line > 1);

    bytes[size - 6] = (char)(bytes[size - 6] ^ 1); /* of gzip's own checksum */
    write_file("flipped.gz", bytes, size);
    assert_int_equal(score_model_read("flipped.gz", &model, &error), SCORE_ERROR_FORMAT);
    assert_string_equal(error.message, "the compressed file is corrupt: incorrect data check");
    free(bytes);
}

static void files_that_cannot_be_read_are_named(void **state) {
    (void)state;
    score_error error = {0};
    score_model *model = (score_model *)&error;
    assert_int_equal(score_model_read("none.xml", &model, &error), SCORE_ERROR_FILE);
    assert_null(model);
    assert_string_equal(error.file, "none.xml");
    assert_string_equal(error.message, "cannot be opened: No such file or directory");
    model = (score_model *)&error;
    assert_int_equal(score_model_read(".", &model, &error), SCORE_ERROR_FILE);
    assert_null(model);
    assert_string_equal(error.message, "cannot be opened: Is a directory");
    assert_int_equal(mkfifo("pipe.xml", 0600), 0);
    model = (score_model *)&error;
    assert_int_equal(score_model_read("pipe.xml", &model, &error), SCORE_ERROR_FILE);
    assert_null(model);
    assert_string_equal(error.message, "is no regular file, but a pipe or a device");
}

/* libxml2 prints its errors where nobody collects them. */
static void nothing_is_printed(void **state) {
    (void)state;
    fflush(stderr);
    int kept = dup(2), file = open("printed", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    for (int k = 0; k < BAD_DOCUMENT_COUNT; k++) {
        long line;
        score_model *model;
        char *text = make_bad_document(&BAD_DOCUMENTS[k], &line);
        score_model_read_memory(text, strlen(text), "memory", &model, NULL);
        free(text);
    }
    score_model *model; /* what libxml2 converts has no parser to complain to */
    static const char *const converted[] = {
        "<?xml version='1.0' encoding='ascii'?><a b='\xff'/>",
        "<?xml version='1.0' encoding='UTF-16LE'?><a b='\xd8\xd8\xd8\xd8\xd8'/>",
        "<?xml version='1.0' encoding='EUC-JP'?><a b='\xff\xff\xff\xff'/>"};
    for (size_t k = 0; k < sizeof converted / sizeof converted[0]; k++)
        score_model_read_memory(converted[k], strlen(converted[k]), "memory", &model, NULL);
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    close(file);
    size_t size;
    char *printed = read_file("printed", &size);
    assert_int_equal(size, 0);
    free(printed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_with_an_error_are_refused),
        cmocka_unit_test(tensors_with_wrong_content_are_refused),
        cmocka_unit_test(gaussians_that_are_none_are_refused),
        cmocka_unit_test(lines_beyond_65535_are_counted),
        cmocka_unit_test(too_many_elements_are_refused),
        cmocka_unit_test(long_attributes_are_refused),
        cmocka_unit_test(long_tags_are_refused_before_they_are_parsed),
        cmocka_unit_test(only_tags_are_bounded),
        cmocka_unit_test(other_encodings_are_refused),
        cmocka_unit_test(compressed_files_that_are_damaged_are_refused),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
        cmocka_unit_test(nothing_is_printed),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
