#define _POSIX_C_SOURCE 200809L
#include "run/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/gaussian.h"
#include "losses/minibatch.h"
#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "programs/progress.h"
#include "recipe/recipe.h"
#include "run/identity.h"
#include "run/initialise.h"
#include "run/log_file.h"
#include "run/run_model.h"
#include "run/run_paths.h"
#include "run/learning_rate.h"
#include "run/stage_run.h"

typedef struct trainer {
    int threads;
    score_executor executor;
    score_run_paths paths;
    score_recipe *recipe;
    score_dataset *dataset;
    char *identity;
    score_model *model;
    score_stage_run *stage; /* under way, or NULL */
    score_run_state state;
    score_run_state saved; /* as in the checkpoint on the disk */
    FILE *log;
    score_progress progress;
    double total_samples; /* of all stages */
    double row_seconds;   /* state.seconds at the last row, */
    uint64_t row_samples; /* and state.samples, or both at the start of this process */
} trainer;

/* -------- stages and checkpoints -------- */

static double training_frames(const trainer *run) {
    return (double)score_dataset_frames(run->dataset, SCORE_SPLIT_TRAINING);
}

static bool is_finished(const trainer *run) {
    return run->state.stage == (uint64_t)run->recipe->stage_count;
}

static score_status emphasise(trainer *run, const score_emphasis *emphasis, score_error *error) {
    return score_dataset_emphasise(run->dataset, emphasis, run->recipe->path, error);
}

/* Of all stages, so that a run does not end where it comes to the first that has nothing to
 * emphasise. */
static score_status check_emphasis(trainer *run, score_error *error) {
    score_status status = SCORE_OK;
    for (int k = 0; k < run->recipe->stage_count && status == SCORE_OK; k++)
        status = emphasise(run, &run->recipe->stages[k].emphasis, error);
    return status == SCORE_OK ? emphasise(run, &(score_emphasis){0}, error) : status;
}

static score_status begin_stage(trainer *run, score_error *error) {
    score_stage_run_destroy(run->stage);
    run->stage = NULL;
    if (is_finished(run))
        return SCORE_OK;
    const score_stage *stage = &run->recipe->stages[run->state.stage];
    score_status status = emphasise(run, &stage->emphasis, error);
    if (status != SCORE_OK)
        return status;
    return score_stage_run_create(run->recipe, run->dataset, run->model, (int)run->state.stage,
                                  run->state.frames, &run->executor, &run->stage, error);
}

static void list_arrays(trainer *run, score_run_arrays *arrays) {
    *arrays = (score_run_arrays){0};
    for (int k = 0; k < run->recipe->model.expert_count; k++)
        score_run_arrays_add(arrays, score_model_parameters(run->model, k),
                             score_model_parameter_count(run->model, k) * sizeof(double));
    if (run->stage != NULL)
        score_stage_run_arrays(run->stage, arrays);
}

/* Gives the model the weights of the stage under way. */
static score_status publish(trainer *run, score_error *error) {
    score_status status = score_stage_run_check(run->stage, error);
    if (status == SCORE_OK)
        score_stage_run_publish(run->stage, run->model);
    return status;
}

static score_status save(trainer *run, score_error *error) {
    score_status status = SCORE_OK;
    if (run->stage != NULL)
        status = publish(run, error);
    if (status == SCORE_OK && run->log != NULL)
        status = score_log_sync(run->log, run->paths.log, error);
    if (status != SCORE_OK)
        return status;
    score_run_arrays arrays;
    list_arrays(run, &arrays);
    status = score_checkpoint_write(run->paths.checkpoint, &SCORE_TRAINING_RUN, &run->state,
                                    run->identity, &arrays, error);
    if (status != SCORE_OK)
        return status;
    run->saved = run->state;
    if (run->state.samples == 0)
        return SCORE_OK; /* nothing learned yet: no model worth a file */
    return score_run_model_write(run->model, &run->state, run->paths.model, error);
}

