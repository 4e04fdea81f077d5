/* The C core against the plain JAX implementation of this folder: dense edges and automatic
 * differentiation there, three extra channels and hand-written streams here. Through the tile and
 * through the public interface; compiled for double and for float. */
#include <math.h>
#include <string.h>

#include "bench.h"
#include "compare.h"
#include "score/batch.h"
#include "unit_test.h"

#ifdef SCORE_SINGLE
static const score_precision PRECISION = SCORE_SINGLE_PRECISION;
#else
static const score_precision PRECISION = SCORE_DOUBLE_PRECISION;
#endif

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count + 1, size);
    assert_non_null(memory);
    return memory;
}

static void require(score_status status, const score_error *error) {
    if (status != SCORE_OK)
        fail_msg("%s", error->message);
}

static fixture *current;

static void compare_output(const bench *b, int stream, const char *name) {
    double *found = widen(b->view.output + (size_t)stream * b->outputs, b->outputs);
    compare_expected(b->f, name, found, b->outputs);
    free(found);
}

static void compare_tile_gradient(const bench *b, const char *group, const char *second_group) {
    double *found = widen(b->gradient, b->f->network->parameter_count);
    compare_gradient(b->f, group, second_group, found);
    free(found);
}

static void test_noised_coordinates(void **state) {
    (void)state;
    const fixture *f = current;
    const int d = f->dimensions;
    const size_t count = (size_t)f->rows * (size_t)d;
    double *x0 = fixture_read(f, "inputs/x0", count), *eps = fixture_read(f, "inputs/eps", count);
    for (int k = 0; k < f->samples; k++) {
        const double m = score_signal(fixture_schedule(f), f->t[k]);
        const double sigma = score_noise(fixture_schedule(f), f->t[k]);
        for (int i = f->first_row[k] * d; i < f->first_row[k + 1] * d; i++)
            x0[i] = m * x0[i] + sigma * eps[i];
    }
    compare_array("x", x0, f->x, count);
    free(x0);
    free(eps);
}

/* All samples of the time of sample `first`, in one batch. Fills their places of the results;
 * energy and rate may be NULL. */
static void evaluate_batch(const fixture *f, int first, double *energy, double *score,
                           double *rate) {
    const score_model_config *config = score_model_get_config(f->model);
    const int d = f->dimensions;
    score_molecule *molecules = allocate((size_t)f->samples, sizeof *molecules);
    double *positions = allocate((size_t)f->rows * (size_t)d, sizeof *positions);
    double *score_per_nm = allocate((size_t)f->rows * (size_t)d, sizeof *score_per_nm);
    double *values = allocate((size_t)f->samples, sizeof *values);
    double *rates = allocate((size_t)f->samples, sizeof *rates);
    int count = 0, rows = 0;
    for (int k = first; k < f->samples; k++) {
        if (f->t[k] != f->t[first])
            continue;
        const int *features = f->features == NULL
                                  ? NULL
                                  : f->features + f->first_row[k] * f->network->feature_count;
        molecules[count++] = (score_molecule){f->beads[k], features};
        for (int i = 0; i < f->beads[k] * d; i++)
            positions[rows * d + i] = f->x[f->first_row[k] * d + i] * config->scale_nm;
        rows += f->beads[k];
    }
    score_batch *batch = NULL;
    score_error error = {0};
    const score_executor executor = score_executor_serial();
    require(score_batch_create(f->model, PRECISION, count, molecules, 1, &batch, &error), &error);
    require(score_batch_evaluate(batch, positions, f->t[first], &executor,
                                 energy != NULL ? values : NULL, score_per_nm,
                                 rate != NULL ? rates : NULL, &error),
            &error);
    count = rows = 0;
    for (int k = first; k < f->samples; k++) {
        if (f->t[k] != f->t[first])
            continue;
        if (energy != NULL)
            energy[k] = values[count];
        if (rate != NULL)
            rate[k] = rates[count];
        for (int i = 0; i < f->beads[k] * d; i++)
            score[f->first_row[k] * d + i] = score_per_nm[rows * d + i] * config->scale_nm;
        count++;
        rows += f->beads[k];
    }
    score_batch_destroy(batch);
    free(molecules);
    free(positions);
    free(score_per_nm);
    free(values);
    free(rates);
}

