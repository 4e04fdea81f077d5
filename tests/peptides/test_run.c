/* What a run's file of frames holds: that of the ensemble at those steps; with the names of equal
 * atoms drawn; and the same where a run goes on from another one. */
#include "molecules.h"

#include <math.h>
#include <string.h>

#include "programs/checkpoint.h"
#include "ensemble.h"
#include "read_frames.h"
#include "run.h"

enum {
    FRAMES = 8,
    COPIES = 9,
    ROWS = FRAMES * COPIES,
    LEVELS = 3,
    FIRST_COPY = 6,
    INTERVAL = 5,
    SWAP_STEPS = 4,
    EQUILIBRATION = 10,
    ATOMS = 23,
    BEADS = 10
};

static const double BOLTZMANN = 0.00831446261815324, LADDER_K[LEVELS] = {300, 330, 363};
static const int BEAD_ATOMS[BEADS] = {0, 4, 8, 6, 7, 12, 14, 18, 16, 17}; /* N CA CB C O, twice */
static const int OXYGENS[2] = {17, 22};                                   /* of the carboxylate */

/* With a ladder, a bias, and frames of all atoms. */
static peptide_options make_options(const char *output) {
    static char system[4096];
    snprintf(system, sizeof system, "%s/AA.system", PEPTIDE_FIXTURES);
    peptide_options options = {.system = system,
                               .output = output,
                               .bias = "bias",
                               .all_atoms = true,
                               .copies = COPIES,
                               .first_copy = FIRST_COPY,
                               .threads = 1,
                               .levels = LEVELS,
                               .timestep_fs = 2,
                               .friction_per_ps = 1,
                               .equilibration_ps = 0.002 * EQUILIBRATION,
                               .time_ps = 0.002 * FRAMES * INTERVAL,
                               .checkpoint_s = 1e9,
                               .interval = INTERVAL,
                               .swap_steps = SWAP_STEPS,
                               .seed = 21};
    memcpy(options.temperatures_k, LADDER_K, sizeof LADDER_K);
    return options;
}

static void expect_runs(const peptide_options *options) {
    char text[1024];
    score_error error = {0};
    if (peptide_run(options, &error) != SCORE_OK)
        fail_msg("%s", score_error_text(&error, text, sizeof text));
}

static int set_up(void **state) {
    if (enter_folder(state) != 0)
        return -1;
    FILE *bias = fopen("bias", "w");
    fputs("bias 6 12 14 16 2\n3 4\n-2 1\n", bias);
    fclose(bias);
    const peptide_options options = make_options("whole.h5");
    expect_runs(&options);
    return 0;
}

/* ---- Reading ---- */

typedef struct frames {
    int rows, beads;
    float *positions; /* rows x beads x 3 */
    float time[ROWS], temperature[ROWS];
    int32_t copy[ROWS];
    double energy[ROWS], log_weight[ROWS];
    bool weighted;
} frames;

/* For free_frames. */
static frames *read_frames(const char *path, int rows, int beads) {
    frames *f = calloc(1, sizeof *f);
    assert_true(f != NULL && rows <= ROWS);
    f->rows = rows;
    f->beads = beads;
    f->positions = calloc((size_t)(rows * beads) * 3, sizeof *f->positions);
    assert_non_null(f->positions);
    const hsize_t shape[3] = {(hsize_t)rows, (hsize_t)beads, 3};
    hid_t file = open_frames(path);
    read_set(file, "coordinates", H5T_IEEE_F32LE, 3, shape, f->positions);
    read_set(file, "time", H5T_IEEE_F32LE, 1, shape, f->time);
    read_set(file, "copy", H5T_STD_I32LE, 1, shape, f->copy);
    read_set(file, "potential_energy", H5T_IEEE_F64LE, 1, shape, f->energy);
    read_set(file, "temperature", H5T_IEEE_F32LE, 1, shape, f->temperature);
    f->weighted = has_set(file, "log_weights");
    if (f->weighted)
        read_set(file, "log_weights", H5T_IEEE_F64LE, 1, shape, f->log_weight);
    close_frames(file);
    return f;
}

static void free_frames(frames *f) {
    free(f->positions);
    free(f);
}

