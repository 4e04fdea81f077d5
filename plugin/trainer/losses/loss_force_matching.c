/* Force matching, of data with forces: of a frame x_0 with the force F
 *     w/D |f - s|^2,  f = F scale/(kT), s the score at (x_0, t_0), t_0 the earliest time.
 * At t_0 the density is that of the data, whose score is f where F is the force of all that a bead
 * interacts with; of coarse-grained beads f is s in the mean. Frames are drawn with their emphasis alone,
 * since both sides are at x_0. */
#include <math.h>
#include <stdio.h>

#include "losses/loss.h"

/* What it draws: x_0, then f. */
enum { FRAME, FORCE, PARTS };

static bool check(const score_loss_stage *at, score_loss_config *config,
                  score_loss_message message) {
    (void)config;
    snprintf(message, sizeof(score_loss_message),
             "<ForceMatching> is at diffusion time %g, expert %d owns those from %g on",
             SCORE_TIME_MIN, at->stage->expert, at->expert->t_begin);
    return at->expert->t_begin <= SCORE_TIME_MIN;
}

static score_status draw(const score_loss_setting *setting, const score_loss_draw *of,
                         score_random *random, const score_loss_samples *room, int m,
                         score_error *error) {
    (void)setting, (void)random;
    const int coordinates = of->sampler->beads * of->sampler->dimensions;
    double *drawn = room->drawn[SCORE_LOSS_FORCE_MATCHING] + m * PARTS * coordinates;
    for (int d = 0; d < coordinates; d++)
        drawn[FRAME * coordinates + d] = of->frame[d];
    return score_sampler_draw_forces(of->sampler, of->step, of->index, drawn + FORCE * coordinates,
                                     error);
}

/* s at the frames, in x_bar of its own tile. */
static void evaluate_frames(const score_loss_tile *tile, const struct score_loss_own *own) {
    for (int m = 0; m < tile->samples; m++) {
        const double *frame = own->drawn + (m * PARTS + FRAME) * tile->coordinates;
        for (int d = 0; d < tile->coordinates; d++)
            own->view.x[m * tile->coordinates + d] = (score_real)frame[d];
        own->view.t[m] = (score_real)SCORE_TIME_MIN;
    }
    score_forward(tile->packed, own->tile, &(score_pass){.streams = SCORE_BIT(SCORE_VALUE)});
    score_loss_differentiate(tile, own->tile, &own->view, false);
}

/* The derivative by s, 2 w/D (s - f), is the direction along which l = -E is differentiated. */
static double weigh(const score_loss_tile *tile, double share) {
    const struct score_loss_own *own = &tile->own[SCORE_LOSS_FORCE_MATCHING];
    const score_tile_view *view = &own->view;
    const double weight = tile->setting->losses[SCORE_LOSS_FORCE_MATCHING].weight /
                          tile->coordinates;
    const size_t samples = (size_t)tile->samples;
    evaluate_frames(tile, own);
    score_real *along_x = score_loss_stream_x(tile, view, SCORE_DIRECTION);
    double sum = 0;
    for (int m = 0; m < tile->samples; m++) {
        const double *force = own->drawn + (m * PARTS + FORCE) * tile->coordinates;
        for (int d = 0; d < tile->coordinates; d++) {
            const int k = m * tile->coordinates + d;
            const double residual = (double)view->x_bar[k] - force[d];
            sum += weight * residual * residual;
            along_x[k] = (score_real)(2 * share * weight * residual);
        }
    }
    score_loss_fill(score_loss_stream_of(view, view->t, SCORE_DIRECTION), samples, 0);
    score_loss_fill(view->output_bar, samples, 0);
    score_loss_fill(score_loss_stream_of(view, view->output_bar, SCORE_DIRECTION), samples, -1);
    return sum;
}

static const score_streams VALUE_AND_DIRECTION = {.count = 2, .order = {0, 1}};

const score_loss SCORE_TYPED(score_loss_force_matching) = {
    .element = "ForceMatching",
    .needs_energy = true,
    .has_share = true,
    .default_weight = NAN,
    .check = check,
    .title = "force matching",
    .column = "force_matching",
    .needs_forces = true,
    .own_streams = &VALUE_AND_DIRECTION,
    .drawn_a_coordinate = PARTS,
    .draw = draw,
    .weigh = weigh,
};
