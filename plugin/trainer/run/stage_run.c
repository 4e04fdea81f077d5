#include "run/stage_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "losses/minibatch.h"
#include "run/optimizer.h"
#include "run/pieces.h"
#include "run/purposes.h"
#include "run/learning_rate.h"
#include "run/weight_update.h"

/* One evaluation of as many held-out samples is about as much work as VALIDATION_SAMPLES/2 samples
 * of training; its noise is common to all validations of a run. */
enum { VALIDATION_SAMPLES = 4096 };

struct score_stage_run {
    const score_stage *stage;
    const score_network *network;
    const score_executor *executor;
    uint64_t steps;
    score_sampler training;
    score_sampler validation; /* count 0: nothing is held out */
    score_packed *packed;
    score_packed *average_packed;
    score_minibatch *minibatch;
    score_weight_update *update;
    size_t size; /* parameters */
    size_t gradient_size;
    score_arena arena;
    score_real *parameters;
    score_real *first;
    score_real *second;
    double *average;
    score_real *gradient;
    score_real *average_rounded; /* of the average, for validation */
    double *square_sums;         /* one a piece */
    double average_share;        /* of the step under way */
};

static score_sampler make_sampler(const score_recipe *recipe, const score_dataset *dataset,
                                  const score_stage *stage) {
    const score_model_config *model = &recipe->model;
    const score_times times = score_stage_times(model->schedule, stage);
    return (score_sampler){.dataset = dataset,
                           .seed = recipe->seed,
                           .times = times,
                           .beads = model->bead_count,
                           .dimensions = model->dimensions,
                           .rotate = recipe->rotate};
}

static void set_samplers(score_stage_run *run, const score_recipe *recipe,
                         const score_dataset *dataset, int stage, uint64_t frames) {
    run->training = make_sampler(recipe, dataset, run->stage);
    run->training.split = SCORE_SPLIT_TRAINING;
    run->training.first_frame = frames;
    run->training.purpose = SCORE_PURPOSE_TRAINING + (uint32_t)stage;
    run->training.stage = (uint32_t)stage;
    run->training.count = run->stage->batch;
    run->training.antithetic = score_stage_is_antithetic(run->stage);
    run->training.emphasis = run->stage->emphasis.factor > 0 ? &run->stage->emphasis : NULL;

    run->validation = make_sampler(recipe, dataset, run->stage);
    run->validation.split = SCORE_SPLIT_VALIDATION;
    run->validation.purpose = SCORE_PURPOSE_VALIDATION + (uint32_t)stage;
    if (score_dataset_frames(dataset, SCORE_SPLIT_VALIDATION) > 0)
        run->validation.count = VALIDATION_SAMPLES;
}

static score_loss_setting loss_setting(const score_recipe *recipe, const score_stage *stage,
                                       const int *features) {
    score_loss_setting setting = {
        .schedule = recipe->model.schedule,
        .t_begin = stage->t_begin,
        .t_end = stage->t_end,
        .weight_middle = stage->weight_middle,
        .beads = recipe->model.bead_count,
        .features = features,
    };
    memcpy(setting.losses, stage->losses, sizeof setting.losses);
    return setting;
}

