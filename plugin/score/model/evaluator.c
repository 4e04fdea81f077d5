#include "model/evaluator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/tile.h"

#define score_evaluator_create SCORE_TYPED(score_evaluator_create)
#define score_evaluator_destroy SCORE_TYPED(score_evaluator_destroy)
#define score_evaluator_run SCORE_TYPED(score_evaluator_run)

struct score_evaluator {
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
    score_tile **tiles; /* [threads] */
};

typedef struct limits {
    int molecules;
    int rows;
    size_t pairs;
} limits;

/* Groups consecutive molecules into tiles, and finds what the largest tile needs. */
static limits partition(score_evaluator *evaluator) {
    limits most = {0, 0, 0}, now = {0, 0, 0};
    int row = 0;
    evaluator->tile_count = 0;
    for (int m = 0; m < evaluator->molecule_count; m++) {
        const int beads = evaluator->molecules[m].beads;
        if (now.molecules == 0) {
            evaluator->first_molecule[evaluator->tile_count] = m;
            evaluator->first_row[evaluator->tile_count] = row;
            evaluator->tile_count++;
        }
        now.molecules++;
        now.rows += beads;
        now.pairs += (size_t)beads * (size_t)beads;
        row += beads;
        most.molecules = now.molecules > most.molecules ? now.molecules : most.molecules;
        most.rows = now.rows > most.rows ? now.rows : most.rows;
        most.pairs = now.pairs > most.pairs ? now.pairs : most.pairs;
        if (now.rows >= SCORE_TILE_ROWS)
            now = (limits){0, 0, 0};
    }
    evaluator->first_molecule[evaluator->tile_count] = evaluator->molecule_count;
    evaluator->first_row[evaluator->tile_count] = row;
    return most;
}

static score_status allocate_lists(score_evaluator *evaluator, score_error *error) {
    const size_t count = (size_t)evaluator->molecule_count, size = sizeof(int);
    evaluator->first_molecule = calloc(count + 1, size);
    evaluator->first_row = calloc(count + 1, size);
    evaluator->bad_molecule = calloc(count, size);
    evaluator->beads = calloc(count, size);
    evaluator->tiles = calloc((size_t)evaluator->threads, sizeof(score_tile *));
    if (evaluator->first_molecule == NULL || evaluator->first_row == NULL ||
        evaluator->bad_molecule == NULL || evaluator->beads == NULL || evaluator->tiles == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate lists for %d molecules",
                          evaluator->molecule_count);
    for (int m = 0; m < evaluator->molecule_count; m++)
        evaluator->beads[m] = evaluator->molecules[m].beads;
    return SCORE_OK;
}

