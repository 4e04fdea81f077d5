#include "subjects.h"

#include <string.h>

#include "host/tile.h"
#include "unit_test.h"

typedef struct network_state {
    score_packed *packed;
    score_tile *tile;
    score_tile_view view;
    int coordinates; /* of one stream */
    double t_middle; /* an input u of the ladder is the time t_middle + t_width u */
    double t_width;
} network_state;

static void network_forward(const subject *self, unsigned streams, const double *x,
                            const double *theta, double *y) {
    network_state *state = self->data;
    const score_executor serial = score_executor_serial();
    score_packed_update(state->packed, theta, &serial);
    for (int s = 0; s < self->layout.count; s++)
        if (score_has_stream(streams, s)) {
            memcpy(state->view.x + s * state->coordinates, x + s * self->x_size,
                   (size_t)state->coordinates * sizeof(double));
            const double *u = x + s * self->x_size + state->coordinates;
            for (int m = 0; m < state->view.molecules; m++)
                state->view.t[s * state->view.molecules + m] = (s == 0 ? state->t_middle : 0) +
                                                               state->t_width * u[m];
        }
    const score_pass pass = {.streams = streams};
    score_forward(state->packed, state->tile, &pass);
    memcpy(y, state->view.output, (size_t)(self->layout.count * self->y_size) * sizeof(double));
}

static void network_backward(const subject *self, unsigned streams, const double *x,
                             const double *theta, const double *y_bar, double *x_bar,
                             double *theta_bar) {
    (void)x;
    network_state *state = self->data;
    (void)theta;
    double *gradient = calloc(score_packed_gradient_size(state->packed), sizeof *gradient);
    assert_non_null(gradient);
    memcpy(state->view.output_bar, y_bar,
           (size_t)(self->layout.count * self->y_size) * sizeof(double));
    memset(state->view.x_bar, 0, (size_t)state->coordinates * sizeof(double));
    memset(state->view.t_bar, 0, (size_t)state->view.molecules * sizeof(double));
    const score_pass pass = {.streams = streams, .wants_time = true, .gradient = gradient};
    score_backward(state->packed, state->tile, &pass);
    score_packed_fold_gradient(state->packed, gradient);
    for (int k = 0; k < state->coordinates; k++)
        x_bar[k] += state->view.x_bar[k];
    for (int m = 0; m < state->view.molecules; m++)
        x_bar[state->coordinates + m] += state->t_width * state->view.t_bar[m];
    for (int k = 0; k < self->theta_size; k++)
        theta_bar[k] += gradient[k];
    free(gradient);
}

void with_network(const char *name, const score_model_config *config, int molecules,
                  const int *beads, const int *features, int set, subject_test test) {
    score_error error = {0};
    score_network network;
    network_state state;
    int rows = 0;
    size_t pairs = 0;
    for (int m = 0; m < molecules; m++) {
        rows += beads[m];
        pairs += (size_t)beads[m] * (size_t)beads[m];
    }
    const score_streams layout = stream_set(set);
    const score_tile_limits limits = {.molecules = molecules, .rows = rows, .pairs = pairs};
    assert_int_equal(score_network_create(config, 0, &network, &error), SCORE_OK);
    assert_int_equal(score_packed_create(&network, &state.packed, &error), SCORE_OK);
    assert_int_equal(score_tile_create(&network, &layout, &limits, &state.tile, &error), SCORE_OK);
    state.view = score_tile_set_molecules(state.tile, molecules, beads, features);
    state.coordinates = rows * config->dimensions;
    state.t_middle = (config->experts[0].t_begin + config->experts[0].t_end) / 2;
    state.t_width = 0.1 * (config->experts[0].t_end - config->experts[0].t_begin);
    const subject self = {name,
                          layout,
                          state.coordinates + molecules,
                          0,
                          state.coordinates,
                          (int)network.parameter_count,
                          molecules * network.outputs,
                          network_forward,
                          network_backward,
                          &state};
    test(&self);
    score_tile_destroy(state.tile);
    score_packed_destroy(state.packed);
    score_network_destroy(&network);
}
