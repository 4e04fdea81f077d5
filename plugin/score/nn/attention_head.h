/* What the two directions of attention share: one head of one molecule at a time.
 *
 * Matrices over pairs of beads are TRANSPOSED while they are worked on: row j holds all i, which
 * lie in the lanes of vectors, so that a softmax over j needs no sum across lanes. The three
 * channels (A^T q, y and their adjoints) are three more rows of the same kind. Every row is `ld`
 * numbers long; behind the last bead stands padding, which is zero in a channel and in a. */
#ifndef SCORE_ATTENTION_HEAD_H
#define SCORE_ATTENTION_HEAD_H

#include <math.h>

#include "nn/attention.h"
#include "nn/product.h"

/* Where one head of one molecule stands in the arrays of a call: the offset of its first number, the
 * stride from stream to stream, and where rows are not close, `ld` from one to the next. */
typedef struct score_attention_head {
    int n; /* beads */
    int width;
    score_real root; /* 1 / sqrt(width) */
    ptrdiff_t all;   /* from q to k to v, and from row to row of out and A */
    ptrdiff_t qkv, qkv_stride, qkv_ld;
    ptrdiff_t out, out_stride;
    ptrdiff_t x, x_stride;
    ptrdiff_t pair, pair_stride;
    ptrdiff_t channel, channel_stride, channel_ld;
} score_attention_head;

/* The scratch: for every stream n rows over pairs and three of channels behind them. */
typedef struct score_attention_scratch {
    ptrdiff_t ld;
    ptrdiff_t stride; /* from stream to stream */
    ptrdiff_t channel;
    score_real *pair; /* a, a', a'' | probe */
    score_real *bar;  /* their adjoints | of y */
    score_real *rate; /* a'/a, a''/a | y, or the adjoint of the probe */
    score_real *x;    /* [3][ld] of a stream's coordinates; or [n][4] of their adjoint */
} score_attention_scratch;

SCORE_INLINE score_attention_head score_attention_find(const score_attention_shape *shape,
                                                       int molecule, int head, ptrdiff_t pair) {
    const ptrdiff_t all = (ptrdiff_t)shape->heads * shape->width, rows = shape->rows;
    const int row = shape->first_row[molecule], n = shape->first_row[molecule + 1] - row;
    const int source = shape->first_source == NULL ? row : shape->first_source[molecule];
    return (score_attention_head){
        .n = n,
        .width = shape->width,
        .root = 1 / (score_real)sqrt((double)shape->width),
        .all = all,
        .qkv = 3 * all * source + (ptrdiff_t)head * shape->width,
        .qkv_stride = rows * 3 * all,
        .qkv_ld = 3 * all,
        .out = all * row + (ptrdiff_t)head * shape->width,
        .out_stride = rows * all,
        .x = 3 * row,
        .x_stride = 3 * rows,
        .pair = shape->heads * pair + (ptrdiff_t)head * n * n,
        .pair_stride = shape->heads * shape->pairs,
        .channel = 3 * rows * head + row,
        .channel_stride = 3 * rows * shape->heads,
        .channel_ld = rows,
    };
}

SCORE_INLINE ptrdiff_t score_attention_ld(int beads) {
    return (ptrdiff_t)(beads + SCORE_LANES - 1) / SCORE_LANES * SCORE_LANES;
}

SCORE_INLINE score_attention_scratch score_attention_share_out(const score_streams *layout, int n,
                                                               score_real *work) {
    const ptrdiff_t ld = score_attention_ld(n), stride = (n + 3) * ld, all = layout->count * stride;
    return (score_attention_scratch){.ld = ld,
                                     .stride = stride,
                                     .channel = n * ld,
                                     .pair = work,
                                     .bar = work + all,
                                     .rate = work + 2 * all,
                                     .x = work + 3 * all};
}

/* The channel part of a term vanishes with the second order of the coordinates. */
SCORE_INLINE bool score_attention_moves(const score_streams *layout, const score_term *term) {
    return layout->order[term->b] < 2;
}

/* `rows` rows of n numbers between an array where they are from_ld apart and padded rows. */
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

/* pair[j][i] += factor sum over d of x[j][d] y[d][i] */
SCORE_INLINE void score_channels_spread(int n, ptrdiff_t ld, score_real factor, const score_real *x,
                                        const score_real *y, score_real *pair) {
    for (ptrdiff_t i = 0; i < ld; i += SCORE_LANES) {
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
SCORE_INLINE void score_channels_gather(int n, ptrdiff_t ld, score_real factor,
                                        const score_real *pair, const score_real *x, score_real *y,
                                        bool adds) {
    for (ptrdiff_t i = 0; i < ld; i += SCORE_LANES) {
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

/* rows[i] = start + sum over d of y[d][i] a[d]; start may be NULL for zero. */
SCORE_INLINE void score_channels_expand(int n, int width, const score_real *y, ptrdiff_t ld,
                                        const score_real *a, ptrdiff_t all, const score_real *start,
                                        score_real *rows, ptrdiff_t rows_ld) {
    int k = 0;
    for (; k + SCORE_LANES <= width; k += SCORE_LANES) {
        const score_vector a0 = score_load(a + k), a1 = score_load(a + all + k);
        const score_vector a2 = score_load(a + 2 * all + k);
        score_vector from = {0};
        if (start != NULL)
            from = score_load(start + k);
        for (int i = 0; i < n; i++)
            score_store(rows + i * rows_ld + k, from + score_splat(y[i]) * a0 +
                                                    score_splat(y[ld + i]) * a1 +
                                                    score_splat(y[2 * ld + i]) * a2);
    }
    for (; k < width; k++)
        for (int i = 0; i < n; i++)
            rows[i * rows_ld + k] = (start == NULL ? 0 : start[k]) + y[i] * a[k] +
                                    y[ld + i] * a[all + k] + y[2 * ld + i] * a[2 * all + k];
}

#endif
