#include "nn/attention.h"

#include <math.h>
#include <string.h>

#include "base/vector_math.h"
#include "nn/small_matrix.h"

/* The views of one head of one molecule; a stream of each array is its stride further on. */
typedef struct head_view {
    int n;                /* beads */
    ptrdiff_t qkv_ld;     /* from row to row of q, k, v */
    ptrdiff_t qkv_stride; /* from stream to stream */
    ptrdiff_t channel_ld; /* from row to row of the head's three channels */
    ptrdiff_t channel_stride;
    ptrdiff_t out_ld;
    ptrdiff_t out_stride;
    ptrdiff_t x_stride;
    ptrdiff_t pair_stride;
    ptrdiff_t qkv; /* offsets of the head's first number in each array */
    ptrdiff_t channel;
    ptrdiff_t out;
    ptrdiff_t x;
    ptrdiff_t pair;
} head_view;

static head_view view_head(const score_attention_shape *shape, int molecule, int head,
                           ptrdiff_t pair) {
    const ptrdiff_t all = (ptrdiff_t)shape->heads * shape->width, rows = shape->rows;
    const ptrdiff_t row = shape->first_row[molecule];
    const int n = shape->first_row[molecule + 1] - shape->first_row[molecule];
    return (head_view){
        .n = n,
        .qkv_ld = 3 * all,
        .qkv_stride = rows * 3 * all,
        .channel_ld = 3 * shape->heads,
        .channel_stride = rows * 3 * shape->heads,
        .out_ld = all,
        .out_stride = rows * all,
        .x_stride = rows * 3,
        .pair_stride = shape->heads * shape->pairs,
        .qkv = row * 3 * all + (ptrdiff_t)head * shape->width,
        .channel = row * 3 * shape->heads + 3 * head,
        .out = row * all + (ptrdiff_t)head * shape->width,
        .x = row * 3,
        .pair = shape->heads * pair + (ptrdiff_t)head * n * n,
    };
}

/* Softmax over j with its streams, in place: from s, s', s'' to a, a'/a = s' - L', and
 * a''/a = (a'/a)^2 + s'' - L'', where L = log sum exp s, L' = <s'>, L'' = <s'' + (a'/a)^2> and <>
 * is the mean over a. */
SCORE_INLINE void softmax_forward(const score_streams *layout, unsigned streams, int n,
                                  score_real *row, ptrdiff_t stride) {
    if (score_has_stream(streams, 0)) {
        score_real largest = row[0], sum = 0;
        for (int j = 1; j < n; j++)
            largest = row[j] > largest ? row[j] : largest;
        for (int j = 0; j < n; j++) {
            row[j] = score_exp(row[j] - largest);
            sum += row[j];
        }
        for (int j = 0; j < n; j++)
            row[j] /= sum;
    }
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        score_real *rate = row + s * stride;
        if (layout->order[s] == 2)
            for (int j = 0; j < n; j++)
                rate[j] += rate[j - stride] * rate[j - stride];
        const score_real mean = score_dot(n, row, rate);
        for (int j = 0; j < n; j++)
            rate[j] -= mean;
    }
}

/* From the adjoints of a, a', a'' to those of s, s', s'', in place. */
SCORE_INLINE void softmax_backward(const score_streams *layout, unsigned streams, int n,
                                   const score_real *row, ptrdiff_t stride, score_real *bar,
                                   ptrdiff_t bar_stride) {
    /* F = sum_j (bar a + bar' a r + bar'' a q) with r = a'/a, q = a''/a. */
    if (!score_has_stream(streams, 0))
        return;
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        const score_real *rate = row + s * stride;
        score_real *bs = bar + s * bar_stride;
        for (int j = 0; j < n; j++) {
            bar[j] += bs[j] * rate[j];
            bs[j] *= row[j]; /* now the adjoint of the rate, its own part */
        }
        if (layout->order[s] == 2) {
            const score_real *first = rate - stride;
            const score_real total = score_sum(n, bs);
            /* bar'' feeds q's r^2; L'' takes total times a (s'' + r^2) and 2 a r s' away */
            for (int j = 0; j < n; j++)
                bs[j - bar_stride] += 2 * first[j] * (bs[j] - row[j] * total);
            for (int j = 0; j < n; j++) {
                bar[j] -= total * rate[j];
                bs[j] -= row[j] * total;
            }
        }
    }
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s) || layout->order[s] != 1)
            continue;
        const score_real *rate = row + s * stride;
        score_real *bs = bar + s * bar_stride;
        const score_real total = score_sum(n, bs);
        for (int j = 0; j < n; j++) {
            bar[j] -= total * rate[j];
            bs[j] -= row[j] * total;
        }
    }
    const score_real mean = score_dot(n, row, bar);
    for (int j = 0; j < n; j++)
        bar[j] = row[j] * (bar[j] - mean);
}

