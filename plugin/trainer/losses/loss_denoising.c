#include "losses/loss_denoising.h"

#include <stdio.h>

#include "losses/loss.h"

static bool check(const score_loss_stage *at, score_loss_config *config,
                  score_loss_message message) {
    snprintf(message, sizeof(score_loss_message),
             "antithetic pairs need an even batch, the stage has %d", at->stage->batch);
    return config->settings[SCORE_DENOISING_ANTITHETIC] == 0 || at->stage->batch % 2 == 0;
}

/* The derivative by s is 2 w sigma/D (eps + sigma s). */
static double weigh(const score_loss_tile *tile, double share) {
    const int coordinates = tile->coordinates;
    double sum = 0;
    for (int m = 0; m < tile->samples; m++) {
        const double t = tile->t[m], sigma = score_noise(tile->setting->schedule, t);
        const double weight = tile->weight[m] *
                              score_loss_weight_at(tile->setting, SCORE_LOSS_DENOISING, t) /
                              coordinates;
        const size_t first = (size_t)m * (size_t)coordinates;
        double square = 0;
        for (int d = 0; d < coordinates; d++) {
            const size_t k = first + (size_t)d;
            double residual = (double)tile->noise[k] + sigma * (double)tile->score[k];
            square += residual * residual;
            tile->along_score[k] += (score_real)(2 * share * weight * sigma * residual);
        }
        sum += weight * square;
    }
    return sum;
}

const score_loss SCORE_TYPED(score_loss_denoising) = {
    .element = "DenoisingScoreMatching",
    .is_required = true,
    .default_weight = 1,
    .attributes = {[SCORE_DENOISING_ANTITHETIC] = {"antithetic", NULL, 0}},
    .check = check,
    .title = "denoising",
    .column = "denoising",
    .is_listed = true,
    .weigh = weigh,
};
