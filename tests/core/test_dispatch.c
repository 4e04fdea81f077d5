/* SCORE_ISA and SCORE_PRODUCTS of the environment choose the copy of the arithmetic, in both
 * precisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/processor.h"

/* The name is the first member of either precision's table. */
const char *const *score_host_in_use_f32(void);
const char *const *score_host_in_use_f64(void);
const char *const *score_host_reference_f32(void);
const char *const *score_host_reference_f64(void);

static const char *best(void) {
#ifdef SCORE_HAS_X86_64_LEVELS
    return score_processor_has_v4() ? "v4" : score_processor_has_v3() ? "v3" : "v1";
#else
    return NULL;
#endif
}

static bool asked_for(const char *products) {
    const char *wanted = getenv("SCORE_PRODUCTS");
    return wanted != NULL && strcmp(wanted, products) == 0;
}

static bool has_openblas(void) {
#ifdef SCORE_HAS_OPENBLAS
    return true;
#else
    return false;
#endif
}

static void name_table(bool openblas, char name[40]) {
    const char *wanted = getenv("SCORE_ISA"), *set = "v1";
    if (best() != NULL)
        set = wanted != NULL ? wanted : best();
    snprintf(name, 40, "%s-%s", best() != NULL ? "x86-64" : "baseline",
             openblas ? "openblas" : set);
}

/* What is asked for is what runs: the caller has made sure that the processor has it. */
static void the_set_of_the_environment_is_in_use(void **state) {
    (void)state;
    char expected[40];
    const bool by_default = best() == NULL && !asked_for("panels");
    name_table(has_openblas() && (by_default || asked_for("openblas")), expected);
    assert_string_equal(*score_host_in_use_f32(), expected);
    assert_string_equal(*score_host_in_use_f64(), expected);
}

static void the_reference_has_other_products_unless_panels_are_asked_for(void **state) {
    (void)state;
    char expected[40];
    name_table(has_openblas() && !asked_for("panels"), expected);
    assert_string_equal(*score_host_reference_f32(), expected);
    assert_string_equal(*score_host_reference_f64(), expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_of_the_environment_is_in_use),
        cmocka_unit_test(the_reference_has_other_products_unless_panels_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