static const float *position(const frames *f, int row, int bead) {
    return &f->positions[3 * (row * f->beads + bead)];
}

static bool is_at(const float *position, const peptide_ensemble *e, int copy, int atom) {
    for (int c = 0; c < 3; c++)
        if (position[c] != *peptide_ensemble_at(e, false, copy, atom, c))
            return false;
    return true;
}

/* ---- Tests ---- */

/* Returns whether the two oxygens have each other's names. */
static bool compare_row(const frames *f, int row, const peptide_ensemble *e, int copy) {
    const bool exchanged = is_at(position(f, row, OXYGENS[0]), e, copy, OXYGENS[1]);
    for (int i = 0; i < ATOMS; i++) {
        const bool is_oxygen = i == OXYGENS[0] || i == OXYGENS[1];
        const int atom = is_oxygen && exchanged ? OXYGENS[0] + OXYGENS[1] - i : i;
        if (!is_at(position(f, row, i), e, copy, atom))
            fail_msg("row %d: atom %d of copy %d is not where it is to be", row, i, copy);
    }
    const double temperature_k = LADDER_K[e->level[copy]];
    assert_int_equal(f->copy[row], FIRST_COPY + copy);
    assert_true(f->energy[row] == e->potential[copy]);
    assert_true(f->temperature[row] == (float)temperature_k);
    /* kT is kept in float */
    const double weight = e->bias[copy] / (BOLTZMANN * temperature_k);
    assert_true(fabs(f->log_weight[row] - weight) <= 1.2e-7 * fabs(weight));
    return exchanged;
}

/* The names are drawn evenly: of N frames half, within five times root N / 2. */
static void frames_are_those_of_the_ensemble(void **state) {
    (void)state;
    peptide_molecule molecule = read_molecule("AA");
    score_error error = {0};
    assert_int_equal(peptide_bias_read("bias", &molecule, &error), SCORE_OK);
    const peptide_dynamics dynamics = {
        .molecule = &molecule, .timestep_ps = 0.002f, .friction_per_ps = 1, .seed = 21};
    const peptide_ladder ladder = {
        .levels = LEVELS, .temperatures_k = LADDER_K, .swap_steps = SWAP_STEPS};
    const score_executor executor = score_executor_serial();
    peptide_ensemble *e;
    assert_int_equal(
        peptide_ensemble_create(&dynamics, &ladder, COPIES, FIRST_COPY, &executor, &e, &error),
        SCORE_OK);
    frames *f = read_frames("whole.h5", ROWS, ATOMS);
    assert_true(f->weighted);
    int exchanged = 0;
    uint32_t step = EQUILIBRATION;
    peptide_ensemble_advance(e, 1, step);
    for (int frame = 0; frame < FRAMES; frame++, step += INTERVAL) {
        peptide_ensemble_advance(e, step + 1, INTERVAL);
        peptide_ensemble_evaluate(e);
        for (int copy = 0; copy < COPIES; copy++) {
            const int row = frame * COPIES + copy;
            assert_true(f->time[row] == (float)(0.002 * INTERVAL * (frame + 1)));
            exchanged += compare_row(f, row, e, copy);
        }
    }
    assert_true(abs(2 * exchanged - ROWS) <= 5 * sqrt(ROWS));
    free_frames(f);
    peptide_ensemble_destroy(e);
    peptide_molecule_free(&molecule);
}

static void attributes_say_how_it_was_made(void **state) {
    (void)state;
    hid_t file = open_frames("whole.h5");
    expect_text(file, NULL, "program", "score-peptide-md");
    expect_text(file, NULL, "title", "AA");
    expect_text(file, "coordinates", "units", "nanometers");
    expect_text(file, "time", "units", "picoseconds");
    expect_text(file, "potential_energy", "units", "kilojoules_per_mole");
    expect_text(file, "temperature", "units", "kelvin");
    expect_numbers(file, "ladder_k", H5T_NATIVE_DOUBLE, LEVELS, LADDER_K);
    assert_false(has_attribute(file, "temperature_k"));
    expect_number(file, "timestep_ps", H5T_NATIVE_DOUBLE, 0.001 * 2);
    expect_number(file, "friction_per_ps", H5T_NATIVE_DOUBLE, 1);
    expect_number(file, "frame_interval_ps", H5T_NATIVE_DOUBLE, 0.001 * 2 * INTERVAL);
    expect_number(file, "equilibration_ps", H5T_NATIVE_DOUBLE, 0.002 * EQUILIBRATION);
    expect_number(file, "copies", H5T_NATIVE_INT64, COPIES);
    expect_number(file, "first_copy", H5T_NATIVE_INT64, FIRST_COPY);
    expect_number(file, "seed", H5T_NATIVE_INT64, 21);
    close_frames(file);
}

