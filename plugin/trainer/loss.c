#include "loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "time_scale.h"

/* Streams of an energy expert's tile; a tile without Fokker-Planck has the first two. */
enum { VALUE, DIRECTION, PROBE_1, PROBE_1_SECOND, PROBE_2, PROBE_2_SECOND, STREAMS };
#define BIT(stream) (1u << (stream))
#define PROBES (BIT(PROBE_1) | BIT(PROBE_1_SECOND) | BIT(PROBE_2) | BIT(PROBE_2_SECOND))

struct score_losses {
    score_loss_setting setting;
    const score_network *network;
    int coordinates; /* of one sample, D */
    int density;     /* D_r */
    int max_samples;
    unsigned use;         /* of the tile under way */
    score_tile *tile;     /* under way: one of the next two */
    score_tile *plain;    /* without Fokker-Planck: its direction does not move time */
    score_tile *probed;   /* NULL: not used */
    score_tile *other;    /* at the other time; NULL: not used */
    score_tile_view view; /* of `tile` */
    score_tile_view at_other;
    score_arena arena;
    score_real *noise;      /* [max_samples][D] */
    double *t;              /* [max_samples] */
    double *weight;         /* [max_samples] */
    double *other_t;        /* [max_samples] */
    double *other_log_odds; /* [max_samples] */
    int *beads;             /* [max_samples] */
    int *features;          /* [max_samples][beads][feature_count] */
};

static bool uses(const score_losses *losses, score_loss_kind kind) {
    return (losses->use & BIT(kind)) != 0;
}

static void fill(score_real *values, size_t count, score_real value) {
    for (size_t k = 0; k < count; k++)
        values[k] = value;
}

static score_real *stream_x(const score_losses *losses, int stream) {
    return losses->view.x +
           (size_t)stream * (size_t)losses->view.rows * (size_t)losses->network->dimensions;
}

/* One number a sample, of t or of an energy and its adjoint. */
static score_real *stream_of(const score_losses *losses, score_real *array, int stream) {
    return array + (size_t)stream * (size_t)losses->view.molecules;
}

static double weight_at(const score_losses *losses, score_loss_kind kind, double t) {
    const score_loss_setting *setting = &losses->setting;
    return setting->weights[kind] *
           score_equal_weight(t, setting->weight_middle, setting->t_begin, setting->t_end);
}

/* -------- denoising -------- */

/* The sum over samples of w/D |eps + sigma s|^2, s the score. Its derivative by s, 2 w sigma/D
 * (eps + sigma s), is what the score has to be multiplied by, wherever it comes from: `seed`, or
 * NULL. */
static double weigh_denoising(const score_losses *losses, const score_real *score, double share,
                              score_real *seed) {
    const int coordinates = losses->coordinates;
    double sum = 0;
    for (int m = 0; m < losses->view.molecules; m++) {
        const double t = losses->t[m], sigma = score_noise(losses->setting.schedule, t);
        const double weight = losses->weight[m] * weight_at(losses, SCORE_LOSS_DENOISING, t) /
                              coordinates;
        const size_t first = (size_t)m * (size_t)coordinates;
        double square = 0;
        for (int d = 0; d < coordinates; d++) {
            const size_t k = first + (size_t)d;
            double residual = (double)losses->noise[k] + sigma * (double)score[k];
            square += residual * residual;
            if (seed != NULL)
                seed[k] += (score_real)(2 * share * weight * sigma * residual);
        }
        sum += weight * square;
    }
    return sum;
}

/* -------- Fokker-Planck -------- */

/* |s|^2 + x . s + D_r of sample m. */
static double drift(const score_losses *losses, int m) {
    const size_t first = (size_t)m * (size_t)losses->coordinates;
    const score_real *x = losses->view.x + first, *s = losses->view.x_bar + first;
    double sum = losses->density;
    for (int d = 0; d < losses->coordinates; d++)
        sum += (double)s[d] * ((double)s[d] + (double)x[d]);
    return sum;
}

