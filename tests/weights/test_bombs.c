/* Small files that claim to be, or become, very large ones: refused with little memory. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "sample_models.h"
#include "weights/base64.h"

/* The most memory the process has had, in KiB. Reading any of the bombs may add this much: the
 * buffers of the reader and of libxml2, which holds back no more than one comment. */
enum { ALLOWED_KIB = 100 << 10, MEMBER = 8 << 20, MEMBERS = 64 };

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void assert_refused(const char *path, const char *message) {
    score_error error = {0};
    score_model *model;
    long before = peak_kib();
    assert_int_equal(score_model_read(path, &model, &error), SCORE_ERROR_FORMAT);
    assert_null(model);
    if (strstr(error.message, message) == NULL)
        fail_msg("'%s' does not say '%s'", error.message, message);
    assert_true(peak_kib() - before < ALLOWED_KIB);
}

/* gzip of `begin`, then `member` over and over, half a gigabyte of it; returns the file's size. */
static void write_bomb(const char *path, const char *begin, char *member) {
    gzFile file = gzopen(path, "wb");
    gzwrite(file, begin, (unsigned)strlen(begin));
    gzclose(file);
    file = gzopen("member", "wb");
    gzwrite(file, member, MEMBER);
    gzclose(file);
    size_t size;
    char *bytes = read_file("member", &size);
    FILE *out = fopen(path, "ab");
    for (int k = 0; k < MEMBERS; k++)
        assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
    free(bytes);
}

static void compressed_white_space_ends_at_the_limit(void **state) {
    (void)state;
    char *member = malloc(MEMBER);
    memset(member, '\n', MEMBER);
    write_bomb("spaces.xml.gz", "<ScoreModel version=\"1\">", member);
    free(member);
    assert_refused("spaces.xml.gz", "the file has more than 268435456 bytes of XML");
}

static void compressed_comments_end_at_the_limit(void **state) {
    (void)state;
    char *member = malloc(MEMBER);
    for (int k = 0; k < MEMBER; k++)
        member[k] = "<!-- comment -->"[k % 16];
    write_bomb("comments.xml.gz", "<ScoreModel version=\"1\">", member);
    free(member);
    assert_refused("comments.xml.gz", "the file has more than 268435456 bytes of XML");
}

/* Each of these would be one token without end. */
static void endless_tokens_end_early(void **state) {
    (void)state;
    static const char *const begins[] = {
        "<ScoreModel version=\"1\"><!-- ",    "<ScoreModel version=\"1\"><?target ",
        "<ScoreModel version=\"1\" other=\"", "<ScoreModel",
        "<ScoreModel version=\"1\" ",         "<ScoreModel version=\"1\"><Coordinates scale='"};
    char *member = malloc(MEMBER);
    memset(member, 'x', MEMBER);
    for (size_t k = 0; k < sizeof begins / sizeof begins[0]; k++) {
        write_bomb("token.xml.gz", begins[k], member);
        assert_refused("token.xml.gz", "XML");
    }
    free(member);
}

static void endless_notes_end_at_the_limit(void **state) {
    (void)state;
    char *document = make_document(SAMPLE_TRANSFORMER), *member = malloc(MEMBER);
    strstr(document, "plain text")[0] = '\0';
    memset(member, 'x', MEMBER);
    write_bomb("note.xml.gz", document, member);
    assert_refused("note.xml.gz", "the notes have more than 16777216 bytes");
    free(member);
    free(document);
}

/* A tensor of one value whose zlib data would become 64 MB. */
static void inflation_stops_at_the_shape(void **state) {
    (void)state;
    enum { SIZE = 64 << 20 };
    char *document = make_document(SAMPLE_TRANSFORMER);
    char *tensor = strstr(document, "<Tensor name=\"embedding.weight\"");
    char *data = strchr(tensor, '>') + 1, *end = strstr(data, "</Tensor>");
    unsigned char *zeros = calloc(1, SIZE);
    uLongf packed_size = compressBound(SIZE);
    unsigned char *packed = malloc(packed_size);
    assert_int_equal(compress(packed, &packed_size, zeros, SIZE), Z_OK);
    free(zeros);
    char *base64 = malloc(4 * ((packed_size + 2) / 3) + 1);
    size_t base64_size = score_base64_encode(packed, packed_size, base64);
    FILE *file = fopen("tensor.xml", "wb");
    fwrite(document, 1, (size_t)(data - document), file);
    fwrite(base64, 1, base64_size, file);
    fputs(end, file);
    fclose(file);
    assert_refused("tensor.xml", "tensor 'embedding.weight' has more data than its shape holds");
    free(base64);
    free(packed);
    free(document);
}