/* The integer features of all beads, bead after bead. */
static score_status gather_features(const score_model_config *model, int **features,
                                    score_error *error) {
    const size_t count = (size_t)model->feature_count, beads = (size_t)model->bead_count;
    *features = calloc(beads * count + 1, sizeof **features);
    if (*features == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate bead features");
    for (size_t b = 0; b < beads; b++)
        for (size_t f = 0; f < count; f++)
            (*features)[b * count + f] = model->beads[b].features[f];
    return SCORE_OK;
}

static void carve(score_stage_run *run) {
    score_arena *arena = &run->arena;
    run->parameters = score_arena_take(arena, run->size, sizeof *run->parameters);
    run->first = score_arena_take(arena, run->size, sizeof *run->first);
    run->second = score_arena_take(arena, run->size, sizeof *run->second);
    run->average = score_arena_take(arena, run->size, sizeof *run->average);
    run->gradient = score_arena_take(arena, run->gradient_size, sizeof *run->gradient);
    run->average_rounded = score_arena_take(arena, run->size, sizeof *run->average_rounded);
    run->square_sums = score_arena_take(arena, (size_t)score_piece_count(run->size),
                                        sizeof *run->square_sums);
}

static void take_weights(score_stage_run *run, const double *weights) {
    for (size_t k = 0; k < run->size; k++) {
        run->parameters[k] = (score_real)weights[k];
        run->average[k] = (double)run->parameters[k];
    }
    score_stage_run_restored(run);
}

static score_status create_network_parts(score_stage_run *run, const score_recipe *recipe,
                                         score_error *error) {
    int *features = NULL;
    score_status status = gather_features(&recipe->model, &features, error);
    if (status == SCORE_OK)
        status = score_packed_create(run->network, &run->packed, error);
    if (status == SCORE_OK)
        status = score_packed_create(run->network, &run->average_packed, error);
    if (status == SCORE_OK) {
        const score_loss_setting setting = loss_setting(recipe, run->stage, features);
        run->gradient_size = score_packed_gradient_size(run->packed);
        status = score_minibatch_create(run->network, run->packed, &setting, run->executor->threads,
                                        &run->minibatch, error);
    }
    free(features);
    return status;
}

score_status score_stage_run_create(const score_recipe *recipe, const score_dataset *dataset,
                                    const score_model *model, int stage, uint64_t frames,
                                    const score_executor *executor, score_stage_run **result,
                                    score_error *error) {
    *result = NULL;
    score_stage_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a stage");
    run->stage = &recipe->stages[stage];
    run->executor = executor;
    run->network = score_model_network(model, run->stage->expert);
    run->size = run->network->parameter_count;
    set_samplers(run, recipe, dataset, stage, frames);
    score_status status = score_stage_steps(
        recipe, stage, score_dataset_frames(dataset, SCORE_SPLIT_TRAINING), &run->steps, error);
    if (status == SCORE_OK)
        status = create_network_parts(run, recipe, error);
    if (status == SCORE_OK)
        status = score_weight_update_create(run->network, &run->stage->optimizer, executor->threads,
                                            &run->update, error);
    if (status == SCORE_OK) {
        carve(run);
        status = score_arena_allocate(&run->arena, error);
    }
    if (status != SCORE_OK) {
        score_stage_run_destroy(run);
        return status;
    }
    carve(run);
    take_weights(run, score_model_parameters_const(model, run->stage->expert));
    *result = run;
    return SCORE_OK;
}

void score_stage_run_destroy(score_stage_run *run) {
    if (run == NULL)
        return;
    score_weight_update_destroy(run->update);
    score_minibatch_destroy(run->minibatch);
    score_packed_destroy(run->average_packed);
    score_packed_destroy(run->packed);
    score_arena_free(&run->arena);
    free(run);
}

uint64_t score_stage_run_steps(const score_stage_run *run) {
    return run->steps;
}

int score_stage_run_frames(const score_stage_run *run) {
    return score_sampler_frames(&run->training);
}

double score_stage_run_rate(const score_stage_run *run, uint64_t step) {
    return score_learning_rate(&run->stage->optimizer, step, run->steps, run->stage->batch);
}

void score_stage_run_arrays(score_stage_run *run, score_run_arrays *arrays) {
    score_run_arrays_add(arrays, run->parameters, run->size * sizeof *run->parameters);
    score_run_arrays_add(arrays, run->first, run->size * sizeof *run->first);
    score_run_arrays_add(arrays, run->second, run->size * sizeof *run->second);
    score_run_arrays_add(arrays, run->average, run->size * sizeof *run->average);
}

void score_stage_run_restored(score_stage_run *run) {
    score_packed_update(run->packed, run->parameters, run->executor);
}

static void sum_squares(void *argument, int piece, int thread) {
    (void)thread;
    score_stage_run *run = argument;
    const size_t begin = score_piece_begin(piece), end = score_piece_end(piece, run->size);
    run->square_sums[piece] = score_square_sum(end - begin, run->gradient + begin);
}

static void update_average(void *argument, int piece, int thread) {
    (void)thread;
    score_stage_run *run = argument;
    const size_t begin = score_piece_begin(piece), end = score_piece_end(piece, run->size);
    score_average_update(run->average_share, end - begin, run->parameters + begin,
                         run->average + begin);
}

static unsigned losses_in_use(const score_stage *stage) {
    unsigned use = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        use |= stage->losses[k].weight > 0 ? SCORE_BIT(k) : 0;
    return use;
}

score_status score_stage_run_step(score_stage_run *run, uint64_t step,
                                  double losses[SCORE_LOSS_KINDS], double *norm,
                                  score_error *error) {
    const score_executor *executor = run->executor;
    score_status status = score_minibatch_evaluate(run->minibatch, run->packed, &run->training,
                                                   (uint32_t)step, losses_in_use(run->stage),
                                                   executor, losses, run->gradient, error);
    if (status != SCORE_OK)
        return status;
    const int pieces = score_piece_count(run->size);
    executor->run(executor->context, pieces, sum_squares, run);
    double sum = 0;
    for (int k = 0; k < pieces; k++)
        sum += run->square_sums[k];
    *norm = sqrt(sum);
    double loss = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        loss += losses[k];
    if (!isfinite(loss) || !isfinite(*norm))
        return score_fail(error, SCORE_ERROR_NUMERIC, "the loss is %g and its gradient's norm %g",
                          loss, *norm);
    const score_optimizer_step numbers = score_optimizer_step_at(
        &run->stage->optimizer, step, score_stage_run_rate(run, step), *norm);
    const score_weight_arrays arrays = {run->gradient, run->parameters, run->first, run->second};
    score_weight_update_run(run->update, &numbers, &arrays, executor);
    run->average_share = score_average_share(run->stage->optimizer.average_half_life, step,
                                             run->stage->batch);
    executor->run(executor->context, pieces, update_average, run);
    score_packed_update(run->packed, run->parameters, run->executor);
    return SCORE_OK;
}

score_status score_stage_run_validate(score_stage_run *run, double *loss, score_error *error) {
    *loss = NAN;
    if (run->validation.count == 0)
        return SCORE_OK;
    for (size_t k = 0; k < run->size; k++)
        run->average_rounded[k] = (score_real)run->average[k];
    score_packed_update(run->average_packed, run->average_rounded, run->executor);
    double losses[SCORE_LOSS_KINDS];
    score_status status = score_minibatch_evaluate(
        run->minibatch, run->average_packed, &run->validation, 0, SCORE_BIT(SCORE_LOSS_DENOISING),
        run->executor, losses, NULL, error);
    *loss = losses[SCORE_LOSS_DENOISING];
    if (status == SCORE_OK && !isfinite(*loss))
        return score_fail(error, SCORE_ERROR_NUMERIC, "the validation loss is %g", *loss);
    return status;
}

score_status score_stage_run_check(const score_stage_run *run, score_error *error) {
    for (size_t k = 0; k < run->size; k++)
        if (!isfinite(run->parameters[k]) || !isfinite(run->first[k]) ||
            !isfinite(run->second[k]) || !isfinite(run->average[k]))
            return score_fail(error, SCORE_ERROR_NUMERIC,
                              "weight %zu is %g, its moments %g and %g, its average %g", k,
                              (double)run->parameters[k], (double)run->first[k],
                              (double)run->second[k], run->average[k]);
    return SCORE_OK;
}

void score_stage_run_publish(const score_stage_run *run, score_model *model) {
    memcpy(score_model_parameters(model, run->stage->expert), run->average,
           run->size * sizeof *run->average);
}
