/* Streams: the value and Taylor coefficients of every quantity along straight lines through the
 * inputs, x(e) = x + e x', t(e) = t + e t'. Stream s of an array of `size` numbers stands at
 * s * size, so streams are extra rows of a matrix.
 *
 * Every layer is linear, bilinear or elementwise in its inputs:
 *   linear       each stream alone
 *   bilinear     c = ab, c' = a'b + ab', c'' = a''b + 2a'b' + ab''
 *   elementwise  y' = f1 x', y'' = f1 x'' + f2 x'x'   (f_n: n-th derivative at x)
 * A bilinear operation is therefore a list of TERMS c[out] += factor a[a] b[b], and its adjoint
 * runs over the same list. */
#ifndef SCORE_STREAMS_H
#define SCORE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/real.h"

enum {
    SCORE_MAX_STREAMS = 8,
    SCORE_MAX_TERMS = 3 * SCORE_MAX_STREAMS,
};

/* Which streams there are. Stream 0 has order 0; order 1 opens a direction; order 2 follows the
 * order 1 of the same direction. */
typedef struct score_streams {
    int count;
    int order[SCORE_MAX_STREAMS];
    bool moves_time[SCORE_MAX_STREAMS]; /* the direction has a part along t */
} score_streams;

SCORE_INLINE bool score_has_stream(unsigned streams, int s) {
    return (streams >> s & 1u) != 0;
}

/* A direction among the streams that a call handles: its first order is stream `first`, its second
 * order, if it is handled too, the next one. */
typedef struct score_direction {
    int first;
    bool second;
} score_direction;

/* The directions in `streams`; returns how many. A second order is handled only together with its
 * first order. */
SCORE_INLINE int score_directions(const score_streams *layout, unsigned streams,
                                  score_direction directions[SCORE_MAX_STREAMS]) {
    int n = 0;
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s) || layout->order[s] != 1)
            continue;
        const bool second = s + 1 < layout->count && layout->order[s + 1] == 2;
        directions[n++] = (score_direction){s, second && score_has_stream(streams, s + 1)};
    }
    return n;
}

/* Consecutive streams of a set, so that each run is one matrix. Start from {0, 0}. */
typedef struct score_run {
    int first;
    int count;
} score_run;

SCORE_INLINE bool score_next_run(unsigned streams, score_run *run) {
    int s = run->first + run->count;
    while (s < SCORE_MAX_STREAMS && !score_has_stream(streams, s))
        s++;
    run->first = s;
    while (s < SCORE_MAX_STREAMS && score_has_stream(streams, s))
        s++;
    run->count = s - run->first;
    return run->count > 0;
}

/* Zeroes the given streams of an array of `size` numbers a stream. */
SCORE_INLINE void score_zero_streams(unsigned streams, ptrdiff_t size, score_real *array) {
    for (score_run run = {0}; score_next_run(streams, &run);)
        memset(array + run.first * size, 0, (size_t)(run.count * size) * sizeof *array);
}

/* [begin, end) of the rows, columns or heads that a call is to handle. */
typedef struct score_range {
    int begin;
    int end;
} score_range;

/* Which of `parts` threads that work on the same tile a call is made by. */
typedef struct score_share {
    int part;
    int parts;
} score_share;

/* A part's share of `count` things that are handed out `unit` at a time. */
SCORE_INLINE score_range score_share_range(score_share share, int count, int unit) {
    if (share.parts == 1)
        return (score_range){0, count};
    const long units = (count + unit - 1) / unit;
    const int begin = (int)(units * share.part / share.parts) * unit;
    const int end = (int)(units * (share.part + 1) / share.parts) * unit;
    return (score_range){begin < count ? begin : count, end < count ? end : count};
}

typedef struct score_term {
    int out;
    int a;
    int b;
    score_real factor;
} score_term;

/* The terms whose `out` is in `streams`; returns how many. */
SCORE_INLINE int score_bilinear_terms(const score_streams *layout, unsigned streams,
                                      score_term terms[SCORE_MAX_TERMS]) {
    int n = 0;
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        if (layout->order[s] == 0) {
            terms[n++] = (score_term){s, 0, 0, 1};
            continue;
        }
        terms[n++] = (score_term){s, s, 0, 1};
        terms[n++] = (score_term){s, 0, s, 1};
        if (layout->order[s] == 2)
            terms[n++] = (score_term){s, s - 1, s - 1, 2};
    }
    return n;
}

/* Elementwise on one number: x and y hold its streams, f[n] is the n-th derivative at x. */
SCORE_INLINE void score_chain_forward(const score_streams *layout, unsigned streams,
                                      const score_real f[4], const score_real *x, score_real *y) {
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        if (layout->order[s] == 0)
            y[s] = f[0];
        else if (layout->order[s] == 1)
            y[s] = f[1] * x[s];
        else
            y[s] = f[1] * x[s] + f[2] * x[s - 1] * x[s - 1];
    }
}

/* x_bar += the adjoint of score_chain_forward. */
SCORE_INLINE void score_chain_backward(const score_streams *layout, unsigned streams,
                                       const score_real f[4], const score_real *x,
                                       const score_real *y_bar, score_real *x_bar) {
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        x_bar[s] += y_bar[s] * f[1];
        if (layout->order[s] == 1) {
            x_bar[0] += y_bar[s] * f[2] * x[s];
        } else if (layout->order[s] == 2) {
            x_bar[s - 1] += 2 * y_bar[s] * f[2] * x[s - 1];
            x_bar[0] += y_bar[s] * (f[2] * x[s] + f[3] * x[s - 1] * x[s - 1]);
        }
    }
}

#endif
