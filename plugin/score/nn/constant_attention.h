/* The first attention of a network at a fixed time. Nothing before it depends on the coordinates,
 * so that q, k and v are constants of the model and of what a molecule consists of. With them, in
 * the terms of nn/attention.h, the logits are l_ij + sum_d p_di x_jd, and the output layer W, b
 * takes constants too: with u_j = v_j W, B_d = A_d W and b' = c W + b,
 *
 *     out_i = sum_h [ sum_j a_ij u_j + sum_d y_di B_d ] + b'
 *
 * is one product of the n x K matrix [a, y of head 0, a, y of head 1, ...], K = H (n + 3), with a
 * K x h matrix of constants: for small molecules it is a fraction of what it replaces. Values only;
 * nothing is propagated back but to x. */
#ifndef SCORE_CONSTANT_ATTENTION_H
#define SCORE_CONSTANT_ATTENTION_H

#include "nn/product.h"
#include "nn/streams.h"

#define score_constant_attention_size SCORE_TYPED(score_constant_attention_size)
#define score_constant_attention_work_size SCORE_TYPED(score_constant_attention_work_size)
#define score_constant_attention_set SCORE_TYPED(score_constant_attention_set)
#define score_constant_attention_forward SCORE_TYPED(score_constant_attention_forward)
#define score_constant_attention_backward SCORE_TYPED(score_constant_attention_backward)

/* Of one kind of molecule. */
typedef struct score_constant_attention {
    int beads;
    int heads;
    int hidden;
    int inputs;             /* K */
    ptrdiff_t ld;           /* beads, rounded up to whole vectors */
    score_real *node;       /* [n][h], the input of the layer's gate */
    score_real *logits;     /* l: [H][n (j)][ld (i)] */
    score_real *edge_query; /* p: [H][3][ld (i)] */
    score_real *bias;       /* b': [h] */
    score_real *weight;     /* [K][h] */
    score_real *panels;     /* of weight */
    score_real *transposed; /* of its transpose */
} score_constant_attention;

/* Heads and their width, hidden width, beads; and the attention's parameters. */
typedef struct score_constant_attention_source {
    int heads;
    int width;
    int hidden;
    int beads;
    const score_real *node;       /* [n][h] */
    const score_real *qkv;        /* [n][3 H w] */
    const score_real *a;          /* [3][H w] */
    const score_real *c;          /* [H w] */
    const score_real *out_weight; /* [H w][h] */
    const score_real *out_bias;   /* [h] */
} score_constant_attention_source;

/* Numbers of memory that a kind of molecule takes. */
size_t score_constant_attention_size(int heads, int hidden, int beads);

/* Numbers of scratch of the backward for molecules of up to `beads` beads. */
size_t score_constant_attention_work_size(int beads);

/* Computes all of it into `memory`. */
score_constant_attention score_constant_attention_set(const score_constant_attention_source *source,
                                                      score_real *memory);

/* For `molecules` of this kind, one behind the other, R rows in all, and the heads of `range`:
 * x [R][3]; input: the matrix [a, y ...] TRANSPOSED, [K][input_ld], input_ld >= R + SCORE_LANES,
 * because whole vectors are stored. */
void score_constant_attention_forward(const score_constant_attention *constant, int molecules,
                                      score_range range, const score_real *x, score_real *input,
                                      ptrdiff_t input_ld);

/* input_bar [R][K] is the adjoint of [a, y ...], not transposed; x_bar += adjoint, a part for each
 * head, x_bar_stride from one to the next. work: score_constant_attention_work_size numbers. */
void score_constant_attention_backward(const score_constant_attention *constant, int molecules,
                                       score_range range, const score_real *x,
                                       const score_real *input, ptrdiff_t input_ld,
                                       const score_real *input_bar, score_real *x_bar,
                                       ptrdiff_t x_bar_stride, score_real *work);

#endif
