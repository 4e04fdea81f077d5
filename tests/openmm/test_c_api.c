/* The C interface: everything that can be set and read, and a simulation, in C11. */
#include <math.h>

#include "OpenMMScoreCWrapper.h"
#include "random_models.h"
#include "unit_test.h"

enum { BEADS = 5 };

static OpenMM_ScoreModel *make_c_model(void) {
    const score_note note = {"data", "made up"};
    score_model_config config = feature_config(BEADS);
    set_base(&config);
    config.range = (score_data_range){.neighbours_nm = 0.4, .centre_nm = 0.5};
    config.experts[0].t_end = 0.5;
    config.note_count = 1;
    config.notes = &note;
    return OpenMM_ScoreModel_create_2(make_model(&config, 1, 1));
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
    OpenMM_ScoreModel *model = make_c_model();
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
    assert_int_equal(OpenMM_ScoreModel_getNumFeatures(model), 2);
    assert_int_equal(OpenMM_ScoreModel_getFeatureSize(model, 0), 3);
    assert_int_equal(OpenMM_ScoreModel_getNumExperts(model), 1);
    assert_int_equal(score_model_parameter_count(OpenMM_ScoreModel_getHandle(model), 0) > 0, 1);

    const char *first, *second;
    int hidden, layers, heads, head_width, residue_index;
    double begin, end, mass;
    OpenMM_ScoreModel_getExpert(model, 0, &first, &second, &hidden, &layers, &heads, &head_width,
                                &begin, &end);
    assert_string_equal(first, "graph-transformer");
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
    assert_true(OpenMM_DoubleArray_get(numbers[0], 0) == 1.8);
    assert_int_equal(OpenMM_DoubleArray_getSize(numbers[1]), 0);
    assert_int_equal(OpenMM_DoubleArray_getSize(numbers[2]), 0);
    for (int k = 0; k < 3; k++)
        OpenMM_DoubleArray_destroy(numbers[k]);

    const double *r = feature_config(BEADS).beads[3].frame_nm;
    OpenMM_Vec3 position;
    OpenMM_IntArray *features = OpenMM_IntArray_create(0);
    OpenMM_ScoreModel_getBead(model, 3, &first, &second, &residue_index, &mass, &position,
                              features);
    assert_string_equal(first, "B3");
    assert_string_equal(second, "R1");
    assert_true(residue_index == 1 && mass == 15);
    assert_true(position.x == r[0] && position.y == r[1] && position.z == r[2]);
    assert_array(features, 2, (int[]){0, 1});
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
    OpenMM_ScoreModel *model = make_c_model();
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
    OpenMM_ScoreModel *model = make_c_model();
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
    OpenMM_IntArray *features = int_array(6, (int[]){1, 0, 1, 0, 1, 0});
    assert_int_equal(OpenMM_ScoreForce_addMolecule(force, particles, features), 0);
    assert_int_equal(OpenMM_ScoreForce_getNumMolecules(force), 1);
    OpenMM_IntArray_set(features, 1, 1);
    OpenMM_ScoreForce_setMoleculeParameters(force, 0, particles, features);
    OpenMM_IntArray *found = OpenMM_IntArray_create(0);
    OpenMM_ScoreForce_getMoleculeParameters(force, 0, found, features);
    assert_array(found, 3, (int[]){4, 2, 0});
    assert_array(features, 6, (int[]){1, 1, 1, 0, 1, 0});
    OpenMM_ScoreForce_getMoleculeParameters(force, 0, found, NULL);
    OpenMM_IntArray_destroy(found);
    OpenMM_IntArray_destroy(features);
    OpenMM_IntArray_destroy(particles);
    OpenMM_ScoreForce_destroy(force);
}

/* Two molecules move for a picosecond, and then features are changed under way. */
static void molecules_move(void **state) {
    (void)state;
    OpenMM_ScoreModel *model = make_c_model();
    OpenMM_ScoreForce *force = OpenMM_ScoreForce_create_2(model);
    OpenMM_System *system = OpenMM_System_create();
    OpenMM_Vec3Array *positions = OpenMM_Vec3Array_create(0);
    for (int m = 0; m < 2; m++) {
        OpenMM_IntArray *particles = OpenMM_IntArray_create(0);
        for (int i = 0; i < BEADS; i++) {
            const double *r = feature_config(BEADS).beads[i].frame_nm;
            OpenMM_Vec3 position = {r[0], r[1] + m, r[2]};
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
    OpenMM_IntArray *features = int_array(2 * BEADS, (int[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
    OpenMM_ScoreForce_getMoleculeParameters(force, 1, particles, NULL);
    OpenMM_ScoreForce_setMoleculeParameters(force, 1, particles, features);
    OpenMM_ScoreForce_updateParametersInContext(force, context);
    OpenMM_State *changed = OpenMM_Context_getState(context, OpenMM_State_Energy, 0);
    assert_true(OpenMM_State_getPotentialEnergy(changed) != potential);
    OpenMM_DoubleArray *energies = OpenMM_DoubleArray_create(0);
    OpenMM_ScoreForce_getMoleculeEnergies(force, context, energies);
    double sum = 0;
    for (int m = 0; m < OpenMM_DoubleArray_getSize(energies); m++)
        sum += OpenMM_DoubleArray_get(energies, m);
    assert_int_equal(OpenMM_DoubleArray_getSize(energies),
                     OpenMM_ScoreForce_getNumMolecules(force));
    assert_true(fabs(sum - OpenMM_State_getPotentialEnergy(changed)) <= 1e-12 * fabs(sum));
    OpenMM_DoubleArray_destroy(energies);

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
