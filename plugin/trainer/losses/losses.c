#include "losses/losses.h"

#include <stdlib.h>
#include <string.h>

#define PROBES                                                                                     \
    (SCORE_BIT(SCORE_PROBE_1) | SCORE_BIT(SCORE_PROBE_1_SECOND) | SCORE_BIT(SCORE_PROBE_2) |       \
     SCORE_BIT(SCORE_PROBE_2_SECOND))

struct score_losses {
    score_loss_setting setting;
    const score_network *network;
    int max_samples;
    unsigned use;         /* of the tile under way */
    bool has_probes;      /* one of its losses has */
    score_tile *tile;     /* under way: one of the next two */
    score_tile *plain;    /* without probes: its direction does not move time */
    score_tile *probed;   /* NULL: not used */
    score_loss_tile seen; /* of `tile`, as losses see it */
    score_arena arena;
    score_real *noise; /* [max_samples][D] */
    double *t;         /* [max_samples] */
    double *weight;    /* [max_samples] */
    int *beads;        /* [max_samples] */
    int *features;     /* [max_samples][beads][feature_count] */
};

static bool uses(const score_losses *losses, int kind) {
    return (losses->use & SCORE_BIT(kind)) != 0;
}

/* -------- for the losses -------- */

void score_loss_fill(score_real *values, size_t count, score_real value) {
    for (size_t k = 0; k < count; k++)
        values[k] = value;
}

score_real *score_loss_stream_x(const score_loss_tile *tile, const score_tile_view *view,
                                int stream) {
    return view->x + (size_t)stream * (size_t)tile->samples * (size_t)tile->coordinates;
}

score_real *score_loss_stream_of(const score_tile_view *view, score_real *array, int stream) {
    return array + (size_t)stream * (size_t)view->molecules;
}

double score_loss_weight_at(const score_loss_setting *setting, score_loss_kind kind, double t) {
    return setting->losses[kind].weight *
           score_equal_weight(t, setting->weight_middle, setting->t_begin, setting->t_end);
}

void score_loss_differentiate(const score_loss_tile *samples, score_tile *tile,
                              const score_tile_view *view, bool wants_time) {
    const size_t molecules = (size_t)view->molecules;
    score_loss_fill(view->output_bar, molecules, -1);
    score_loss_fill(view->x_bar, molecules * (size_t)samples->coordinates, 0);
    score_loss_fill(view->t_bar, molecules, 0);
    score_backward(samples->packed, tile,
                   &(score_pass){.streams = SCORE_BIT(SCORE_VALUE), .wants_time = wants_time});
}

/* -------- passes -------- */

static void weigh(const score_losses *losses, const double share[SCORE_LOSS_KINDS],
                  double sums[SCORE_LOSS_KINDS]) {
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        if (uses(losses, k))
            sums[k] += score_loss_table[k]->weigh(&losses->seen, share[k]);
}

/* The gradient of what a loss has weighed in a tile of its own. */
static void finish_own(const score_losses *losses, int kind, score_real *gradient) {
    const score_loss_tile *seen = &losses->seen;
    const int streams = score_loss_table[kind]->own_streams->count;
    if (streams > SCORE_DIRECTION)
        score_forward(seen->packed, seen->own[kind].tile,
                      &(score_pass){.streams = SCORE_BIT(SCORE_DIRECTION)});
    score_backward(seen->packed, seen->own[kind].tile,
                   &(score_pass){.streams = SCORE_BIT(streams) - 1, .gradient = gradient});
}

