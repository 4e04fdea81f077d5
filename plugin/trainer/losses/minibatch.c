#include "losses/minibatch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/pieces.h"

/* What one thread works with. */
typedef struct worker {
    score_losses *losses;
    double *frame;
} worker;

typedef struct group {
    score_real *gradient;
    double sums[SCORE_LOSS_KINDS];
    score_status status;
    score_error error;
} group;

struct score_minibatch {
    int coordinates; /* of one sample */
    int tile_samples;
    size_t gradient_size;
    double shares[SCORE_LOSS_KINDS]; /* of the samples that have a loss */
    int worker_count;
    worker *workers;
    group groups[SCORE_GRADIENT_GROUPS];
    score_arena arena;
    /* Of the evaluation under way. */
    const score_packed *packed;
    const score_sampler *sampler;
    uint32_t step;
    unsigned use;
    double share[SCORE_LOSS_KINDS]; /* of one sample in the mean of a loss */
    score_real *gradient;           /* or NULL */
};

/* Enough rows that the matrix products are efficient, few enough that a tile stays in cache. */
int score_minibatch_tile_samples(int beads) {
    enum { ROWS = 96 };
    return beads >= ROWS ? 1 : ROWS / beads;
}

static score_status draw_sample(const score_minibatch *batch, const worker *me,
                                const score_loss_samples *room, int k, int index,
                                score_error *error) {
    const score_sampler *sampler = batch->sampler;
    const size_t offset = (size_t)k * (size_t)batch->coordinates;
    score_status status = score_sampler_draw(sampler, batch->step, index, me->frame,
                                             room->x + offset, room->noise + offset, room->t + k,
                                             error);
    if (status != SCORE_OK)
        return status;
    const score_loss_draw draw = {sampler, batch->step, index, me->frame, room->t[k]};
    status = score_losses_draw(me->losses, &draw, room, k, error);
    room->weight[k] = score_sampler_weight(sampler, me->frame, room->x + offset);
    return status;
}

/* Where part number `part` of `parts` nearly equal parts of [begin, end) begins. */
static int part_begin(int begin, int end, int part, int parts) {
    return begin + (int)((long)(end - begin) * part / parts);
}

/* The losses in `use` of samples begin to end, tile after tile. */
static void run_samples(score_minibatch *batch, group *own, worker *me, int begin, int end,
                        unsigned use) {
    const int tiles = (end - begin + batch->tile_samples - 1) / batch->tile_samples;
    for (int k = 0; k < tiles && own->status == SCORE_OK; k++) {
        const int first = part_begin(begin, end, k, tiles);
        const int samples = part_begin(begin, end, k + 1, tiles) - first;
        const score_loss_samples room = score_losses_room(me->losses, samples, use);
        for (int n = 0; n < samples && own->status == SCORE_OK; n++)
            own->status = draw_sample(batch, me, &room, n, first + n, &own->error);
        if (own->status == SCORE_OK)
            score_losses_evaluate(me->losses, batch->packed, batch->share,
                                  batch->gradient == NULL ? NULL : own->gradient, own->sums);
    }
}

static int group_begin(const score_minibatch *batch, int index) {
    return part_begin(0, batch->sampler->count, index, SCORE_GRADIENT_GROUPS);
}

/* How many samples of a group have a loss. */
static int samples_with(const score_minibatch *batch, int index, int kind) {
    if ((batch->use & SCORE_BIT(kind)) == 0)
        return 0;
    const int samples = group_begin(batch, index + 1) - group_begin(batch, index);
    return (int)ceil(batch->shares[kind] * samples);
}

/* The losses that a group has from sample `begin` on, and up to which one. */
static unsigned losses_from(const score_minibatch *batch, int index, int begin, int *end) {
    unsigned use = 0;
    *end = group_begin(batch, index + 1);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        const int last = group_begin(batch, index) + samples_with(batch, index, k);
        if (last <= begin)
            continue;
        use |= SCORE_BIT(k);
        if (last < *end)
            *end = last;
    }
    return use;
}

static void run_group(void *argument, int index, int thread) {
    score_minibatch *batch = argument;
    group *own = &batch->groups[index];
    memset(own->sums, 0, sizeof own->sums);
    own->status = SCORE_OK;
    const int last = group_begin(batch, index + 1);
    for (int begin = group_begin(batch, index), end; begin < last; begin = end) {
        const unsigned use = losses_from(batch, index, begin, &end);
        run_samples(batch, own, &batch->workers[thread], begin, end, use);
    }
}

