#include "loss.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE = 1 << 0, DIRECTION = 1 << 1 };

/* One loss. weigh() returns the sum of it over the tile, and, where a gradient is wanted, adds to
 * the direction (x and t of stream 1) and to output_bar what share times that sum gives. */
typedef struct loss_term {
    unsigned streams; /* needed before the score is known, the value apart */
    bool wants_time;
    double (*weigh)(score_losses *losses, double share, bool wants_gradient);
} loss_term;

struct score_losses {
    score_loss_setting setting;
    const score_network *network;
    score_streams streams;
    score_tile *tile;
    score_tile_view view;
    int coordinates; /* of one sample */
    int max_samples;
    int term_count;
    loss_term terms[1];
    score_arena arena;
    score_real *noise; /* [max_samples][coordinates] */
    double *t;         /* [max_samples] */
    int *beads;        /* [max_samples] */
    int *features;     /* [max_samples][beads][feature_count] */
};

static size_t input_size(const score_losses *losses) {
    return (size_t)losses->view.rows * (size_t)losses->network->dimensions;
}

/* w(t) mean (eps + sigma s)^2, s the score. Its derivative by s, 2 w sigma/D (eps + sigma s), is
 * what the score has to be multiplied by, wherever it comes from: `seed`, or NULL. */
static double matching(const score_losses *losses, const score_real *score, double share,
                       score_real *seed) {
    const score_loss_setting *setting = &losses->setting;
    const int coordinates = losses->coordinates;
    double sum = 0;
    for (int m = 0; m < losses->view.molecules; m++) {
        const double t = losses->t[m], sigma = score_noise(setting->schedule, t);
        const double weight = setting->weight *
                              score_equal_weight(t, setting->weight_middle, setting->t_begin,
                                                 setting->t_end) /
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

/* Denoising score matching of an energy model: s = dl/dx, so the gradient is that of the
 * derivative of l along the seed, the weight of stream 1 being that of l itself. */
static double weigh_matching(score_losses *losses, double share, bool wants_gradient) {
    score_real *direction = losses->view.x + input_size(losses);
    return matching(losses, losses->view.x_bar, share, wants_gradient ? direction : NULL);
}

static void fill(score_real *values, size_t count, score_real value) {
    for (size_t k = 0; k < count; k++)
        values[k] = value;
}

static double evaluate_energy(score_losses *losses, const score_packed *packed, double share,
                              score_real *gradient) {
    const score_tile_view *view = &losses->view;
    const size_t molecules = (size_t)view->molecules;
    unsigned before = VALUE;
    bool wants_time = false;
    for (int k = 0; k < losses->term_count; k++) {
        before |= losses->terms[k].streams;
        wants_time |= losses->terms[k].wants_time;
    }
    score_forward(packed, losses->tile, &(score_pass){.streams = before});

    fill(view->output_bar, molecules, -1);
    fill(view->x_bar, input_size(losses), 0);
    fill(view->t_bar, molecules, 0);
    score_backward(packed, losses->tile, &(score_pass){.streams = VALUE, .wants_time = wants_time});

    fill(view->output_bar, molecules * (size_t)losses->streams.count, 0);
    fill(view->output_bar + molecules, molecules, -1); /* l = -E along the direction */
    fill(view->x + input_size(losses), input_size(losses), 0);
    fill(view->t + molecules, molecules, 0);
    double sum = 0;
    for (int k = 0; k < losses->term_count; k++)
        sum += losses->terms[k].weigh(losses, share, gradient != NULL);
    if (gradient == NULL)
        return sum;

    score_forward(packed, losses->tile, &(score_pass){.streams = DIRECTION});
    score_backward(packed, losses->tile,
                   &(score_pass){.streams = before | DIRECTION, .gradient = gradient});
    return sum;
}

static double evaluate_score(score_losses *losses, const score_packed *packed, double share,
                             score_real *gradient) {
    const score_tile_view *view = &losses->view;
    score_forward(packed, losses->tile, &(score_pass){.streams = VALUE});
    fill(view->output_bar, input_size(losses), 0);
    double sum = matching(losses, view->output, share, gradient == NULL ? NULL : view->output_bar);
    if (gradient != NULL)
        score_backward(packed, losses->tile, &(score_pass){.streams = VALUE, .gradient = gradient});
    return sum;
}

double score_losses_evaluate(score_losses *losses, const score_packed *packed, double share,
                             score_real *gradient) {
    for (int m = 0; m < losses->view.molecules; m++)
        losses->view.t[m] = (score_real)losses->t[m];
    if (losses->network->expert.output == SCORE_OUTPUT_SCORE)
        return evaluate_score(losses, packed, share, gradient);
    return evaluate_energy(losses, packed, share, gradient);
}

score_loss_samples score_losses_room(score_losses *losses, int samples) {
    losses->view = score_tile_set_molecules(losses->tile, samples, losses->beads, losses->features);
    return (score_loss_samples){.x = losses->view.x, .noise = losses->noise, .t = losses->t};
}

static void carve(score_losses *losses) {
    const size_t samples = (size_t)losses->max_samples;
    const size_t features = (size_t)losses->setting.beads * (size_t)losses->network->feature_count;
    losses->noise = score_arena_take(&losses->arena, samples * (size_t)losses->coordinates,
                                     sizeof *losses->noise);
    losses->t = score_arena_take(&losses->arena, samples, sizeof *losses->t);
    losses->beads = score_arena_take(&losses->arena, samples, sizeof *losses->beads);
    losses->features = score_arena_take(&losses->arena, samples * features, sizeof(int));
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

score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **result, score_error *error) {
    *result = NULL;
    score_losses *losses = calloc(1, sizeof *losses);
    if (losses == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate the losses of a tile");
    losses->network = network;
    losses->setting = *setting;
    losses->coordinates = setting->beads * network->dimensions;
    losses->max_samples = max_samples;
    losses->streams = (score_streams){.count = 1};
    if (network->expert.output == SCORE_OUTPUT_ENERGY) {
        losses->streams = (score_streams){.count = 2, .order = {0, 1}};
        losses->terms[losses->term_count++] = (loss_term){.weigh = weigh_matching};
    }
    const score_tile_limits limits = {.molecules = max_samples,
                                      .rows = max_samples * setting->beads,
                                      .pairs = (size_t)max_samples * (size_t)setting->beads *
                                               (size_t)setting->beads};
    carve(losses);
    score_status status = score_arena_allocate(&losses->arena, error);
    if (status == SCORE_OK) {
        carve(losses);
        lay_out_molecules(losses);
        status = score_tile_create(network, &losses->streams, &limits, &losses->tile, error);
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
    score_tile_destroy(losses->tile);
    score_arena_free(&losses->arena);
    free(losses);
}
