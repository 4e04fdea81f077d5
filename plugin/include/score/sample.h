/* Independent samples of a model by the reverse diffusion process, in memory: what score-sample
 * writes into files. The same model, seed, solver and steps give the same samples, for any number of
 * threads; the first of many samples are those of few. */
#ifndef SCORE_SAMPLE_H
#define SCORE_SAMPLE_H

#include <stdint.h>

#include "score/executor.h"
#include "score/model.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SCORE_MAX_SAMPLE_STEPS = 1000000 };

typedef struct score_sample_request {
    const char *solver; /* "sde-dpm-solver++" or "euler-maruyama"; NULL: the first */
    int steps;          /* evaluations of the model's score, from 2 to SCORE_MAX_SAMPLE_STEPS; 0:
                           the solver's default */
    uint64_t seed;
    uint32_t count;
    void *context;
    /* NULL, or called by any thread, by several at the same time, with the number of samples drawn
     * so far (parts of them counted as such); what is not SCORE_OK ends the work. */
    score_status (*watch)(void *context, double done, score_error *error);
} score_sample_request;

/* positions_nm: count x beads x dimensions, of the model's list of beads. log_density: NULL, or count
 * values of -E at SCORE_TIME_MIN, the model's own log-density up to a constant.
 * SCORE_ERROR_ARGUMENT: a solver or a number of steps that there is not, a diffusion time that no
 * expert owns, a model without a list of beads, or log-densities of one without an energy.
 * SCORE_ERROR_NUMERIC names the sample that is not finite. SCORE_ERROR_MEMORY; errors of `watch`. */
SCORE_EXPORT score_status score_sample_draw_positions(const score_model *model,
                                                      const score_sample_request *request,
                                                      const score_executor *executor,
                                                      float *positions_nm, double *log_density,
                                                      score_error *error);

#ifdef __cplusplus
}
#endif
#endif
