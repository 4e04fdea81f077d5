/* What the two directions of attention share: a GROUP of heads of one molecule, worked on together.
 *
 * Matrices over pairs of beads are transposed while they are worked on: row j holds all i of the
 * first head, then those of the next. They lie in the lanes of vectors, so that a softmax over j
 * needs no sum across lanes, and few lanes are idle though a molecule has few beads. The three
 * channels (A^T q, y and their adjoints) are three more rows of the same kind. */
#ifndef SCORE_ATTENTION_GROUP_H
#define SCORE_ATTENTION_GROUP_H

#include <math.h>
#include <string.h>

#include "nn/attention.h"
#include "nn/small_product.h"

/* Where a group stands in the arrays of a call: the offset of its first number, the stride from
 * stream to stream and, where it is not plain, `ld` from row to row. */
typedef struct score_attention_group {
    int n; /* beads */
    int heads;
    int width;
    score_real root; /* 1 / sqrt(width) */
    ptrdiff_t all;   /* from q to k to v, and from row to row of out and A */
    ptrdiff_t head;  /* of the first head, in A and in a row of out */
    ptrdiff_t qkv, qkv_stride, qkv_ld;
    ptrdiff_t out, out_stride;
    ptrdiff_t x, x_stride;
    ptrdiff_t pair, pair_stride, pair_ld;
    ptrdiff_t channel, channel_stride, channel_ld, channel_head; /* the last: from head to head */
} score_attention_group;

/* The scratch: for every stream n rows over pairs, and three of channels behind them. */
typedef struct score_attention_scratch {
    ptrdiff_t lanes;  /* of a row, whole vectors */
    ptrdiff_t ld;     /* from row to row: a head's lanes may be written up to a whole vector */
    ptrdiff_t stride; /* from stream to stream */
    ptrdiff_t channel;
    /* logits | edge query, then a, a', a'' | y; in the backward a, a', a'' | edge query */
    score_real *pair;
    score_real *bar;  /* adjoints: of a, a', a'' | y, then of logits | edge query */
    score_real *rate; /* a'/a, a''/a */
    score_real *x;    /* coordinates, [streams][3][ld]; or their adjoint, [some beads][3][ld] */
    score_real *sums; /* over the lanes of a head: [beads][3] */
} score_attention_scratch;

enum {
    SCORE_ATTENTION_LANES = 80, /* worked on together, measured; one head if it has more */
    SCORE_ATTENTION_BEADS = 8,  /* of which the adjoint of x is formed at a time */
};

SCORE_INLINE int score_attention_heads_at_once(int heads, int beads) {
    const int most = SCORE_ATTENTION_LANES / beads;
    return most < 1 ? 1 : most < heads ? most : heads;
}

SCORE_INLINE score_attention_group score_attention_find(const score_attention_shape *shape,
                                                        int molecule, int head, int heads,
                                                        ptrdiff_t pair) {
    const ptrdiff_t all = (ptrdiff_t)shape->heads * shape->width, rows = shape->rows;
    const int row = shape->first_row[molecule], n = shape->first_row[molecule + 1] - row;
    const ptrdiff_t first = (ptrdiff_t)head * shape->width;
    return (score_attention_group){
        .n = n,
        .heads = heads,
        .width = shape->width,
        .root = 1 / (score_real)sqrt((double)shape->width),
        .all = all,
        .head = first,
        .qkv = 3 * all * row + first,
        .qkv_stride = rows * 3 * all,
        .qkv_ld = 3 * all,
        .out = all * row + first,
        .out_stride = rows * all,
        .x = 3 * row,
        .x_stride = 3 * rows,
        .pair = shape->heads * pair + (ptrdiff_t)head * n,
        .pair_stride = shape->heads * shape->pairs,
        .pair_ld = (ptrdiff_t)shape->heads * n,
        .channel = 3 * rows * head + row,
        .channel_stride = 3 * rows * shape->heads,
        .channel_ld = rows,
        .channel_head = 3 * rows,
    };
}

SCORE_INLINE score_attention_scratch score_attention_share_out(const score_streams *layout,
                                                               int heads, int n, score_real *work) {
    const ptrdiff_t ld = (heads - 1) * (ptrdiff_t)n + score_whole_vectors(n);
    const ptrdiff_t whole = score_whole_vectors(ld), stride = (n + 3) * whole;
    const ptrdiff_t all = layout->count * stride;
    const ptrdiff_t most = layout->count > SCORE_ATTENTION_BEADS ? layout->count
                                                                 : SCORE_ATTENTION_BEADS;
    return (score_attention_scratch){.lanes = score_whole_vectors((ptrdiff_t)heads * n),
                                     .ld = whole,
                                     .stride = stride,
                                     .channel = n * whole,
                                     .pair = work,
                                     .bar = work + all,
                                     .rate = work + 2 * all,
                                     .x = work + 3 * all,
                                     .sums = work + 3 * all + most * 3 * whole};
}

/* The channel part of a term vanishes with the second order of the coordinates. */
SCORE_INLINE bool score_attention_moves(const score_streams *layout, const score_term *term) {
    return layout->order[term->b] < 2;
}

