/* Forces on the frames: that those of a sample are its own, in units of kT a normalised length, and what
 * is wrong with those that are not. */
#include <math.h>
#include <string.h>

#include "data/dataset.h"
#include "frame_errors.h"
#include "losses/loss.h"

static const double KT = 0.00831446261815324 * 300;
static const char *const SHAPE = "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}";

/* Of a stage that needs forces, where some loss does. */
static score_recipe recipe_with_forces(const char *path) {
    score_recipe recipe = recipe_for((char *)path, BEADS, 3);
    recipe.model.temperature_k = 300;
    recipe.data.scale_nm = 0.4;
    recipe.stage_count = 1;
    recipe.stages[0].losses[SCORE_LOSS_FORCE_MATCHING].weight = 1;
    return recipe;
}

/* Force k of a frame is -3 times its coordinate k. */
static const double *forces_of_frames(void) {
    static double forces[FRAMES * VALUES];
    for (size_t k = 0; k < FRAMES * VALUES; k++)
        forces[k] = -3 * frame_value(k / VALUES, k % VALUES);
    return forces;
}

static hdf5_file file_with_forces(void) {
    hdf5_file file = good_file();
    file.forces = forces_of_frames();
    file.force_units = "kJ/mol/nm";
    return file;
}

static score_dataset *open(const score_recipe *recipe) {
    score_dataset *dataset = NULL;
    score_error error = {0};
    if (score_dataset_open(recipe, ".", &dataset, &error) != SCORE_OK)
        fail_msg("%s: %s", error.file, error.message);
    return dataset;
}

/* Every sample of an epoch of both splits has the forces `factor` x its coordinates, both as drawn. */
static void check_samples(const score_recipe *recipe, double factor) {
    score_dataset *dataset = open(recipe);
    for (int split = 0; split < 2; split++)
        for (uint64_t k = 0; k < score_dataset_frames(dataset, (score_split)split); k++) {
            double x[VALUES], forces[VALUES];
            score_error error;
            assert_int_equal(score_dataset_draw(dataset, (score_split)split, k, x, &error),
                             SCORE_OK);
            assert_int_equal(
                score_dataset_draw_forces(dataset, (score_split)split, k, forces, &error),
                SCORE_OK);
            for (int d = 0; d < VALUES; d++) /* a few roundings */
                assert_true(fabs(forces[d] - factor * x[d]) <= 1e-14 * fabs(factor * 60));
        }
    score_dataset_close(dataset);
}

/* F scale/(kT) with F = -3 r and r = scale x, r in nm. */
static void samples_have_their_own_forces(void **state) {
    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        hdf5_file file = file_with_forces();
        const bool in_kcal = (variant & 1) != 0;
        double log_weights[FRAMES];
        for (int k = 0; k < FRAMES; k++)
            log_weights[k] = 0.1 * k;
        file.force_units = in_kcal ? "kcal/mol/angstrom" : "kJ/mol/nm";
        file.log_weights = log_weights;
        write_hdf5("frames.h5", &file);
        score_recipe recipe = recipe_with_forces("frames.h5");
        recipe.data.held_out = 0.25;
        recipe.data.log_weights = (char *)"log_weights";
        recipe.data.memory = (variant & 2) != 0 ? 0 : 1 << 20;
        recipe.model.centred = (variant & 4) != 0;
        check_samples(&recipe, -3 * (in_kcal ? 41.84 : 1) * 0.4 * 0.4 / KT);
    }
}

static void forces_have_a_file_of_their_own(void **state) {
    (void)state;
    write_npy("frames.npy", 1, SHAPE, FRAMES, VALUES);
    write_npy("forces.npy", 1, SHAPE, FRAMES, VALUES); /* as many kcal/mol/angstrom as nm */
    write_hdf5("frames.h5", &(hdf5_file){.frames = FRAMES, .beads = BEADS, .dimensions = 3});
    const char *const paths[] = {"frames.npy", "frames.h5"};
    for (int k = 0; k < 2; k++) {
        score_recipe recipe = recipe_with_forces(paths[k]);
        recipe.data.unit_nm = 1;
        recipe.data.forces = (char *)"forces.npy";
        recipe.data.force_unit = SCORE_KCAL_MOL_ANGSTROM;
        check_samples(&recipe, 41.84 * 0.4 * 0.4 / KT);
    }
}

