/* The C interface: everything that can be set and read, and a simulation, in C11. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "OpenMMScoreCWrapper.h"
#include "score/model.h"

enum { BEADS = 5 };

static const double chain_nm[BEADS][3] = {
    {0, 0, 0.03}, {0.12, 0.05, -0.01}, {0.24, 0, -0.02}, {0.36, 0.05, 0.03}, {0.48, 0, 0}};

/* Weights between -0.3 and 0.3 that look random. */
static void set_weights(score_model *model) {
    double *weights = score_model_parameters(model, 0);
    size_t count = score_model_parameter_count(model, 0);
    for (size_t i = 0; i < count; i++)
        weights[i] = 0.3 * sin(1.0 + 12.9898 * (double)i);
}

static OpenMM_ScoreModel *make_model(void) {
    score_bead beads[BEADS] = {0};
    for (int i = 0; i < BEADS; i++) {
        strcpy(beads[i].name, "CA");
        strcpy(beads[i].residue, "ALA");
        beads[i].residue_index = i;
        beads[i].mass_amu = 12;
        memcpy(beads[i].frame_nm, chain_nm[i], sizeof chain_nm[i]);
        beads[i].features[0] = i % 2;
    }
    score_note note = {"data", "made up"};
    const double variance = 1.25;
    const score_gaussian gaussian = {.over = SCORE_OVER_ALL, .modes = 1, .variances = &variance};
    score_model_config config = {.dimensions = 3,
                                 .centred = 1,
                                 .scale_nm = 0.1,
                                 .temperature_k = 300,
                                 .schedule = {0, {0.1, 20}},
                                 .feature_count = 1,
                                 .feature_sizes = {2},
                                 .bead_count = BEADS,
                                 .beads = beads,
                                 .range = {.neighbours_nm = 0.4, .centre_nm = 0.5},
                                 .gaussian = &gaussian,
                                 .expert_count = 1,
                                 .note_count = 1,
                                 .notes = &note};
    config.experts[0] = (score_expert_config){.architecture = SCORE_GRAPH_TRANSFORMER,
                                              .output = SCORE_OUTPUT_ENERGY,
                                              .hidden = 8,
                                              .layers = 2,
                                              .heads = 2,
                                              .head_width = 4,
                                              .t_begin = 0,
                                              .t_end = 0.5,
                                              .dtype = SCORE_FLOAT64,
                                              .base = SCORE_BASE_GAUSSIAN};
    score_model *model = NULL;
    score_error error = {0};
    assert_int_equal(score_model_create(&config, &model, &error), SCORE_OK);
    set_weights(model);
    return OpenMM_ScoreModel_create_2(model);
}

static OpenMM_IntArray *int_array(int count, const int *values) {
    OpenMM_IntArray *array = OpenMM_IntArray_create(0);
    for (int i = 0; i < count; i++)
        OpenMM_IntArray_append(array, values[i]);
    return array;
}

static void assert_array(const OpenMM_IntArray *array, int count, const int *values) {
    assert_int_equal(OpenMM_IntArray_getSize(array), count);
    for (int i = 0; i < count; i++)
        assert_int_equal(OpenMM_IntArray_get(array, i), values[i]);
}

