#include "losses/loss_fokker_planck.h"

#include <math.h>
#include <stdio.h>

#include "losses/loss.h"

/* The error per unit of h = log(sigma^2 + variance) has no bound where h does not grow with time. */
static bool check(const score_loss_stage *at, score_loss_config *config,
                  score_loss_message message) {
    const double least = 0.1, variance = config->settings[SCORE_FOKKER_PLANCK_VARIANCE];
    const score_time_scale scale = {.schedule = at->schedule,
                                    .t_begin = at->stage->t_begin,
                                    .t_end = at->stage->t_end,
                                    .variance = variance};
    if (variance < 0)
        return true;
    const double slope = exp(score_time_scale_log_slope(&scale, at->stage->t_end));
    snprintf(message, sizeof(score_loss_message),
             "<FokkerPlanck> has variance=\"%g\", but the slope of log(sigma^2 + variance) is %.2g "
             "at t = %g, where the stage ends, must be at least %g",
             variance, slope, at->stage->t_end, least);
    return slope >= least;
}

/* Independent signs +1 and -1, for z . H z as an estimate of the trace of H. (Hutchinson 1990. Of all
 * vectors with <z z> = 1, independent signs scatter least.) */
static score_status draw(const score_loss_setting *setting, const score_loss_draw *of,
                         score_random *random, const score_loss_samples *room, int m,
                         score_error *error) {
    (void)setting, (void)error;
    const int coordinates = of->sampler->beads * of->sampler->dimensions;
    const size_t first = (size_t)m * (size_t)coordinates;
    for (size_t k = first; k < first + (size_t)coordinates; k++) {
        const uint32_t bits = score_random_uint(random);
        room->probes[0][k] = (bits & 1u) != 0 ? 1 : -1;
        room->probes[1][k] = (bits & 2u) != 0 ? 1 : -1;
    }
    return SCORE_OK;
}

/* |s|^2 + x . s + D_r of sample m. */
static double drift(const score_loss_tile *tile, int m) {
    const size_t first = (size_t)m * (size_t)tile->coordinates;
    const score_real *x = tile->view.x + first, *s = tile->score + first;
    double sum = tile->density;
    for (int d = 0; d < tile->coordinates; d++)
        sum += (double)s[d] * ((double)s[d] + (double)x[d]);
    return sum;
}

/* kappa = w/D^2 or 1/h'^2, times the loss's weight in the recipe. */
static double residual_weight(const score_loss_tile *tile, double t) {
    const score_loss_setting *setting = tile->setting;
    const score_loss_config *config = &setting->losses[SCORE_LOSS_FOKKER_PLANCK];
    const double variance = config->settings[SCORE_FOKKER_PLANCK_VARIANCE];
    if (variance < 0)
        return score_loss_weight_at(setting, SCORE_LOSS_FOKKER_PLANCK, t) /
               ((double)tile->coordinates * tile->coordinates);
    const score_time_scale scale = {.schedule = setting->schedule,
                                    .t_begin = setting->t_begin,
                                    .t_end = setting->t_end,
                                    .variance = variance};
    return config->weight * exp(-2 * score_time_scale_log_slope(&scale, t));
}

/* The gradient is kappa (r_1 + r_2) D_a l - kappa beta/2 (r_2 D^2_z1 l + r_1 D^2_z2 l),
 * a = -beta/2 (2 s + x) along x and 1 along t. The outputs and output_bar are of E = -l. */
static double weigh(const score_loss_tile *tile, double share) {
    const score_tile_view *view = &tile->view;
    const score_real *hessian_1 = score_loss_stream_of(view, view->output, SCORE_PROBE_1_SECOND);
    const score_real *hessian_2 = score_loss_stream_of(view, view->output, SCORE_PROBE_2_SECOND);
    score_real *along_t = score_loss_stream_of(view, view->t, SCORE_DIRECTION);
    score_real *weight_1 = score_loss_stream_of(view, view->output_bar, SCORE_PROBE_1_SECOND);
    score_real *weight_2 = score_loss_stream_of(view, view->output_bar, SCORE_PROBE_2_SECOND);
    double sum = 0;
    for (int m = 0; m < tile->samples; m++) {
        const double t = tile->t[m], half = score_beta(tile->setting->schedule, t) / 2;
        const double kappa = tile->weight[m] * residual_weight(tile, t);
        const double rest = (double)view->t_bar[m] - half * drift(tile, m);
        const double r_1 = rest + half * (double)hessian_1[m];
        const double r_2 = rest + half * (double)hessian_2[m];
        sum += kappa * r_1 * r_2;

        const double factor = share * kappa * (r_1 + r_2);
        const size_t first = (size_t)m * (size_t)tile->coordinates;
        for (size_t k = first; k < first + (size_t)tile->coordinates; k++)
            tile->along_score[k] -= (score_real)(factor * half *
                                                 (2 * (double)tile->score[k] + (double)view->x[k]));
        along_t[m] += (score_real)factor;
        weight_1[m] = (score_real)(share * kappa * half * r_2);
        weight_2[m] = (score_real)(share * kappa * half * r_1);
    }
    return sum;
}

const score_loss SCORE_TYPED(score_loss_fokker_planck) = {
    .element = "FokkerPlanck",
    .needs_energy = true,
    .has_share = true,
    .default_weight = NAN,
    .attributes = {[SCORE_FOKKER_PLANCK_VARIANCE] = {"variance", &SCORE_NOT_NEGATIVE, -1}},
    .check = check,
    .title = "Fokker-Planck",
    .column = "fokker_planck",
    .is_listed = true,
    .has_probes = true,
    .draw = draw,
    .weigh = weigh,
};