static void evaluate_energy(score_losses *losses, const double share[SCORE_LOSS_KINDS],
                            score_real *gradient, double sums[SCORE_LOSS_KINDS]) {
    score_loss_tile *seen = &losses->seen;
    const score_tile_view *view = &seen->view;
    const unsigned before = SCORE_BIT(SCORE_VALUE) | (losses->has_probes ? PROBES : 0);
    const size_t molecules = (size_t)view->molecules;
    score_forward(seen->packed, losses->tile, &(score_pass){.streams = before});
    score_loss_differentiate(seen, losses->tile, view, losses->has_probes);

    seen->score = view->x_bar;
    seen->along_score = score_loss_stream_x(seen, view, SCORE_DIRECTION);
    score_loss_fill(view->output_bar,
                    molecules * (losses->has_probes ? SCORE_LOSS_STREAMS : SCORE_DIRECTION + 1), 0);
    score_loss_fill(score_loss_stream_of(view, view->output_bar, SCORE_DIRECTION), molecules,
                    -1); /* l = -E */
    score_loss_fill(seen->along_score, molecules * (size_t)seen->coordinates, 0);
    score_loss_fill(score_loss_stream_of(view, view->t, SCORE_DIRECTION), molecules, 0);
    weigh(losses, share, sums);
    if (gradient == NULL)
        return;
    score_forward(seen->packed, losses->tile, &(score_pass){.streams = SCORE_BIT(SCORE_DIRECTION)});
    score_backward(
        seen->packed, losses->tile,
        &(score_pass){.streams = before | SCORE_BIT(SCORE_DIRECTION), .gradient = gradient});
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        if (uses(losses, k) && score_loss_table[k]->own_streams != NULL)
            finish_own(losses, k, gradient);
}

static void evaluate_score(score_losses *losses, const double share[SCORE_LOSS_KINDS],
                           score_real *gradient, double sums[SCORE_LOSS_KINDS]) {
    score_loss_tile *seen = &losses->seen;
    const score_tile_view *view = &seen->view;
    score_forward(seen->packed, losses->tile, &(score_pass){.streams = SCORE_BIT(SCORE_VALUE)});
    seen->score = view->output;
    seen->along_score = view->output_bar;
    score_loss_fill(view->output_bar, (size_t)view->molecules * (size_t)seen->coordinates, 0);
    weigh(losses, share, sums);
    if (gradient != NULL)
        score_backward(seen->packed, losses->tile,
                       &(score_pass){.streams = SCORE_BIT(SCORE_VALUE), .gradient = gradient});
}

void score_losses_evaluate(score_losses *losses, const score_packed *packed,
                           const double share[SCORE_LOSS_KINDS], score_real *gradient,
                           double sums[SCORE_LOSS_KINDS]) {
    const score_tile_view *view = &losses->seen.view;
    losses->seen.packed = packed;
    for (int m = 0; m < view->molecules; m++)
        view->t[m] = (score_real)losses->t[m];
    if (losses->network->expert.output == SCORE_OUTPUT_SCORE) {
        evaluate_score(losses, share, gradient, sums);
        return;
    }
    if (losses->has_probes) {
        const size_t molecules = (size_t)view->molecules;
        score_loss_fill(score_loss_stream_of(view, view->t, SCORE_PROBE_1), molecules, 0);
        score_loss_fill(score_loss_stream_of(view, view->t, SCORE_PROBE_2), molecules, 0);
    }
    evaluate_energy(losses, share, gradient, sums);
}

/* -------- samples -------- */

score_loss_samples score_losses_room(score_losses *losses, int samples, unsigned use) {
    score_loss_tile *seen = &losses->seen;
    losses->use = use;
    losses->has_probes = false;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        losses->has_probes = losses->has_probes ||
                             (uses(losses, k) && score_loss_table[k]->has_probes);
    losses->tile = losses->has_probes ? losses->probed : losses->plain;
    seen->samples = samples;
    seen->view = score_tile_set_molecules(losses->tile, samples, losses->beads, losses->features);
    score_loss_samples room = {
        .x = seen->view.x, .noise = losses->noise, .t = losses->t, .weight = losses->weight};
    for (int p = 0; p < 2 && losses->has_probes; p++)
        room.probes[p] = score_loss_stream_x(seen, &seen->view,
                                             p == 0 ? SCORE_PROBE_1 : SCORE_PROBE_2);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        struct score_loss_own *own = &seen->own[k];
        if (uses(losses, k) && own->tile != NULL)
            own->view = score_tile_set_molecules(own->tile, samples, losses->beads,
                                                 losses->features);
        if (uses(losses, k))
            room.drawn[k] = own->drawn;
    }
    return room;
}