static void a_model_tells_what_it_holds(void **state) {
    (void)state;
    OpenMM_ScoreModel *model = make_model();
    assert_int_equal(OpenMM_ScoreModel_getNumBeads(model), BEADS);
    assert_int_equal(OpenMM_ScoreModel_getDimensions(model), 3);
    assert_int_equal(OpenMM_ScoreModel_isCentred(model), OpenMM_True);
    assert_true(OpenMM_ScoreModel_getTemperature(model) == 300);
    assert_true(OpenMM_ScoreModel_getScale(model) == 0.1);
    assert_true(OpenMM_ScoreModel_getNeighbourRange(model) == 0.4);
    assert_true(OpenMM_ScoreModel_getCentreRange(model) == 0.5);
    assert_string_equal(OpenMM_ScoreModel_getNoiseSchedule(model), "variance-preserving");
    assert_int_equal(OpenMM_ScoreModel_getNumNoiseScheduleSettings(model), 2);
    const char *setting_name;
    double setting;
    OpenMM_ScoreModel_getNoiseScheduleSetting(model, 1, &setting_name, &setting);
    assert_string_equal(setting_name, "betaMax");
    assert_true(setting == 20);
    assert_true(OpenMM_ScoreModel_getSignal(model, 0) == 1);
    assert_true(OpenMM_ScoreModel_getNoise(model, 0) == 0);
    assert_true(OpenMM_ScoreModel_getTimeOfNoise(model, 0) == 0);
    assert_int_equal(OpenMM_ScoreModel_getNumFeatures(model), 1);
    assert_int_equal(OpenMM_ScoreModel_getFeatureSize(model, 0), 2);
    assert_int_equal(OpenMM_ScoreModel_getNumExperts(model), 1);
    assert_int_equal(score_model_parameter_count(OpenMM_ScoreModel_getHandle(model), 0) > 0, 1);

    const char *first, *second;
    int hidden, layers, heads, head_width, residue_index;
    double begin, end, mass;
    OpenMM_ScoreModel_getExpert(model, 0, &first, &second, &hidden, &layers, &heads, &head_width,
                                &begin, &end);
    assert_string_equal(first, "GraphTransformer");
    assert_string_equal(second, "energy");
    assert_true(hidden == 8 && layers == 2 && heads == 2 && head_width == 4);
    assert_true(begin == 0 && end == 0.5);

    assert_string_equal(OpenMM_ScoreModel_getExpertBase(model, 0), "gaussian");
    OpenMM_DoubleArray *numbers[3];
    for (int k = 0; k < 3; k++)
        numbers[k] = OpenMM_DoubleArray_create(7);
    OpenMM_ScoreModel_getGaussian(model, &first, numbers[0], numbers[1], numbers[2]);
    assert_string_equal(first, "all");
    assert_int_equal(OpenMM_DoubleArray_getSize(numbers[0]), 1);
    assert_true(OpenMM_DoubleArray_get(numbers[0], 0) == 1.25);
    assert_int_equal(OpenMM_DoubleArray_getSize(numbers[1]), 0);
    assert_int_equal(OpenMM_DoubleArray_getSize(numbers[2]), 0);
    for (int k = 0; k < 3; k++)
        OpenMM_DoubleArray_destroy(numbers[k]);

    OpenMM_Vec3 position;
    OpenMM_IntArray *features = OpenMM_IntArray_create(0);
    OpenMM_ScoreModel_getBead(model, 3, &first, &second, &residue_index, &mass, &position,
                              features);
    assert_string_equal(first, "CA");
    assert_string_equal(second, "ALA");
    assert_true(residue_index == 3 && mass == 12 && position.x == 0.36 && position.z == 0.03);
    assert_array(features, 1, (int[]){1});
    OpenMM_IntArray_destroy(features);

    assert_int_equal(OpenMM_ScoreModel_getNumNotes(model), 1);
    OpenMM_ScoreModel_getNote(model, 0, &first, &second);
    assert_string_equal(first, "data");
    assert_string_equal(second, "made up");
    OpenMM_ScoreModel_destroy(model);
}

static void a_model_survives_text_and_file(void **state) {
    (void)state;
    const char *path = "test_c_api_model.xml";
    OpenMM_ScoreModel *model = make_model();
    char *xml = OpenMM_ScoreModel_toXml(model);
    OpenMM_ScoreModel *from_text = OpenMM_ScoreModel_fromXml(xml);
    OpenMM_ScoreModel_save(from_text, path);
    OpenMM_ScoreModel *from_file = OpenMM_ScoreModel_create(path);
    OpenMM_ScoreForce *force = OpenMM_ScoreForce_create(path);
    remove(path);
    char *again = OpenMM_ScoreModel_toXml(from_file);
    assert_string_equal(xml, again);
    free(again);
    again = OpenMM_ScoreModel_toXml(OpenMM_ScoreForce_getModel(force));
    assert_string_equal(xml, again);
    free(again);
    free(xml);
    OpenMM_ScoreForce_destroy(force);
    OpenMM_ScoreModel_destroy(from_file);
    OpenMM_ScoreModel_destroy(from_text);
    OpenMM_ScoreModel_destroy(model);
}

static void what_is_set_can_be_read(void **state) {
    (void)state;
    OpenMM_ScoreModel *model = make_model();
    OpenMM_ScoreForce *force = OpenMM_ScoreForce_create_2(model);
    OpenMM_ScoreModel_destroy(model); /* the force has its own reference */

    assert_true(OpenMM_ScoreForce_getDiffusionTime(force) == 1e-5);
    OpenMM_ScoreForce_setDiffusionTime(force, 0.25);
    assert_true(OpenMM_ScoreForce_getDiffusionTime(force) == 0.25);
    assert_true(OpenMM_ScoreForce_getScale(force) == 1);
    OpenMM_ScoreForce_setScale(force, 0.5);
    assert_true(OpenMM_ScoreForce_getScale(force) == 0.5);
    assert_string_equal(OpenMM_ScoreForce_getDiffusionTimeParameterName(force),
                        "ScoreForceDiffusionTime");
    OpenMM_ScoreForce_setDiffusionTimeParameterName(force, "t");
    assert_string_equal(OpenMM_ScoreForce_getDiffusionTimeParameterName(force), "t");
    assert_string_equal(OpenMM_ScoreForce_getScaleParameterName(force), "ScoreForceScale");
    OpenMM_ScoreForce_setScaleParameterName(force, "s");
    assert_string_equal(OpenMM_ScoreForce_getScaleParameterName(force), "s");
    assert_int_equal(OpenMM_ScoreForce_getNumEnergyParameterDerivatives(force), 0);
    OpenMM_ScoreForce_addEnergyParameterDerivative(force, "s");
    assert_int_equal(OpenMM_ScoreForce_getNumEnergyParameterDerivatives(force), 1);
    assert_string_equal(OpenMM_ScoreForce_getEnergyParameterDerivativeName(force, 0), "s");
    assert_int_equal(OpenMM_ScoreForce_usesPeriodicBoundaryConditions(force), OpenMM_False);
    OpenMM_ScoreForce_setUsesPeriodicBoundaryConditions(force, OpenMM_True);
    assert_int_equal(OpenMM_ScoreForce_usesPeriodicBoundaryConditions(force), OpenMM_True);

    OpenMM_IntArray *particles = int_array(3, (int[]){4, 2, 0});
    OpenMM_IntArray *features = int_array(3, (int[]){1, 0, 1});
    assert_int_equal(OpenMM_ScoreForce_addMolecule(force, particles, features), 0);
    assert_int_equal(OpenMM_ScoreForce_getNumMolecules(force), 1);
    OpenMM_IntArray_set(features, 1, 1);
    OpenMM_ScoreForce_setMoleculeParameters(force, 0, particles, features);
    OpenMM_IntArray *found = OpenMM_IntArray_create(0);
    OpenMM_ScoreForce_getMoleculeParameters(force, 0, found, features);
    assert_array(found, 3, (int[]){4, 2, 0});
    assert_array(features, 3, (int[]){1, 1, 1});
    OpenMM_ScoreForce_getMoleculeParameters(force, 0, found, NULL);
    OpenMM_IntArray_destroy(found);
    OpenMM_IntArray_destroy(features);
    OpenMM_IntArray_destroy(particles);
    OpenMM_ScoreForce_destroy(force);
}

