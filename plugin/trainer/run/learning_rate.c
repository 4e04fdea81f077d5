#include "run/learning_rate.h"

#include <math.h>
#include <stddef.h>

static const double MOST_SAMPLES = 9007199254740992.0; /* 2^53: whole numbers are exact up to it */
static const uint64_t MOST_STEPS = UINT32_MAX;         /* random streams count with 32 bits */

score_status score_stage_steps(const score_recipe *recipe, int stage, uint64_t frames,
                               uint64_t *steps, score_error *error) {
    const score_stage *it = &recipe->stages[stage];
    const uint64_t batch = (uint64_t)it->batch;
    const double samples = it->samples > 0 ? (double)it->samples
                                           : fmax(round(it->epochs * (double)frames), 1);
    *steps = samples <= MOST_SAMPLES ? ((uint64_t)samples + batch - 1) / batch : MOST_STEPS + 1;
    if (*steps <= MOST_STEPS)
        return SCORE_OK;
    return score_fail_at(
        error, SCORE_ERROR_ARGUMENT, recipe->path, it->line,
        "the stage has %.6g samples in batches of %d, must be at most %llu batches "
        "and %.0f samples",
        samples, it->batch, (unsigned long long)MOST_STEPS, MOST_SAMPLES);
}

/* What is left of the way from the rate to its end, where the fraction `done` of the steps after the
 * warm-up is done. */
typedef struct rate_decay {
    const char *word; /* in recipes */
    double (*left)(double done);
} rate_decay;

static double cosine(double done) {
    return (1 + cos(3.14159265358979323846 * done)) / 2;
}

static double linear(double done) {
    return 1 - done;
}

/* The first is that of a recipe which does not say. */
static const rate_decay decays[] = {
    {"cosine", cosine},
    {"linear", linear},
};

const char *score_rate_decay_word(int decay) {
    return decay < (int)(sizeof decays / sizeof decays[0]) ? decays[decay].word : NULL;
}

double score_learning_rate(const score_optimizer_config *config, uint64_t step, uint64_t steps,
                           int batch) {
    uint64_t warm_up = config->warm_up / (uint64_t)batch;
    if (step < warm_up)
        return config->rate * (double)(step + 1) / (double)warm_up;
    double done = steps > warm_up + 1 ? (double)(step - warm_up) / (double)(steps - warm_up - 1)
                                      : 0;
    const double left = decays[config->decay].left(fmin(done, 1));
    return config->final_rate + (config->rate - config->final_rate) * left;
}

/* The weights k steps old count q^k, q = 2^(-batch/half_life); all n of them together
 * (1 - q^n)/(1 - q). */
double score_average_share(double half_life, uint64_t step, int batch) {
    if (!(half_life > 0))
        return 1;
    double log_q = -log(2) * batch / half_life;
    return expm1(log_q) / expm1(log_q * ((double)step + 1));
}