/* They are part of what a data set is, but are not looked at where no loss needs them. */
static void forces_are_read_where_a_loss_needs_them(void **state) {
    (void)state;
    const hdf5_file file = file_with_forces();
    write_hdf5("frames.h5", &file);
    score_recipe recipe = recipe_with_forces("frames.h5");
    score_dataset *with = open(&recipe);
    recipe.stages[0].losses[SCORE_LOSS_FORCE_MATCHING].weight = 0;
    score_dataset *without = open(&recipe);
    assert_true(score_dataset_checksum(with) != score_dataset_checksum(without));
    const uint32_t checksum = score_dataset_checksum(without);
    score_dataset_close(with);
    score_dataset_close(without);
    const hdf5_file bare = good_file();
    write_hdf5("frames.h5", &bare);
    without = open(&recipe);
    assert_int_equal(score_dataset_checksum(without), checksum);
    score_dataset_close(without);
}

/* -------- refusals -------- */

static void wrong_forces_in_hdf5_are_errors(void **state) {
    (void)state;
    double bad[FRAMES * VALUES];
    memcpy(bad, forces_of_frames(), sizeof bad);
    bad[7 * VALUES + 2] = INFINITY;
    const score_recipe recipe = recipe_with_forces("frames.h5");
    const struct {
        const double *forces;
        const char *units;
        int beads;
        uint64_t frames;
        const char *message;
    } cases[] = {
        {NULL, NULL, 0, 0, "has no data set 'forces'"},
        {forces_of_frames(), NULL, 0, 0, "forces have units '', must be kJ/mol/nm or"},
        {forces_of_frames(), "eV/angstrom", 0, 0, "forces have units 'eV/angstrom'"},
        {forces_of_frames(), "kJ/mol/nm", 1, 0, "forces has shape (20 x 1 x 3), must be"},
        {forces_of_frames(), "kJ/mol/nm", 0, 19, "has forces on 19 frames, must be 20"},
        {bad, "kJ/mol/nm", 0, 0, "frame 7 has force inf (number 2 of the frame)"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        hdf5_file file = good_file();
        file.forces = cases[k].forces;
        file.force_units = cases[k].units;
        file.force_beads = cases[k].beads;
        file.force_frames = cases[k].frames;
        write_hdf5("frames.h5", &file);
        check_error(&recipe, SCORE_ERROR_FORMAT, cases[k].message);
    }
}

static void check_own_error(const score_recipe *recipe, const char *file, const char *message) {
    score_dataset *dataset = NULL;
    score_error error = {0};
    const score_status status = score_dataset_open(recipe, ".", &dataset, &error);
    if (status != SCORE_ERROR_FORMAT || strstr(error.message, message) == NULL)
        fail_msg("expected '%s', got %d: %s", message, (int)status, error.message);
    assert_null(dataset);
    assert_string_equal(error.file, file);
}

static void wrong_forces_in_npy_are_errors(void **state) {
    (void)state;
    const char *const narrow = "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 3, 2)}";
    const char *const shorter = "{'descr': '<f4', 'fortran_order': False, 'shape': (19, 2, 3)}";
    write_npy("frames.npy", 1, SHAPE, FRAMES, VALUES);
    score_recipe recipe = recipe_with_forces("frames.npy");
    recipe.data.unit_nm = 1;
    check_error(&recipe, SCORE_ERROR_FORMAT, "has no forces, which a loss of the recipe needs");
    recipe.data.forces = (char *)"forces.npy";
    recipe.data.force_unit = 1;
    write_npy("forces.npy", 1, narrow, FRAMES, VALUES);
    check_own_error(&recipe, "forces.npy", "the array has shape (20 x 3 x 2)");
    write_npy("forces.npy", 1, shorter, FRAMES - 1, VALUES);
    check_own_error(&recipe, "forces.npy", "has forces on 19 frames, must be 20");
    const hdf5_file file = good_file();
    write_hdf5("forces.npy", &file);
    check_own_error(&recipe, "forces.npy", "is not a NumPy .npy file");
    write_npy("forces.npy", 1, SHAPE, FRAMES, VALUES);
    FILE *bytes = fopen("forces.npy", "r+b");
    const float nan = NAN;
    fseek(bytes, -(long)sizeof nan, SEEK_END);
    fwrite(&nan, sizeof nan, 1, bytes);
    fclose(bytes);
    check_own_error(&recipe, "forces.npy", "frame 19 has force");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_have_their_own_forces),
        cmocka_unit_test(forces_have_a_file_of_their_own),
        cmocka_unit_test(forces_are_read_where_a_loss_needs_them),
        cmocka_unit_test(wrong_forces_in_hdf5_are_errors),
        cmocka_unit_test(wrong_forces_in_npy_are_errors),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
