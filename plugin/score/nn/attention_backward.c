#include "nn/attention_group.h"

#include "nn/vector.h"

/* What a call of the backward hands to every group. */
typedef struct backward_call {
    const score_streams *layout;
    unsigned streams;
    const score_term *terms;
    int term_count;
    const score_real *a;
    const score_attention_state *state;
    const score_real *out_bar;
    score_real *edge_query_bar;
    score_real *qkv_bar;
    score_real *x_bar;
} backward_call;

/* a, a', a'', the rates and the edge query as they were in the forward. */
static void recall(const backward_call *call, const score_attention_group *at,
                   const score_attention_scratch *scratch) {
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        score_real *pair = scratch->pair + s * scratch->stride;
        score_real *rate = scratch->rate + s * scratch->stride;
        score_attention_pad(at, scratch, scratch->bar + s * scratch->stride);
        score_rows_load(at->n, at->heads * at->n,
                        call->state->pair + at->pair + s * at->pair_stride, at->pair_ld,
                        s == 0 ? pair : rate, scratch->ld);
        if (s > 0)
            score_pairs_multiply(at, scratch, rate, pair);
        score_channels_load(at, scratch, s, call->state->edge_query, pair + scratch->channel);
    }
}

/* Through o = a v + A y + c: the adjoints of a, v and, behind the first, y. The first term of a
 * stream, (s, s, 0), is that which has the adjoint of y. */
static void out_backward(const backward_call *call, const score_attention_group *at,
                         const score_attention_scratch *scratch) {
    const int n = at->n, w = at->width;
    unsigned written = 0;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        const ptrdiff_t value = at->qkv + 2 * at->all + term.b * at->qkv_stride;
        const score_real *out_bar = call->out_bar + at->out + term.out * at->out_stride;
        const score_real *pair = scratch->pair + term.a * scratch->stride;
        score_real *bar = scratch->bar + term.a * scratch->stride;
        for (int h = 0; h < at->heads; h++) {
            const score_real *o_bar = out_bar + h * w;
            const score_rows left = {call->state->qkv + value + h * w, at->qkv_ld,
                                     call->a + at->head + h * w, at->all, n};
            score_small_product_transposed(first ? n + 3 : n, n, w, term.factor, &left, o_bar,
                                           at->all, bar + h * n, scratch->ld, !first);
            if (call->qkv_bar == NULL)
                continue;
            const score_rows right = {o_bar, at->all, NULL, 0, n};
            score_real *v_bar = call->qkv_bar + value + h * w;
            score_small_product(n, w, n, term.factor, (score_matrix){pair + h * n, scratch->ld, 1},
                                &right, score_has_stream(written, term.b) ? v_bar : NULL,
                                at->qkv_ld, v_bar, at->qkv_ld);
        }
        written |= 1u << term.b;
    }
}

/* Through y = a x - x: the adjoint of a. */
static void shift_backward(const backward_call *call, const score_attention_group *at,
                           const score_attention_scratch *scratch) {
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        if (score_attention_moves(call->layout, &term))
            score_channels_spread(at->n, scratch, term.factor,
                                  call->state->x + at->x + term.b * at->x_stride,
                                  scratch->bar + term.out * scratch->stride + scratch->channel,
                                  scratch->bar + term.a * scratch->stride);
    }
}

/* bar0 -= total rate, bar = factor (bar - total a), column by column */
SCORE_INLINE void take_mean(int n, ptrdiff_t ld, score_real factor, score_vector total,
                            const score_real *pair, const score_real *rate, score_real *bar0,
                            score_real *bar) {
    for (int j = 0; j < n; j++) {
        const ptrdiff_t at = j * ld;
        score_store(bar0 + at, score_load(bar0 + at) - total * score_load(rate + at));
        score_store(bar + at,
                    score_splat(factor) * (score_load(bar + at) - total * score_load(pair + at)));
    }
}

/* One vector of columns of softmax_backward; the pointers are to their first row. */
SCORE_INLINE void softmax_columns(const score_streams *layout, unsigned streams, int n,
                                  ptrdiff_t ld, ptrdiff_t stride, score_real factor,
                                  const score_real *pair, const score_real *rates,
                                  score_real *bars) {
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        const score_real *rate = rates + s * stride;
        score_real *bar = bars + s * stride;
        score_vector total = {0};
        for (int j = 0; j < n; j++) {
            const ptrdiff_t at = j * ld;
            const score_vector b = score_load(bar + at);
            score_store(bars + at, score_load(bars + at) + b * score_load(rate + at));
            /* now the adjoint of the rate, its own part */
            score_store(bar + at, b * score_load(pair + at));
            total += b * score_load(pair + at);
        }
        if (layout->order[s] < 2)
            continue;
        /* bar'' feeds q's r^2; L'' takes total times a (s'' + r^2) and 2 a r s' away */
        for (int j = 0; j < n; j++) {
            const ptrdiff_t at = j * ld;
            const score_vector own = score_load(bar + at) - total * score_load(pair + at);
            score_store(bar - stride + at,
                        score_load(bar - stride + at) +
                            score_splat(2) * score_load(rate - stride + at) * own);
        }
        take_mean(n, ld, factor, total, pair, rate, bars, bar);
    }
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s) || layout->order[s] != 1)
            continue;
        score_vector total = {0};
        for (int j = 0; j < n; j++)
            total += score_load(bars + s * stride + j * ld);
        take_mean(n, ld, factor, total, pair, rates + s * stride, bars, bars + s * stride);
    }
    score_vector mean = {0};
    for (int j = 0; j < n; j++)
        mean += score_load(pair + j * ld) * score_load(bars + j * ld);
    for (int j = 0; j < n; j++)
        score_store(bars + j * ld, score_splat(factor) * score_load(pair + j * ld) *
                                       (score_load(bars + j * ld) - mean));
}