static score_status restore(trainer *run, score_error *error) {
    score_checkpoint checkpoint;
    score_run_state state;
    score_status status = score_checkpoint_open(run->paths.checkpoint, &SCORE_TRAINING_RUN, &state,
                                                &checkpoint, error);
    if (status != SCORE_OK)
        return status;
    char *warning = NULL;
    status = score_identity_compare(checkpoint.identity, run->paths.checkpoint, run->identity,
                                    &warning, error);
    if (warning != NULL && state.stage < (uint64_t)run->recipe->stage_count)
        printf("warning: %s\n", warning);
    free(warning);
    if (status == SCORE_OK)
        status = score_run_state_check(&state, run->recipe,
                                       score_dataset_frames(run->dataset, SCORE_SPLIT_TRAINING),
                                       run->paths.checkpoint, error);
    if (status == SCORE_OK) {
        run->state = run->saved = state;
        status = begin_stage(run, error);
    }
    if (status == SCORE_OK) {
        score_run_arrays arrays;
        list_arrays(run, &arrays);
        status = score_checkpoint_arrays(&checkpoint, &arrays, error);
    }
    if (status == SCORE_OK && run->stage != NULL)
        score_stage_run_restored(run->stage);
    if (status == SCORE_OK && run->stage == NULL) /* finished, where the checkpoint says */
        status = score_model_set_note(run->model, SCORE_NOTE_RECIPE, checkpoint.identity, error);
    score_checkpoint_close(&checkpoint);
    return status;
}

/* -------- setting up -------- */

static score_status begin_new(trainer *run, score_error *error) {
    for (int k = 0; k < run->recipe->model.expert_count; k++)
        score_initialise(run->model, k, run->recipe->seed);
    run->state = (score_run_state){.last_loss = NAN, .last_validation_loss = NAN};
    score_status status = begin_stage(run, error);
    if (status == SCORE_OK)
        status = save(run, error);
    if (status == SCORE_OK)
        status = score_log_create(run->paths.log, score_recipe_listed_losses(run->recipe),
                                  &run->log, error);
    return status;
}

static score_status begin_resumed(trainer *run, score_error *error) {
    score_status status = restore(run, error);
    if (status == SCORE_OK)
        status = score_log_resume(run->paths.log, score_recipe_listed_losses(run->recipe),
                                  run->state.samples, &run->log, error);
    if (status == SCORE_OK)
        printf("resuming after %" PRIu64 " samples\n", run->state.samples);
    return status;
}

static score_status count_samples(trainer *run, score_error *error) {
    const uint64_t frames = score_dataset_frames(run->dataset, SCORE_SPLIT_TRAINING);
    for (int k = 0; k < run->recipe->stage_count; k++) {
        uint64_t steps;
        score_status status = score_stage_steps(run->recipe, k, frames, &steps, error);
        if (status != SCORE_OK)
            return status;
        run->total_samples += (double)steps * run->recipe->stages[k].batch;
    }
    return SCORE_OK;
}

static score_status describe(const trainer *run, score_error *error) {
    const score_stage *last = &run->recipe->stages[run->recipe->stage_count - 1];
    double gaussian;
    score_status status = score_gaussian_data_loss(run->recipe, run->dataset,
                                                   run->recipe->stage_count - 1, &gaussian, error);
    if (status != SCORE_OK)
        return status;
    size_t parameters = 0;
    for (int k = 0; k < run->recipe->model.expert_count; k++)
        parameters += score_model_parameter_count(run->model, k);
    printf("%s: %.0f training and %" PRIu64 " held-out frames of %d beads, scale %.6g nm\n",
           run->recipe->data.path, training_frames(run),
           score_dataset_frames(run->dataset, SCORE_SPLIT_VALIDATION),
           run->recipe->model.bead_count, score_dataset_scale_nm(run->dataset));
    if (run->recipe->data.log_weights != NULL)
        printf("weighted: as good as %.6g training frames of equal weight (Kish)\n",
               score_dataset_effective_frames(run->dataset, SCORE_SPLIT_TRAINING));
    printf("%zu weights, %.4g samples, %d thread%s; Ctrl-C ends with a checkpoint\n", parameters,
           run->total_samples, run->threads, run->threads == 1 ? "" : "s");
    if (!isnan(gaussian))
        printf("the best Gaussian has the loss %.5f%s%s\n", gaussian,
               run->recipe->stage_count > 1 ? " in the last stage" : "",
               last->emphasis.factor > 0 ? ", to be compared with the validation loss" : "");
    fflush(stdout);
    return SCORE_OK;
}

