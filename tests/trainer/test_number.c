/* Numbers in text: read whole or not at all, in every locale. */
#define _XOPEN_SOURCE 700 /* setenv */
#include "temporary_folder.h"

#include "../comma_locale.h"
#include "base/number.h"

static void numbers_are_parsed_whole_or_not_at_all(void **state) {
    (void)state;
    static const char *const wrong[] = {"",    " 1",  "1 ",  "1,5", "e5", ".",     "+",  "1e",
                                        "1e+", "0x1", "inf", "nan", "1f", "1.2.3", "--1"};
    double value = 42;
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
        if (score_parse_double(wrong[k], &value) || value != 42)
            fail_msg("'%s' was taken for a number", wrong[k]);
    assert_false(score_parse_double("1e400", &value));
    static const struct {
        const char *text;
        double value;
    } right[] = {{"0", 0},
                 {"-1.5", -1.5},
                 {"+.5", 0.5},
                 {"5.", 5},
                 {"1e-3", 1e-3},
                 {"2E7", 2e7},
                 {"0.1", 0.1},
                 {"1e-400", 0},
                 {"-0", 0},
                 {"4.9e-324", 4.9e-324},
                 {"9007199254740993", 9007199254740992.0}};
    for (size_t k = 0; k < sizeof right / sizeof right[0]; k++)
        if (!score_parse_double(right[k].text, &value) || !(value == right[k].value))
            fail_msg("'%s' gives %g", right[k].text, value);
    int64_t whole = 42;
    assert_false(score_parse_int("1.0", 0, 9, &whole));
    assert_false(score_parse_int("", 0, 9, &whole));
    assert_false(score_parse_int("-", -9, 9, &whole));
    assert_false(score_parse_int("10", 0, 9, &whole));
    assert_false(score_parse_int("9223372036854775808", INT64_MIN, INT64_MAX, &whole));
    assert_false(score_parse_int("-9223372036854775809", INT64_MIN, INT64_MAX, &whole));
    assert_true(whole == 42);
    assert_true(score_parse_int("-9223372036854775808", INT64_MIN, INT64_MAX, &whole));
    assert_true(whole == INT64_MIN);
    assert_true(score_parse_int("+9223372036854775807", INT64_MIN, INT64_MAX, &whole));
    assert_true(whole == INT64_MAX);
}

static void numbers_do_not_depend_on_the_locale(void **state) {
    (void)state;
    if (!use_comma_locale())
        skip();
    double value = 0;
    bool point = score_parse_double("1.5", &value), comma = score_parse_double("2,5", &value);
    setlocale(LC_ALL, "C");
    assert_true(point && !comma && value == 1.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
