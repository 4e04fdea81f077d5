#include "host/tile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"

static void find_work_size(score_tile *tile) {
    for (int s = 0; s < tile->plan->step_count; s++) {
        const score_operation operation = tile->plan->steps[s].operation;
        const score_host_operation *of = tile->host->operations[operation];
        const size_t size = of->work_size == NULL ? 0 : of->work_size(tile);
        tile->work_size = size > tile->work_size ? size : tile->work_size;
    }
}

/* Measures, or hands out, every array of the tile for its limits. */
static void lay_out(score_tile *tile, score_arena *arena) {
    const score_plan *plan = tile->plan;
    const size_t rows = (size_t)tile->most.rows, molecules = (size_t)tile->most.molecules;
    const score_room room = {.molecules = molecules,
                             .rows = rows,
                             .pairs = tile->most.pairs,
                             .streams = (size_t)tile->streams.count,
                             .lanes = tile->host->lanes,
                             .real = sizeof(score_real)};
    tile->first_row = score_arena_take(arena, molecules + 1, sizeof(int));
    tile->features = score_arena_take(arena, rows * (size_t)tile->network->feature_count,
                                      sizeof(int));
    tile->work = score_arena_take(arena, tile->work_size * (size_t)tile->most.parts,
                                  sizeof(score_real));
    for (int k = 0; k < plan->array_count; k++) {
        const score_array *array = &plan->arrays[k];
        tile->arrays[k] = array->place < k
                              ? tile->arrays[array->place]
                              : score_arena_take(arena, score_array_size(array, &room), 1);
    }
    tile->view.x = tile->arrays[SCORE_X];
    tile->view.t = tile->arrays[SCORE_T];
    tile->view.output = tile->arrays[SCORE_OUTPUT];
    tile->view.output_bar = tile->arrays[SCORE_OUTPUT_BAR];
    tile->view.x_bar = tile->arrays[SCORE_X_BAR];
    tile->view.t_bar = tile->arrays[SCORE_T_BAR];
}

score_status score_tile_create(const score_network *network, const score_streams *streams,
                               const score_tile_limits *limits, score_tile **result,
                               score_error *error) {
    *result = NULL;
    score_tile *tile = calloc(1, sizeof *tile);
    if (tile == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a tile");
    score_status status;
    tile->host = limits->host != NULL ? limits->host : score_host_in_use();
    tile->network = network;
    tile->streams = *streams;
    tile->most = *limits;
    tile->most.parts = limits->parts > 0 ? limits->parts : 1;
    const double largest = floor(sqrt((double)limits->pairs) + 1e-6);
    tile->max_beads = largest < limits->rows ? (int)largest : limits->rows;
    if ((status = score_plan_create(network, limits->purpose, &tile->plan, error)))
        goto fail;
    tile->arrays = calloc((size_t)tile->plan->array_count, sizeof(void *));
    if (tile->arrays == NULL) {
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a list of %d arrays",
                            tile->plan->array_count);
        goto fail;
    }
    find_work_size(tile);
    lay_out(tile, &tile->arena);
    if ((status = score_arena_allocate(&tile->arena, error)))
        goto fail;
    lay_out(tile, &tile->arena);
    *result = tile;
    return SCORE_OK;
fail:
    score_tile_destroy(tile);
    return status;
}

void score_tile_destroy(score_tile *tile) {
    if (tile == NULL)
        return;
    score_arena_free(&tile->arena);
    score_plan_destroy(tile->plan);
    free(tile->arrays);
    free(tile);
}

score_tile_view score_tile_set_molecules(score_tile *tile, int molecules, const int *beads,
                                         const int *features) {
    tile->view.molecules = molecules;
    tile->view.first_row = tile->first_row;
    tile->first_row[0] = 0;
    tile->pairs = 0;
    for (int m = 0; m < molecules; m++) {
        tile->first_row[m + 1] = tile->first_row[m] + beads[m];
        tile->pairs += (ptrdiff_t)beads[m] * beads[m];
    }
    tile->view.rows = tile->first_row[molecules];
    const size_t count = (size_t)tile->view.rows * (size_t)tile->network->feature_count;
    if (count > 0)
        memcpy(tile->features, features, count * sizeof *features);
    return tile->view;
}