static score_status set_up(trainer *run, const score_train_options *options, score_error *error) {
    score_status status;
    bool resumes = false;
    if ((status = score_recipe_read(options->recipe, &run->recipe, error)))
        return status;
    if (options->seed != SCORE_TRAIN_RECIPE_SEED)
        run->recipe->seed = (uint64_t)options->seed;
    if ((status = score_run_paths_open(options->output, options->resume, &run->paths, &resumes,
                                       error)) ||
        (status = score_dataset_open(run->recipe, run->paths.folder, &run->dataset, error)) ||
        (status = count_samples(run, error)) || (status = check_emphasis(run, error)) ||
        (status = score_identity_create(run->recipe, run->dataset, &run->identity, error)) ||
        (status = score_run_model_create(run->recipe, run->dataset, &run->model, error)) ||
        (status = score_model_set_note(run->model, SCORE_NOTE_RECIPE, run->identity, error)) ||
        (status = describe(run, error)))
        return status;
    status = resumes ? begin_resumed(run, error) : begin_new(run, error);
    run->row_seconds = run->state.seconds;
    run->row_samples = run->state.samples;
    return status;
}

/* -------- the loop -------- */

/* Whether `samples` has just passed a multiple of `interval`. */
static bool passes(uint64_t samples, int batch, uint64_t interval) {
    return samples / interval > (samples - (uint64_t)batch) / interval;
}

/* The mean over the steps since the last row of the sum of all losses. */
static double interval_loss(const score_run_state *state) {
    double sum = 0;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        sum += state->interval_losses[k];
    return sum / (double)state->interval_steps;
}

static score_status write_row(trainer *run, score_error *error) {
    score_run_state *state = &run->state;
    double steps = (double)state->interval_steps;
    score_status status = score_stage_run_validate(run->stage, &state->last_validation_loss, error);
    if (status != SCORE_OK)
        return status;
    score_log_row row = {
        .stage = (int)state->stage + 1,
        .step = state->step,
        .samples = state->samples,
        .epoch = (double)state->samples / training_frames(run),
        .rate = score_stage_run_rate(run->stage, state->step - 1),
        .columns = score_recipe_listed_losses(run->recipe),
        .validation_loss = state->last_validation_loss,
        .gradient_norm = state->interval_norm / steps,
        .samples_per_s = (double)(state->samples - run->row_samples) /
                         (state->seconds - run->row_seconds),
        .seconds = state->seconds,
    };
    state->last_loss = interval_loss(state);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        row.losses[k] = state->interval_losses[k] / steps;
        state->interval_losses[k] = 0;
    }
    state->interval_steps = 0;
    state->interval_norm = 0;
    run->row_samples = state->samples;
    run->row_seconds = state->seconds;
    return score_log_write(run->log, run->paths.log, &row, error);
}

static void show_progress(trainer *run, bool is_row, double begin_s, uint64_t begin_samples) {
    const double now = score_now_s();
    if (!score_progress_is_due(&run->progress, is_row, now))
        return;
    const score_run_state *state = &run->state;
    const double speed = (double)(state->samples - begin_samples) / (now - begin_s);
    const score_progress_values values = {
        .stage = (int)state->stage + 1,
        .stages = run->recipe->stage_count,
        .epoch = (double)state->samples / training_frames(run),
        .epochs = run->total_samples / training_frames(run),
        .loss = state->interval_steps > 0 ? interval_loss(state) : state->last_loss,
        .validation_loss = state->last_validation_loss,
        .samples_per_s = speed,
        .seconds_left = (run->total_samples - (double)state->samples) / speed,
    };
    score_progress_show(&run->progress, &values, now);
}

/* Says where numbers stopped being finite and what is left of the run. */
static score_status explain(const trainer *run, score_status status, score_error *error) {
    if (status != SCORE_ERROR_NUMERIC)
        return status;
    char what[256];
    snprintf(what, sizeof what, "%.200s", error->message);
    return score_fail(error, SCORE_ERROR_NUMERIC,
                      "%s in step %" PRIu64 " of stage %" PRIu64 "; the last good checkpoint is "
                      "that of step %" PRIu64 " of stage %" PRIu64 " in %s",
                      what, run->state.step, run->state.stage + 1, run->saved.step,
                      run->saved.stage + 1, run->paths.checkpoint);
}