static void set_shares(score_minibatch *batch) {
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        int samples = 0;
        for (int g = 0; g < SCORE_GRADIENT_GROUPS; g++)
            samples += samples_with(batch, g, k);
        batch->share[k] = samples > 0 ? 1.0 / samples : 0;
    }
}

/* sum = a + b + c + d, or sum += where `adds`; a to d are zero afterwards. */
SCORE_MULTIVERSION static void add_four(size_t size, score_real *restrict a, score_real *restrict b,
                                        score_real *restrict c, score_real *restrict d, bool adds,
                                        score_real *restrict sum) {
    for (size_t k = 0; k < size; k++) {
        score_real before = adds ? sum[k] : 0;
        sum[k] = before + ((a[k] + b[k]) + (c[k] + d[k]));
        a[k] = b[k] = c[k] = d[k] = 0;
    }
}

/* Adds the groups' gradients up and leaves them zero for the next step. */
static void reduce_piece(void *argument, int piece, int thread) {
    (void)thread;
    score_minibatch *batch = argument;
    const size_t begin = score_piece_begin(piece);
    const size_t size = score_piece_end(piece, batch->gradient_size) - begin;
    _Static_assert(SCORE_GRADIENT_GROUPS % 4 == 0, "groups are added four at a time");
    for (int g = 0; g < SCORE_GRADIENT_GROUPS; g += 4) {
        const group *four = &batch->groups[g];
        add_four(size, four[0].gradient + begin, four[1].gradient + begin, four[2].gradient + begin,
                 four[3].gradient + begin, g > 0, batch->gradient + begin);
    }
}

score_status score_minibatch_evaluate(score_minibatch *batch, const score_packed *packed,
                                      const score_sampler *sampler, uint32_t step, unsigned use,
                                      const score_executor *executor,
                                      double losses[SCORE_LOSS_KINDS], score_real *gradient,
                                      score_error *error) {
    batch->packed = packed;
    batch->sampler = sampler;
    batch->step = step;
    batch->use = use;
    batch->gradient = gradient;
    set_shares(batch);
    executor->run(executor->context, SCORE_GRADIENT_GROUPS, run_group, batch);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        losses[k] = 0;
    for (int g = 0; g < SCORE_GRADIENT_GROUPS; g++) {
        if (batch->groups[g].status != SCORE_OK) {
            if (error != NULL)
                *error = batch->groups[g].error;
            return batch->groups[g].status;
        }
        for (int k = 0; k < SCORE_LOSS_KINDS; k++)
            losses[k] += batch->share[k] * batch->groups[g].sums[k];
    }
    if (gradient != NULL) {
        executor->run(executor->context, score_piece_count(batch->gradient_size), reduce_piece,
                      batch);
        score_packed_fold_gradient(packed, gradient);
    }
    return SCORE_OK;
}

static void carve(score_minibatch *batch) {
    for (int g = 0; g < SCORE_GRADIENT_GROUPS; g++)
        batch->groups[g].gradient = score_arena_take(&batch->arena, batch->gradient_size,
                                                     sizeof(score_real));
    worker *workers = score_arena_take(&batch->arena, (size_t)batch->worker_count, sizeof *workers);
    for (int k = 0; k < batch->worker_count; k++) {
        double *frame = score_arena_take(&batch->arena, (size_t)batch->coordinates, sizeof *frame);
        if (workers != NULL)
            workers[k].frame = frame;
    }
    batch->workers = workers;
}

score_status score_minibatch_create(const score_network *network, const score_packed *packed,
                                    const score_loss_setting *setting, int threads,
                                    score_minibatch **result, score_error *error) {
    *result = NULL;
    score_minibatch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate the workspace of a step");
    batch->coordinates = setting->beads * network->dimensions;
    batch->tile_samples = score_minibatch_tile_samples(setting->beads);
    batch->gradient_size = score_packed_gradient_size(packed);
    for (int k = 0; k < SCORE_LOSS_KINDS; k++)
        batch->shares[k] = setting->losses[k].share;
    batch->worker_count = threads;
    carve(batch);
    score_status status = score_arena_allocate(&batch->arena, error);
    if (status == SCORE_OK)
        carve(batch);
    for (int k = 0; k < threads && status == SCORE_OK; k++)
        status = score_losses_create(network, setting, batch->tile_samples,
                                     &batch->workers[k].losses, error);
    if (status == SCORE_OK)
        *result = batch;
    else
        score_minibatch_destroy(batch);
    return status;
}

void score_minibatch_destroy(score_minibatch *batch) {
    if (batch == NULL)
        return;
    for (int k = 0; k < batch->worker_count && batch->workers != NULL; k++)
        score_losses_destroy(batch->workers[k].losses);
    score_arena_free(&batch->arena);
    free(batch);
}
