/* Recipes: what a good one means, and that every way to write a bad one is an error that names file,
 * line and value. The schema that ships with score-train is held to the same recipes. */
#define _POSIX_C_SOURCE 200809L
#include "temporary_folder.h"

#include <string.h>
#include <unistd.h>

#include "bad_recipes.h"
#include "losses/loss_classification.h"
#include "losses/loss_fokker_planck.h"
#include "nn/activation_kind.h"
#include "recipe_text.h"

/* -------- good recipes -------- */

static void good_recipe_has_its_values_and_defaults(void **state) {
    (void)state;
    score_recipe *recipe = read_edited("", "");
    assert_int_equal(recipe->seed, 7);
    assert_string_equal(recipe->data.path, "frames.npy");
    assert_true(recipe->data.unit_nm == 0.1);
    assert_null(recipe->data.log_weights);
    assert_true(recipe->data.held_out == 0.05);
    assert_true(recipe->data.scale_nm == 0);
    assert_int_equal(recipe->data.memory, (uint64_t)1 << 30);
    assert_int_equal(recipe->data.line, 5);

    const score_model_config *model = &recipe->model;
    assert_int_equal(model->dimensions, 3);
    assert_int_equal(model->centred, 1);
    assert_true(model->temperature_k == 300);
    assert_true(model->schedule.settings[0] == 0.2 && model->schedule.settings[1] == 10);
    assert_int_equal(model->bead_count, 2);
    assert_string_equal(model->beads[1].name, "N");
    assert_string_equal(model->beads[1].residue, "ALA");
    assert_int_equal(model->beads[0].residue_index, 0);
    assert_int_equal(model->beads[1].residue_index, 1);
    assert_true(model->beads[0].mass_amu == 12.011);
    assert_int_equal(model->expert_count, 1);
    assert_int_equal(model->experts[0].architecture, SCORE_GRAPH_TRANSFORMER);
    assert_int_equal(model->experts[0].output, SCORE_OUTPUT_ENERGY);
    assert_int_equal(model->experts[0].hidden, 96);
    assert_int_equal(model->experts[0].layers, 2);
    assert_int_equal(model->experts[0].heads, 8);
    assert_int_equal(model->experts[0].head_width, 64);
    assert_true(model->experts[0].t_begin == 0 && model->experts[0].t_end == 1);
    assert_int_equal(model->experts[0].base, SCORE_BASE_NONE);
    assert_int_equal(model->note_count, 1);
    assert_string_equal(model->notes[0].name, "data");
    assert_string_equal(model->notes[0].text, "made up");

    assert_true(recipe->rotate);
    assert_int_equal(recipe->validation_interval, 200000);
    assert_int_equal(recipe->stage_count, 1);
    const score_stage *stage = &recipe->stages[0];
    assert_int_equal(stage->expert, 0);
    assert_true(stage->t_begin == SCORE_TIME_MIN && stage->t_end == 1);
    assert_true(stage->weight_middle == 0.5 * (SCORE_TIME_MIN + 1));
    assert_int_equal(stage->samples, 20000000);
    assert_true(stage->epochs == 0);
    assert_int_equal(stage->batch, 128);
    const score_optimizer_config *adam = &stage->optimizer;
    assert_true(adam->rate == 1e-3 && adam->final_rate == 1e-3 * 0.01);
    assert_int_equal(adam->warm_up, 0);
    assert_int_equal(adam->kind, 0);
    assert_true(adam->settings[0] == 0.9 && adam->settings[1] == 0.999);
    assert_true(adam->settings[2] == 1e-8);
    assert_true(adam->weight_decay == 1e-4 && adam->clip_norm == 0);
    assert_true(adam->average_half_life == 0);
    assert_true(stage->losses[SCORE_LOSS_DENOISING].weight == 1);
    assert_false(score_stage_is_antithetic(stage));
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        assert_true(k == SCORE_LOSS_DENOISING || stage->losses[k].weight == 0);
    score_recipe_destroy(recipe);
}