static score_status take_step(trainer *run, score_error *error) {
    double losses[SCORE_LOSS_KINDS], norm;
    score_run_state *state = &run->state;
    score_status status = score_stage_run_step(run->stage, state->step, losses, &norm, error);
    state->step++;
    if (status != SCORE_OK)
        return status;
    state->samples += (uint64_t)run->recipe->stages[state->stage].batch;
    state->interval_steps++;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        state->interval_losses[k] += losses[k];
    state->interval_norm += norm;
    return SCORE_OK;
}

static score_status end_stage(trainer *run, score_error *error) {
    score_status status = publish(run, error);
    if (status != SCORE_OK)
        return status;
    run->state.frames += run->state.step * (uint64_t)score_stage_run_frames(run->stage);
    run->state.stage++;
    run->state.step = 0;
    status = begin_stage(run, error);
    return status == SCORE_OK ? save(run, error) : status;
}

static score_status run_stage(trainer *run, score_error *error) {
    const double begin_s = score_now_s(), earlier_s = run->state.seconds;
    const uint64_t begin_samples = run->state.samples, steps = score_stage_run_steps(run->stage);
    const int batch = run->recipe->stages[run->state.stage].batch;
    score_status status = SCORE_OK;
    while (run->state.step < steps && status == SCORE_OK) {
        status = take_step(run, error);
        if (status != SCORE_OK)
            break;
        run->state.seconds = earlier_s + score_now_s() - begin_s;
        const uint64_t samples = run->state.samples;
        const bool is_last = run->state.step == steps;
        const bool is_row = is_last || passes(samples, batch, run->recipe->validation_interval);
        if (is_row && (status = write_row(run, error)))
            break;
        show_progress(run, is_row, begin_s, begin_samples);
        if (score_interrupt_signal() != 0) {
            if ((status = save(run, error)) == SCORE_OK)
                status = score_fail(error, SCORE_ERROR_INTERRUPTED,
                                    "interrupted after %" PRIu64 " samples; continue with --resume",
                                    samples);
        } else if (!is_last && passes(samples, batch, run->recipe->checkpoint_interval)) {
            status = save(run, error);
        }
    }
    score_progress_end(&run->progress);
    if (status == SCORE_OK)
        status = end_stage(run, error);
    return explain(run, status, error);
}

static score_status run_stages(trainer *run, score_error *error) {
    if (is_finished(run))
        return score_run_model_write(run->model, &run->state, run->paths.model, error);
    score_status status = SCORE_OK;
    while (!is_finished(run) && status == SCORE_OK)
        status = run_stage(run, error);
    return status;
}

static void clean_up(trainer *run) {
    if (run->log != NULL)
        fclose(run->log);
    score_stage_run_destroy(run->stage);
    score_model_destroy(run->model);
    free(run->identity);
    score_dataset_close(run->dataset);
    score_run_paths_close(&run->paths);
    score_recipe_destroy(run->recipe);
}

score_status score_train(const score_train_options *options, score_error *error) {
    trainer run = {.paths = {.lock = -1}, .progress = score_progress_begin(stdout)};
    _Static_assert((int)SCORE_TRAIN_MOST_THREADS == (int)SCORE_GRADIENT_GROUPS, "what --help says");
    run.threads = options->threads < SCORE_GRADIENT_GROUPS ? options->threads
                                                           : SCORE_GRADIENT_GROUPS;
    run.executor = score_executor_openmp(&run.threads);
    score_status status = set_up(&run, options, error);
    if (status == SCORE_OK)
        status = run_stages(&run, error);
    if (status == SCORE_OK) {
        char time[32];
        printf("finished: %" PRIu64 " samples in %s, loss %.6g", run.state.samples,
               score_duration_text(run.state.seconds, time), run.state.last_loss);
        if (!isnan(run.state.last_validation_loss))
            printf(", validation loss %.6g", run.state.last_validation_loss);
        printf("; the model is in %s\n", run.paths.model);
    }
    clean_up(&run);
    return status;
}
