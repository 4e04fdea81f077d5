#include "model/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

#define score_evaluator_create SCORE_TYPED(score_evaluator_create)
#define score_evaluator_destroy SCORE_TYPED(score_evaluator_destroy)
#define score_evaluator_run SCORE_TYPED(score_evaluator_run)

/* Molecules go to the network in tiles of whole molecules: rows of several molecules share a
 * product. A tile belongs to one thread, unless there are too few molecules for that: then all
 * threads share one tile after the other. */
enum {
    TILE_ROWS = 64,           /* enough for the products' full speed; few for the cache */
    MOLECULES_PER_THREAD = 4, /* fewer, and threads share tiles */
    SHARED_WORK = 1500000,    /* products of two numbers a thread: less, and waiting takes longer */
};

/* Whose plans differ: energies and scores; and those that time derivatives are asked with. */
enum { FORCES, VALUES, TILE_KINDS };

/* A tile and which of the evaluator's parts is laid out in it. */
typedef struct tile_slot {
    score_tile *tile;
    score_tile_view view;
    int part; /* -1: none so far */
} tile_slot;

struct score_evaluator { /* NOLINT(clang-analyzer-optin.performance.Padding): the team's */
    const score_host *host;
    const score_network *network;
    int molecule_count;
    const score_molecule *molecules;
    score_packed *packed;
    int tile_count;
    int *first_molecule; /* [tile_count + 1] */
    int *first_row;      /* [tile_count + 1] */
    int *bad_molecule;   /* [tile_count], -1 where all is finite */
    int *beads;          /* [molecule_count] */
    int threads;
    score_tile_limits most;       /* of a tile */
    tile_slot *slots[TILE_KINDS]; /* [threads] each, their tiles made when they are first used */
    score_tile *constants_tile;   /* for one molecule of the largest kind */
    bool has_constants;
    bool shares_tiles;
    score_team team;
    /* Molecules that consist of the same beads have the same first layer at a fixed time. */
    int kind_count;
    int *kind_molecule;              /* [kind_count]: one of each kind */
    int *kind_of;                    /* [molecule_count] */
    double constant_t;               /* of the constants; not a number before the first use */
    score_constant_attention *kinds; /* [kind_count] */
    const score_constant_attention **constants; /* [molecule_count] */
    score_arena arena;
    score_real **memory; /* [kind_count], of the constants */
};

static int whole_number_of(int unit, int count) {
    return (count + unit - 1) / unit * unit;
}

/* Cuts the molecules into tiles of nearly equal size, and finds what the largest one needs. */
static void partition(score_evaluator *evaluator) {
    const int molecules = evaluator->molecule_count, threads = evaluator->threads;
    long rows = 0;
    for (int m = 0; m < molecules; m++)
        rows += evaluator->molecules[m].beads;
    const double work = 2.0 * (double)rows * (double)evaluator->network->parameter_count;
    evaluator->shares_tiles = threads > 1 && evaluator->has_constants &&
                              molecules < MOLECULES_PER_THREAD * threads &&
                              work >= (double)SHARED_WORK * threads;
    int tiles = (int)((rows + TILE_ROWS - 1) / TILE_ROWS);
    if (!evaluator->shares_tiles)
        tiles = whole_number_of(threads, tiles);
    tiles = tiles < molecules ? tiles : molecules;

    score_tile_limits most = {0};
    int m = 0, row = 0;
    for (int k = 0; k < tiles; k++) {
        const long end = rows * (k + 1) / tiles;
        score_tile_limits now = {0};
        evaluator->first_molecule[k] = m;
        evaluator->first_row[k] = row;
        /* A molecule belongs to the tile that has its middle, and every tile has one. */
        for (; m < molecules; m++) {
            const int beads = evaluator->molecules[m].beads;
            const bool fits = row + beads / 2 < end && molecules - m >= tiles - k;
            if (now.molecules > 0 && !fits && k < tiles - 1)
                break;
            now.molecules++;
            now.rows += beads;
            now.pairs += (size_t)beads * (size_t)beads;
            row += beads;
        }
        most.molecules = now.molecules > most.molecules ? now.molecules : most.molecules;
        most.rows = now.rows > most.rows ? now.rows : most.rows;
        most.pairs = now.pairs > most.pairs ? now.pairs : most.pairs;
    }
    evaluator->first_molecule[tiles] = molecules;
    evaluator->first_row[tiles] = row;
    evaluator->tile_count = tiles;
    evaluator->most = most;
}