/* probabilities[s] = a, a', a'' (n x n each) from what is kept of them. */
SCORE_INLINE void expand(const score_streams *layout, const head_view *view, const score_real *pair,
                         score_real *probabilities) {
    const ptrdiff_t size = (ptrdiff_t)view->n * view->n;
    memcpy(probabilities, pair, (size_t)size * sizeof *pair);
    for (int s = 1; s < layout->count; s++)
        for (ptrdiff_t k = 0; k < size; k++)
            probabilities[s * size + k] = pair[k] * pair[s * view->pair_stride + k];
}

/* Does the x-channel part of a term vanish? The second order of the coordinates is zero. */
SCORE_INLINE bool moves_coordinates(const score_streams *layout, const score_term *term) {
    return layout->order[term->b] < 2;
}

SCORE_INLINE void head_forward(const score_streams *layout, unsigned streams,
                               const score_term *terms, int term_count,
                               const score_attention_shape *shape, const head_view *view,
                               const score_attention_state *state, score_real *out) {
    const int n = view->n, w = shape->width;
    const ptrdiff_t all = (ptrdiff_t)shape->heads * w, size = (ptrdiff_t)n * n;
    const score_real root = 1 / (score_real)sqrt((double)w);
    const score_real *q = state->qkv + view->qkv, *k = q + all, *v = k + all;
    const score_real *probe = state->probe + view->channel, *x = state->x + view->x;
    score_real *shift = state->shift + view->channel, *pair = state->pair + view->pair;
    for (int s = 0; s < layout->count; s++)
        if (score_has_stream(streams, s))
            memset(pair + s * view->pair_stride, 0, (size_t)size * sizeof *pair);
    for (int t = 0; t < term_count; t++) {
        const score_term term = terms[t];
        score_real *logits = pair + term.out * view->pair_stride;
        score_small_nt(n, n, w, term.factor * root, q + term.a * view->qkv_stride, view->qkv_ld,
                       k + term.b * view->qkv_stride, view->qkv_ld, logits, n);
        if (moves_coordinates(layout, &term))
            score_small_nt(n, n, 3, term.factor * root, probe + term.a * view->channel_stride,
                           view->channel_ld, x + term.b * view->x_stride, 3, logits, n);
    }
    for (int i = 0; i < n; i++)
        softmax_forward(layout, streams, n, pair + (ptrdiff_t)i * n, view->pair_stride);
    expand(layout, view, pair, state->work);
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        for (int i = 0; i < n; i++)
            for (int d = 0; d < 3; d++)
                shift[s * view->channel_stride + i * view->channel_ld + d] =
                    layout->order[s] < 2 ? -x[s * view->x_stride + 3 * i + d] : 0;
    }
    for (int t = 0; t < term_count; t++) {
        const score_term term = terms[t];
        const score_real *a = state->work + term.a * size;
        score_small_nn(n, w, n, term.factor, a, n, v + term.b * view->qkv_stride, view->qkv_ld,
                       out + view->out + term.out * view->out_stride, view->out_ld);
        if (moves_coordinates(layout, &term))
            score_small_nn(n, 3, n, term.factor, a, n, x + term.b * view->x_stride, 3,
                           shift + term.out * view->channel_stride, view->channel_ld);
    }
}

SCORE_MULTIVERSION
void score_attention_forward(const score_streams *layout, unsigned streams,
                             const score_attention_shape *shape, const score_real *a,
                             const score_real *c, const score_attention_state *state,
                             score_real *out) {
    const int w = shape->width, heads = shape->heads;
    const ptrdiff_t all = (ptrdiff_t)heads * w, rows = shape->rows;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        for (ptrdiff_t i = s * rows; i < (s + 1) * rows; i++) {
            for (int h = 0; h < heads; h++)
                for (int d = 0; d < 3; d++)
                    state->probe[(i * heads + h) * 3 + d] = score_dot(
                        w, state->qkv + i * 3 * all + (ptrdiff_t)h * w,
                        a + d * all + (ptrdiff_t)h * w);
            for (int k = 0; k < all; k++)
                out[i * all + k] = layout->order[s] == 0 ? c[k] : 0;
        }
    }
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        for (int h = 0; h < heads; h++) {
            const head_view view = view_head(shape, m, h, pair);
            head_forward(layout, streams, terms, term_count, shape, &view, state, out);
        }
        const ptrdiff_t n = shape->first_row[m + 1] - shape->first_row[m];
        pair += n * n;
    }
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        for (ptrdiff_t i = s * rows; i < (s + 1) * rows; i++)
            for (int h = 0; h < heads; h++)
                score_small_nn(1, w, 3, 1, state->shift + (i * heads + h) * 3, 0,
                               a + (ptrdiff_t)h * w, all, out + i * all + (ptrdiff_t)h * w, 0);
    }
}