static void values_replace_defaults(void **state) {
    (void)state;
    score_recipe *recipe = read_edited("seed=\"7\"", "seed=\"9223372036854775807\"");
    assert_true(recipe->seed == INT64_MAX);
    score_recipe_destroy(recipe);
    recipe = read_edited("unit=\"angstrom\"", "logWeights=\"w\" heldOut=\".5\" scaleNm=\"2\" "
                                              "memoryMiB=\"3\"");
    assert_string_equal(recipe->data.log_weights, "w");
    assert_true(recipe->data.unit_nm == 0 && recipe->data.held_out == 0.5);
    assert_true(recipe->data.scale_nm == 2 && recipe->data.memory == 3 << 20);
    score_recipe_destroy(recipe);
    recipe = read_edited("unit=\"angstrom\"", "unit=\"nm\" logWeights=\"none\"");
    assert_true(recipe->data.unit_nm == 1 && recipe->data.no_weights);
    assert_null(recipe->data.log_weights);
    score_recipe_destroy(recipe);
    recipe = read_edited("unit=\"angstrom\"", "forces=\"frames.npy\" forceUnits=\"kJ/mol/nm\"");
    assert_string_equal(recipe->data.forces, "frames.npy");
    assert_true(recipe->data.force_unit == 1);
    score_recipe_destroy(recipe);
    recipe = read_edited("<AdamW rate=\"1e-3\"/>",
                         "<AdamW rate=\"1\" finalRate=\"0\" warmUpSamples=\"1e5\" beta1=\"0\" "
                         "beta2=\".9\" epsilon=\"1\" weightDecay=\"0\" clipNorm=\"2\"/>"
                         "<MovingAverage halfLifeSamples=\"2.5e5\"/>");
    const score_optimizer_config *adam = &recipe->stages[0].optimizer;
    assert_true(adam->final_rate == 0 && adam->warm_up == 100000 && adam->settings[0] == 0);
    assert_true(adam->settings[1] == 0.9 && adam->settings[2] == 1 && adam->weight_decay == 0);
    assert_true(adam->clip_norm == 2 && adam->average_half_life == 2.5e5);
    score_recipe_destroy(recipe);
    recipe = read_edited("<AdamW rate=\"1e-3\"/>", "<Muon rate=\"1\" beta1=\".5\"/>");
    const score_optimizer_config *muon = &recipe->stages[0].optimizer;
    assert_true(muon->rate == 1 && muon->kind == 1 && muon->final_rate == 0.01 &&
                muon->settings[0] == 0.5);
    assert_true(muon->settings[3] == 0.95);
    score_recipe_destroy(recipe);
    recipe = read_edited("<AdamW rate=\"1e-3\"/>", "<Muon rate=\"1\" momentum=\"0\"/>");
    assert_true(recipe->stages[0].optimizer.settings[3] == 0);
    score_recipe_destroy(recipe);
    recipe = read_edited("samples=\"2e7\" batch=\"128\"",
                         "epochs=\"1.5\" batch=\"2\" timeBegin=\"0.1\" timeEnd=\"0.6\" "
                         "weightMiddle=\"0.35\"");
    assert_true(recipe->stages[0].epochs == 1.5 && recipe->stages[0].samples == 0);
    assert_true(recipe->stages[0].t_begin == 0.1 && recipe->stages[0].t_end == 0.6);
    assert_true(recipe->stages[0].weight_middle == 0.35);
    score_recipe_destroy(recipe);
}

static void toy_recipe_is_neither_centred_nor_rotated(void **state) {
    (void)state;
    const char *toy = "<ScoreRecipe version='1'><Data file='frames.npy' unit='nm' scaleNm='1'/>"
                      "<Model temperatureK='2766' dimensions='2'><Bead name='X' mass='1'/>"
                      "<Expert architecture='mlp' output='score' hidden='92' layers='3' "
                      "timeBegin='.1'/>"
                      "<Expert architecture='mlp' hidden='64' layers='3' timeEnd='.1' "
                      "dtype='float64'/>"
                      "</Model><Training><Stage epochs='30' batch='128'><AdamW rate='1e-3'/>"
                      "<DenoisingScoreMatching antithetic='true'/></Stage>"
                      "<Stage expert='1' epochs='30' batch='128'><AdamW rate='1e-3'/>"
                      "<DenoisingScoreMatching weight='2'/>"
                      "<FokkerPlanck weight='5e-4' share='0.25' variance='1e-3'/>"
                      "<TimeClassification weight='3' width='0.8' variance='7e-4'/>"
                      "<ForceMatching weight='2' share='0.5'/>"
                      "</Stage></Training></ScoreRecipe>";
    score_recipe *recipe = NULL;
    score_error error;
    assert_int_equal(read_text(toy, &recipe, &error), SCORE_OK);
    assert_int_equal(recipe->model.centred, 0);
    assert_false(recipe->rotate);
    assert_int_equal(recipe->model.expert_count, 2);
    assert_int_equal(recipe->model.experts[0].output, SCORE_OUTPUT_SCORE);
    assert_int_equal(recipe->model.experts[1].heads, 0);
    assert_int_equal(recipe->model.experts[1].dtype, SCORE_FLOAT64);
    assert_true(recipe->stages[0].t_begin == 0.1);
    assert_true(recipe->stages[1].t_begin == SCORE_TIME_MIN && recipe->stages[1].t_end == 0.1);
    assert_true(score_stage_is_antithetic(&recipe->stages[0]));
    const score_stage *last = &recipe->stages[1];
    assert_true(last->losses[SCORE_LOSS_DENOISING].weight == 2);
    const score_loss_config *residual = &last->losses[SCORE_LOSS_FOKKER_PLANCK];
    assert_true(residual->weight == 5e-4 && residual->share == 0.25 &&
                residual->settings[SCORE_FOKKER_PLANCK_VARIANCE] == 1e-3);
    const score_loss_config *forces = &last->losses[SCORE_LOSS_FORCE_MATCHING];
    assert_true(forces->weight == 2 && forces->share == 0.5);
    assert_true(score_recipe_needs_forces(recipe));
    const score_loss_config *pairs = &last->losses[SCORE_LOSS_CLASSIFICATION];
    assert_true(pairs->weight == 3 && pairs->share == 1 &&
                pairs->settings[SCORE_CLASSIFICATION_WIDTH] == 0.8 &&
                pairs->settings[SCORE_CLASSIFICATION_VARIANCE] == 7e-4);
    score_recipe_destroy(recipe);
    assert_true(schema_accepts(toy));
}

