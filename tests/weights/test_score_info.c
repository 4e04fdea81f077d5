/* score-info says what is in a file, and of a bad one why not. */
#define _XOPEN_SOURCE 700
#include "temporary_folder.h"

#include <string.h>
#include <sys/wait.h>

#include "host/host.h"
#include "sample_models.h"

/* Runs score-info; returns its exit status. Its output is in the files "out" and "err". */
static int run(const char *arguments) {
    char command[1024];
    snprintf(command, sizeof command, "'%s' %s >out 2>err", SCORE_INFO, arguments);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_says(const char *path, const char *expected) {
    size_t size;
    char *bytes = read_file(path, &size), *text = calloc(1, size + 1);
    memcpy(text, bytes, size);
    if (expected[0] == '\0' ? size > 0 : strstr(text, expected) == NULL)
        fail_msg("'%s' is not in: %s", expected, text);
    free(text);
    free(bytes);
}

static void a_model_is_described(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_EXPERTS);
    double *values = score_model_parameters(model, 2);
    const score_tensor *last = score_model_tensor(model, 2, score_model_tensor_count(model, 2) - 2);
    assert_string_equal(last->name, "readout.weight");
    values[last->offset] = 3;
    values[last->offset + 1] = -4;
    assert_int_equal(score_model_write(model, "model.xml", NULL), SCORE_OK);
    score_model_destroy(model);
    assert_int_equal(run("model.xml"), 0);
    assert_says("err", "");
    static const char *const expected[] = {
        "model.xml: ", " bytes\n", "3 dimensions, centred, scale 0.1 nm", "300 K",
        "betaMin 0.1, betaMax 20",
        "range of the data: neighbours up to 0.33333 nm apart, beads up to 0.1 nm from the centre",
        "of 2 beads", "    0 CA       ALA            0    12.0110", "note 'unicode':\n    \xc3\xa9",
        "expert 0: graph transformer for the score, diffusion times 0.6 to 1",
        "expert 1: MLP for the energy, diffusion times 0.3333333333 to 0.6",
        "hidden 2, layers 1, heads 1, headWidth 2; ", " parameters stored as float64",
        /* the root of (9 + 16)/2 */
        "readout.weight                            2 x 1           -4            3        3.536"};
    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++)
        assert_says("out", expected[k]);
}

static void features_are_described(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_FEATURES);
    assert_int_equal(score_model_write(model, "features.xml.gz", NULL), SCORE_OK);
    score_model_destroy(model);
    assert_int_equal(run("features.xml.gz"), 0);
    assert_says("out", "each with 2 integer features of sizes 3 5");
    assert_says("out", "  2 0\n");
}

static void a_base_is_described(void **state) {
    (void)state;
    static const char *const expected[] = {
        "  Gaussian of the data: over beads, 1 mode of variance 0.333333 to 0.333333 in units of "
        "the "
        "scale\n",
        "over coordinates, 2 modes of variance 4.94066e-324 to 0.333333 in units of the scale, "
        "with a "
        "mean\n",
        "  Gaussian of the data: variance 0.333333 of every coordinate"};
    for (int k = 0; k < 3; k++) {
        score_model *model = make_sample((sample_model)(SAMPLE_GAUSSIAN_BEADS + k));
        assert_int_equal(score_model_write(model, "base.xml", NULL), SCORE_OK);
        score_model_destroy(model);
        assert_int_equal(run("base.xml"), 0);
        assert_says("out", expected[k]);
        if (k < 2)
            assert_says("out", "\n    base: the Gaussian of the data, diffused until its time\n");
    }
    assert_int_equal(system("! grep -q base: out"), 0);
}

static void what_a_terminal_acts_on_is_escaped(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_EXPERTS);
    assert_int_equal(score_model_write(model, "odd.xml", NULL), SCORE_OK);
    score_model_destroy(model);
    assert_int_equal(
        system("sed -i -e 's/\xc3\xa9 /\xc3\xa9\t\xc2\x9b\xe2\x80\xae\xe2\x81\xa9/' "
               "-e 's/\"unicode\"/\"uni\xe2\x80\xae\"/' -e 's/\"CA\"/\"C\xe2\x80\xae\"/' "
               "odd.xml"),
        0);
    assert_int_equal(run("odd.xml"), 0);
    assert_says("out", "note 'uni\\u202e':\n    \xc3\xa9\t\\u009b\\u202e\\u2069\xe2\x82\xac");
    assert_says("out", "    0 C\\u202e  ALA            0    12.0110");
}

