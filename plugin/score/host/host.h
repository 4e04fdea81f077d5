/* How plans (model/plan.h) are carried out on this processor: for every operation functions that do
 * it, one table for each precision and set of instructions.
 *
 * Several threads may walk through one tile together, each doing its SHARE of every step: some
 * rows, heads or columns of what the step writes. Between two steps they wait for each other unless
 * a part reads there only what it has written itself. A product is split by columns, so that each
 * part reads its own part of the weights. */
#ifndef SCORE_HOST_H
#define SCORE_HOST_H

#include "base/arena.h"
#include "host/tile.h"
#include "model/plan.h"

#define score_host_table SCORE_TYPED(score_host_table)
#define score_host_in_use SCORE_PRECISE(score_host_in_use)
#define score_host_reference SCORE_PRECISE(score_host_reference)
#define score_host_check SCORE_PRECISE(score_host_check)
#define score_packed_create_on SCORE_PRECISE(score_packed_create_on)

/* A linear layer's weights as nn/linear.h wants them. */
typedef struct score_linear {
    int tensor; /* weight, with the bias behind it */
    int in;
    int out;
    score_real *panels;
    score_real *transposed;
} score_linear;

typedef struct score_host score_host;

struct score_packed {
    const score_host *host;
    const score_network *network;
    score_plan *plan;   /* for training */
    score_real *values; /* parameters, then what is derived from them */
    int linear_count;
    score_linear *linears; /* in the order of the forward sweep */
    int *linear_of;        /* [tensors]: of a weight, its place among them */
    score_real *panels;    /* of all of them, in the order in which they are read */
};

struct score_tile {
    const score_host *host;
    const score_network *network;
    score_plan *plan;
    score_streams streams;
    score_tile_limits most;
    int max_beads; /* of one molecule that the limit of pairs allows */
    score_arena arena;
    score_tile_view view;
    ptrdiff_t pairs;
    int *first_row;
    int *features; /* [R][feature_count] */
    void **arrays; /* of the plan */
    size_t work_size;
    score_real *work; /* the operations' scratch, work_size numbers a part */
};

/* A step as one part does it. */
typedef struct score_call {
    const score_packed *packed;
    score_tile *tile;
    const score_pass *pass;
    const score_step *step;
    unsigned wanted; /* backward: SCORE_OF_... */
    score_share share;
} score_call;

typedef enum score_sharing {
    SCORE_SHARE_NONE, /* the first part does it all */
    SCORE_SHARE_ROWS,
    SCORE_SHARE_HEADS,
    SCORE_SHARE_COLUMNS, /* of the first output, backward of the first input; or its heads */
    SCORE_SHARE_ALL,     /* reads what all parts wrote */
} score_sharing;

typedef void (*score_run_step)(const score_call *call);

typedef struct score_host_operation {
    score_run_step forward;
    score_run_step backward;
    score_sharing reads;
    score_sharing writes;
    size_t (*work_size)(const score_tile *tile); /* or NULL: none */
    /* Of weights that have changed, or NULL. pack: task 0 or 1, independent of each other. */
    void (*pack)(score_packed *packed, const score_step *step, int task);
    void (*derive)(score_packed *packed, const score_step *step);
    void (*fold)(const score_packed *packed, const score_step *step, score_real *gradient);
} score_host_operation;

struct score_host {
    const char *name;     /* the set of instructions, e.g. "x86-64-v4", or "x86-64-openblas" */
    const char *products; /* nn/product.h's score_products */
    size_t lanes;         /* numbers of a vector */
    const score_host_operation *operations[SCORE_OPERATION_COUNT];
    size_t (*panels_size)(int k, int n);
    size_t (*constants_size)(int heads, int hidden, int beads);
    size_t (*orthogonalise_size)(int rows, int columns);
    void (*orthogonalise)(int rows, int columns, score_real *matrix, score_real *work);
};

extern const score_host score_host_table;

/* That of the best instructions which the processor has, or what SCORE_ISA and SCORE_PRODUCTS ask
 * for; chosen by the first call, which loads OpenBLAS where it is wanted. */
const score_host *score_host_in_use(void);

/* What others are checked against: that of OpenBLAS's products (base/openblas.h) where there are such
 * and SCORE_PRODUCTS does not say `panels`, else that in use. */
const score_host *score_host_reference(void);

/* SCORE_ERROR_ARGUMENT where SCORE_PRODUCTS asks for what there is not. Whoever packs weights is told,
 * so that nothing is computed otherwise than was asked. */
score_status score_host_check(score_error *error);

/* score_packed_create for another table than that in use; it must be that of the tiles as well. */
score_status score_packed_create_on(const score_host *host, const score_network *network,
                                    score_packed **packed, score_error *error);

#endif