/* The adjoints of one head's arrays, offset like the arrays themselves; qkv may be NULL. */
typedef struct head_bars {
    score_real *qkv;
    score_real *probe;
    score_real *x;
} head_bars;

/* Through o = a v and y = a x - x: the adjoints of v, x and a. */
SCORE_INLINE void values_backward(const score_streams *layout, unsigned streams,
                                  const score_term *terms, int term_count,
                                  const score_attention_shape *shape, const head_view *view,
                                  const score_attention_state *state, const score_real *out_bar,
                                  const score_real *shift_bar, const head_bars *bars,
                                  score_real *pair_bar) {
    const int n = view->n, w = shape->width;
    const ptrdiff_t all = (ptrdiff_t)shape->heads * w, size = (ptrdiff_t)n * n;
    const score_real *v = state->qkv + view->qkv + 2 * all, *x = state->x + view->x;
    score_real *probabilities = state->work, *x_bar = bars->x + view->x;
    expand(layout, view, state->pair + view->pair, probabilities);
    for (int t = 0; t < term_count; t++) {
        const score_term term = terms[t];
        const score_real *o_bar = out_bar + view->out + term.out * view->out_stride;
        const score_real *y_bar = shift_bar + view->channel + term.out * view->channel_stride;
        const score_real *a = probabilities + term.a * size;
        score_small_nt(n, n, w, term.factor, o_bar, view->out_ld, v + term.b * view->qkv_stride,
                       view->qkv_ld, pair_bar + term.a * size, n);
        if (moves_coordinates(layout, &term))
            score_small_nt(n, n, 3, term.factor, y_bar, view->channel_ld,
                           x + term.b * view->x_stride, 3, pair_bar + term.a * size, n);
        if (bars->qkv != NULL)
            score_small_tn(n, w, n, term.factor, a, n, o_bar, view->out_ld,
                           bars->qkv + view->qkv + 2 * all + term.b * view->qkv_stride,
                           view->qkv_ld);
        if (term.b == 0)
            score_small_tn(n, 3, n, term.factor, a, n, y_bar, view->channel_ld, x_bar, 3);
    }
    if (score_has_stream(streams, 0))
        for (int i = 0; i < n; i++)
            for (int d = 0; d < 3; d++)
                x_bar[3 * i + d] -= shift_bar[view->channel + i * view->channel_ld + d];
}

/* Through sim = (q . k + probe . x) / sqrt(w): the adjoints of q, k, x and the probe. */
SCORE_INLINE void logits_backward(const score_streams *layout, const score_term *terms,
                                  int term_count, const score_attention_shape *shape,
                                  const head_view *view, const score_attention_state *state,
                                  const score_real *pair_bar, const head_bars *bars) {
    const int n = view->n, w = shape->width;
    const ptrdiff_t all = (ptrdiff_t)shape->heads * w, size = (ptrdiff_t)n * n;
    const score_real root = 1 / (score_real)sqrt((double)w);
    const score_real *q = state->qkv + view->qkv, *k = q + all;
    const score_real *probe = state->probe + view->channel, *x = state->x + view->x;
    for (int t = 0; t < term_count; t++) {
        const score_term term = terms[t];
        const score_real *bar = pair_bar + term.out * size, factor = term.factor * root;
        if (term.b == 0)
            score_small_tn(n, 3, n, factor, bar, n, probe + term.a * view->channel_stride,
                           view->channel_ld, bars->x + view->x, 3);
        if (bars->qkv == NULL)
            continue;
        score_real *q_bar = bars->qkv + view->qkv, *k_bar = q_bar + all;
        score_small_nn(n, w, n, factor, bar, n, k + term.b * view->qkv_stride, view->qkv_ld,
                       q_bar + term.a * view->qkv_stride, view->qkv_ld);
        score_small_tn(n, w, n, factor, bar, n, q + term.a * view->qkv_stride, view->qkv_ld,
                       k_bar + term.b * view->qkv_stride, view->qkv_ld);
        if (moves_coordinates(layout, &term))
            score_small_nn(n, 3, n, factor, bar, n, x + term.b * view->x_stride, 3,
                           bars->probe + view->channel + term.a * view->channel_stride,
                           view->channel_ld);
    }
}