score_status score_losses_draw(const score_losses *losses, const score_loss_draw *of,
                               const score_loss_samples *room, int m, score_error *error) {
    score_status status = SCORE_OK;
    for (int k = 0; k < SCORE_LOSS_KINDS && status == SCORE_OK; k++) {
        const score_loss *loss = score_loss_table[k];
        if (!uses(losses, k) || loss->draw == NULL)
            continue;
        score_random random = score_sampler_loss_random(of->sampler, (score_loss_kind)k, of->step,
                                                        of->index);
        status = loss->draw(&losses->setting, of, &random, room, m, error);
    }
    return status;
}

/* -------- workspace -------- */

static size_t drawn_numbers(const score_losses *losses, int kind) {
    const score_loss *loss = score_loss_table[kind];
    if (!(losses->setting.losses[kind].weight > 0))
        return 0;
    return (size_t)loss->drawn +
           (size_t)loss->drawn_a_coordinate * (size_t)losses->seen.coordinates;
}

static void carve(score_losses *losses) {
    const size_t samples = (size_t)losses->max_samples;
    const size_t features = (size_t)losses->setting.beads * (size_t)losses->network->feature_count;
    score_arena *arena = &losses->arena;
    losses->noise = score_arena_take(arena, samples * (size_t)losses->seen.coordinates,
                                     sizeof *losses->noise);
    losses->t = score_arena_take(arena, samples, sizeof *losses->t);
    losses->weight = score_arena_take(arena, samples, sizeof *losses->weight);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        const size_t numbers = samples * drawn_numbers(losses, k);
        losses->seen.own[k].drawn = numbers == 0 ? NULL
                                                 : score_arena_take(arena, numbers, sizeof(double));
    }
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
    static const score_streams probed = {.count = SCORE_LOSS_STREAMS,
                                         .order = {0, 1, 1, 2, 1, 2},
                                         .moves_time = {[SCORE_DIRECTION] = true}};
    const score_network *network = losses->network;
    const int samples = losses->max_samples, beads = losses->setting.beads;
    const score_tile_limits limits = {.molecules = samples,
                                      .rows = samples * beads,
                                      .pairs = (size_t)samples * (size_t)beads * (size_t)beads};
    const bool energy = network->expert.output == SCORE_OUTPUT_ENERGY;
    score_status status = score_tile_create(network, energy ? &plain : &value, &limits,
                                            &losses->plain, error);
    for (int k = 0; k < SCORE_LOSS_KINDS && status == SCORE_OK; k++) {
        const score_loss *loss = score_loss_table[k];
        if (!(losses->setting.losses[k].weight > 0))
            continue;
        if (loss->has_probes && losses->probed == NULL)
            status = score_tile_create(network, &probed, &limits, &losses->probed, error);
        if (status == SCORE_OK && loss->own_streams != NULL)
            status = score_tile_create(network, loss->own_streams, &limits,
                                       &losses->seen.own[k].tile, error);
    }
    return status;
}

score_status score_losses_create(const score_network *network, const score_loss_setting *setting,
                                 int max_samples, score_losses **result, score_error *error) {
    *result = NULL;
    score_losses *losses = calloc(1, sizeof *losses);
    if (losses == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate the losses of a tile");
    const int coordinates = setting->beads * network->dimensions;
    losses->network = network;
    losses->setting = *setting;
    losses->max_samples = max_samples;
    losses->seen.setting = &losses->setting;
    losses->seen.coordinates = coordinates;
    losses->seen.density = coordinates - (network->centred ? network->dimensions : 0);
    carve(losses);
    score_status status = score_arena_allocate(&losses->arena, error);
    if (status == SCORE_OK) {
        carve(losses);
        losses->seen.noise = losses->noise;
        losses->seen.t = losses->t;
        losses->seen.weight = losses->weight;
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
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        score_tile_destroy(losses->seen.own[k].tile);
    score_arena_free(&losses->arena);
    free(losses);
}
