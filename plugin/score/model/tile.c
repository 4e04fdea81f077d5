#include "model/tile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/blocks.h"
#include "model/diffusion.h"

/* Measures, or hands out, every array of the tile for its limits. */
static void lay_out(score_tile *tile, score_arena *arena) {
    const score_network *network = tile->network;
    const size_t streams = (size_t)tile->streams.count, real = sizeof(score_real);
    const size_t coordinates = (size_t)tile->most.rows * (size_t)network->dimensions;
    const size_t molecules = (size_t)tile->most.molecules;
    const size_t outputs = molecules * (size_t)network->outputs;
    const size_t times = molecules * (size_t)network->time_features;
    tile->first_row = score_arena_take(arena, molecules + 1, sizeof(int));
    tile->features = score_arena_take(
        arena, (size_t)tile->most.rows * (size_t)network->feature_count, sizeof(int));
    tile->view.x = score_arena_take(arena, streams * coordinates, real);
    tile->view.t = score_arena_take(arena, streams * molecules, real);
    tile->view.output = score_arena_take(arena, streams * outputs, real);
    tile->view.output_bar = score_arena_take(arena, streams * outputs, real);
    tile->view.x_bar = score_arena_take(arena, coordinates, real);
    tile->view.t_bar = score_arena_take(arena, molecules, real);
    tile->output_work = score_arena_take(arena, streams * outputs, real);
    tile->centred = score_arena_take(arena, streams * coordinates, real);
    tile->time = score_arena_take(arena, streams * times, real);
    tile->time_bar = score_arena_take(arena, streams * times, real);
    tile->time_derivatives = score_arena_take(arena, molecules * 4 * SCORE_MAX_TIME_FEATURES,
                                              sizeof(double));
    if (network->expert.architecture == SCORE_GRAPH_TRANSFORMER)
        score_graph_transformer_layout(tile, arena);
    else
        score_mlp_layout(tile, arena);
}

score_status score_tile_create(const score_network *network, const score_streams *streams,
                               const score_tile_limits *limits, score_tile **result,
                               score_error *error) {
    *result = NULL;
    score_tile *tile = calloc(1, sizeof *tile);
    if (tile == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a tile");
    score_status status;
    tile->network = network;
    tile->streams = *streams;
    tile->most = *limits;
    tile->most.parts = limits->parts > 0 ? limits->parts : 1;
    const double largest = floor(sqrt((double)limits->pairs) + 1e-6);
    tile->max_beads = largest < limits->rows ? (int)largest : limits->rows;
    tile->layers = calloc((size_t)network->expert.layers + 1, sizeof *tile->layers);
    if (tile->layers == NULL) {
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d layers",
                            network->expert.layers);
        goto fail;
    }
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
    free(tile->layers);
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