static score_status pack(score_evaluator *evaluator, const double *parameters, score_error *error) {
    score_status status = score_packed_create(evaluator->network, &evaluator->packed, error);
    if (status != SCORE_OK)
        return status;
    const size_t count = evaluator->network->parameter_count;
    score_real *values = malloc(count * sizeof *values);
    if (values == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu parameters", count);
    for (size_t k = 0; k < count; k++)
        values[k] = (score_real)parameters[k];
    score_packed_update(evaluator->packed, values);
    free(values);
    return SCORE_OK;
}

score_status score_evaluator_create(const score_network *network, const double *parameters,
                                    int molecule_count, const score_molecule *molecules,
                                    int threads, score_evaluator **result, score_error *error) {
    const score_streams value_only = {.count = 1};
    *result = NULL;
    score_status status;
    score_evaluator *evaluator = calloc(1, sizeof *evaluator);
    if (evaluator == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate an evaluator");
    evaluator->network = network;
    evaluator->molecule_count = molecule_count;
    evaluator->molecules = molecules;
    evaluator->threads = threads;
    if ((status = allocate_lists(evaluator, error)) ||
        (status = pack(evaluator, parameters, error)))
        goto fail;
    const limits most = partition(evaluator);
    for (int k = 0; k < threads; k++)
        if ((status = score_tile_create(network, &value_only, most.molecules, most.rows, most.pairs,
                                        &evaluator->tiles[k], error)))
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
    for (int k = 0; k < evaluator->threads && evaluator->tiles != NULL; k++)
        score_tile_destroy(evaluator->tiles[k]);
    score_packed_destroy(evaluator->packed);
    free(evaluator->first_molecule);
    free(evaluator->first_row);
    free(evaluator->bad_molecule);
    free(evaluator->beads);
    free(evaluator->tiles);
    free(evaluator);
}

/* Normalised coordinates; the centre is taken away in double, so that a molecule far from the
 * origin loses nothing in float. */
static void normalise(const score_network *network, const double *positions_nm, double scale_nm,
                      const score_tile_view *view) {
    const int d = network->dimensions;
    for (int m = 0; m < view->molecules; m++) {
        const int begin = view->first_row[m], end = view->first_row[m + 1];
        for (int c = 0; c < d; c++) {
            double mean = 0;
            if (network->centred) {
                for (int i = begin; i < end; i++)
                    mean += positions_nm[i * d + c];
                mean /= end - begin;
            }
            for (int i = begin; i < end; i++)
                view->x[i * d + c] = (score_real)((positions_nm[i * d + c] - mean) / scale_nm);
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
        if (evaluation->score_per_nm != NULL) {
            double *score = evaluation->score_per_nm + (ptrdiff_t)row * d;
            for (int k = view->first_row[m] * d; k < view->first_row[m + 1] * d; k++) {
                /* An energy's backward sweep started from +1 and left dE/dx. */
                score[k] = is_energy ? -(double)view->x_bar[k] : (double)view->output[k];
                score[k] /= evaluation->scale_nm;
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
} job;

static void run_tile(void *argument, int k, int thread) {
    const job *work = argument;
    score_evaluator *evaluator = work->evaluator;
    const score_evaluation *evaluation = work->evaluation;
    const score_network *network = evaluator->network;
    const int molecule = evaluator->first_molecule[k], row = evaluator->first_row[k];
    const int molecules = evaluator->first_molecule[k + 1] - molecule;
    score_tile *tile = evaluator->tiles[thread];
    const score_tile_view view = score_tile_set_molecules(
        tile, molecules, evaluator->beads + molecule, evaluator->molecules[molecule].features);
    normalise(network, evaluation->positions_nm + (ptrdiff_t)row * network->dimensions,
              evaluation->scale_nm, &view);
    for (int m = 0; m < molecules; m++)
        view.t[m] = (score_real)evaluation->t;
    const score_pass pass = {.streams = 1u, .wants_time = evaluation->time_derivative != NULL};
    score_forward(evaluator->packed, tile, &pass);
    const bool differentiates = evaluation->score_per_nm != NULL || pass.wants_time;
    if (network->expert.output == SCORE_OUTPUT_ENERGY && differentiates) {
        const size_t coordinates = (size_t)view.rows * (size_t)network->dimensions;
        for (int m = 0; m < molecules; m++)
            view.output_bar[m] = 1;
        memset(view.x_bar, 0, coordinates * sizeof *view.x_bar);
        memset(view.t_bar, 0, (size_t)molecules * sizeof *view.t_bar);
        score_backward(evaluator->packed, tile, &pass);
    }
    const int bad = collect(network, evaluation, molecule, row, &view);
    evaluator->bad_molecule[k] = bad < 0 ? -1 : molecule + bad;
}

score_status score_evaluator_run(score_evaluator *evaluator, const score_evaluation *evaluation,
                                 const score_executor *executor, score_error *error) {
    job work = {evaluator, evaluation};
    executor->run(executor->context, evaluator->tile_count, run_tile, &work);
    for (int k = 0; k < evaluator->tile_count; k++)
        if (evaluator->bad_molecule[k] >= 0)
            return score_fail(error, SCORE_ERROR_NUMERIC,
                              "the energy or score of molecule %d is not finite",
                              evaluator->bad_molecule[k]);
    return SCORE_OK;
}
