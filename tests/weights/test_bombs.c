/* Small files that claim to be, or become, very large ones: refused with little memory. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <string.h>
#include <sys/resource.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_white_space_ends_at_the_limit),
        cmocka_unit_test(compressed_comments_end_at_the_limit),
        cmocka_unit_test(endless_tokens_end_early),
        cmocka_unit_test(endless_notes_end_at_the_limit),
        cmocka_unit_test(inflation_stops_at_the_shape),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
