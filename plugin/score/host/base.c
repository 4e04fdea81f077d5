/* The base of an energy, for every stream. Its backward step, the first of the sweep, adds to the
 * adjoints of the tile's inputs themselves. */
#include "host/call.h"
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

static void base_forward(const score_call *call) {
    const score_diffused_gaussian shape = shape_of(call->tile);
    score_diffused_gaussian_forward(&call->tile->streams, call->pass->streams, &shape,
                                    score_in(call, 0), score_in(call, 1), score_out(call, 0));
}

static void base_backward(const score_call *call) {
    score_tile_view *view = &call->tile->view;
    const score_diffused_gaussian shape = shape_of(call->tile);
    score_diffused_gaussian_backward(&call->tile->streams, call->pass->streams, &shape,
                                     score_in(call, 0), score_in(call, 1), score_out_bar(call, 0),
                                     view->x_bar, call->pass->wants_time ? view->t_bar : NULL);
}

const score_host_operation SCORE_HOST_OPERATION(add_base) = {.forward = base_forward,
                                                             .backward = base_backward};
