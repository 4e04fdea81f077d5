/* The last step of an energy that has a base: E += -log g_t(x), for every stream. The first of the
 * backward sweep, it adds to the adjoints of the inputs themselves. */
#include "model/blocks.h"
#include "model/diffused_gaussian.h"

static score_diffused_gaussian shape_of(const score_tile *tile) {
    const score_network *network = tile->network;
    return (score_diffused_gaussian){
        .gaussian = network->base,
        .schedule = network->time.schedule,
        .dimensions = network->dimensions,
        .centred = network->centred,
        .molecules = tile->view.molecules,
        .rows = tile->view.rows,
        .first_row = tile->first_row,
    };
}

void score_base_forward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                        int layer, score_share share) {
    (void)packed;
    (void)layer;
    if (share.part > 0)
        return;
    const score_diffused_gaussian shape = shape_of(tile);
    score_diffused_gaussian_forward(&tile->streams, pass->streams, &shape, tile->centred,
                                    tile->view.t, tile->view.output);
}

void score_base_backward(const score_packed *packed, score_tile *tile, const score_pass *pass,
                         int layer, score_share share) {
    (void)packed;
    (void)layer;
    if (share.part > 0)
        return;
    const score_diffused_gaussian shape = shape_of(tile);
    score_diffused_gaussian_backward(&tile->streams, pass->streams, &shape, tile->centred,
                                     tile->view.t, tile->view.output_bar, tile->view.x_bar,
                                     pass->wants_time ? tile->view.t_bar : NULL);
}
