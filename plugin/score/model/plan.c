#include "model/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/architecture.h"

static const struct {
    const char *name;
    bool has_parameters;
    unsigned in; /* that a backward step reads again (operation_kinds.h) */
    unsigned out;
    unsigned in_training;
} operations[SCORE_OPERATION_COUNT] = {
#define OPERATION(kind, name, parameters, in, out, in_training)                                    \
    [SCORE_##kind] = {#name, parameters, in, out, in_training},
    SCORE_OPERATION_LIST(OPERATION)
#undef OPERATION
};

const char *score_operation_name(score_operation operation) {
    return operations[operation].name;
}

static unsigned depends_of_inputs(const score_plan *plan, const score_step *step) {
    unsigned depends = operations[step->operation].has_parameters ? SCORE_OF_PARAMETERS : 0;
    for (int k = 0; k < SCORE_STEP_INPUTS; k++)
        depends |= plan->arrays[step->in[k]].depends;
    return depends;
}

static void find_dependences(score_plan *plan) {
    plan->arrays[SCORE_X].depends = SCORE_OF_POSITIONS;
    plan->arrays[SCORE_T].depends = SCORE_OF_TIMES;
    for (int s = 0; s < plan->step_count; s++) {
        score_step *step = &plan->steps[s];
        step->still = (plan->arrays[step->in[0]].depends & SCORE_OF_POSITIONS) == 0;
        step->serves = depends_of_inputs(plan, step);
        for (int k = 0; k < SCORE_STEP_OUTPUTS; k++)
            if (step->out[k] != SCORE_NO_ARRAY)
                plan->arrays[step->out[k]].depends |= step->serves;
    }
}

static int last_input(const score_step *step) {
    return step->in[1] != SCORE_NO_ARRAY ? step->in[1] : step->in[0];
}

/* A base adds to the adjoints of the positions themselves. */
static bool adds_to_adjoint(const score_step *step, int array) {
    return step->operation != SCORE_ADD_BASE && (step->in[0] == array || step->in[1] == array);
}

static void find_starts(score_plan *plan) {
    for (int s = 0; s < plan->step_count; s++) {
        const int array = last_input(&plan->steps[s]);
        bool later = false;
        for (int after = s + 1; after < plan->step_count && !later; after++)
            later = adds_to_adjoint(&plan->steps[after], array);
        plan->steps[s].starts = !later;
    }
}

static void keep(score_plan *plan, const int *arrays, int count, unsigned which) {
    for (int k = 0; k < count; k++)
        if ((which >> k & 1u) != 0)
            plan->arrays[arrays[k]].kept = true;
}

static void find_kept(score_plan *plan) {
    for (int s = 0; s < plan->step_count; s++) {
        const score_step *step = &plan->steps[s];
        unsigned in = operations[step->operation].in;
        if (plan->purpose == SCORE_FOR_TRAINING)
            in |= operations[step->operation].in_training;
        keep(plan, step->in, SCORE_STEP_INPUTS, in);
        keep(plan, step->out, SCORE_STEP_OUTPUTS, operations[step->operation].out);
    }
}

/* What passes from step to step, and is not kept, has one place in all layers. */
static void find_places(score_plan *plan) {
    for (int a = 0; a < plan->array_count; a++)
        plan->arrays[a].place = a;
    for (int s = 0; s < plan->step_count; s++)
        for (int k = 0; k < SCORE_STEP_OUTPUTS; k++) {
            const int array = plan->steps[s].out[k];
            if (array < SCORE_FIRST_OWN_ARRAY || plan->arrays[array].kept)
                continue;
            int first = SCORE_FIRST_OWN_ARRAY;
            while (first < array &&
                   (plan->arrays[first].kept ||
                    strcmp(plan->arrays[first].name, plan->arrays[array].name) != 0))
                first++;
            plan->arrays[array].place = first;
        }
}

static void place_derived(const score_network *network, score_plan *plan) {
    plan->parameter_count = network->parameter_count;
    for (int k = 0; k < plan->derived_count; k++) {
        plan->derived[k].offset = plan->parameter_count;
        plan->parameter_count += 4 * (size_t)plan->derived[k].columns;
    }
}

score_status score_plan_create(const score_network *network, score_purpose purpose,
                               score_plan **result, score_error *error) {
    score_description counts = {.network = network, .purpose = purpose};
    *result = NULL;
    score_describe(&counts);
    score_plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL)
        goto fail;
    plan->purpose = purpose;
    plan->array_count = counts.array_count;
    plan->step_count = counts.step_count;
    plan->derived_count = counts.derived_count;
    plan->arrays = calloc((size_t)plan->array_count, sizeof *plan->arrays);
    plan->steps = calloc((size_t)plan->step_count, sizeof *plan->steps);
    plan->derived = calloc((size_t)plan->derived_count + 1, sizeof *plan->derived);
    if (plan->arrays == NULL || plan->steps == NULL || plan->derived == NULL)
        goto fail;
    score_description record = {.network = network,
                                .purpose = purpose,
                                .arrays = plan->arrays,
                                .steps = plan->steps,
                                .derived = plan->derived};
    score_describe(&record);
    place_derived(network, plan);
    find_dependences(plan);
    find_starts(plan);
    find_kept(plan);
    find_places(plan);
    *result = plan;
    return SCORE_OK;
fail:
    score_plan_destroy(plan);
    return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a plan of %d steps",
                      counts.step_count);
}

void score_plan_destroy(score_plan *plan) {
    if (plan == NULL)
        return;
    free(plan->arrays);
    free(plan->steps);
    free(plan->derived);
    free(plan);
}

bool score_plan_uses(const score_plan *plan, score_operation operation) {
    for (int s = 0; s < plan->step_count; s++)
        if (plan->steps[s].operation == operation)
            return true;
    return false;
}

/* a + b c, or SIZE_MAX. */
static size_t add_product(size_t a, size_t b, size_t c) {
    if (c != 0 && b > (SIZE_MAX - a) / c)
        return SIZE_MAX;
    return a + b * c;
}

size_t score_array_size(const score_array *array, const score_room *room) {
    const score_extent *extent = &array->extent;
    const size_t bytes = array->element == SCORE_DOUBLE ? sizeof(double) : room->real;
    const size_t padding = add_product(add_product(0, (size_t)extent->row_padding, room->rows),
                                       (size_t)extent->molecule_padding, room->molecules);
    size_t count = add_product(0, (size_t)extent->row, room->rows);
    count = add_product(count, (size_t)extent->molecule, room->molecules);
    count = add_product(count, (size_t)extent->pair, room->pairs);
    count = add_product(count, padding, room->lanes);
    return add_product(0, count, bytes * (array->streams ? room->streams : 1));
}

int score_array_width(const score_array *array) {
    return array->extent.row > 0 ? array->extent.row : array->extent.molecule;
}
