/* The reverse process, which turns normal noise at diffusion time 1 into samples of the model at
 * time 0 (Song et al., arXiv 2011.13456, eq. 6): with beta(t) as in model/noise_schedule.h, backwards in
 * time,
 *     dx = (beta x/2 + beta score(x, t)) dt + sqrt(beta) dw.
 * Noise is never projected: a centred model does not see the mean over beads, which wanders freely.
 *
 * One step of every solver here is a linear combination of the state x, the score s at it, the
 * denoised state of the step before and normal noise z:
 *     x <- state x + score s + before d + noise z,    d <- (x + sigma^2 s)/m,
 * d being the mean of x_0 given x (Tweedie's formula), of the old x.
 *
 * Every number of sample n depends on (seed, n, step) and the scores alone: the start takes the
 * stream of step 0, step k that of k + 1. */
#ifndef SCORE_SAMPLE_SOLVER_H
#define SCORE_SAMPLE_SOLVER_H

#include <stdint.h>

#include "model/noise_schedule.h"
#include "score/status.h"

enum { SCORE_PURPOSE_SAMPLES = 0x700 }; /* of the random numbers (base/random.h) */

typedef struct score_solver_step {
    double t; /* of the score */
    double state;
    double score;
    double before; /* 0 in the first step */
    double noise;
} score_solver_step;

typedef struct score_solver {
    const char *name;
    int default_steps;
    /* Step `step` of [0, steps), steps >= 2; every step is one evaluation of the scores. */
    score_solver_step (*step)(score_noise_schedule schedule, int steps, int step);
} score_solver;

/* "sde-dpm-solver++", the default, of second order: SDE-DPM-Solver++(2M) (Lu et al., arXiv
 * 2211.01095, section 5 and algorithm 2). Steps are equal in lambda = log(m/sigma) and end at
 * SCORE_TIME_MIN, where the model's energy is that of the force. With h the length of a step, d' the
 * denoised state of the step before, and m and sigma at the end of the step (sigma_0 at its
 * beginning),
 *     D = d + (d - d')/2,    D = d in the first step,
 *     x <- sigma/sigma_0 exp(-h) x + m (1 - exp(-2h)) D + sigma sqrt(1 - exp(-2h)) z.
 * The noise makes the samples forget that they start around 0 and not around m(1) times the data's
 * mean: the same solver without it gives a well at -7 of weight .2, beside one at 7, the weight
 * .207, however many steps it takes; with it, .199 in 100 steps (scale 1, wells of variance 1).
 *
 * "euler-maruyama", the reference: t_k falls from 1 to 0 in equal steps of dt = 1/(steps - 1), and
 *     x <- x + (beta x/2 + beta s) dt + sqrt(beta dt) z
 * at every one of these points, the last included; scores are never asked for before
 * SCORE_TIME_MIN. */
enum { SCORE_SOLVER_COUNT = 2 };
extern const score_solver SCORE_SOLVERS[SCORE_SOLVER_COUNT]; /* the first is the default */

/* NULL: there is none of this name. */
const score_solver *score_solver_find(const char *name);

/* Samples `first` to first + count - 1. */
typedef struct score_reverse_process {
    const score_solver *solver;
    score_noise_schedule schedule;
    int steps;
    uint64_t seed;
    uint32_t first;
    int count;
    int coordinates; /* of a sample */
    void *context;
    /* Writes d log q_t/dx (count x coordinates) at x (the same). What is not finite may be returned
     * with SCORE_OK or with SCORE_ERROR_NUMERIC. */
    score_status (*score)(void *context, const double *x, double t, double *score,
                          score_error *error);
    /* NULL, or called after every step; what is not SCORE_OK ends the process. */
    score_status (*watch)(void *context, score_error *error);
} score_reverse_process;

/* Sets x (count x coordinates, normalised coordinates). SCORE_ERROR_NUMERIC names the sample and
 * the time of a score that is not finite; SCORE_ERROR_MEMORY; errors of `score` and `watch`. */
score_status score_reverse_process_run(const score_reverse_process *process, double *x,
                                       score_error *error);

#endif