/* kappa, times the loss's weight in the recipe. */
static double residual_weight(const score_losses *losses, double t) {
    const score_loss_setting *setting = &losses->setting;
    if (setting->fokker_planck_variance < 0)
        return weight_at(losses, SCORE_LOSS_FOKKER_PLANCK, t) /
               ((double)losses->coordinates * losses->coordinates);
    const score_time_scale scale = {.schedule = setting->schedule,
                                    .t_begin = setting->t_begin,
                                    .t_end = setting->t_end,
                                    .variance = setting->fokker_planck_variance};
    return setting->weights[SCORE_LOSS_FOKKER_PLANCK] *
           exp(-2 * score_time_scale_log_slope(&scale, t));
}

/* The sum over samples of kappa r_1 r_2; adds to the direction and sets the second orders' weights.
 * The outputs and output_bar are of E = -l. */
static double weigh_fokker_planck(const score_losses *losses, double share) {
    const score_tile_view *view = &losses->view;
    const score_real *hessian_1 = stream_of(losses, view->output, PROBE_1_SECOND);
    const score_real *hessian_2 = stream_of(losses, view->output, PROBE_2_SECOND);
    score_real *along_x = stream_x(losses, DIRECTION);
    score_real *along_t = stream_of(losses, view->t, DIRECTION);
    score_real *weight_1 = stream_of(losses, view->output_bar, PROBE_1_SECOND);
    score_real *weight_2 = stream_of(losses, view->output_bar, PROBE_2_SECOND);
    double sum = 0;
    for (int m = 0; m < view->molecules; m++) {
        const double t = losses->t[m], half = score_beta(losses->setting.schedule, t) / 2;
        const double kappa = losses->weight[m] * residual_weight(losses, t);
        const double rest = (double)view->t_bar[m] - half * drift(losses, m);
        const double r_1 = rest + half * (double)hessian_1[m];
        const double r_2 = rest + half * (double)hessian_2[m];
        sum += kappa * r_1 * r_2;

        const double factor = share * kappa * (r_1 + r_2);
        const size_t first = (size_t)m * (size_t)losses->coordinates;
        for (size_t k = first; k < first + (size_t)losses->coordinates; k++)
            along_x[k] -= (score_real)(factor * half *
                                       (2 * (double)view->x_bar[k] + (double)view->x[k]));
        along_t[m] += (score_real)factor;
        weight_1[m] = (score_real)(share * kappa * half * r_2);
        weight_2[m] = (score_real)(share * kappa * half * r_1);
    }
    return sum;
}

/* -------- classification over diffusion time -------- */

/* log(1 + exp(a)) */
static double softplus(double a) {
    return fmax(a, 0) + log1p(exp(-fabs(a)));
}

/* The sum over samples of -log of the probability that the model gives to the right time; sets the
 * values' weights in both tiles. */
static double weigh_classification(const score_losses *losses, double share) {
    double sum = 0;
    for (int m = 0; m < losses->view.molecules; m++) {
        const double weight = losses->weight[m] *
                              losses->setting.weights[SCORE_LOSS_CLASSIFICATION];
        const double energy = (double)losses->view.output[m];
        const double other = (double)losses->at_other.output[m];
        const double against = energy - other - losses->other_log_odds[m];
        const double wrong = 1 / (1 + exp(-against));
        sum += weight * softplus(against);
        losses->view.output_bar[m] = (score_real)(share * weight * wrong);
        losses->at_other.output_bar[m] = (score_real)(-share * weight * wrong);
    }
    return sum;
}

static void evaluate_at_other_times(score_losses *losses, const score_packed *packed) {
    score_tile_view *other = &losses->at_other;
    memcpy(other->x, losses->view.x,
           (size_t)other->molecules * (size_t)losses->coordinates * sizeof *other->x);
    for (int m = 0; m < other->molecules; m++)
        other->t[m] = (score_real)losses->other_t[m];
    score_forward(packed, losses->other, &(score_pass){.streams = BIT(VALUE)});
}

/* -------- passes -------- */

/* The score dl/dx and, where asked for, dl/dt in x_bar and t_bar. */
static void differentiate(score_losses *losses, const score_packed *packed, bool wants_time) {
    const score_tile_view *view = &losses->view;
    const size_t molecules = (size_t)view->molecules;
    fill(view->output_bar, molecules, -1);
    fill(view->x_bar, molecules * (size_t)losses->coordinates, 0);
    fill(view->t_bar, molecules, 0);
    score_backward(packed, losses->tile,
                   &(score_pass){.streams = BIT(VALUE), .wants_time = wants_time});
}