static void losses_of_energies_are_refused_for_a_score(void **state) {
    (void)state;
    const char *losses[] = {"<FokkerPlanck weight=\"1\"/>",
                            "<TimeClassification weight=\"1\" width=\"1\"/>",
                            "<ForceMatching weight=\"1\"/>"};
    for (int k = 0; k < 3; k++) {
        char *scored = edited("layers=\"2\"", "layers=\"2\" output=\"score\"");
        char *place = strstr(scored, "    </Stage>");
        char text[4096];
        snprintf(text, sizeof text, "%.*s%s%s", (int)(place - scored), scored, losses[k], place);
        free(scored);
        score_recipe *recipe = NULL;
        score_error error;
        assert_int_equal(read_text(text, &recipe, &error), SCORE_ERROR_FORMAT);
        assert_int_equal(error.line, 16);
        assert_non_null(strstr(error.message, "needs an energy"));
    }
}

/* A recipe of four beads with this <Emphasis>, on line 3. */
static score_status read_emphasis(const char *attributes, const char *dimensions,
                                  score_recipe **recipe, score_error *error, bool *valid) {
    char text[1024];
    snprintf(
        text, sizeof text,
        "<ScoreRecipe version='1'><Data file='frames.npy' unit='nm'/><Model temperatureK='300' "
        "dimensions='%s' centred='false'><Bead name='A' mass='1'/><Bead name='B' mass='1'/>"
        "<Bead name='C' mass='1'/><Bead name='D' mass='1'/>"
        "<Expert architecture='mlp' hidden='8' layers='1'/></Model><Training>\n"
        "<Stage samples='9' batch='1'><AdamW rate='1e-3'/><DenoisingScoreMatching/>\n"
        "<Emphasis %s/></Stage></Training></ScoreRecipe>",
        dimensions, attributes);
    *valid = schema_accepts(text);
    return read_text(text, recipe, error);
}