/* Without rates the core takes the path of a simulation, with constants for the first attention. */
static void check_batch(bool wants_rate) {
    const fixture *f = current;
    const int is_energy = f->network->expert.output == SCORE_OUTPUT_ENERGY;
    double *energy = allocate((size_t)f->samples, sizeof *energy);
    double *rate = allocate((size_t)f->samples, sizeof *rate);
    double *score = allocate((size_t)f->rows * (size_t)f->dimensions, sizeof *score);
    for (int k = 0; k < f->samples; k++) {
        int seen = 0;
        for (int j = 0; j < k; j++)
            seen |= f->t[j] == f->t[k];
        if (!seen)
            evaluate_batch(f, k, is_energy ? energy : NULL, score,
                           is_energy && wants_rate ? rate : NULL);
    }
    compare_scores(f, score);
    if (is_energy)
        compare_expected(f, "energy", energy, (size_t)f->samples);
    if (is_energy && wants_rate)
        compare_expected(f, "time_derivative", rate, (size_t)f->samples);
    free(energy);
    free(rate);
    free(score);
}

static void test_batch(void **state) {
    (void)state;
    check_batch(false);
}

static void test_batch_with_rates(void **state) {
    (void)state;
    check_batch(true);
}

static void test_energy_and_score(void **state) {
    (void)state;
    bench b = bench_create(current);
    forward(&b, BIT(VALUE));
    compare_output(&b, VALUE, "energy");
    backward_to_inputs(&b);
    double *score = widen(b.view.x_bar, b.coordinates);
    compare_scores(current, score);
    double *rate = widen(b.view.t_bar, (size_t)current->samples);
    for (int k = 0; k < current->samples; k++)
        rate[k] = -rate[k]; /* the file has dE/dt */
    compare_expected(current, "time_derivative", rate, (size_t)current->samples);
    free(score);
    free(rate);
    bench_destroy(&b);
}

static void test_predicted_score(void **state) {
    (void)state;
    bench b = bench_create(current);
    forward(&b, BIT(VALUE));
    double *score = widen(b.view.output, b.outputs);
    compare_scores(current, score);
    free(score);
    bench_destroy(&b);
}

static void test_directional_derivatives(void **state) {
    (void)state;
    bench b = bench_create(current);
    set_line(&b, LINE, "inputs/direction_x", "inputs/direction_t");
    forward(&b, BIT(VALUE) | BIT(LINE) | BIT(LINE_2));
    compare_output(&b, LINE, "first_order");
    compare_output(&b, LINE_2, "second_order");
    bench_destroy(&b);
}

static void test_hessian_products(void **state) {
    (void)state;
    bench b = bench_create(current);
    set_line(&b, Z1, "inputs/z1", NULL);
    set_line(&b, Z2, "inputs/z2", NULL);
    forward(&b, BIT(VALUE));
    forward(&b, HESSIANS);
    double *found = allocate(2 * b.outputs, sizeof *found);
    for (size_t k = 0; k < b.outputs; k++) {
        found[2 * k] = -(double)b.view.output[Z1_2 * b.outputs + k];
        found[2 * k + 1] = -(double)b.view.output[Z2_2 * b.outputs + k];
    }
    compare_expected(current, "hessian_products", found, 2 * b.outputs);
    free(found);
    bench_destroy(&b);
}

static void test_dsm_gradient_of_energy(void **state) {
    (void)state;
    bench b = bench_create(current);
    forward(&b, BIT(VALUE));
    backward_to_inputs(&b);
    double *score = widen(b.view.x_bar, b.coordinates);
    double *direction = allocate(b.coordinates, sizeof *direction);
    double *direction_t = allocate((size_t)current->samples, sizeof *direction_t);
    compare_loss(current, "dsm_loss", add_dsm(current, score, direction));
    set_late(&b, direction, direction_t);
    backward_to_parameters(&b, BIT(VALUE) | BIT(LATE));
    compare_tile_gradient(&b, "dsm_gradient", NULL);
    free(score);
    free(direction);
    free(direction_t);
    bench_destroy(&b);
}