/* The same run, with frames of the beads: the same names are drawn. */
static void beads_are_atoms(void **state) {
    (void)state;
    peptide_options options = make_options("beads.h5");
    options.all_atoms = false;
    expect_runs(&options);
    frames *all = read_frames("whole.h5", ROWS, ATOMS);
    frames *beads = read_frames("beads.h5", ROWS, BEADS);
    for (int row = 0; row < ROWS; row++)
        for (int k = 0; k < BEADS; k++)
            assert_memory_equal(position(beads, row, k), position(all, row, BEAD_ATOMS[k]),
                                3 * sizeof(float));
    assert_memory_equal(beads->energy, all->energy, sizeof all->energy);
    free_frames(all);
    free_frames(beads);
}

static void without_ladder_and_bias_there_is_one_temperature(void **state) {
    (void)state;
    peptide_options options = make_options("plain.h5");
    const double temperature_k = 350;
    options.bias = NULL;
    options.levels = 1;
    options.swap_steps = 0;
    options.temperatures_k[0] = temperature_k;
    expect_runs(&options);
    frames *f = read_frames("plain.h5", ROWS, ATOMS);
    assert_false(f->weighted);
    for (int row = 0; row < ROWS; row++)
        assert_true(f->temperature[row] == (float)temperature_k);
    hid_t file = open_frames("plain.h5");
    expect_number(file, "temperature_k", H5T_NATIVE_DOUBLE, temperature_k);
    assert_false(has_attribute(file, "ladder_k"));
    close_frames(file);
    free_frames(f);
}

/* Rows of `part` are those of `whole` from `first` on. */
static void expect_part(const frames *whole, const frames *part, int first) {
    assert_memory_equal(position(part, 0, 0), position(whole, first, 0),
                        (size_t)(part->rows * part->beads) * 3 * sizeof(float));
    for (int row = 0; row < part->rows; row++) {
        assert_true(part->time[row] == whole->time[first + row]);
        assert_true(part->temperature[row] == whole->temperature[first + row]);
        assert_int_equal(part->copy[row], whole->copy[first + row]);
        assert_true(part->energy[row] == whole->energy[first + row]);
        assert_true(part->log_weight[row] == whole->log_weight[first + row]);
    }
}

/* Three parts, each from the end of the one before, of other lengths and numbers of threads. */
static void parts_are_the_whole(void **state) {
    (void)state;
    static const char *const outputs[] = {"part1.h5", "part2.h5", "part3.h5"};
    const int counts[] = {3, 1, 4};
    frames *whole = read_frames("whole.h5", ROWS, ATOMS);
    char previous[32] = "";
    int done = 0;
    for (int part = 0; part < 3; part++) {
        peptide_options options = make_options(outputs[part]);
        options.time_ps = 0.002 * counts[part] * INTERVAL;
        options.threads = part + 1;
        options.previous = part > 0 ? previous : NULL;
        expect_runs(&options);
        frames *f = read_frames(outputs[part], counts[part] * COPIES, ATOMS);
        expect_part(whole, f, done * COPIES);
        free_frames(f);
        hid_t file = open_frames(outputs[part]);
        expect_number(file, "first_frame", H5T_NATIVE_INT64, done);
        close_frames(file);
        done += counts[part];
        snprintf(previous, sizeof previous, "%s.checkpoint", outputs[part]);
    }
    assert_int_equal(done, FRAMES);
    free_frames(whole);
}