static bool is_of_kind(const score_evaluator *evaluator, const score_molecule *molecule, int kind) {
    const score_molecule *other = &evaluator->molecules[evaluator->kind_molecule[kind]];
    const size_t size = (size_t)molecule->beads * (size_t)evaluator->network->feature_count *
                        sizeof(int);
    return molecule->beads == other->beads &&
           (size == 0 || memcmp(molecule->features, other->features, size) == 0);
}

/* The kind of a molecule, `guess` if it is that; kind_count: none so far. */
static int find_kind(const score_evaluator *evaluator, const score_molecule *molecule, int guess) {
    int kind = 0;
    if (guess < evaluator->kind_count && is_of_kind(evaluator, molecule, guess))
        return guess;
    while (kind < evaluator->kind_count && !is_of_kind(evaluator, molecule, kind))
        kind++;
    return kind;
}

static void find_kinds(score_evaluator *evaluator) {
    int kind = 0;
    for (int m = 0; m < evaluator->molecule_count; m++) {
        kind = find_kind(evaluator, &evaluator->molecules[m], kind);
        if (kind == evaluator->kind_count)
            evaluator->kind_molecule[evaluator->kind_count++] = m;
        evaluator->kind_of[m] = kind;
    }
}

static score_status allocate_lists(score_evaluator *evaluator, score_error *error) {
    const size_t count = (size_t)evaluator->molecule_count, size = sizeof(int);
    evaluator->first_molecule = calloc(count + 1, size);
    evaluator->first_row = calloc(count + 1, size);
    evaluator->bad_molecule = calloc(count, size);
    evaluator->beads = calloc(count, size);
    evaluator->kind_molecule = calloc(count, size);
    evaluator->kind_of = calloc(count, size);
    for (int kind = 0; kind < TILE_KINDS; kind++)
        evaluator->slots[kind] = calloc((size_t)evaluator->threads, sizeof(tile_slot));
    if (evaluator->first_molecule == NULL || evaluator->first_row == NULL ||
        evaluator->bad_molecule == NULL || evaluator->beads == NULL ||
        evaluator->slots[FORCES] == NULL || evaluator->slots[VALUES] == NULL ||
        evaluator->kind_molecule == NULL || evaluator->kind_of == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate lists for %d molecules",
                          evaluator->molecule_count);
    for (int m = 0; m < evaluator->molecule_count; m++)
        evaluator->beads[m] = evaluator->molecules[m].beads;
    return SCORE_OK;
}

static void carve_constants(score_evaluator *evaluator) {
    score_arena *arena = &evaluator->arena;
    const size_t kinds = (size_t)evaluator->kind_count;
    evaluator->kinds = score_arena_take(arena, kinds, sizeof *evaluator->kinds);
    evaluator->memory = score_arena_take(arena, kinds, sizeof *evaluator->memory);
    evaluator->constants = score_arena_take(arena, (size_t)evaluator->molecule_count,
                                            sizeof(const score_constant_attention *));
    for (size_t k = 0; k < kinds; k++) {
        const int beads = evaluator->molecules[evaluator->kind_molecule[k]].beads;
        const score_expert_config *expert = &evaluator->network->expert;
        const size_t size = evaluator->packed->host->constants_size(expert->heads, expert->hidden,
                                                                    beads);
        score_real *memory = score_arena_take(arena, size, sizeof *memory);
        if (evaluator->memory != NULL)
            evaluator->memory[k] = memory;
    }
    for (int m = 0; m < evaluator->molecule_count && evaluator->constants != NULL; m++)
        evaluator->constants[m] = &evaluator->kinds[evaluator->kind_of[m]];
}

