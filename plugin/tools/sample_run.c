#define _POSIX_C_SOURCE 200809L
#include "sample_run.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "programs/progress.h"
#include "sample_draw.h"
#include "sample_file.h"
#include "sample_model.h"
#include "sample_range.h"

typedef struct watching {
    score_progress progress;
    uint32_t count;
    double begin_s;
    score_sample_file *file;
    const score_model *model;
    atomic_uint outside; /* samples beyond the range of the training data */
    atomic_flag busy;    /* a thread shows how far they are */
} watching;

static void show(watching *watch, double done) {
    const double now = score_now_s(), rate = done / (now - watch->begin_s);
    char line[128], left[32];
    if (!score_progress_is_due(&watch->progress, !watch->progress.terminal, now))
        return;
    snprintf(line, sizeof line, "%.0f of %lu samples  %.3g samples/s  %s left", done,
             (unsigned long)watch->count, rate,
             score_duration_text((watch->count - done) / rate, left));
    score_progress_write(&watch->progress, line, now);
}

static score_status watch_run(void *context, double done, score_error *error) {
    watching *watch = context;
    if (score_interrupt_signal() != 0)
        return score_fail(error, SCORE_ERROR_INTERRUPTED,
                          "interrupted after %.0f of %lu samples; nothing was written", done,
                          (unsigned long)watch->count);
    if (!atomic_flag_test_and_set(&watch->busy)) {
        show(watch, done);
        atomic_flag_clear(&watch->busy);
    }
    return SCORE_OK;
}

static const char *name_in(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static score_status write_samples(void *context, uint32_t first, uint32_t count,
                                  const float *positions_nm, const double *log_density,
                                  score_error *error) {
    watching *watch = context;
    atomic_fetch_add(&watch->outside, score_samples_outside(watch->model, count, positions_nm));
    return score_sample_file_write(watch->file, first, count, positions_nm, log_density, error);
}

static score_status draw_and_write(const score_sample_options *options,
                                   const score_samples *samples, score_sample_file *file,
                                   score_error *error) {
    const score_executor executor = score_executor_openmp(&options->threads);
    watching watch = {.progress = score_progress_begin(stdout),
                      .count = samples->count,
                      .begin_s = score_now_s(),
                      .file = file,
                      .model = samples->model,
                      .busy = ATOMIC_FLAG_INIT};
    watch.progress.last = watch.begin_s; /* there is nothing to tell yet */
    const score_sample_plan plan = {.model = samples->model,
                                    .solver = options->solver,
                                    .steps = samples->steps,
                                    .seed = samples->seed,
                                    .count = samples->count,
                                    .batch = SCORE_SAMPLE_BATCH,
                                    .context = &watch,
                                    .watch = watch_run,
                                    .has_density = samples->has_density,
                                    .take = write_samples};
    score_status status = score_sample_draw(&plan, &executor, error);
    score_progress_end(&watch.progress);
    if (status == SCORE_OK)
        status = score_sample_file_finish(file, error);
    const double seconds = score_now_s() - watch.begin_s;
    if (status != SCORE_OK)
        return status;
    printf("%s: %lu samples, %s, %d steps, %.3g s, %.3g samples/s\n", options->output,
           (unsigned long)samples->count, samples->solver, samples->steps, seconds,
           samples->count / seconds);
    if (watch.outside > 0)
        printf("%lu of them reach beyond %g times the range of the training data\n",
               (unsigned long)watch.outside, SCORE_RANGE_FACTOR);
    return SCORE_OK;
}

score_status score_sample(const score_sample_options *options, score_error *error) {
    score_model *model;
    score_sample_file file;
    score_status status = score_model_read(options->model, &model, error);
    if (status != SCORE_OK)
        return status;
    const score_samples samples = {.model = model,
                                   .model_name = name_in(options->model),
                                   .solver = options->solver->name,
                                   .steps = options->steps > 0 ? options->steps
                                                               : options->solver->default_steps,
                                   .seed = options->seed,
                                   .count = options->count,
                                   .has_density = score_sample_model_has_density(model)};
    status = score_sample_model_check(model, error);
    if (status == SCORE_OK)
        status = score_sample_file_open(options->output, &samples, &file, error);
    if (status == SCORE_OK) {
        status = draw_and_write(options, &samples, &file, error);
        score_sample_file_abandon(&file);
    }
    score_model_destroy(model);
    return status;
}
