/* node = Dense([what the bead is, time features]) (arXiv 2302.00600): a bead is one-hot, or the
 * side by side 16-wide embeddings of its integer features. */
#ifndef SCORE_EMBEDDING_H
#define SCORE_EMBEDDING_H

#include <stddef.h>

#include "nn/streams.h"

#define score_embedding_forward SCORE_TYPED(score_embedding_forward)
#define score_embedding_backward SCORE_TYPED(score_embedding_backward)

enum { SCORE_EMBEDDING_WIDTH = 16, SCORE_EMBEDDING_TABLES = 8 };

/* kinds: number of one-hot beads, or 0; tables: number of features, 0 where kinds > 0. */
typedef struct score_embedding_shape {
    int kinds;
    int tables;
    int time_features;
    int width;
    int molecules;
    int rows;
    const int *first_row; /* [molecules + 1]; bead k of a molecule is of kind k */
    const int *features;  /* [rows][tables] */
} score_embedding_shape;

/* The same for parameters and for their adjoints (score_real is then written to). */
typedef struct score_embedding_parameters {
    const score_real *table[SCORE_EMBEDDING_TABLES]; /* [feature's size][16] */
    const score_real *weight;                        /* [kinds or 16 tables, + T][width] */
    const score_real *bias;                          /* [width] */
} score_embedding_parameters;

typedef struct score_embedding_gradient {
    score_real *table[SCORE_EMBEDDING_TABLES];
    score_real *weight;
    score_real *bias;
} score_embedding_gradient;

/* time: [streams][molecules][T]; node: [streams][rows][width]. Streams whose direction does not
 * move time are zero. */
void score_embedding_forward(const score_streams *layout, unsigned streams,
                             const score_embedding_shape *shape,
                             const score_embedding_parameters *parameters, const score_real *time,
                             score_real *node);

/* time_bar [streams][molecules][T] and *gradient += adjoints; either may be NULL. */
void score_embedding_backward(const score_streams *layout, unsigned streams,
                              const score_embedding_shape *shape,
                              const score_embedding_parameters *parameters, const score_real *time,
                              const score_real *node_bar, score_real *time_bar,
                              const score_embedding_gradient *gradient);

#endif
