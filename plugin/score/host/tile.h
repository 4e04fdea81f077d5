/* The traversal of a network over one tile: a whole number of molecules (or samples) whose
 * activations are kept from the forward to the backward sweep.
 *
 * STREAMS (nn/streams.h). Stream 0 is the value. A direction is a straight line x + e x', t + e t'
 * through the inputs, and adds a first-order stream, d/de of every quantity, and where asked for a
 * second-order stream, d2/de2, right behind it.
 *
 * PASSES. A forward pass computes the streams in `pass->streams` and leaves the others as they
 * are (stream 0 and a direction's first order must be there already or be computed too). A
 * backward pass takes the adjoints of the output streams in `pass->streams` (they must hold the
 * value; a second order needs its first order) and adds to x_bar and t_bar of the value, and to
 * the parameters' gradient: with F = sum output_bar . output over those streams,
 *     x_bar[value] += dF/dx, t_bar += dF/dt, gradient += dF/dparameter.
 * The adjoints of the directions themselves are not formed at the inputs.
 *
 * Forwards overwrite, adjoints accumulate. */
#ifndef SCORE_TILE_H
#define SCORE_TILE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/real.h"
#include "base/team.h"
#include "model/plan.h"
#include "nn/constant_attention.h"
#include "nn/streams.h"
#include "score/executor.h"

#define score_packed_create SCORE_PRECISE(score_packed_create)
#define score_packed_destroy SCORE_PRECISE(score_packed_destroy)
#define score_packed_update SCORE_PRECISE(score_packed_update)
#define score_packed_gradient_size SCORE_PRECISE(score_packed_gradient_size)
#define score_packed_fold_gradient SCORE_PRECISE(score_packed_fold_gradient)
#define score_tile_create SCORE_PRECISE(score_tile_create)
#define score_tile_destroy SCORE_PRECISE(score_tile_destroy)
#define score_tile_set_molecules SCORE_PRECISE(score_tile_set_molecules)
#define score_forward SCORE_PRECISE(score_forward)
#define score_backward SCORE_PRECISE(score_backward)

typedef struct score_packed score_packed;
typedef struct score_tile score_tile;

typedef struct score_pass {
    unsigned streams;     /* bit s: stream s takes part */
    bool wants_time;      /* backward: t_bar is wanted; not of a tile for forces */
    score_real *gradient; /* backward: score_packed_gradient_size values, or NULL: not wanted */
    /* For forces, of graph transformers: [M], the first attention of every molecule at the time
     * that they all have. Times are then read by a base alone. */
    const score_constant_attention *const *constants;
    /* For constants: what is made, in memory of host/host.h's constants_size numbers, on a boundary
     * of 64 bytes. */
    score_constant_attention *made;
    score_real *memory;
    /* Threads that call forward and backward together, or NULL for one: each with its own part.
     * `gradient` must then be NULL. */
    score_team *team;
    int part;
} score_pass;

/* The weights of one expert in the form the operations use. `network` must outlive it.
 * SCORE_ERROR_ARGUMENT where SCORE_PRODUCTS is wrong (host/host.h), SCORE_ERROR_MEMORY. */
score_status score_packed_create(const score_network *network, score_packed **packed,
                                 score_error *error);
void score_packed_destroy(score_packed *packed);
/* Takes new parameters (network->parameter_count values), e.g. after an optimizer step; the
 * executor's threads share the packing. */
void score_packed_update(score_packed *packed, const score_real *parameters,
                         const score_executor *executor);
/* A gradient has the parameters first, then quantities derived from them (attention's A and c).
 * fold moves what has been collected for the latter to the former. Linear in the gradient, so it
 * may be called once on a sum. */
size_t score_packed_gradient_size(const score_packed *packed);
void score_packed_fold_gradient(const score_packed *packed, score_real *gradient);

/* Inputs and outputs of a tile; the rest of it belongs to the operations. R = rows: beads of all
 * molecules, d = dimensions, M = molecules, O = outputs of a molecule (1: energy E; D: score). */
typedef struct score_tile_view {
    int molecules;
    int rows;
    const int *first_row;   /* M + 1 */
    score_real *x;          /* [streams][R][d], normalised, centred inside; order 2 is not read */
    score_real *t;          /* [streams][M], value, then t' of every direction; order 2 not read */
    score_real *output;     /* [streams][M][O] */
    score_real *output_bar; /* [streams][M][O], set by the caller */
    score_real *x_bar;      /* [R][d] */
    score_real *t_bar;      /* [M] */
} score_tile_view;

/* What a tile has room for. */
typedef struct score_tile_limits {
    int molecules;
    int rows;     /* beads of all molecules */
    size_t pairs; /* sum of beads^2 */
    int parts;    /* threads that share it; 0 is 1 */
    score_purpose purpose;
    const struct score_host *host; /* that of the weights, or NULL: that in use */
} score_tile_limits;

score_status score_tile_create(const score_network *network, const score_streams *streams,
                               const score_tile_limits *limits, score_tile **tile,
                               score_error *error);
void score_tile_destroy(score_tile *tile);

/* Lays out `molecules` molecules with beads[m] beads each and returns the view of the tile, valid
 * until the next call. features: R x feature_count, not NULL where the network has features.
 * Must be inside the limits given to create. */
score_tile_view score_tile_set_molecules(score_tile *tile, int molecules, const int *beads,
                                         const int *features);

void score_forward(const score_packed *packed, score_tile *tile, const score_pass *pass);
/* Zeroes nothing the caller sees: set x_bar and t_bar first. */
void score_backward(const score_packed *packed, score_tile *tile, const score_pass *pass);

#endif
