#include "losses/loss_classification.h"

#include <math.h>
#include <string.h>

#include "losses/loss.h"

/* The variance is by default that of the stage's times. */
static bool check(const score_loss_stage *at, score_loss_config *config,
                  score_loss_message message) {
    (void)message;
    double *variance = &config->settings[SCORE_CLASSIFICATION_VARIANCE];
    if (*variance < 0)
        *variance = fmax(at->stage->time_variance, 0);
    return true;
}

static score_status draw(const score_loss_setting *setting, const score_loss_draw *of,
                         score_random *random, const score_loss_samples *room, int m,
                         score_error *error) {
    (void)error;
    const double *settings = setting->losses[SCORE_LOSS_CLASSIFICATION].settings;
    double *drawn = room->drawn[SCORE_LOSS_CLASSIFICATION] + m * SCORE_OTHER_NUMBERS;
    score_time_pairs pairs = {.scale = of->sampler->times.scale,
                              .width = settings[SCORE_CLASSIFICATION_WIDTH]};
    pairs.scale.variance = settings[SCORE_CLASSIFICATION_VARIANCE];
    drawn[SCORE_OTHER_TIME] = score_time_pair(&of->sampler->times, &pairs, of->t,
                                              score_random_uniform(random),
                                              &drawn[SCORE_OTHER_LOG_ODDS]);
    return SCORE_OK;
}

static void evaluate_at_other_times(const score_loss_tile *tile, const struct score_loss_own *own) {
    memcpy(own->view.x, tile->view.x,
           (size_t)tile->samples * (size_t)tile->coordinates * sizeof *own->view.x);
    for (int m = 0; m < tile->samples; m++)
        own->view.t[m] = (score_real)own->drawn[m * SCORE_OTHER_NUMBERS + SCORE_OTHER_TIME];
    score_forward(tile->packed, own->tile, &(score_pass){.streams = SCORE_BIT(SCORE_VALUE)});
}

/* log(1 + exp(a)) */
static double softplus(double a) {
    return fmax(a, 0) + log1p(exp(-fabs(a)));
}

/* The gradient is that of p [l(x, t') - l(x, t)], p the probability of the wrong answer. */
static double weigh(const score_loss_tile *tile, double share) {
    const struct score_loss_own *own = &tile->own[SCORE_LOSS_CLASSIFICATION];
    evaluate_at_other_times(tile, own);
    double sum = 0;
    for (int m = 0; m < tile->samples; m++) {
        const double weight = tile->weight[m] *
                              tile->setting->losses[SCORE_LOSS_CLASSIFICATION].weight;
        const double energy = (double)tile->view.output[m], other = (double)own->view.output[m];
        const double log_odds = own->drawn[m * SCORE_OTHER_NUMBERS + SCORE_OTHER_LOG_ODDS];
        const double against = energy - other - log_odds;
        const double wrong = 1 / (1 + exp(-against));
        sum += weight * softplus(against);
        tile->view.output_bar[m] += (score_real)(share * weight * wrong);
        own->view.output_bar[m] = (score_real)(-share * weight * wrong);
    }
    return sum;
}

static const score_streams VALUE = {.count = 1};

const score_loss SCORE_TYPED(score_loss_classification) = {
    .element = "TimeClassification",
    .needs_energy = true,
    .default_weight = NAN,
    .attributes = {[SCORE_CLASSIFICATION_WIDTH] = {"width", &SCORE_POSITIVE, NAN},
                   [SCORE_CLASSIFICATION_VARIANCE] = {"variance", &SCORE_NOT_NEGATIVE, -1}},
    .check = check,
    .title = "classification over time",
    .column = "classification",
    .is_listed = true,
    .own_streams = &VALUE,
    .drawn = SCORE_OTHER_NUMBERS,
    .draw = draw,
    .weigh = weigh,
};
