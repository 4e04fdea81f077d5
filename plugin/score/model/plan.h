/* What is computed for a network, as data: the arrays and, in the order of the forward sweep, the
 * STEPS that read and write them. A plan has no numbers, knows no precision and no processor;
 * whoever carries it out has a function for each operation (the host: host/host.h).
 *
 * The backward sweep is the same list from its end: each operation turns the adjoints of what it
 * wrote into those of what it read. A step takes part where something that is asked for lies behind
 * it: the positions, the times, or parameters.
 *
 * An architecture (model/architecture.h) describes itself once: its tensors, arrays and steps. */
#ifndef SCORE_PLAN_H
#define SCORE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "model/network.h"
#include "model/operation_kinds.h"
#include "nn/activation_kind.h"

/* The name of an operation, e.g. "sum_energy". */
const char *score_operation_name(score_operation operation);

/* What a plan is for. */
typedef enum score_purpose {
    SCORE_FOR_TRAINING,  /* streams, and gradients by parameters */
    SCORE_FOR_VALUES,    /* the value, and its gradient by positions and times */
    SCORE_FOR_FORCES,    /* the same by positions alone, with the first attention of a fixed time as
                            constants where the architecture has one */
    SCORE_FOR_CONSTANTS, /* these constants, of one molecule */
} score_purpose;

/* What something depends on; of a pass: what adjoints are asked of. */
enum { SCORE_OF_POSITIONS = 1, SCORE_OF_TIMES = 2, SCORE_OF_PARAMETERS = 4 };

enum { SCORE_STEP_INPUTS = 2, SCORE_STEP_OUTPUTS = 5, SCORE_STEP_TENSORS = 2 };

typedef enum score_element { SCORE_REAL, SCORE_DOUBLE } score_element;

/* How many numbers there are of each bead, molecule and pair of beads (i, j) of a molecule; the
 * last two are times the width of a vector, where whole vectors are stored. */
typedef struct score_extent {
    int row;
    int molecule;
    int pair;
    int row_padding;
    int molecule_padding;
} score_extent;

typedef struct score_array {
    const char *name;
    score_element element;
    score_extent extent;
    bool streams;     /* one copy for every stream, or of the value alone */
    int head_groups;  /* columns are this many times the heads side by side; 0: they are not */
    int adjoint;      /* the array of its adjoints, or SCORE_NO_ARRAY */
    unsigned depends; /* SCORE_OF_... */
    bool kept;        /* the backward sweep reads what the forward sweep wrote */
    int place;        /* the array whose memory it uses: itself, or one that is no longer needed */
} score_array;

/* in and out are arrays and tensor is weights, in the order in which operation_kinds.h has them.
 * Equations are those of nn/ and of the files named there. */
typedef struct score_step {
    score_operation operation;
    int layer; /* -1 before and after the layers */
    int in[SCORE_STEP_INPUTS];
    int out[SCORE_STEP_OUTPUTS];
    int tensor[SCORE_STEP_TENSORS]; /* the first of those that stand one behind the other */
    score_activation activation;    /* of SCORE_ACTIVATE */
    /* Found from the list: */
    bool still;      /* what it reads first does not depend on positions */
    bool starts;     /* the first of the backward sweep with the adjoint of its last input */
    unsigned serves; /* the backward step leads to these */
} score_step;

/* A = W_edge W and c = b_edge W + b of an attention's edges (nn/attention.h), tensors that follow
 * from parameters. They stand behind the parameters, A then c, layer after layer. */
typedef struct score_derived {
    int edge;      /* W_edge, b_edge */
    int weight;    /* W, b */
    size_t offset; /* of A [3][columns], with c [columns] behind it */
    int columns;
} score_derived;

/* The arrays that every plan begins with. */
enum {
    SCORE_NO_ARRAY,
    SCORE_X,          /* [streams][R][d], normalised; order 2 is not read */
    SCORE_T,          /* [streams][M], value, then t' of every direction; order 2 is not read */
    SCORE_OUTPUT,     /* [streams][M][O] */
    SCORE_OUTPUT_BAR, /* [streams][M][O] */
    SCORE_X_BAR,      /* [R][d] */
    SCORE_T_BAR,      /* [M] */
    SCORE_FIRST_OWN_ARRAY
};

typedef struct score_plan {
    score_purpose purpose;
    int array_count;
    score_array *arrays;
    int step_count;
    score_step *steps;
    int derived_count;
    score_derived *derived;
    size_t parameter_count; /* with those that are derived */
} score_plan;

/* SCORE_ERROR_MEMORY. The network is read here alone. */
score_status score_plan_create(const score_network *network, score_purpose purpose,
                               score_plan **plan, score_error *error);
void score_plan_destroy(score_plan *plan);

bool score_plan_uses(const score_plan *plan, score_operation operation);

/* What has to fit. lanes: numbers of a vector; real: bytes of a number. */
typedef struct score_room {
    size_t molecules;
    size_t rows;
    size_t pairs;
    size_t streams;
    size_t lanes;
    size_t real;
} score_room;

/* Bytes of an array, SIZE_MAX where a size_t does not hold them. */
size_t score_array_size(const score_array *array, const score_room *room);

/* A of the k-th attention as a tensor, behind those of the network; c follows it. */
static inline int score_derived_tensor(const score_network *network, int k) {
    return network->tensor_count + 2 * k;
}

/* Offset of a tensor, derived or not, in the parameters. */
static inline size_t score_plan_offset(const score_plan *plan, const score_network *network,
                                       int tensor) {
    if (tensor < network->tensor_count)
        return network->tensors[tensor].offset;
    const int k = tensor - network->tensor_count;
    const score_derived *derived = &plan->derived[k / 2];
    return derived->offset + (k % 2 == 0 ? 0 : 3 * (size_t)derived->columns);
}

/* Numbers of a row, or of a molecule, of an array that has either. */
int score_array_width(const score_array *array);

#endif