/* What a checkpoint holds, with a CRC-32 that fits. */
static void numbers_that_no_run_has_are_refused(void **state) {
    (void)state;
    static const score_checkpoint_kind kind = {
        .magic = {'S', 'C', 'O', 'R', 'E', 'P', 'M', 'D'}, .version = 1, .state_size = 24};
    static const char *const messages[] = {"temperatures are no ladders",
                                           "temperatures are no ladders",
                                           "temperatures are no ladders",
                                           "is not finite",
                                           "is not finite",
                                           "has accepted",
                                           "has taken nan seconds"};
    for (int change = 0; change < 7; change++) {
        static float positions[COPIES * ATOMS * 3], velocities[COPIES * ATOMS * 3];
        int32_t level[COPIES];
        uint64_t attempted[LEVELS], accepted[LEVELS];
        struct {
            uint64_t step, origin;
            double seconds;
        } stored;
        score_run_arrays arrays = {0};
        score_run_arrays_add(&arrays, positions, sizeof positions);
        score_run_arrays_add(&arrays, velocities, sizeof velocities);
        score_run_arrays_add(&arrays, level, sizeof level);
        score_run_arrays_add(&arrays, attempted, sizeof attempted);
        score_run_arrays_add(&arrays, accepted, sizeof accepted);
        score_checkpoint checkpoint;
        score_error error = {0};
        assert_int_equal(
            score_checkpoint_open("whole.h5.checkpoint", &kind, &stored, &checkpoint, &error),
            SCORE_OK);
        assert_int_equal(score_checkpoint_arrays(&checkpoint, &arrays, &error), SCORE_OK);
        if (change < 3)
            level[4] = change == 0 ? -1 : change == 1 ? LEVELS : level[5];
        else if (change < 5)
            (change == 3 ? positions : velocities)[100] = change == 3 ? NAN : INFINITY;
        else if (change == 5)
            accepted[1] = attempted[1] + 1;
        else
            stored.seconds = NAN;
        assert_int_equal(
            score_checkpoint_write("forged", &kind, &stored, checkpoint.identity, &arrays, &error),
            SCORE_OK);
        score_checkpoint_close(&checkpoint);
        peptide_options options = make_options("next.h5");
        options.previous = "forged";
        assert_int_equal(peptide_run(&options, &error), SCORE_ERROR_FORMAT);
        assert_string_equal(error.file, "forged");
        if (strstr(error.message, messages[change]) == NULL)
            fail_msg("%s", error.message);
    }
}

/* So far that signals and checkpoints come between them: each is the third of a run with frames
 * three times as often. */
static void frames_may_be_far_apart(void **state) {
    (void)state;
    enum { APART = 2400, FEW = 3, OFTEN = 3 };
    frames *f[2];
    for (int k = 0; k < 2; k++) {
        const char *const output = k == 0 ? "far.h5" : "often.h5";
        peptide_options options = make_options(output);
        options.copies = LEVELS;
        options.interval = k == 0 ? APART : APART / OFTEN;
        options.time_ps = 0.002 * FEW * APART;
        options.checkpoint_s = k == 0 ? 0 : 1e9;
        expect_runs(&options);
        f[k] = read_frames(output, FEW * LEVELS * (k == 0 ? 1 : OFTEN), ATOMS);
    }
    for (int row = 0; row < FEW * LEVELS; row++) {
        const int frame = row / LEVELS;
        const int often = (frame * OFTEN + OFTEN - 1) * LEVELS + row % LEVELS;
        assert_memory_equal(position(f[0], row, 0), position(f[1], often, 0),
                            3 * ATOMS * sizeof(float));
        assert_true(f[0]->energy[row] == f[1]->energy[often] && f[0]->energy[row] != 0);
        assert_true(f[0]->time[row] == (float)(0.002 * APART * (frame + 1)));
    }
    free_frames(f[0]);
    free_frames(f[1]);
}

/* With any argument, what takes thousands of steps. */
int main(int count, char **arguments) {
    (void)arguments;
    const struct CMUnitTest longer[] = {cmocka_unit_test(frames_may_be_far_apart)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_those_of_the_ensemble),
        cmocka_unit_test(attributes_say_how_it_was_made),
        cmocka_unit_test(beads_are_atoms),
        cmocka_unit_test(without_ladder_and_bias_there_is_one_temperature),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test(numbers_that_no_run_has_are_refused),
    };
    return count > 1 ? cmocka_run_group_tests(longer, set_up, leave_folder)
                     : cmocka_run_group_tests(tests, set_up, leave_folder);
}
