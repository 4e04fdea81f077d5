#include "sample_solver.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "score/model.h"

/* -------- solvers -------- */

static score_solver_step euler_maruyama(score_noise_schedule schedule, int steps, int step) {
    const double t = (double)(steps - 1 - step) / (steps - 1), dt = 1.0 / (steps - 1);
    const double beta = score_beta(schedule, t);
    return (score_solver_step){.t = fmax(t, SCORE_TIME_MIN),
                               .state = 1 + beta * dt / 2,
                               .score = beta * dt,
                               .noise = sqrt(beta * dt)};
}

static double lambda_at(score_noise_schedule schedule, double t) {
    return log(score_signal(schedule, t) / score_noise(schedule, t));
}

/* Time `step` of [0, steps] where log(m/sigma) grows evenly; sigma^2 = 1/(1 + exp(2 lambda)). */
static double even_time(score_noise_schedule schedule, int steps, int step) {
    if (step == 0)
        return 1;
    if (step == steps)
        return SCORE_TIME_MIN;
    const double begin = lambda_at(schedule, 1), end = lambda_at(schedule, SCORE_TIME_MIN);
    const double lambda = begin + (end - begin) * step / steps;
    return score_time_of_noise(schedule, 1 / sqrt(1 + exp(2 * lambda)));
}

static score_solver_step sde_dpm_solver(score_noise_schedule schedule, int steps, int step) {
    const double t = even_time(schedule, steps, step), next = even_time(schedule, steps, step + 1);
    const double h = (lambda_at(schedule, SCORE_TIME_MIN) - lambda_at(schedule, 1)) / steps;
    const double m = score_signal(schedule, next), sigma = score_noise(schedule, next);
    const double m_0 = score_signal(schedule, t), sigma_0 = score_noise(schedule, t);
    const double gain = -m * expm1(-2 * h); /* of D */
    const double before = step == 0 ? 0 : .5;
    return (score_solver_step){.t = t,
                               .state = sigma / sigma_0 * exp(-h) + gain * (1 + before) / m_0,
                               .score = gain * (1 + before) * sigma_0 * sigma_0 / m_0,
                               .before = -gain * before,
                               .noise = sigma * sqrt(-expm1(-2 * h))};
}

const score_solver SCORE_SOLVERS[SCORE_SOLVER_COUNT] = {
    {"sde-dpm-solver++", 100, sde_dpm_solver},
    {"euler-maruyama", 1000, euler_maruyama},
};

const score_solver *score_solver_find(const char *name) {
    for (int k = 0; k < SCORE_SOLVER_COUNT; k++)
        if (strcmp(SCORE_SOLVERS[k].name, name) == 0)
            return &SCORE_SOLVERS[k];
    return NULL;
}

/* -------- the process -------- */

typedef struct running {
    const score_reverse_process *process;
    double *x; /* count x coordinates, as are the others */
    double *scores;
    double *denoised; /* of the step before */
} running;

static score_random numbers_of(const score_reverse_process *process, int sample, int step) {
    return score_random_stream(process->seed, SCORE_PURPOSE_SAMPLES, (uint32_t)step,
                               process->first + (uint32_t)sample);
}

static void start(const running *run) {
    const int size = run->process->coordinates;
    for (int n = 0; n < run->process->count; n++) {
        score_random random = numbers_of(run->process, n, 0);
        for (int k = 0; k < size; k++)
            run->x[(ptrdiff_t)n * size + k] = score_random_normal(&random);
    }
}

static void advance(const running *run, int step, const score_solver_step *weights) {
    const score_reverse_process *process = run->process;
    const double m = score_signal(process->schedule, weights->t);
    const double sigma = score_noise(process->schedule, weights->t);
    for (int n = 0; n < process->count; n++) {
        const ptrdiff_t offset = (ptrdiff_t)n * process->coordinates;
        const double *s = run->scores + offset;
        double *x = run->x + offset, *d = run->denoised + offset;
        score_random random = numbers_of(process, n, step + 1);
        for (int k = 0; k < process->coordinates; k++) {
            const double denoised = (x[k] + sigma * sigma * s[k]) / m;
            x[k] = weights->state * x[k] + weights->score * s[k] + weights->before * d[k] +
                   weights->noise * score_random_normal(&random);
            d[k] = denoised;
        }
    }
}

/* The first sample with a score that is not finite, or -1. */
static int find_bad_sample(const score_reverse_process *process, const double *scores) {
    const size_t size = (size_t)process->count * (size_t)process->coordinates;
    for (size_t k = 0; k < size; k++)
        if (!isfinite(scores[k]))
            return (int)(k / (size_t)process->coordinates);
    return -1;
}

static score_status evaluate(const score_reverse_process *process, const double *x, double t,
                             double *scores, score_error *error) {
    const score_status status = process->score(process->context, x, t, scores, error);
    if (status != SCORE_OK && status != SCORE_ERROR_NUMERIC)
        return status;
    const int bad = find_bad_sample(process, scores);
    if (bad < 0)
        return status;
    return score_fail(error, SCORE_ERROR_NUMERIC,
                      "the score of sample %lu is not finite at diffusion time %g",
                      (unsigned long)process->first + (unsigned long)bad, t);
}

score_status score_reverse_process_run(const score_reverse_process *process, double *x,
                                       score_error *error) {
    const size_t size = (size_t)process->count * (size_t)process->coordinates;
    double *room = calloc(2 * size, sizeof *room);
    if (room == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d samples", process->count);
    const running run = {process, x, room, room + size};
    score_status status = SCORE_OK;
    start(&run);
    for (int step = 0; step < process->steps && status == SCORE_OK; step++) {
        const score_solver_step weights = process->solver->step(process->schedule, process->steps,
                                                                step);
        status = evaluate(process, x, weights.t, run.scores, error);
        if (status != SCORE_OK)
            break;
        advance(&run, step, &weights);
        if (process->watch != NULL)
            status = process->watch(process->context, error);
    }
    free(room);
    return status;
}
