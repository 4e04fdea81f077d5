/* Base64 by the test vectors of RFC 4648, in pieces of every size, and what it must refuse. */
#include "temporary_folder.h"

#include <string.h>

#include "weights/base64.h"

/* Decodes text in pieces of `piece` characters; the number of bytes, or -1 if it is refused. */
static int decode(const char *text, size_t piece, unsigned char *bytes) {
    score_base64_decoder decoder = {0};
    size_t size = strlen(text), total = 0;
    for (size_t k = 0; k < size; k += piece) {
        unsigned char part[SCORE_BASE64_PIECE];
        size_t asked = size - k < piece ? size - k : piece, count;
        if (score_base64_decode(&decoder, text + k, asked, part, &count) != asked)
            return -1;
        memcpy(bytes + total, part, count);
        total += count;
    }
    return score_base64_complete(&decoder) ? (int)total : -1;
}

static void the_vectors_of_the_standard_hold(void **state) {
    (void)state;
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const encoded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                          "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (int k = 0; k < 7; k++) {
        char text[16] = "";
        unsigned char bytes[16];
        text[score_base64_encode((const unsigned char *)plain[k], strlen(plain[k]), text)] = '\0';
        assert_string_equal(text, encoded[k]);
        assert_int_equal(decode(text, 16, bytes), k);
        assert_memory_equal(bytes, plain[k], (size_t)k);
    }
}

static void every_byte_comes_back_in_pieces_of_any_size(void **state) {
    (void)state;
    enum { SIZE = 1000 };
    unsigned char bytes[SIZE], back[SIZE + 3];
    char text[2 * SIZE] = "";
    for (int k = 0; k < SIZE; k++)
        bytes[k] = (unsigned char)(k * k / 7 + k);
    for (size_t size = SIZE - 3; size <= SIZE; size++) {
        text[score_base64_encode(bytes, size, text)] = '\0';
        for (size_t piece = 1; piece < sizeof text; piece = piece * 3 / 2 + 1) {
            assert_int_equal(decode(text, piece, back), size);
            assert_memory_equal(back, bytes, size);
        }
    }
}

static void white_space_is_skipped(void **state) {
    (void)state;
    unsigned char bytes[16];
    for (size_t piece = 1; piece < 20; piece++)
        assert_int_equal(decode(" Z\n\tm9v\r\nYg = =\n", piece, bytes), 4);
    assert_memory_equal(bytes, "foob", 4);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const
        bad[] = {"Z",     "Zg",       "Zg=",   "=",       "====",     "Z===",
                 "Zg===", "Zg==Zg==", "Zm9v=", "Zg==\n=", "Zm8=Zm9v", "Zm=8",
                 "Zm9-",  "Zm9_",     "Zm9.",  "Zm\x80v", "Zh==", /* bits beyond the last byte */
                 "Zm9="};
    unsigned char bytes[64];
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        for (size_t piece = 1; piece < 10; piece++)
            if (decode(bad[k], piece, bytes) != -1)
                fail_msg("'%s' was decoded", bad[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard_hold),
        cmocka_unit_test(every_byte_comes_back_in_pieces_of_any_size),
        cmocka_unit_test(white_space_is_skipped),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
