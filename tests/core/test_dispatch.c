/* SCORE_ISA and SCORE_PRODUCTS of the environment choose the copy of the arithmetic, in both
 * precisions. Built once more with OPENBLAS_IS_ABSENT, the library's name being that of no file. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>

#include "base/processor.h"
#include "score/batch.h"
#include "unit_test.h"

/* The name is the first member of either precision's table. */
const char *const *score_host_in_use_f32(void);
const char *const *score_host_in_use_f64(void);
const char *const *score_host_reference_f32(void);
const char *const *score_host_reference_f64(void);
score_status score_host_check_f32(score_error *error);
score_status score_host_check_f64(score_error *error);

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
#if defined(SCORE_HAS_OPENBLAS) && !defined(OPENBLAS_IS_ABSENT)
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

static void expect_refusal(const char *wanted, const char *message) {
    score_error errors[2] = {{0}, {0}};
    assert_int_equal(setenv("SCORE_PRODUCTS", wanted, 1), 0);
    assert_int_equal(score_host_check_f32(&errors[0]), SCORE_ERROR_ARGUMENT);
    assert_int_equal(score_host_check_f64(&errors[1]), SCORE_ERROR_ARGUMENT);
    for (int p = 0; p < 2; p++)
        if (strstr(errors[p].message, message) == NULL)
            fail_msg("'%s' does not contain '%s'", errors[p].message, message);
}

static void expect_no_result(score_precision precision) {
    const score_model_config config = {
        .dimensions = 2,
        .scale_nm = 1,
        .temperature_k = 300,
        .schedule = {0, {0.1, 20}},
        .bead_count = 1,
        .beads = &(score_bead){.mass_amu = 1, .name = "A"},
        .expert_count = 1,
        .experts = {{.architecture = SCORE_MLP, .hidden = 8, .layers = 1, .t_end = 1}}};
    const score_molecule molecule = {1, NULL};
    const score_executor serial = score_executor_serial();
    const double x[2] = {0, 1};
    double energy;
    score_error error = {0};
    score_model *model;
    score_batch *batch;
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("%s", error.message);
    assert_int_equal(score_batch_create(model, precision, 1, &molecule, 1, &batch, &error),
                     SCORE_OK);
    assert_int_equal(score_batch_evaluate(batch, x, 0.5, &serial, &energy, NULL, NULL, &error),
                     SCORE_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "SCORE_PRODUCTS"));
    score_batch_destroy(batch);
    score_model_destroy(model);
}

static void products_that_there_are_not_are_refused(void **state) {
    (void)state;
    const char *before = getenv("SCORE_PRODUCTS");
    char wanted[40];
    snprintf(wanted, sizeof wanted, "%s", before != NULL ? before : "");
    expect_refusal("neither", "SCORE_PRODUCTS is 'neither', but must be panels or openblas");
#if defined(OPENBLAS_IS_ABSENT)
    expect_refusal("openblas", "there is no OpenBLAS: " SCORE_OPENBLAS_NAME);
#elif !defined(SCORE_HAS_OPENBLAS)
    expect_refusal("openblas", "there is no OpenBLAS: this build has none");
#endif
    expect_no_result(SCORE_SINGLE_PRECISION);
    expect_no_result(SCORE_DOUBLE_PRECISION);
    expect_no_result(SCORE_REFERENCE_PRECISION);
    const char *const known[] = {"", "panels", "openblas"};
    for (int k = 0; k < (has_openblas() ? 3 : 2); k++) {
        assert_int_equal(setenv("SCORE_PRODUCTS", known[k], 1), 0);
        assert_int_equal(score_host_check_f32(NULL), SCORE_OK);
        assert_int_equal(score_host_check_f64(NULL), SCORE_OK);
    }
    assert_int_equal(
        before != NULL ? setenv("SCORE_PRODUCTS", wanted, 1) : unsetenv("SCORE_PRODUCTS"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_of_the_environment_is_in_use),
        cmocka_unit_test(the_reference_has_other_products_unless_panels_are_asked_for),
        cmocka_unit_test(products_that_there_are_not_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