static void emphasis_is_read(void **state) {
    (void)state;
    score_recipe *recipe = NULL;
    score_error error;
    bool valid;
    assert_int_equal(read_emphasis("dihedral=' 3  0 2 1 ' from='150' to='-170.5' factor='10'", "3",
                                   &recipe, &error, &valid),
                     SCORE_OK);
    assert_true(valid);
    const score_emphasis *emphasis = &recipe->stages[0].emphasis;
    const int beads[4] = {3, 0, 2, 1};
    assert_memory_equal(emphasis->beads, beads, sizeof beads);
    assert_true(emphasis->from == 150 && emphasis->to == -170.5 && emphasis->factor == 10);
    score_recipe_destroy(recipe);

    const struct {
        const char *attributes, *dimensions, *message;
        bool schema_sees_it;
    } bad[] = {
        {"from='0' to='9' factor='2'", "3", "'dihedral'", true},
        {"dihedral='' from='0' to='9' factor='2'", "3", "dihedral=\"\"", true},
        {"dihedral='0 1 2' from='0' to='9' factor='2'", "3", "dihedral=\"0 1 2\", must be", true},
        {"dihedral='0 1 2 3 0' from='0' to='9' factor='2'", "3", "\"0 1 2 3 0\", must be", true},
        {"dihedral='0 1 2 4' from='0' to='9' factor='2'", "3", "four different beads of 0 to 3",
         false},
        {"dihedral='0 1 2 -1' from='0' to='9' factor='2'", "3", "\"0 1 2 -1\"", true},
        {"dihedral='0 1 2 1' from='0' to='9' factor='2'", "3", "\"0 1 2 1\"", false},
        {"dihedral='000000000010 2 3' from='0' to='9' factor='2'", "3", "\"000000000010 2 3\"",
         true},
        {"dihedral='0-1-2-3' from='0' to='9' factor='2'", "3", "\"0-1-2-3\"", true},
        {"dihedral='0 1 2 3' to='9' factor='2'", "3", "'from'", true},
        {"dihedral='0 1 2 3' from='0' to='181' factor='2'", "3", "to=\"181\"", true},
        {"dihedral='0 1 2 3' from='nan' to='9' factor='2'", "3", "from=\"nan\"", true},
        {"dihedral='0 1 2 3' from='0' to='9'", "3", "'factor'", true},
        {"dihedral='0 1 2 3' from='0' to='9' factor='1'", "3", "factor=\"1\"", true},
        {"dihedral='0 1 2 3' from='0' to='9' factor='1e7'", "3", "factor=\"1e7\"", true},
        {"dihedral='0 1 2 3' from='0' to='9' factor='2' bead='1'", "3", "'bead'", true},
        {"dihedral='0 1 2 3' from='0' to='9' factor='2'", "2", "3 dimensions", false},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const score_status status = read_emphasis(bad[k].attributes, bad[k].dimensions, &recipe,
                                                  &error, &valid);
        if (status != SCORE_ERROR_FORMAT || error.line != 3 ||
            strstr(error.message, bad[k].message) == NULL)
            fail_msg("%s: line %ld, %s", bad[k].attributes, error.line, error.message);
        if (bad[k].schema_sees_it && valid)
            fail_msg("the schema accepts %s", bad[k].attributes);
    }
}

static void bead_features_are_read(void **state) {
    (void)state;
    const char *text = "<ScoreRecipe version='1'><Data file='frames.npy' unit='nm'/>"
                       "<Model temperatureK='300'><Feature size='20'/><Feature size='4'/>"
                       "<Bead name='X' mass='1' features='19 0'/><Bead name='Y' mass='1' "
                       "features=' 3  3 '/>"
                       "<Expert architecture='graph-transformer' hidden='8' layers='1' heads='2' "
                       "headWidth='4' activation='gelu' normEpsilon='1e-5'/></Model><Training>"
                       "<Stage samples='1' batch='1'>"
                       "<AdamW rate='1e-3'/><DenoisingScoreMatching/></Stage></Training>"
                       "</ScoreRecipe>";
    score_recipe *recipe = NULL;
    score_error error;
    assert_int_equal(read_text(text, &recipe, &error), SCORE_OK);
    assert_int_equal(recipe->model.feature_count, 2);
    assert_int_equal(recipe->model.experts[0].activation, SCORE_GELU_ERF);
    assert_true(recipe->model.experts[0].norm_epsilon == 1e-5);
    assert_int_equal(recipe->model.feature_sizes[1], 4);
    assert_int_equal(recipe->beads[0].features[0], 19);
    assert_int_equal(recipe->beads[1].features[1], 3);
    score_recipe_destroy(recipe);
    assert_true(schema_accepts(text));
}

static void data_file_is_found_from_the_recipe(void **state) {
    (void)state;
    score_recipe *recipe = NULL;
    score_error error = {0};
    char folder[512], path[600];
    write_text("recipe.xml", GOOD_RECIPE);
    assert_non_null(getcwd(folder, sizeof folder));
    snprintf(path, sizeof path, "%s/recipe.xml", folder);
    assert_int_equal(chdir("/"), 0);
    score_status status = score_recipe_read(path, &recipe, &error);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(status, SCORE_OK);
    snprintf(path, sizeof path, "%s/frames.npy", folder);
    assert_string_equal(recipe->data.path, path);
    score_recipe_destroy(recipe);
}

/* All that a recipe may have is room for in a model file. */
static void longest_note_name_is_read(void **state) {
    (void)state;
    char note[300];
    snprintf(note, sizeof note, "<Note name=\"%0255d\">", 0);
    score_recipe *recipe = read_edited("<Note name=\"data\">", note);
    assert_int_equal(strlen(recipe->notes[0].name), 255);
    score_recipe_destroy(recipe);
    char *text = edited("<Note name=\"data\">", note);
    assert_true(schema_accepts(text));
    free(text);
}

