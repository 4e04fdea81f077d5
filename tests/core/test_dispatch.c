/* SCORE_ISA of the environment chooses the copy of the arithmetic, in both precisions. */
#include "base/processor.h"
#include "unit_test.h"

/* The name is the first member of either precision's table. */
const char *const *score_host_in_use_f32(void);
const char *const *score_host_in_use_f64(void);

static const char *best(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    return score_processor_has_v4() ? "v4" : score_processor_has_v3() ? "v3" : "v1";
#else
    return NULL;
#endif
}

/* What is asked for is what runs: the caller has made sure that the processor has it. */
static void the_set_of_the_environment_is_in_use(void **state) {
    (void)state;
    char expected[40] = "baseline";
    const char *wanted = getenv("SCORE_ISA");
    if (best() != NULL)
        snprintf(expected, sizeof expected, "x86-64-%s", wanted != NULL ? wanted : best());
    assert_string_equal(*score_host_in_use_f32(), expected);
    assert_string_equal(*score_host_in_use_f64(), expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_of_the_environment_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