static score_status allocate_constants(score_evaluator *evaluator, score_error *error) {
    evaluator->constant_t = NAN;
    find_kinds(evaluator);
    carve_constants(evaluator);
    const score_status status = score_arena_allocate(&evaluator->arena, error);
    if (status == SCORE_OK)
        carve_constants(evaluator);
    return status;
}

static score_status find_constants(score_evaluator *evaluator, score_error *error) {
    score_plan *plan;
    const score_status status = score_plan_create(evaluator->network, SCORE_FOR_FORCES, &plan,
                                                  error);
    if (status == SCORE_OK)
        evaluator->has_constants = score_plan_uses(plan, SCORE_CONSTANT_NODES);
    score_plan_destroy(plan);
    return status;
}

static score_status pack(score_evaluator *evaluator, const double *parameters, score_error *error) {
    score_status status = score_packed_create_on(evaluator->host, evaluator->network,
                                                 &evaluator->packed, error);
    if (status != SCORE_OK)
        return status;
    const size_t count = evaluator->network->parameter_count;
    score_real *values = malloc(count * sizeof *values);
    if (values == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu parameters", count);
    for (size_t k = 0; k < count; k++)
        values[k] = (score_real)parameters[k];
    const score_executor serial = score_executor_serial();
    score_packed_update(evaluator->packed, values, &serial);
    free(values);
    return SCORE_OK;
}

static const score_streams value_only = {.count = 1};

/* The tiles of a kind, unless they are there. */
static score_status require_tiles(score_evaluator *evaluator, int kind, score_error *error) {
    tile_slot *slots = evaluator->slots[kind];
    score_status status = SCORE_OK;
    for (int k = 0; k < evaluator->threads && status == SCORE_OK; k++) {
        score_tile_limits limits = evaluator->most;
        limits.host = evaluator->host;
        limits.purpose = kind == FORCES ? SCORE_FOR_FORCES : SCORE_FOR_VALUES;
        limits.parts = k == 0 && evaluator->shares_tiles ? evaluator->threads : 1;
        if (slots[k].tile != NULL)
            continue;
        slots[k].part = -1;
        status = score_tile_create(evaluator->network, &value_only, &limits, &slots[k].tile, error);
    }
    return status;
}

score_status score_evaluator_create(const score_network *network, const double *parameters,
                                    int molecule_count, const score_molecule *molecules,
                                    int threads, bool reference, score_evaluator **result,
                                    score_error *error) {
    *result = NULL;
    score_status status;
    score_evaluator *evaluator = score_allocate_aligned(sizeof *evaluator); /* for the team */
    if (evaluator == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate an evaluator");
    memset(evaluator, 0, sizeof *evaluator);
    evaluator->host = reference ? score_host_reference() : score_host_in_use();
    evaluator->network = network;
    evaluator->molecule_count = molecule_count;
    evaluator->molecules = molecules;
    evaluator->threads = threads;
    if ((status = allocate_lists(evaluator, error)) ||
        (status = pack(evaluator, parameters, error)))
        goto fail;
    if ((status = find_constants(evaluator, error)))
        goto fail;
    if (evaluator->has_constants && (status = allocate_constants(evaluator, error)))
        goto fail;
    partition(evaluator);
    evaluator->team.parts = threads;
    if ((status = require_tiles(evaluator, FORCES, error)))
        goto fail;
    *result = evaluator;
    return SCORE_OK;
fail:
    score_evaluator_destroy(evaluator);
    return status;
}

void score_evaluator_destroy(score_evaluator *evaluator) {
    if (evaluator == NULL)
        return;
    for (int kind = 0; kind < TILE_KINDS; kind++) {
        for (int k = 0; k < evaluator->threads && evaluator->slots[kind] != NULL; k++)
            score_tile_destroy(evaluator->slots[kind][k].tile);
        free(evaluator->slots[kind]);
    }
    score_tile_destroy(evaluator->constants_tile);
    score_packed_destroy(evaluator->packed);
    free(evaluator->first_molecule);
    free(evaluator->first_row);
    free(evaluator->bad_molecule);
    free(evaluator->beads);
    free(evaluator->kind_molecule);
    free(evaluator->kind_of);
    score_arena_free(&evaluator->arena);
    free(evaluator);
}

/* Normalised coordinates; the centre is taken away in double, so that a molecule far from the
 * origin loses nothing in float. */
static void normalise(const score_network *network, const double *positions, double scale,
                      const score_tile_view *view) {
    const int d = network->dimensions;
    for (int m = 0; m < view->molecules; m++) {
        const int begin = view->first_row[m], end = view->first_row[m + 1];
        for (int c = 0; c < d; c++) {
            double mean = 0;
            if (network->centred) {
                for (int i = begin; i < end; i++)
                    mean += positions[i * d + c];
                mean /= end - begin;
            }
            for (int i = begin; i < end; i++)
                view->x[i * d + c] = (score_real)((positions[i * d + c] - mean) / scale);
        }
    }
}

/* Copies one tile's results out; returns the first molecule (in the tile) whose results are not
 * finite, or -1. */
static int collect(const score_network *network, const score_evaluation *evaluation, int molecule,
                   int row, const score_tile_view *view) {
    const bool is_energy = network->expert.output == SCORE_OUTPUT_ENERGY;
    const int d = network->dimensions;
    for (int m = 0; m < view->molecules; m++) {
        bool finite = !is_energy || isfinite((double)view->output[m]);
        if (evaluation->energy != NULL)
            evaluation->energy[molecule + m] = (double)view->output[m];
        if (evaluation->time_derivative != NULL) {
            evaluation->time_derivative[molecule + m] = (double)view->t_bar[m];
            finite = finite && isfinite((double)view->t_bar[m]);
        }
        if (evaluation->score != NULL) {
            double *score = evaluation->score + (ptrdiff_t)row * d;
            for (int k = view->first_row[m] * d; k < view->first_row[m + 1] * d; k++) {
                /* An energy's backward sweep started from +1 and left dE/dx. */
                score[k] = is_energy ? -(double)view->x_bar[k] : (double)view->output[k];
                score[k] /= evaluation->scale;
                finite = finite && isfinite(score[k]);
            }
        }
        if (!finite)
            return m;
    }
    return -1;
}

typedef struct job {
    score_evaluator *evaluator;
    const score_evaluation *evaluation;
    int kind; /* of tiles */
} job;

static void fill_times(const score_tile_view *view, double t) {
    for (int m = 0; m < view->molecules; m++)
        view->t[m] = (score_real)t;
}

/* Lays out the molecules and what is the same in every call, unless they are there. */
static void lay_out(const score_evaluator *evaluator, tile_slot *slot, int k) {
    const int molecule = evaluator->first_molecule[k];
    if (slot->part == k)
        return;
    slot->part = k;
    slot->view = score_tile_set_molecules(slot->tile, evaluator->first_molecule[k + 1] - molecule,
                                          evaluator->beads + molecule,
                                          evaluator->molecules[molecule].features);
    for (int m = 0; m < slot->view.molecules; m++)
        slot->view.output_bar[m] = 1;
}

static void set_up(const job *work, tile_slot *slot, int k) {
    const score_evaluator *evaluator = work->evaluator;
    const score_evaluation *evaluation = work->evaluation;
    const score_tile_view *view = &slot->view;
    const int d = evaluator->network->dimensions;
    lay_out(evaluator, slot, k);
    normalise(evaluator->network, evaluation->positions + (ptrdiff_t)evaluator->first_row[k] * d,
              evaluation->scale, view);
    fill_times(view, evaluation->t);
    memset(view->x_bar, 0, (size_t)view->rows * (size_t)d * sizeof *view->x_bar);
    memset(view->t_bar, 0, (size_t)view->molecules * sizeof *view->t_bar);
}

/* One tile, by one thread or, as `part` of them, by all. */
static void evaluate_tile(const job *work, int k, tile_slot *slot, score_team *team, int part) {
    score_evaluator *evaluator = work->evaluator;
    const score_evaluation *evaluation = work->evaluation;
    const score_network *network = evaluator->network;
    const int molecule = evaluator->first_molecule[k];
    const bool wants_time = evaluation->time_derivative != NULL;
    const score_pass pass = {
        .streams = 1u,
        .wants_time = wants_time,
        .constants = evaluator->has_constants ? evaluator->constants + molecule : NULL,
        .team = team,
        .part = part,
    };
    if (part == 0)
        set_up(work, slot, k);
    if (team != NULL)
        score_team_wait(team);
    score_forward(evaluator->packed, slot->tile, &pass);
    if (network->expert.output == SCORE_OUTPUT_ENERGY && (evaluation->score != NULL || wants_time))
        score_backward(evaluator->packed, slot->tile, &pass);
    if (part == 0) {
        const int bad = collect(network, evaluation, molecule, evaluator->first_row[k],
                                &slot->view);
        evaluator->bad_molecule[k] = bad < 0 ? -1 : molecule + bad;
    }
}

static void run_tile(void *argument, int k, int thread) {
    const job *work = argument;
    evaluate_tile(work, k, &work->evaluator->slots[work->kind][thread], NULL, 0);
}

static void run_part(void *argument, int part, int thread) {
    (void)thread;
    const job *work = argument;
    score_evaluator *evaluator = work->evaluator;
    for (int k = 0; k < evaluator->tile_count; k++)
        evaluate_tile(work, k, &evaluator->slots[work->kind][0], &evaluator->team, part);
}

static score_status require_constants_tile(score_evaluator *evaluator, score_error *error) {
    score_tile_limits limits = {
        .molecules = 1, .purpose = SCORE_FOR_CONSTANTS, .host = evaluator->host};
    if (evaluator->constants_tile != NULL)
        return SCORE_OK;
    for (int m = 0; m < evaluator->molecule_count; m++)
        limits.rows = evaluator->beads[m] > limits.rows ? evaluator->beads[m] : limits.rows;
    limits.pairs = (size_t)limits.rows * (size_t)limits.rows;
    return score_tile_create(evaluator->network, &value_only, &limits, &evaluator->constants_tile,
                             error);
}

static score_status compute_constants(score_evaluator *evaluator, double t, score_error *error) {
    const score_status status = require_constants_tile(evaluator, error);
    for (int k = 0; k < evaluator->kind_count && status == SCORE_OK; k++) {
        const score_molecule *molecule = &evaluator->molecules[evaluator->kind_molecule[k]];
        const score_tile_view view = score_tile_set_molecules(evaluator->constants_tile, 1,
                                                              &molecule->beads, molecule->features);
        const score_pass pass = {
            .streams = 1u, .made = &evaluator->kinds[k], .memory = evaluator->memory[k]};
        fill_times(&view, t);
        score_forward(evaluator->packed, evaluator->constants_tile, &pass);
        evaluator->constant_t = t;
    }
    return status;
}

score_status score_evaluator_run(score_evaluator *evaluator, const score_evaluation *evaluation,
                                 const score_executor *executor, score_error *error) {
    const int kind = evaluation->time_derivative == NULL ? FORCES : VALUES;
    job work = {evaluator, evaluation, kind};
    score_status status = require_tiles(evaluator, kind, error);
    if (status == SCORE_OK && evaluator->has_constants && kind == FORCES &&
        !(evaluation->t == evaluator->constant_t))
        status = compute_constants(evaluator, evaluation->t, error);
    if (status != SCORE_OK)
        return status;
    if (evaluator->shares_tiles && executor->together && executor->threads == evaluator->threads)
        executor->run(executor->context, evaluator->threads, run_part, &work);
    else
        executor->run(executor->context, evaluator->tile_count, run_tile, &work);
    for (int k = 0; k < evaluator->tile_count; k++)
        if (evaluator->bad_molecule[k] >= 0)
            return score_fail(error, SCORE_ERROR_NUMERIC,
                              "the energy or score of molecule %d is not finite",
                              evaluator->bad_molecule[k]);
    return SCORE_OK;
}