/* Two molecules move for a picosecond, and then features are changed under way. */
static void molecules_move(void **state) {
    (void)state;
    OpenMM_ScoreModel *model = make_model();
    OpenMM_ScoreForce *force = OpenMM_ScoreForce_create_2(model);
    OpenMM_System *system = OpenMM_System_create();
    OpenMM_Vec3Array *positions = OpenMM_Vec3Array_create(0);
    for (int m = 0; m < 2; m++) {
        OpenMM_IntArray *particles = OpenMM_IntArray_create(0);
        for (int i = 0; i < BEADS; i++) {
            OpenMM_Vec3 position = {chain_nm[i][0], chain_nm[i][1] + m, chain_nm[i][2]};
            OpenMM_IntArray_append(particles, OpenMM_System_addParticle(system, 12));
            OpenMM_Vec3Array_append(positions, position);
        }
        assert_int_equal(OpenMM_ScoreForce_addMolecule(force, particles, NULL), m);
        OpenMM_IntArray_destroy(particles);
    }
    OpenMM_System_addForce(system, (OpenMM_Force *)force);

    OpenMM_VerletIntegrator *integrator = OpenMM_VerletIntegrator_create(0.001);
    OpenMM_Context *context = OpenMM_Context_create_2(
        system, (OpenMM_Integrator *)integrator, OpenMM_Platform_getPlatformByName("Reference"));
    OpenMM_Context_setPositions(context, positions);
    OpenMM_State *before = OpenMM_Context_getState(context, OpenMM_State_Energy, 0);
    OpenMM_VerletIntegrator_step(integrator, 1000);
    OpenMM_State *after = OpenMM_Context_getState(context,
                                                  OpenMM_State_Energy | OpenMM_State_Positions, 0);
    double potential = OpenMM_State_getPotentialEnergy(before);
    double released = potential - OpenMM_State_getPotentialEnergy(after);
    double kinetic = OpenMM_State_getKineticEnergy(after);
    /* What the molecules lose they have as kinetic energy, to the order of the step squared. */
    assert_true(kinetic > 0);
    assert_true(fabs(kinetic - released) <= 0.02 * kinetic);

    OpenMM_Context_setPositions(context, positions);
    OpenMM_IntArray *particles = OpenMM_IntArray_create(0);
    OpenMM_IntArray *features = int_array(BEADS, (int[]){1, 1, 1, 1, 1});
    OpenMM_ScoreForce_getMoleculeParameters(force, 1, particles, NULL);
    OpenMM_ScoreForce_setMoleculeParameters(force, 1, particles, features);
    OpenMM_ScoreForce_updateParametersInContext(force, context);
    OpenMM_State *changed = OpenMM_Context_getState(context, OpenMM_State_Energy, 0);
    assert_true(OpenMM_State_getPotentialEnergy(changed) != potential);

    OpenMM_IntArray_destroy(features);
    OpenMM_IntArray_destroy(particles);
    OpenMM_State_destroy(changed);
    OpenMM_State_destroy(after);
    OpenMM_State_destroy(before);
    OpenMM_Context_destroy(context);
    OpenMM_VerletIntegrator_destroy(integrator);
    OpenMM_Vec3Array_destroy(positions);
    OpenMM_System_destroy(system);
    OpenMM_ScoreModel_destroy(model);
}

int main(void) {
    OpenMM_Platform_loadPluginLibrary(SCORE_TEST_LIBRARIES);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_tells_what_it_holds),
        cmocka_unit_test(a_model_survives_text_and_file),
        cmocka_unit_test(what_is_set_can_be_read),
        cmocka_unit_test(molecules_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