/* From the adjoints of a, a', a'' to those of q . k + edge_query . x, of which the logits are
 * 1 / sqrt(w) times. With r = a'/a, q = a''/a, what is propagated is F = sum over j of
 * bar a + bar' a r + bar'' a q. */
static void softmax_backward(const backward_call *call, const score_attention_group *at,
                             const score_attention_scratch *scratch) {
    for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES)
        softmax_columns(call->layout, call->streams, at->n, scratch->ld, scratch->stride, at->root,
                        scratch->pair + i, scratch->rate + i, scratch->bar + i);
}

/* x[j][d][i] = sum over streams of a_ij times the adjoint of y_di and the adjoint of the logit
 * times p_di, for `beads` beads from `first` on. */
static void spread_coordinates(const backward_call *call, const score_attention_scratch *scratch,
                               int first, int beads) {
    const ptrdiff_t ld = scratch->ld, channel = scratch->channel;
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES) {
            const score_real *pair = scratch->pair + s * scratch->stride + i;
            const score_real *bar = scratch->bar + s * scratch->stride + i;
            score_real *x = scratch->x + i;
            score_vector p[3], y[3];
            SCORE_UNROLL
            for (int d = 0; d < 3; d++) {
                p[d] = score_load(pair + channel + d * ld);
                y[d] = score_load(bar + channel + d * ld);
            }
            for (int j = 0; j < beads; j++, x += 3 * ld) {
                const score_vector a = score_load(pair + (first + j) * ld);
                const score_vector b = score_load(bar + (first + j) * ld);
                SCORE_UNROLL
                for (int d = 0; d < 3; d++) {
                    score_vector part = a * y[d] + b * p[d];
                    if (s > 0)
                        part += score_load(x + d * ld);
                    score_store(x + d * ld, part);
                }
            }
        }
    }
}

/* The adjoint of x through y = a x - x and the logits: sums over the lanes of each head. */
static void coordinates_backward(const backward_call *call, const score_attention_group *at,
                                 const score_attention_scratch *scratch) {
    enum { MOST = SCORE_ATTENTION_BEADS };
    const score_real *y_bar = scratch->bar + scratch->channel;
    /* The last head's lanes may end before a vector that begins with them does. */
    for (int k = 0; k < 3 * MOST; k++)
        score_store(scratch->x + (k + 1) * scratch->ld - SCORE_LANES, (score_vector){0});
    for (int first = 0; first < at->n; first += MOST) {
        const int beads = at->n - first < MOST ? at->n - first : MOST;
        spread_coordinates(call, scratch, first, beads);
        for (int h = 0; h < at->heads; h++) {
            score_small_sums(3 * beads, at->n, scratch->x + h * at->n, scratch->ld, scratch->sums);
            score_real *x_bar = call->x_bar + at->channel_head * h + 3 * first;
            const score_real *own = y_bar + h * at->n + first;
            for (int j = 0; j < beads; j++)
                for (int d = 0; d < 3; d++)
                    x_bar[3 * j + d] += scratch->sums[3 * j + d] - own[d * scratch->ld + j];
        }
    }
}

/* The adjoint of the edge query, in the place of that of y. */
static void edge_query_backward(const backward_call *call, const score_attention_group *at,
                                const score_attention_scratch *scratch) {
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        if (score_attention_moves(call->layout, &term))
            score_channels_gather(
                at->n, scratch, term.factor, scratch->bar + term.out * scratch->stride,
                call->state->x + at->x + term.b * at->x_stride,
                scratch->bar + term.a * scratch->stride + scratch->channel, term.a != term.out);
    }
    for (int s = 0; call->edge_query_bar != NULL && s < call->layout->count; s++)
        if (score_has_stream(call->streams, s))
            score_channels_store(at, scratch, s,
                                 scratch->bar + s * scratch->stride + scratch->channel,
                                 call->edge_query_bar);
}