/* An MLP of about hidden^2 weights, all zero, stored as float32. */
static score_model *make_mlp(int hidden) {
    score_bead beads[2] = {{.name = "A"}, {.name = "B"}};
    score_model_config config = {.dimensions = 3,
                                 .scale_nm = 1,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .bead_count = 2,
                                 .beads = beads,
                                 .expert_count = 1,
                                 .experts = {{.architecture = SCORE_MLP,
                                              .hidden = hidden,
                                              .layers = 2,
                                              .t_end = 1,
                                              .dtype = SCORE_FLOAT32}}};
    score_model *model;
    assert_int_equal(score_model_create(&config, &model, NULL), SCORE_OK);
    return model;
}

static void write_compressed(const char *path, const char *begin, const char *end) {
    gzFile file = gzopen(path, "wb");
    gzwrite(file, begin, (unsigned)strlen(begin));
    gzwrite(file, end, (unsigned)strlen(end));
    gzclose(file);
}

/* Few bytes that claim 983 MB in one expert, or 40 MB in each of two. */
static void claims_are_held_against_the_bytes_of_the_file(void **state) {
    (void)state;
    score_model *model = make_mlp(2240);
    char *text;
    size_t size;
    assert_int_equal(score_model_write_memory(model, &text, &size, NULL), SCORE_OK);
    score_model_destroy(model);
    assert_int_equal(score_model_read_memory(text, size, "text", &model, NULL), SCORE_OK);
    score_model_destroy(model);

    char *expert = strstr(text, "    <Expert "), *tensor = strstr(expert, "      <Tensor");
    char *opening = calloc(1, (size_t)(tensor - expert) + 1);
    memcpy(opening, expert, (size_t)(tensor - expert));
    strstr(text, "  </Experts>")[0] = '\0';
    write_compressed("two.xml.gz", text, opening);
    assert_refused("two.xml.gz", "the experts up to here claim 100");

    expert[0] = '\0';
    memset(strstr(opening, "2240"), '9', 4); /* 10^8 weights */
    write_compressed("one.xml.gz", text, opening);
    assert_refused("one.xml.gz", "the experts up to here claim 100");
    strchr(strstr(opening, "layers"), '2')[0] = '4';
    write_compressed("one.xml.gz", text, opening);
    assert_refused("one.xml.gz", "1 expert has 300");
    free(opening);
    free(text);
}

static void what_claims_too_much_is_not_written(void **state) {
    (void)state;
    score_model *model = make_mlp(4000), *copy;
    score_error error = {0};
    char *text;
    size_t size;
    assert_int_equal(score_model_write(model, "zeros.xml.gz", &error), SCORE_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "parameters are so uniform that they take "));
    assert_int_equal(access("zeros.xml.gz", F_OK), -1);
    assert_int_equal(score_model_write_memory(model, &text, &size, &error), SCORE_ERROR_ARGUMENT);
    assert_null(text);
    score_model_destroy(model);
    model = make_mlp(3000);
    double *weights = score_model_parameters(model, 0);
    uint32_t random = 1;
    for (size_t k = 0; k < score_model_parameter_count(model, 0); k++)
        weights[k] = (double)(random = random * 1664525 + 1013904223) / 0x1p32;
    assert_int_equal(score_model_write(model, "weights.xml.gz", &error), SCORE_OK);
    assert_int_equal(score_model_read("weights.xml.gz", &copy, &error), SCORE_OK);
    score_model_destroy(copy);
    score_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_white_space_ends_at_the_limit),
        cmocka_unit_test(compressed_comments_end_at_the_limit),
        cmocka_unit_test(endless_tokens_end_early),
        cmocka_unit_test(endless_notes_end_at_the_limit),
        cmocka_unit_test(inflation_stops_at_the_shape),
        cmocka_unit_test(claims_are_held_against_the_bytes_of_the_file),
        cmocka_unit_test(what_claims_too_much_is_not_written),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