static void evaluate_energy(score_losses *losses, const score_packed *packed,
                            const double share[SCORE_LOSS_KINDS], score_real *gradient,
                            double sums[SCORE_LOSS_KINDS]) {
    const score_tile_view *view = &losses->view;
    const bool probes = uses(losses, SCORE_LOSS_FOKKER_PLANCK);
    const bool classifies = uses(losses, SCORE_LOSS_CLASSIFICATION);
    const unsigned before = BIT(VALUE) | (probes ? PROBES : 0);
    const size_t molecules = (size_t)view->molecules;
    score_forward(packed, losses->tile, &(score_pass){.streams = before});
    differentiate(losses, packed, probes);

    fill(view->output_bar, molecules * (probes ? STREAMS : DIRECTION + 1), 0);
    fill(stream_of(losses, view->output_bar, DIRECTION), molecules, -1); /* l = -E */
    fill(stream_x(losses, DIRECTION), molecules * (size_t)losses->coordinates, 0);
    fill(stream_of(losses, view->t, DIRECTION), molecules, 0);
    sums[SCORE_LOSS_DENOISING] += weigh_denoising(losses, view->x_bar, share[SCORE_LOSS_DENOISING],
                                                  stream_x(losses, DIRECTION));
    if (probes)
        sums[SCORE_LOSS_FOKKER_PLANCK] += weigh_fokker_planck(losses,
                                                              share[SCORE_LOSS_FOKKER_PLANCK]);
    if (classifies) {
        evaluate_at_other_times(losses, packed);
        sums[SCORE_LOSS_CLASSIFICATION] += weigh_classification(losses,
                                                                share[SCORE_LOSS_CLASSIFICATION]);
    }
    if (gradient == NULL)
        return;
    score_forward(packed, losses->tile, &(score_pass){.streams = BIT(DIRECTION)});
    score_backward(packed, losses->tile,
                   &(score_pass){.streams = before | BIT(DIRECTION), .gradient = gradient});
    if (classifies)
        score_backward(packed, losses->other,
                       &(score_pass){.streams = BIT(VALUE), .gradient = gradient});
}

static void evaluate_score(score_losses *losses, const score_packed *packed,
                           const double share[SCORE_LOSS_KINDS], score_real *gradient,
                           double sums[SCORE_LOSS_KINDS]) {
    const score_tile_view *view = &losses->view;
    score_forward(packed, losses->tile, &(score_pass){.streams = BIT(VALUE)});
    fill(view->output_bar, (size_t)view->molecules * (size_t)losses->coordinates, 0);
    sums[SCORE_LOSS_DENOISING] += weigh_denoising(losses, view->output, share[SCORE_LOSS_DENOISING],
                                                  view->output_bar);
    if (gradient != NULL)
        score_backward(packed, losses->tile,
                       &(score_pass){.streams = BIT(VALUE), .gradient = gradient});
}

void score_losses_evaluate(score_losses *losses, const score_packed *packed,
                           const double share[SCORE_LOSS_KINDS], score_real *gradient,
                           double sums[SCORE_LOSS_KINDS]) {
    for (int m = 0; m < losses->view.molecules; m++)
        losses->view.t[m] = (score_real)losses->t[m];
    if (losses->network->expert.output == SCORE_OUTPUT_SCORE) {
        evaluate_score(losses, packed, share, gradient, sums);
        return;
    }
    if (uses(losses, SCORE_LOSS_FOKKER_PLANCK)) {
        fill(stream_of(losses, losses->view.t, PROBE_1), (size_t)losses->view.molecules, 0);
        fill(stream_of(losses, losses->view.t, PROBE_2), (size_t)losses->view.molecules, 0);
    }
    evaluate_energy(losses, packed, share, gradient, sums);
}

/* -------- workspace -------- */

