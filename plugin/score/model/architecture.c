#include "model/architecture.h"

#include <stdio.h>
#include <string.h>

#define ARCHITECTURE(kind) [SCORE_##kind] = &SCORE_##kind##_KIND,
static const score_architecture_kind *const kinds[] = {SCORE_ARCHITECTURE_LIST(ARCHITECTURE)};

const char *score_architecture_word(int architecture) {
    return architecture >= 0 && architecture < SCORE_ARCHITECTURE_COUNT ? kinds[architecture]->word
                                                                        : NULL;
}

const char *score_architecture_title(score_architecture architecture) {
    return kinds[architecture]->title;
}

const score_setting *score_architecture_settings(score_architecture architecture) {
    return kinds[architecture]->settings;
}

/* -------- tensors -------- */

static int add_tensor(score_description *d, score_tensor tensor) {
    tensor.offset = d->parameter_count;
    tensor.size = (size_t)tensor.shape[0] * (size_t)tensor.shape[1];
    if (d->tensors != NULL)
        d->tensors[d->tensor_count] = tensor;
    d->parameter_count += tensor.size;
    return d->tensor_count++;
}

static int add_named(score_description *d, int layer, const char *name, const char *kind,
                     score_tensor tensor) {
    if (d->tensors != NULL) {
        const char *dot = name[0] == '\0' ? "" : ".";
        if (layer < 0)
            snprintf(tensor.name, sizeof tensor.name, "%.40s%s%s", name, dot, kind);
        else
            snprintf(tensor.name, sizeof tensor.name, "layer.%d.%.32s%s%s", layer, name, dot, kind);
    }
    return add_tensor(d, tensor);
}

int score_add_table(score_description *d, int number, int rows, int columns) {
    score_tensor tensor = {.role = SCORE_ROLE_TABLE, .rank = 2, .shape = {rows, columns}};
    snprintf(tensor.name, sizeof tensor.name, "feature.%d", number);
    return add_tensor(d, tensor);
}

int score_add_linear(score_description *d, int layer, const char *name, int in, int out,
                     int hidden) {
    const score_tensor weight = {
        .role = SCORE_ROLE_WEIGHT, .hidden = hidden, .rank = 2, .shape = {in, out}};
    const score_tensor bias = {.role = SCORE_ROLE_BIAS, .rank = 1, .shape = {out, 1}};
    const int first = add_named(d, layer, name, "weight", weight);
    add_named(d, layer, name, "bias", bias);
    return first;
}

int score_add_norm(score_description *d, int layer, const char *name, int width) {
    const score_tensor scale = {.role = SCORE_ROLE_SCALE, .rank = 1, .shape = {width, 1}};
    const score_tensor bias = {.role = SCORE_ROLE_BIAS, .rank = 1, .shape = {width, 1}};
    const int first = add_named(d, layer, name, "scale", scale);
    add_named(d, layer, name, "bias", bias);
    return first;
}

int score_add_gate(score_description *d, int layer, const char *name, int width) {
    const score_tensor weight = {.role = SCORE_ROLE_WEIGHT, .rank = 1, .shape = {3 * width, 1}};
    return add_named(d, layer, name, "weight", weight);
}

int score_add_derived(score_description *d, int edge, int weight, int columns) {
    if (d->derived != NULL)
        d->derived[d->derived_count] = (score_derived){
            .edge = edge, .weight = weight, .columns = columns};
    d->derived_count++;
    return score_derived_tensor(d->network, d->derived_count - 1);
}

/* -------- arrays -------- */

int score_add_array(score_description *d, score_array array) {
    if (d->arrays != NULL)
        d->arrays[d->array_count] = array;
    return d->array_count++;
}

int score_add_rows(score_description *d, const char *name, int width, int adjoint) {
    return score_add_array(
        d,
        (score_array){.name = name, .extent = {.row = width}, .streams = true, .adjoint = adjoint});
}

int score_add_molecules(score_description *d, const char *name, int width, int adjoint) {
    return score_add_array(
        d, (score_array){
               .name = name, .extent = {.molecule = width}, .streams = true, .adjoint = adjoint});
}

static void add_shared_arrays(score_description *d) {
    const int dimensions = d->network->dimensions, outputs = d->network->outputs;
    score_add_array(d, (score_array){.name = "none"});
    score_add_rows(d, "x", dimensions, SCORE_X_BAR);
    score_add_molecules(d, "t", 1, SCORE_T_BAR);
    score_add_molecules(d, "output", outputs, SCORE_OUTPUT_BAR);
    score_add_molecules(d, "output_bar", outputs, SCORE_NO_ARRAY);
    score_add_array(d, (score_array){.name = "x_bar", .extent = {.row = dimensions}});
    score_add_array(d, (score_array){.name = "t_bar", .extent = {.molecule = 1}});
}

/* -------- steps -------- */

void score_add_step(score_description *d, score_step step) {
    if (d->steps != NULL)
        d->steps[d->step_count] = step;
    d->step_count++;
}

int score_add_positions(score_description *d, int parts) {
    const int dimensions = d->network->dimensions;
    const int bar = score_add_array(
        d, (score_array){.name = "centred_bar", .extent = {.row = parts * dimensions}});
    d->centred = score_add_rows(d, "centred", dimensions, bar);
    score_add_step(
        d,
        (score_step){.operation = SCORE_CENTRE, .layer = -1, .in = {SCORE_X}, .out = {d->centred}});
    return d->centred;
}

int score_add_times(score_description *d) {
    const int count = d->network->time_features;
    const int bar = score_add_molecules(d, "time_bar", count, SCORE_NO_ARRAY);
    const int time = score_add_molecules(d, "time", count, bar);
    const int derivatives = score_add_array(
        d, (score_array){.name = "time_derivatives",
                         .element = SCORE_DOUBLE,
                         .extent = {.molecule = SCORE_TIME_ORDERS * SCORE_MAX_TIME_FEATURES}});
    score_add_step(d, (score_step){.operation = SCORE_ENCODE_TIME,
                                   .layer = -1,
                                   .in = {SCORE_T},
                                   .out = {time, derivatives}});
    return time;
}

int score_begin_readout(score_description *d) {
    const int outputs = d->network->outputs;
    if (d->network->expert.output == SCORE_OUTPUT_ENERGY)
        return SCORE_OUTPUT;
    return score_add_molecules(d, "readout", outputs,
                               score_add_molecules(d, "readout_bar", outputs, SCORE_NO_ARRAY));
}

void score_end_readout(score_description *d, int readout) {
    if (readout != SCORE_OUTPUT)
        score_add_step(
            d, (score_step){
                   .operation = SCORE_NEGATE, .layer = -1, .in = {readout}, .out = {SCORE_OUTPUT}});
}

void score_describe(score_description *d) {
    add_shared_arrays(d);
    kinds[d->network->expert.architecture]->describe(d);
    if (d->network->base != NULL && d->purpose != SCORE_FOR_CONSTANTS)
        score_add_step(d, (score_step){.operation = SCORE_ADD_BASE,
                                       .layer = -1,
                                       .in = {d->centred, SCORE_T},
                                       .out = {SCORE_OUTPUT}});
}