/* Zeroes the last vector of every row of a stream, which a group need not fill. */
SCORE_INLINE void score_attention_pad(const score_attention_group *at,
                                      const score_attention_scratch *scratch, score_real *rows) {
    for (int j = 0; j < at->n + 3; j++)
        score_store(rows + j * scratch->ld + scratch->lanes - SCORE_LANES, (score_vector){0});
}

/* `rows` rows of n numbers to rows that are filled up with zeros to whole vectors, and back. */
SCORE_INLINE void score_rows_load(int rows, int n, const score_real *from, ptrdiff_t from_ld,
                                  score_real *to, ptrdiff_t ld) {
    enum { L = SCORE_LANES };
    const int rest = n % L;
    for (int j = 0; j < rows; j++, from += from_ld, to += ld) {
        int i = 0;
        for (; i + L <= n; i += L)
            score_store(to + i, score_load(from + i));
        if (rest == 0)
            continue;
#pragma omp simd simdlen(L)
        for (int l = 0; l < L; l++)
            to[i + l] = l < rest ? from[i + l] : 0;
    }
}

SCORE_INLINE void score_rows_store(int rows, int n, const score_real *from, ptrdiff_t ld,
                                   score_real *to, ptrdiff_t to_ld) {
    enum { L = SCORE_LANES };
    const int rest = n % L;
    for (int j = 0; j < rows; j++, from += ld, to += to_ld) {
        int i = 0;
        for (; i + L <= n; i += L)
            score_store(to + i, score_load(from + i));
        if (rest == 0)
            continue;
#pragma omp simd simdlen(L)
        for (int l = 0; l < L; l++)
            if (l < rest)
                to[i + l] = from[i + l];
    }
}

/* product = rate times a, pair by pair */
SCORE_INLINE void score_pairs_multiply(const score_attention_group *at,
                                       const score_attention_scratch *scratch,
                                       const score_real *rate, score_real *product) {
    for (ptrdiff_t j = 0; j < at->n * scratch->ld; j += scratch->ld)
        for (ptrdiff_t k = j; k < j + scratch->lanes; k += SCORE_LANES)
            score_store(product + k, score_load(scratch->pair + k) * score_load(rate + k));
}

/* Three channels of a stream between the scratch and the array where they are kept. */
SCORE_INLINE void score_channels_load(const score_attention_group *at,
                                      const score_attention_scratch *scratch, int s,
                                      const score_real *kept, score_real *channels) {
    for (int h = 0; h < at->heads; h++)
        score_rows_load(3, at->n,
                        kept + at->channel + s * at->channel_stride + h * at->channel_head,
                        at->channel_ld, channels + h * at->n, scratch->ld);
}

SCORE_INLINE void score_channels_store(const score_attention_group *at,
                                       const score_attention_scratch *scratch, int s,
                                       const score_real *channels, score_real *kept) {
    for (int h = 0; h < at->heads; h++)
        score_rows_store(3, at->n, channels + h * at->n, scratch->ld,
                         kept + at->channel + s * at->channel_stride + h * at->channel_head,
                         at->channel_ld);
}

/* pair[j][i] += factor sum over d of x[j][d] y[d][i] */
SCORE_INLINE void score_channels_spread(int n, const score_attention_scratch *scratch,
                                        score_real factor, const score_real *x, const score_real *y,
                                        score_real *pair) {
    const ptrdiff_t ld = scratch->ld;
    for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES) {
        const score_vector y0 = score_splat(factor) * score_load(y + i);
        const score_vector y1 = score_splat(factor) * score_load(y + ld + i);
        const score_vector y2 = score_splat(factor) * score_load(y + 2 * ld + i);
        for (int j = 0; j < n; j++) {
            score_real *at = pair + j * ld + i;
            score_store(at, score_load(at) + score_splat(x[3 * j]) * y0 +
                                score_splat(x[3 * j + 1]) * y1 + score_splat(x[3 * j + 2]) * y2);
        }
    }
}

/* y[d][i] = factor sum over j of pair[j][i] x[j][d], or y += where `adds` */
SCORE_INLINE void score_channels_gather(int n, const score_attention_scratch *scratch,
                                        score_real factor, const score_real *pair,
                                        const score_real *x, score_real *y, bool adds) {
    const ptrdiff_t ld = scratch->ld;
    for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES) {
        score_vector y0 = {0}, y1 = {0}, y2 = {0};
        for (int j = 0; j < n; j++) {
            const score_vector a = score_load(pair + j * ld + i);
            y0 += score_splat(x[3 * j]) * a;
            y1 += score_splat(x[3 * j + 1]) * a;
            y2 += score_splat(x[3 * j + 2]) * a;
        }
        y0 *= score_splat(factor);
        y1 *= score_splat(factor);
        y2 *= score_splat(factor);
        if (adds) {
            y0 += score_load(y + i);
            y1 += score_load(y + ld + i);
            y2 += score_load(y + 2 * ld + i);
        }
        score_store(y + i, y0);
        score_store(y + ld + i, y1);
        score_store(y + 2 * ld + i, y2);
    }
}

#endif