score_loss_samples score_losses_room(score_losses *losses, int samples, unsigned use) {
    losses->use = use;
    losses->tile = uses(losses, SCORE_LOSS_FOKKER_PLANCK) ? losses->probed : losses->plain;
    losses->view = score_tile_set_molecules(losses->tile, samples, losses->beads, losses->features);
    score_loss_samples room = {
        .x = losses->view.x, .noise = losses->noise, .t = losses->t, .weight = losses->weight};
    if (uses(losses, SCORE_LOSS_FOKKER_PLANCK)) {
        room.probes[0] = stream_x(losses, PROBE_1);
        room.probes[1] = stream_x(losses, PROBE_2);
    }
    if (uses(losses, SCORE_LOSS_CLASSIFICATION)) {
        losses->at_other = score_tile_set_molecules(losses->other, samples, losses->beads,
                                                    losses->features);
        room.other_t = losses->other_t;
        room.other_log_odds = losses->other_log_odds;
    }
    return room;
}

static void carve(score_losses *losses) {
    const size_t samples = (size_t)losses->max_samples;
    const size_t features = (size_t)losses->setting.beads * (size_t)losses->network->feature_count;
    score_arena *arena = &losses->arena;
    losses->noise = score_arena_take(arena, samples * (size_t)losses->coordinates,
                                     sizeof *losses->noise);
    losses->t = score_arena_take(arena, samples, sizeof *losses->t);
    losses->weight = score_arena_take(arena, samples, sizeof *losses->weight);
    losses->other_t = score_arena_take(arena, samples, sizeof *losses->other_t);
    losses->other_log_odds = score_arena_take(arena, samples, sizeof *losses->other_log_odds);
    losses->beads = score_arena_take(arena, samples, sizeof *losses->beads);
    losses->features = score_arena_take(arena, samples * features, sizeof(int));
}

static void lay_out_molecules(score_losses *losses) {
    const size_t size = (size_t)losses->setting.beads * (size_t)losses->network->feature_count;
    for (int m = 0; m < losses->max_samples; m++) {
        losses->beads[m] = losses->setting.beads;
        if (size > 0)
            memcpy(losses->features + (size_t)m * size, losses->setting.features,
                   size * sizeof(int));
    }
    if (size == 0)
        losses->features = NULL;
}

static score_status create_tiles(score_losses *losses, score_error *error) {
    static const score_streams value = {.count = 1}, plain = {.count = 2, .order = {0, 1}};
    static const score_streams probed = {
        .count = STREAMS, .order = {0, 1, 1, 2, 1, 2}, .moves_time = {[DIRECTION] = true}};
    const score_network *network = losses->network;
    const double *weights = losses->setting.weights;
    const int samples = losses->max_samples, beads = losses->setting.beads;
    const score_tile_limits limits = {.molecules = samples,
                                      .rows = samples * beads,
                                      .pairs = (size_t)samples * (size_t)beads * (size_t)beads};
    const bool energy = network->expert.output == SCORE_OUTPUT_ENERGY;
    score_status status = score_tile_create(network, energy ? &plain : &value, &limits,
                                            &losses->plain, error);
    if (status == SCORE_OK && weights[SCORE_LOSS_FOKKER_PLANCK] > 0)
        status = score_tile_create(network, &probed, &limits, &losses->probed, error);
    if (status == SCORE_OK && weights[SCORE_LOSS_CLASSIFICATION] > 0)
        status = score_tile_create(network, &value, &limits, &losses->other, error);
    return status;
}

score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **result, score_error *error) {
    *result = NULL;
    score_losses *losses = calloc(1, sizeof *losses);
    if (losses == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate the losses of a tile");
    losses->network = network;
    losses->setting = *setting;
    losses->coordinates = setting->beads * network->dimensions;
    losses->density = losses->coordinates - (network->centred ? network->dimensions : 0);
    losses->max_samples = max_samples;
    carve(losses);
    score_status status = score_arena_allocate(&losses->arena, error);
    if (status == SCORE_OK) {
        carve(losses);
        lay_out_molecules(losses);
        status = create_tiles(losses, error);
    }
    if (status == SCORE_OK)
        *result = losses;
    else
        score_losses_destroy(losses);
    return status;
}

void score_losses_destroy(score_losses *losses) {
    if (losses == NULL)
        return;
    score_tile_destroy(losses->plain);
    score_tile_destroy(losses->probed);
    score_tile_destroy(losses->other);
    score_arena_free(&losses->arena);
    free(losses);
}
