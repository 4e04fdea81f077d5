/* Attention over the beads of one molecule whose edges are affine in x_j - x_i (arXiv 2302.00600,
 * where e_ij = W_e (W_edge (x_j - x_i) + b_edge) + b_e; here e_ij = A (x_j - x_i) + c with
 * A = W_e W_edge and c = W_e b_edge + b_e):
 *
 *     sim_ij = q_i . (k_j + e_ij) / sqrt(w),   a_ij = softmax over j,   o_i = sum_j a_ij (v_j + e_ij)
 *
 * What depends on i alone cancels in the softmax, and sum_j a_ij = 1. So three more channels do
 * what the n x n edges did:
 *
 *     sim_ij = (q_i . k_j + (A^T q_i) . x_j) / sqrt(w)
 *     o_i    = sum_j a_ij v_j + A y_i + c,   y_i = sum_j a_ij x_j - x_i
 */
#ifndef SCORE_ATTENTION_H
#define SCORE_ATTENTION_H

#include <stddef.h>

#include "nn/streams.h"

#define score_attention_work_size SCORE_TYPED(score_attention_work_size)
#define score_attention_forward SCORE_TYPED(score_attention_forward)
#define score_attention_backward SCORE_TYPED(score_attention_backward)

/* H heads of width w; rows R of all molecules; P = sum of beads^2. */
typedef struct score_attention_shape {
    int heads;
    int width;
    int molecules;
    const int *first_row; /* [molecules + 1] */
    int rows;
    ptrdiff_t pairs;
    score_range range; /* of the heads that are handled */
} score_attention_shape;

/* Kept from the forward for the backward. */
typedef struct score_attention_state {
    const score_real *qkv;  /* in: [streams][R][3 H w], query | key | value */
    const score_real *x;    /* in: [streams][R][3]; its second order is zero */
    score_real *edge_query; /* A^T q: [streams][H][3][R] */
    score_real *pair;       /* a, then a'/a and a''/a: [streams][H P], a molecule's [j][H][i] */
    score_real *shift;      /* y: [streams][H][3][R] */
} score_attention_state;

/* Numbers of scratch that either call needs for molecules of up to `beads` beads; calls for
 * different heads at the same time need a scratch each. */
size_t score_attention_work_size(const score_streams *layout, int beads);

/* a: [3][H w], c: [H w], out: [streams][R][H w] */
void score_attention_forward(const score_streams *layout, unsigned streams,
                             const score_attention_shape *shape, const score_real *a,
                             const score_real *c, const score_attention_state *state,
                             score_real *out, score_real *work);

/* qkv_bar = adjoint, may be NULL; x_bar (of the value only, a part for every head: [H][R][3]),
 * a_bar and c_bar += adjoints. a_bar and c_bar may be NULL, and need qkv_bar. edge_query_bar is
 * scratch, [streams][H][3][R], needed where a_bar is not NULL. `streams` has the value. */
void score_attention_backward(const score_streams *layout, unsigned streams,
                              const score_attention_shape *shape, const score_real *a,
                              const score_attention_state *state, const score_real *out_bar,
                              score_real *edge_query_bar, score_real *qkv_bar, score_real *x_bar,
                              score_real *a_bar, score_real *c_bar, score_real *work);

#endif