static void test_dsm_gradient_of_score(void **state) {
    (void)state;
    bench b = bench_create(current);
    forward(&b, BIT(VALUE));
    double *score = widen(b.view.output, b.outputs);
    double *direction = allocate(b.coordinates, sizeof *direction);
    compare_loss(current, "dsm_loss", add_dsm(current, score, direction));
    for (size_t k = 0; k < b.outputs; k++)
        b.view.output_bar[k] = (score_real)direction[k];
    backward_to_parameters(&b, BIT(VALUE));
    compare_tile_gradient(&b, "dsm_gradient", NULL);
    free(score);
    free(direction);
    bench_destroy(&b);
}

/* Both losses in one backward sweep, or Fokker-Planck alone. */
static void check_fokker_planck(bool with_dsm) {
    const fixture *f = current;
    bench b = bench_create(f);
    set_line(&b, Z1, "inputs/z1", NULL);
    set_line(&b, Z2, "inputs/z2", NULL);
    forward(&b, BIT(VALUE) | HESSIANS);
    backward_to_inputs(&b);
    double *score = widen(b.view.x_bar, b.coordinates);
    double *direction = allocate(b.coordinates, sizeof *direction);
    double *direction_t = allocate((size_t)f->samples, sizeof *direction_t);
    double *residuals = allocate(2 * (size_t)f->samples, sizeof *residuals);
    compare_loss(f, "fp_loss", add_fp(&b, direction, direction_t, residuals));
    compare_expected(f, "fp_residuals", residuals, 2 * (size_t)f->samples);
    if (with_dsm)
        compare_loss(f, "dsm_loss", add_dsm(f, score, direction));
    set_late(&b, direction, direction_t);
    backward_to_parameters(&b, BIT(VALUE) | HESSIANS | BIT(LATE));
    compare_tile_gradient(&b, "fp_gradient", with_dsm ? "dsm_gradient" : NULL);
    free(score);
    free(direction);
    free(direction_t);
    free(residuals);
    bench_destroy(&b);
}

static void test_fokker_planck_gradient(void **state) {
    (void)state;
    check_fokker_planck(false);
}

static void test_both_gradients_in_one_sweep(void **state) {
    (void)state;
    check_fokker_planck(true);
}

static const char *current_name;

static int open_current(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.h5", SCORE_FIXTURES, current_name);
    current = fixture_open(path);
    return 0;
}

static int close_current(void **state) {
    (void)state;
    fixture_close(current);
    current = NULL;
    return 0;
}

static int run(const char *name, bool has_fp) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noised_coordinates),      cmocka_unit_test(test_batch),
        cmocka_unit_test(test_batch_with_rates),        cmocka_unit_test(test_energy_and_score),
        cmocka_unit_test(test_directional_derivatives), cmocka_unit_test(test_hessian_products),
        cmocka_unit_test(test_dsm_gradient_of_energy),
    };
    static const struct CMUnitTest fp_tests[] = {
        cmocka_unit_test(test_fokker_planck_gradient),
        cmocka_unit_test(test_both_gradients_in_one_sweep),
    };
    current_name = name;
    int failed = cmocka_run_group_tests_name(name, tests, open_current, close_current);
    if (has_fp)
        failed += cmocka_run_group_tests_name(name, fp_tests, open_current, close_current);
    return failed;
}

static int run_score_expert(const char *name) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noised_coordinates),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_predicted_score),
        cmocka_unit_test(test_directional_derivatives),
        cmocka_unit_test(test_dsm_gradient_of_score),
    };
    current_name = name;
    return cmocka_run_group_tests_name(name, tests, open_current, close_current);
}

int main(void) {
    int failed = run("one_hot_5", true);
    failed += run("one_hot_10", false);
    failed += run("features", false);
    failed += run("seven_time_features", true);
    failed += run("noise_features", true);
    failed += run("mlp", true);
    failed += run("mlp_centred", true);
    failed += run("settings", true);
    failed += run("cosine", true);
    failed += run("base_beads", true);
    failed += run("base_all", false);
    failed += run("base_coordinates", true);
    failed += run_score_expert("score_expert");
    failed += run_score_expert("mlp_score_expert");
    return failed == 0 ? 0 : 1;
}