/* The adjoints of q and k; that of q also through the edge query. */
static void logits_backward(const backward_call *call, const score_attention_group *at,
                            const score_attention_scratch *scratch) {
    const int n = at->n, w = at->width;
    const ptrdiff_t ld = scratch->ld, qkv_ld = at->qkv_ld;
    unsigned written = 0;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        for (int h = 0; h < at->heads; h++) {
            const ptrdiff_t query = at->qkv + term.a * at->qkv_stride + h * w;
            const ptrdiff_t key = at->qkv + term.b * at->qkv_stride + at->all + h * w;
            const score_real *bar = scratch->bar + term.out * scratch->stride + h * n;
            const score_rows keys = {call->state->qkv + key, qkv_ld, call->a + at->head + h * w,
                                     at->all, n};
            const score_rows queries = {call->state->qkv + query, qkv_ld, NULL, 0, n};
            score_real *q_bar = call->qkv_bar + query, *k_bar = call->qkv_bar + key;
            score_small_product(n, w, first ? n + 3 : n, term.factor, (score_matrix){bar, 1, ld},
                                &keys, first ? NULL : q_bar, qkv_ld, q_bar, qkv_ld);
            score_small_product(n, w, n, term.factor, (score_matrix){bar, ld, 1}, &queries,
                                score_has_stream(written, term.b) ? k_bar : NULL, qkv_ld, k_bar,
                                qkv_ld);
        }
        written |= 1u << term.b;
    }
}

static void group_backward(const backward_call *call, const score_attention_group *at,
                           const score_attention_scratch *scratch) {
    recall(call, at, scratch);
    out_backward(call, at, scratch);
    shift_backward(call, at, scratch);
    softmax_backward(call, at, scratch);
    coordinates_backward(call, at, scratch);
    if (call->qkv_bar == NULL)
        return;
    edge_query_backward(call, at, scratch);
    logits_backward(call, at, scratch);
}

/* The adjoint of A through out += A y and edge_query = A^T q, over all molecules at once. */
static void edges_backward(const backward_call *call, const score_attention_shape *shape, int head,
                           score_real *a_bar) {
    const score_attention_group at = score_attention_find(shape, 0, head, 1, 0);
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        const ptrdiff_t channel = at.channel + s * at.channel_stride;
        const score_rows q = {call->state->qkv + at.qkv + s * at.qkv_stride, at.qkv_ld, NULL, 0,
                              shape->rows};
        const score_rows o_bar = {call->out_bar + at.out + s * at.out_stride, at.all, NULL, 0,
                                  shape->rows};
        score_small_product(3, at.width, shape->rows, 1,
                            (score_matrix){call->edge_query_bar + channel, at.channel_ld, 1}, &q,
                            a_bar, at.all, a_bar, at.all);
        score_small_product(3, at.width, shape->rows, 1,
                            (score_matrix){call->state->shift + channel, at.channel_ld, 1}, &o_bar,
                            a_bar, at.all, a_bar, at.all);
    }
}

void score_attention_backward(const score_streams *layout, unsigned streams,
                              const score_attention_shape *shape, const score_real *a,
                              const score_attention_state *state, const score_real *out_bar,
                              score_real *edge_query_bar, score_real *qkv_bar, score_real *x_bar,
                              score_real *a_bar, score_real *c_bar, score_real *work) {
    score_term terms[SCORE_MAX_TERMS];
    backward_call call = {.layout = layout,
                          .streams = streams,
                          .terms = terms,
                          .term_count = score_bilinear_terms(layout, streams, terms),
                          .a = a,
                          .state = state,
                          .out_bar = out_bar,
                          .edge_query_bar = a_bar == NULL ? NULL : edge_query_bar,
                          .qkv_bar = qkv_bar};
    const int w = shape->width;
    const ptrdiff_t all = (ptrdiff_t)shape->heads * w;
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        const int n = shape->first_row[m + 1] - shape->first_row[m];
        int heads;
        for (int h = shape->range.begin; h < shape->range.end; h += heads) {
            heads = score_attention_heads_at_once(shape->range.end - h, n);
            const score_attention_group group = score_attention_find(shape, m, h, heads, pair);
            const score_attention_scratch scratch = score_attention_share_out(layout, heads, n,
                                                                              work);
            call.x_bar = x_bar + h * group.channel_head + group.x;
            group_backward(&call, &group, &scratch);
        }
        pair += (ptrdiff_t)n * n;
    }
    for (int h = shape->range.begin; a_bar != NULL && h < shape->range.end; h++)
        edges_backward(&call, shape, h, a_bar + (ptrdiff_t)h * w);
    const int begin = shape->range.begin * w, end = shape->range.end * w;
    for (ptrdiff_t i = 0; c_bar != NULL && i < shape->rows; i++)
        score_add(end - begin, 1, out_bar + i * all + begin, c_bar + begin);
}
