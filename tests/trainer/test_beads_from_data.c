/* <Beads fromData="true"/>: beads from the topology of the data. */
#define _POSIX_C_SOURCE 200809L
#include "temporary_folder.h"

#include <stdio.h>
#include <string.h>

#include "frame_files.h"

/* Two residues of three atoms; `element` of the last one. */
static void write_frames_of(const char *name, const char *element) {
    static char topology[512];
    snprintf(topology, sizeof topology,
             "{\"chains\": [{\"index\": 0, \"residues\": ["
             "{\"name\": \"TYR\", \"resSeq\": 7, \"atoms\": ["
             "{\"index\": 0, \"name\": \"N\", \"element\": \"N\"},"
             "{\"index\": 1, \"name\": \"CA\", \"element\": \"C\"}]},"
             "{\"name\": \"MSE\", \"resSeq\": 9, \"atoms\": ["
             "{\"index\": 2, \"name\": \"%s\", \"element\": \"%s\"}]}]}], \"bonds\": []}",
             name, element);
    const hdf5_file file = {.frames = 9, .beads = 3, .dimensions = 3, .topology = topology};
    write_hdf5("frames.h5", &file);
}

static void write_frames(const char *element) {
    write_frames_of("SE", element);
}

/* The recipe with these beads, line 4. */
static score_status read_recipe(const char *data, const char *beads, score_recipe **recipe,
                                score_error *error) {
    FILE *file = fopen("recipe.xml", "w");
    assert_non_null(file);
    fprintf(file,
            "<ScoreRecipe version=\"1\">\n"
            "  <Data file=\"%s\"/>\n"
            "  <Model temperatureK=\"300\">\n"
            "    %s\n"
            "    <Expert architecture=\"graph-transformer\" hidden=\"8\" layers=\"1\"/>\n"
            "  </Model>\n"
            "  <Training>\n"
            "    <Stage samples=\"64\" batch=\"8\">\n"
            "      <AdamW rate=\"1e-3\"/>\n"
            "      <DenoisingScoreMatching/>\n"
            "    </Stage>\n"
            "  </Training>\n"
            "</ScoreRecipe>\n",
            data, beads);
    assert_int_equal(fclose(file), 0);
    *error = (score_error){0};
    return score_recipe_read("recipe.xml", recipe, error);
}

static void check_bead(const score_bead *bead, const char *name, const char *residue, int index,
                       double mass_amu) {
    assert_string_equal(bead->name, name);
    assert_string_equal(bead->residue, residue);
    assert_int_equal(bead->residue_index, index);
    assert_true(bead->mass_amu == mass_amu);
}

static void names_residues_and_masses_are_the_topologys(void **state) {
    (void)state;
    score_recipe *recipe = NULL;
    score_error error;
    write_frames("Se");
    for (int given = 0; given < 2; given++) {
        const char *beads = given ? "<Beads fromData=\"true\" mass=\"100\"/>"
                                  : "<Beads fromData=\"true\"/>";
        if (read_recipe("frames.h5", beads, &recipe, &error) != SCORE_OK)
            fail_msg("%s", error.message);
        assert_int_equal(recipe->model.bead_count, 3);
        check_bead(&recipe->model.beads[0], "N", "TYR", 0, given ? 100 : 14.007);
        check_bead(&recipe->model.beads[1], "CA", "TYR", 0, given ? 100 : 12.011);
        check_bead(&recipe->model.beads[2], "SE", "MSE", 1, given ? 100 : 78.971);
        score_recipe_destroy(recipe);
    }
}

static void what_cannot_be_is_named(void **state) {
    (void)state;
    static const struct {
        const char *data, *beads, *file;
        long line;
        const char *message;
    } cases[] = {
        {"frames.h5", "<Beads fromData=\"true\"/>", "frames.h5", 0,
         "atom 2, SE, is of element 'VS', whose mass is not known"},
        {"frames.h5", "<Beads fromData=\"false\"/>", "recipe.xml", 4, "<Beads> must have fromData"},
        {"frames.h5", "<Beads/>", "recipe.xml", 4, "<Beads> must have fromData"},
        {"frames.h5", "<Beads fromData=\"true\" mass=\"0\"/>", "recipe.xml", 4,
         "<Beads> has mass=\"0\""},
        {"frames.h5", "<Beads fromData=\"true\" mass=\"1\"/><Bead name=\"N\" mass=\"1\"/>",
         "recipe.xml", 4, "<Bead> beside <Beads>"},
        {"frames.h5", "<Feature size=\"2\"/><Beads fromData=\"true\" mass=\"1\"/>", "recipe.xml", 4,
         "<Feature> beside <Beads>"},
        {"frames.h5", "<Beads fromData=\"true\"/><Beads fromData=\"true\"/>", "recipe.xml", 4, ""},
        {"bare.h5", "<Beads fromData=\"true\"/>", "bare.h5", 0,
         "has no topology to take beads from"},
        {"odd.h5", "<Beads fromData=\"true\"/>", "odd.h5", 0,
         "data set topology is not that of MDTraj's layout"},
        {"frames.npy", "<Beads fromData=\"true\"/>", "frames.npy", 0,
         "has no topology to take beads from: it is not an HDF5 file"},
    };
    hdf5_file file = {.frames = 9, .beads = 3, .dimensions = 3};
    write_hdf5("bare.h5", &file);
    file.topology = "{\"atoms\": [{";
    write_hdf5("odd.h5", &file);
    write_npy("frames.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 3, 3), }", 9,
              9);
    write_frames("VS");
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        score_recipe *recipe = NULL;
        score_error error;
        assert_int_not_equal(read_recipe(cases[k].data, cases[k].beads, &recipe, &error), SCORE_OK);
        assert_null(recipe);
        if (strncmp(error.message, cases[k].message, strlen(cases[k].message)) != 0 ||
            strcmp(error.file, cases[k].file) != 0 || error.line != cases[k].line)
            fail_msg("%s\n%s:%ld: %s", cases[k].beads, error.file, error.line, error.message);
    }
}

static void names_that_no_model_can_hold_are_refused(void **state) {
    (void)state;
    static const char *const names[] = {
        "C\\u0001", "A\\n", "\xff",
        "a-name-of-sixty-four-bytes-which-is-one-more-than-a-file-may-hold"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        score_recipe *recipe = NULL;
        score_error error;
        write_frames_of(names[k], "C");
        assert_int_equal(read_recipe("frames.h5", "<Beads fromData=\"true\"/>", &recipe, &error),
                         SCORE_ERROR_FORMAT);
        assert_non_null(strstr(error.message, "the name of atom 2 or of its residue"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_residues_and_masses_are_the_topologys),
        cmocka_unit_test(what_cannot_be_is_named),
        cmocka_unit_test(names_that_no_model_can_hold_are_refused),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