SCORE_INLINE void head_backward(const score_streams *layout, unsigned streams,
                                const score_term *terms, int term_count,
                                const score_attention_shape *shape, const head_view *view,
                                const score_attention_state *state, const score_real *out_bar,
                                const score_real *shift_bar, const head_bars *bars) {
    const int n = view->n;
    const ptrdiff_t size = (ptrdiff_t)n * n;
    score_real *pair_bar = state->work + layout->count * size;
    memset(pair_bar, 0, (size_t)(layout->count * size) * sizeof *pair_bar);
    values_backward(layout, streams, terms, term_count, shape, view, state, out_bar, shift_bar,
                    bars, pair_bar);
    for (int i = 0; i < n; i++)
        softmax_backward(layout, streams, n, state->pair + view->pair + (ptrdiff_t)i * n,
                         view->pair_stride, pair_bar + (ptrdiff_t)i * n, size);
    logits_backward(layout, terms, term_count, shape, view, state, pair_bar, bars);
}

/* The adjoints of q, A and c through probe = A^T q and out += A shift + c, of one row and head. */
SCORE_INLINE void channels_backward(int w, ptrdiff_t all, const score_real *a, const score_real *q,
                                    const score_real *probe_bar, const score_real *shift,
                                    const score_real *out_bar, score_real *q_bar,
                                    score_real *a_bar) {
    for (int d = 0; d < 3; d++) {
        score_add(w, probe_bar[d], a + d * all, q_bar);
        if (a_bar == NULL)
            continue;
        score_add(w, probe_bar[d], q, a_bar + d * all);
        score_add(w, shift[d], out_bar, a_bar + d * all);
    }
}

SCORE_MULTIVERSION
void score_attention_backward(const score_streams *layout, unsigned streams,
                              const score_attention_shape *shape, const score_real *a,
                              const score_attention_state *state, const score_real *out_bar,
                              score_real *probe_bar, score_real *shift_bar, score_real *qkv_bar,
                              score_real *x_bar, score_real *a_bar, score_real *c_bar) {
    const int w = shape->width, heads = shape->heads;
    const ptrdiff_t all = (ptrdiff_t)heads * w, rows = shape->rows, channels = 3 * rows * heads;
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        memset(probe_bar + s * channels, 0, (size_t)channels * sizeof *probe_bar);
        for (ptrdiff_t i = s * rows; i < (s + 1) * rows; i++)
            for (int h = 0; h < heads; h++)
                for (int d = 0; d < 3; d++)
                    shift_bar[(i * heads + h) * 3 + d] = score_dot(
                        w, out_bar + i * all + (ptrdiff_t)h * w, a + d * all + (ptrdiff_t)h * w);
    }
    const head_bars bars = {qkv_bar, probe_bar, x_bar};
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        for (int h = 0; h < heads; h++) {
            const head_view view = view_head(shape, m, h, pair);
            head_backward(layout, streams, terms, term_count, shape, &view, state, out_bar,
                          shift_bar, &bars);
        }
        const ptrdiff_t n = shape->first_row[m + 1] - shape->first_row[m];
        pair += n * n;
    }
    if (qkv_bar == NULL)
        return;
    for (int s = 0; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        for (ptrdiff_t i = s * rows; i < (s + 1) * rows; i++)
            for (int h = 0; h < heads; h++) {
                const ptrdiff_t head = (ptrdiff_t)h * w, channel = (i * heads + h) * 3;
                channels_backward(w, all, a + head, state->qkv + i * 3 * all + head,
                                  probe_bar + channel, state->shift + channel,
                                  out_bar + i * all + head, qkv_bar + i * 3 * all + head,
                                  a_bar == NULL ? NULL : a_bar + head);
            }
    }
    if (c_bar != NULL && score_has_stream(streams, 0))
        for (ptrdiff_t i = 0; i < rows; i++)
            score_add((int)all, 1, out_bar + i * all, c_bar);
}
