/* Plans as data: what they list, and that what they say of their arrays is true. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/random.h"
#include "host/host.h"

enum { BEADS = 3, MOLECULES = 2, NETWORKS = 4 };

static const score_bead beads[BEADS] = {{.name = "A"}, {.name = "B"}, {.name = "C"}};

static score_model_config config_of(int network) {
    score_model_config config = {
        .dimensions = 3,
        .scale_nm = 1,
        .temperature_k = 300,
        .schedule = {0, {0.1, 20}},
        .bead_count = BEADS,
        .beads = beads,
        .expert_count = 1,
        .experts = {{.hidden = 8, .layers = 2, .heads = 2, .head_width = 4, .t_end = 1}}};
    if (network % 2 == 1)
        config.experts[0].output = SCORE_OUTPUT_SCORE;
    if (network >= 2) {
        config.experts[0].architecture = SCORE_MLP;
        config.experts[0].heads = config.experts[0].head_width = 0;
        config.experts[0].layers = 3;
    }
    return config;
}

/* Calls check for each network and purpose. */
static void with_plans(void (*check)(const score_network *network, const score_plan *plan)) {
    for (int n = 0; n < NETWORKS; n++) {
        const score_model_config config = config_of(n);
        score_network network;
        assert_int_equal(score_network_create(&config, 0, &network, NULL), SCORE_OK);
        for (int purpose = SCORE_FOR_TRAINING; purpose <= SCORE_FOR_CONSTANTS; purpose++) {
            score_plan *plan;
            assert_int_equal(score_plan_create(&network, (score_purpose)purpose, &plan, NULL),
                             SCORE_OK);
            check(&network, plan);
            score_plan_destroy(plan);
        }
        score_network_destroy(&network);
    }
}

static void check_order(const score_network *network, const score_plan *plan) {
    bool *written = calloc((size_t)plan->array_count, sizeof *written);
    assert_non_null(written);
    (void)network;
    written[SCORE_NO_ARRAY] = written[SCORE_X] = written[SCORE_T] = true;
    for (int s = 0; s < plan->step_count; s++) {
        const score_step *step = &plan->steps[s];
        for (int k = 0; k < SCORE_STEP_INPUTS; k++)
            assert_true(written[step->in[k]]);
        for (int k = 0; k < SCORE_STEP_OUTPUTS; k++)
            written[step->out[k]] = true;
    }
    assert_true(written[SCORE_OUTPUT] || plan->purpose == SCORE_FOR_CONSTANTS);
    free(written);
}

static void every_array_is_written_before_it_is_read(void **state) {
    (void)state;
    with_plans(check_order);
}

static void check_places(const score_network *network, const score_plan *plan) {
    (void)network;
    for (int a = 0; a < plan->array_count; a++) {
        const score_array *array = &plan->arrays[a], *place = &plan->arrays[array->place];
        assert_true(array->place <= a && place->place == array->place);
        assert_memory_equal(&array->extent, &place->extent, sizeof array->extent);
        assert_true(array->place == a || (!array->kept && !place->kept));
        assert_true(array->adjoint == SCORE_NO_ARRAY ||
                    plan->arrays[array->adjoint].adjoint == SCORE_NO_ARRAY);
    }
}

static void places_are_shared_by_what_is_not_kept(void **state) {
    (void)state;
    with_plans(check_places);
}

static void check_operations(score_purpose purpose, const score_operation *expected, int count) {
    score_model_config config = config_of(0);
    score_network network;
    score_plan *plan;
    config.experts[0].layers = 1;
    assert_int_equal(score_network_create(&config, 0, &network, NULL), SCORE_OK);
    assert_int_equal(score_plan_create(&network, purpose, &plan, NULL), SCORE_OK);
    assert_int_equal(plan->step_count, count);
    for (int s = 0; s < count; s++)
        assert_string_equal(score_operation_name(plan->steps[s].operation),
                            score_operation_name(expected[s]));
    assert_int_equal(plan->parameter_count, network.parameter_count + 4 * 8);
    score_plan_destroy(plan);
    score_network_destroy(&network);
}

static void the_purpose_decides_what_is_listed(void **state) {
    (void)state;
    static const score_operation values[] = {
        SCORE_CENTRE,    SCORE_ENCODE_TIME, SCORE_EMBED, SCORE_NORM,      SCORE_LINEAR,
        SCORE_ATTENTION, SCORE_LINEAR,      SCORE_GATE,  SCORE_NORM,      SCORE_LINEAR,
        SCORE_ACTIVATE,  SCORE_LINEAR,      SCORE_GATE,  SCORE_SUM_ENERGY};
    static const score_operation forces[] = {SCORE_CENTRE,
                                             SCORE_CONSTANT_NODES,
                                             SCORE_CONSTANT_ATTENTION,
                                             SCORE_CONSTANT_PROJECTION,
                                             SCORE_GATE,
                                             SCORE_NORM,
                                             SCORE_LINEAR,
                                             SCORE_ACTIVATE,
                                             SCORE_LINEAR,
                                             SCORE_GATE,
                                             SCORE_SUM_ENERGY};
    static const score_operation constants[] = {SCORE_ENCODE_TIME, SCORE_EMBED, SCORE_NORM,
                                                SCORE_LINEAR, SCORE_MAKE_CONSTANTS};
    check_operations(SCORE_FOR_TRAINING, values, sizeof values / sizeof values[0]);
    check_operations(SCORE_FOR_VALUES, values, sizeof values / sizeof values[0]);
    check_operations(SCORE_FOR_FORCES, forces, sizeof forces / sizeof forces[0]);
    check_operations(SCORE_FOR_CONSTANTS, constants, sizeof constants / sizeof constants[0]);
}