static void a_bad_file_is_named_and_the_others_are_shown(void **state) {
    (void)state;
    score_model *model = make_sample(SAMPLE_MLP);
    assert_int_equal(score_model_write(model, "good.xml", NULL), SCORE_OK);
    score_model_destroy(model);
    write_file("bad.xml", "<ScoreModel\nversion='7'/>", 25);
    assert_int_equal(run("bad.xml good.xml none.xml"), 1);
    assert_says("err", "score-info: bad.xml:2: the file has format version 7");
    assert_says("err", "score-info: none.xml: cannot be opened");
    assert_says("out", "good.xml: ");
}

static void the_command_line_is_checked(void **state) {
    (void)state;
    assert_int_equal(run("--help"), 0);
    assert_says("out", "Usage: score-info");
    assert_says("err", "");
    assert_int_equal(run("--version"), 0);
    assert_says("out", "score-info ");
    assert_int_equal(run(""), 2);
    assert_says("err", "Usage: score-info");
    assert_says("out", "");
    assert_int_equal(run("--verbose"), 2);
    assert_says("err", "option '--verbose' is not known here");
}

/* Reads the line of the instructions in use, which is that of `name`. */
static void assert_uses(const char *name) {
    char line[100];
    snprintf(line, sizeof line, "  in use on this processor: %s\n", name);
    assert_int_equal(run("--build"), 0);
    assert_says("err", "");
    assert_says("out", line);
}

static void the_instructions_in_use_are_named(void **state) {
    (void)state;
    /* Not compared with this program's own choice: valgrind hides instructions from it, but not from
     * the program it starts. */
    assert_int_equal(run("--build"), 0);
    assert_says("out", "  arithmetic compiled for: v1");
    assert_int_equal(setenv("SCORE_ISA", "v1", 1), 0);
#ifdef SCORE_HAS_X86_64_LEVELS
    assert_uses("x86-64-v1");
#else
    assert_uses("baseline-v1");
#endif
    assert_int_equal(unsetenv("SCORE_ISA"), 0);
}

static void assert_products(const char *wanted, int status, const char *out, const char *err) {
    assert_int_equal(setenv("SCORE_PRODUCTS", wanted, 1), 0);
    assert_int_equal(run("--build"), status);
    assert_says("out", out);
    assert_says("err", err);
    assert_int_equal(unsetenv("SCORE_PRODUCTS"), 0);
}

static void the_products_in_use_are_named(void **state) {
    (void)state;
    const char *panels = "  products in use: panels, on the Reference platform: panels\n";
#ifdef SCORE_HAS_OPENBLAS
    const char *openblas = "  products in use: openblas, on the Reference platform: openblas\n";
    const char *found = "  matrix products: panels, openblas 0.";
    assert_products("openblas", 0, openblas, "");
#ifdef SCORE_HAS_X86_64_LEVELS
    assert_products("", 0, "  products in use: panels, on the Reference platform: openblas\n", "");
#else
    assert_products("", 0, openblas, "");
#endif
#else
    const char *found = "  matrix products: panels; built without openblas\n";
    assert_products("", 0, panels, "");
    assert_products(
        "openblas", 2, found,
        "score-info: SCORE_PRODUCTS is 'openblas', but there is no OpenBLAS: this build");
#endif
    assert_products("panels", 0, panels, "");
    assert_products("neither", 2, found, "score-info: SCORE_PRODUCTS is 'neither', but must be");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_described),
        cmocka_unit_test(features_are_described),
        cmocka_unit_test(a_base_is_described),
        cmocka_unit_test(what_a_terminal_acts_on_is_escaped),
        cmocka_unit_test(a_bad_file_is_named_and_the_others_are_shown),
        cmocka_unit_test(the_command_line_is_checked),
        cmocka_unit_test(the_instructions_in_use_are_named),
        cmocka_unit_test(the_products_in_use_are_named),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