static void more_notes_than_a_model_takes_are_an_error(void **state) {
    (void)state;
    enum { MOST = SCORE_MAX_NOTES - SCORE_RUN_NOTES, NOTE_SIZE = 24 };
    static char notes[(MOST + 2) * NOTE_SIZE];
    for (int more = 0; more < 2; more++) {
        size_t size = 0;
        for (int k = 0; k < MOST - 1 + more; k++)
            size += (size_t)snprintf(notes + size, NOTE_SIZE, "<Note name=\"%d\"/>\n", k);
        snprintf(notes + size, NOTE_SIZE, "<Note name=\"data\">");
        score_recipe *recipe = NULL;
        score_error error;
        char *text = edited("<Note name=\"data\">", notes);
        assert_int_equal(read_text(text, &recipe, &error), more ? SCORE_ERROR_FORMAT : SCORE_OK);
        if (more)
            assert_int_equal(error.line, 4 + MOST);
        free(text);
        score_recipe_destroy(recipe);
    }
}

static void schema_accepts_the_good_recipe(void **state) {
    (void)state;
    assert_true(schema_accepts(GOOD_RECIPE));
}

/* -------- bad recipes -------- */

static void bad_recipes_are_errors_with_their_line(void **state) {
    (void)state;
    for (size_t k = 0; k < score_bad_recipe_count; k++) {
        const bad_recipe *bad = &score_bad_recipes[k];
        char *text = edited(bad->old, bad->new);
        score_recipe *recipe = NULL;
        score_error error;
        score_status status = read_text(text, &recipe, &error);
        if (status != SCORE_ERROR_FORMAT || error.code != status || recipe != NULL)
            fail_msg("%s -> %s: status %d", bad->old, bad->new, (int)status);
        if (strstr(error.message, bad->message) == NULL || error.line != bad->line ||
            strcmp(error.file, "recipe.xml") != 0)
            fail_msg("%s -> %s: %s:%ld: %s", bad->old, bad->new, error.file, error.line,
                     error.message);
        if (schema_accepts(text) == bad->schema_too)
            fail_msg("%s -> %s: the schema says otherwise", bad->old, bad->new);
        free(text);
    }
}

/* libxml2 keeps an element's line in 16 bits; beyond, it goes by the end of the text that follows, here
 * one line on. */
static void lines_beyond_65535_are_counted(void **state) {
    (void)state;
    enum { MORE = 70000 };
    static char blank[MORE + 64];
    memset(blank, '\n', MORE);
    memcpy(blank + MORE, "<Training><Stage>", 18);
    char *text = edited("<Training>\n    <Stage samples=\"2e7\" batch=\"128\">", blank);
    score_recipe *recipe = NULL;
    score_error error;
    assert_int_equal(read_text(text, &recipe, &error), SCORE_ERROR_FORMAT);
    free(text);
    assert_in_range(error.line, 12 + MORE, 13 + MORE);
}

static void missing_files_are_named(void **state) {
    (void)state;
    score_recipe *recipe = NULL;
    score_error error = {0};
    assert_int_equal(score_recipe_read("nowhere.xml", &recipe, &error), SCORE_ERROR_FILE);
    assert_null(recipe);
    assert_string_equal(error.file, "nowhere.xml");
    char *text = edited("frames.npy", "nowhere.npy");
    assert_int_equal(read_text(text, &recipe, &error), SCORE_ERROR_FILE);
    assert_null(recipe);
    assert_int_equal(error.line, 5);
    assert_non_null(strstr(error.message, "nowhere.npy"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_recipe_has_its_values_and_defaults),
        cmocka_unit_test(values_replace_defaults),
        cmocka_unit_test(toy_recipe_is_neither_centred_nor_rotated),
        cmocka_unit_test(losses_of_energies_are_refused_for_a_score),
        cmocka_unit_test(emphasis_is_read),
        cmocka_unit_test(bead_features_are_read),
        cmocka_unit_test(data_file_is_found_from_the_recipe),
        cmocka_unit_test(longest_note_name_is_read),
        cmocka_unit_test(more_notes_than_a_model_takes_are_an_error),
        cmocka_unit_test(schema_accepts_the_good_recipe),
        cmocka_unit_test(bad_recipes_are_errors_with_their_line),
        cmocka_unit_test(lines_beyond_65535_are_counted),
        cmocka_unit_test(missing_files_are_named),
    };
    return cmocka_run_group_tests(tests, enter_recipe_folder, leave_folder);
}