/* What the backward sweep gives: gradients by positions, times and, in training, parameters. */
typedef struct gradients {
    double x[MOLECULES * BEADS * 3];
    double t[MOLECULES];
    double *parameters;
} gradients;

static void forget(const score_tile *tile) {
    const score_plan *plan = tile->plan;
    const score_room room = {.molecules = MOLECULES,
                             .rows = MOLECULES * BEADS,
                             .pairs = (size_t)MOLECULES * BEADS * BEADS,
                             .streams = 1,
                             .lanes = tile->host->lanes,
                             .real = sizeof(score_real)};
    for (int s = 0; s < plan->step_count; s++)
        for (int k = 0; k < SCORE_STEP_OUTPUTS; k++) {
            const int array = plan->steps[s].out[k];
            const size_t size = score_array_size(&plan->arrays[array], &room) / sizeof(double);
            double *numbers = tile->arrays[array];
            for (size_t i = 0; i < size && !plan->arrays[array].kept; i++)
                numbers[i] = NAN;
        }
}

static void differentiate(const score_network *network, const score_packed *packed,
                          score_purpose purpose, bool forgets, gradients *found) {
    static const int sizes[MOLECULES] = {BEADS, BEADS};
    const score_streams value = {.count = 1};
    const score_tile_limits limits = {.molecules = MOLECULES,
                                      .rows = MOLECULES * BEADS,
                                      .pairs = (size_t)MOLECULES * BEADS * BEADS,
                                      .purpose = purpose};
    score_tile *tile;
    score_random random = score_random_stream(2, 0, 0, 0);
    const bool training = purpose == SCORE_FOR_TRAINING;
    const size_t count = score_packed_gradient_size(packed);
    assert_int_equal(score_tile_create(network, &value, &limits, &tile, NULL), SCORE_OK);
    const score_tile_view view = score_tile_set_molecules(tile, MOLECULES, sizes, NULL);
    for (int k = 0; k < MOLECULES * BEADS * 3; k++)
        view.x[k] = score_random_normal(&random);
    for (int m = 0; m < MOLECULES; m++)
        view.t[m] = .3 + .1 * m;
    score_pass pass = {.streams = 1, .wants_time = true};
    score_forward(packed, tile, &pass);
    for (int k = 0; k < MOLECULES * network->outputs; k++)
        view.output_bar[k] = 1;
    if (forgets)
        forget(tile);
    found->parameters = calloc(count, sizeof(double));
    assert_non_null(found->parameters);
    pass.gradient = training ? found->parameters : NULL;
    score_backward(packed, tile, &pass);
    memcpy(found->x, view.x_bar, sizeof found->x);
    memcpy(found->t, view.t_bar, sizeof found->t);
    score_tile_destroy(tile);
}

static void the_backward_sweep_reads_what_is_kept_alone(void **state) {
    (void)state;
    for (int n = 0; n < NETWORKS; n++) {
        const score_model_config config = config_of(n);
        const score_executor serial = score_executor_serial();
        score_network network;
        score_packed *packed;
        double parameters[8192];
        score_random random = score_random_stream(1, 0, 0, 0);
        assert_int_equal(score_network_create(&config, 0, &network, NULL), SCORE_OK);
        assert_int_equal(score_packed_create(&network, &packed, NULL), SCORE_OK);
        assert_true(network.parameter_count <= sizeof parameters / sizeof parameters[0]);
        for (size_t k = 0; k < network.parameter_count; k++)
            parameters[k] = .3 * score_random_normal(&random);
        score_packed_update(packed, parameters, &serial);
        for (int purpose = SCORE_FOR_TRAINING; purpose <= SCORE_FOR_VALUES; purpose++) {
            gradients found[2];
            for (int forgets = 0; forgets < 2; forgets++)
                differentiate(&network, packed, (score_purpose)purpose, forgets, &found[forgets]);
            assert_memory_equal(found[0].x, found[1].x, sizeof found[0].x);
            assert_memory_equal(found[0].t, found[1].t, sizeof found[0].t);
            assert_memory_equal(found[0].parameters, found[1].parameters,
                                score_packed_gradient_size(packed) * sizeof(double));
            assert_true(found[0].x[0] != 0 && found[0].t[0] != 0);
            free(found[0].parameters);
            free(found[1].parameters);
        }
        score_packed_destroy(packed);
        score_network_destroy(&network);
    }
}

static void sizes_that_no_number_holds_are_the_largest(void **state) {
    (void)state;
    const score_array array = {.extent = {.row = 3, .pair = 2, .row_padding = 1}, .streams = true};
    score_room room = {.molecules = 2, .rows = 6, .pairs = 18, .streams = 2, .lanes = 8, .real = 4};
    assert_int_equal(score_array_size(&array, &room), (3 * 6 + 2 * 18 + 8 * 6) * 4 * 2);
    room.pairs = SIZE_MAX / 2;
    assert_true(score_array_size(&array, &room) == SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_array_is_written_before_it_is_read),
        cmocka_unit_test(places_are_shared_by_what_is_not_kept),
        cmocka_unit_test(the_purpose_decides_what_is_listed),
        cmocka_unit_test(the_backward_sweep_reads_what_is_kept_alone),
        cmocka_unit_test(sizes_that_no_number_holds_are_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
