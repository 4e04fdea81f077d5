#include "nn/attention_head.h"

#include "nn/vector.h"

/* What a call of the backward hands to every head. */
typedef struct backward_call {
    const score_streams *layout;
    unsigned streams;
    const score_term *terms;
    int term_count;
    const score_real *a; /* of the head */
    const score_attention_state *state;
    const score_real *out_bar;
    score_real *probe_bar;
    score_real *qkv_bar;
    score_real *x_bar; /* of the head */
} backward_call;

/* a, a', a'', the rates and the probe as they were in the forward. */
static void recall(const backward_call *call, const score_attention_head *head,
                   const score_attention_scratch *scratch) {
    const int n = head->n;
    const ptrdiff_t ld = scratch->ld;
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        score_real *pair = scratch->pair + s * scratch->stride;
        score_real *rate = scratch->rate + s * scratch->stride;
        score_rows_load(3, n, call->state->probe + head->channel + s * head->channel_stride,
                        head->channel_ld, pair + scratch->channel, ld);
        score_rows_load(n, n, call->state->pair + head->pair + s * head->pair_stride, n,
                        s == 0 ? pair : rate, ld);
        for (ptrdiff_t k = 0; s > 0 && k < n * ld; k++)
            pair[k] = scratch->pair[k] * rate[k];
    }
}

/* Adds the lanes of `rows` times three channels to the adjoint of the coordinates. */
static void add_to_x_bar(const backward_call *call, const score_attention_head *head,
                         const score_attention_scratch *scratch, score_real factor,
                         const score_real *rows, const score_real *channels, score_real *sums,
                         bool adds) {
    const score_rows left = {rows, scratch->ld, NULL, 0, head->n};
    score_product_transposed(head->n, 3, (int)scratch->ld, factor, &left, channels, scratch->ld,
                             sums, 4, adds);
    (void)call;
}

/* Through o = a v + A y + c and y = a x - x: the adjoints of v and a, and that of y behind the
 * latter; of x in columns. The first term of a stream, (s, s, 0), is that which has the adjoint of
 * y. */
static void values_backward(const backward_call *call, const score_attention_head *head,
                            const score_attention_scratch *scratch) {
    const int n = head->n, w = head->width;
    const ptrdiff_t ld = scratch->ld, stride = scratch->stride;
    const ptrdiff_t value = head->qkv + 2 * head->all;
    const score_real *out_bar = call->out_bar + head->out;
    unsigned written = 0;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        const score_real *o_bar = out_bar + term.out * head->out_stride;
        const score_real *pair = scratch->pair + term.a * stride;
        const score_real *y_bar = scratch->bar + term.out * stride + scratch->channel;
        const score_rows left = {call->state->qkv + value + term.b * head->qkv_stride, head->qkv_ld,
                                 call->a, head->all, n};
        score_real *bar = scratch->bar + term.a * stride;
        score_product_transposed(first ? n + 3 : n, n, w, term.factor, &left, o_bar, head->all, bar,
                                 ld, !first);
        if (score_attention_moves(call->layout, &term))
            score_channels_spread(n, ld, term.factor,
                                  call->state->x + head->x + term.b * head->x_stride, y_bar, bar);
        if (term.b == 0)
            add_to_x_bar(call, head, scratch, term.factor, pair, y_bar, scratch->x, term.out > 0);
        if (call->qkv_bar == NULL)
            continue;
        score_product(n, w, n, term.factor, (score_matrix){pair, ld, 1}, o_bar, head->all,
                      call->qkv_bar + value + term.b * head->qkv_stride, head->qkv_ld,
                      score_has_stream(written, term.b));
        written |= 1u << term.b;
    }
}

/* bar0 -= total rate, bar -= total a, column by column */
SCORE_INLINE void take_mean(int n, ptrdiff_t ld, score_vector total, const score_real *pair,
                            const score_real *rate, score_real *bar0, score_real *bar) {
    for (int j = 0; j < n; j++) {
        const ptrdiff_t at = j * ld;
        score_store(bar0 + at, score_load(bar0 + at) - total * score_load(rate + at));
        score_store(bar + at, score_load(bar + at) - total * score_load(pair + at));
    }
}

/* One vector of columns of softmax_backward; the pointers are to their first row. */
SCORE_INLINE void softmax_columns(const score_streams *layout, unsigned streams, int n,
                                  ptrdiff_t ld, ptrdiff_t stride, const score_real *pair,
                                  const score_real *rates, score_real *bars) {
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
        take_mean(n, ld, total, pair, rate, bars, bar);
    }
    for (int s = 1; s < layout->count; s++) {
        if (!score_has_stream(streams, s) || layout->order[s] != 1)
            continue;
        score_vector total = {0};
        for (int j = 0; j < n; j++)
            total += score_load(bars + s * stride + j * ld);
        take_mean(n, ld, total, pair, rates + s * stride, bars, bars + s * stride);
    }
    score_vector mean = {0};
    for (int j = 0; j < n; j++)
        mean += score_load(pair + j * ld) * score_load(bars + j * ld);
    for (int j = 0; j < n; j++)
        score_store(bars + j * ld, score_load(pair + j * ld) * (score_load(bars + j * ld) - mean));
}

/* From the adjoints of a, a', a'' to those of the logits, in place. With r = a'/a, q = a''/a, what
 * is propagated is F = sum over j of bar a + bar' a r + bar'' a q. */
static void softmax_backward(const backward_call *call, int n,
                             const score_attention_scratch *scratch) {
    for (ptrdiff_t i = 0; i < scratch->ld; i += SCORE_LANES)
        softmax_columns(call->layout, call->streams, n, scratch->ld, scratch->stride,
                        scratch->pair + i, scratch->rate + i, scratch->bar + i);
}

/* Through sim = (q . k + probe . x) / sqrt(w): the adjoints of x, q, k and the probe. */
static void logits_backward(const backward_call *call, const score_attention_head *head,
                            const score_attention_scratch *scratch) {
    const int n = head->n, w = head->width;
    const ptrdiff_t ld = scratch->ld, stride = scratch->stride, channel = scratch->channel;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        if (term.b == 0)
            add_to_x_bar(call, head, scratch, term.factor * head->root,
                         scratch->bar + term.out * stride,
                         scratch->pair + term.a * stride + channel, scratch->x, true);
    }
    if (call->qkv_bar == NULL)
        return;
    score_real *probe_bar = scratch->rate + channel;
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        bool adds = false;
        for (int t = 0; t < call->term_count; t++) {
            const score_term term = call->terms[t];
            if (term.a != s || !score_attention_moves(call->layout, &term))
                continue;
            score_channels_gather(n, ld, term.factor * head->root, scratch->bar + term.out * stride,
                                  call->state->x + head->x + term.b * head->x_stride,
                                  probe_bar + s * stride, adds);
            adds = true;
        }
        score_channels_expand(n, w, probe_bar + s * stride, ld, call->a, head->all, NULL,
                              call->qkv_bar + head->qkv + s * head->qkv_stride, head->qkv_ld);
        if (call->probe_bar != NULL)
            score_rows_store(3, n, probe_bar + s * stride, ld,
                             call->probe_bar + head->channel + s * head->channel_stride,
                             head->channel_ld);
    }
    unsigned written = 0;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const ptrdiff_t query = head->qkv + term.a * head->qkv_stride;
        const ptrdiff_t key = head->qkv + term.b * head->qkv_stride + head->all;
        const score_real *bar = scratch->bar + term.out * stride, *qkv = call->state->qkv;
        const score_real factor = term.factor * head->root;
        score_product(n, w, n, factor, (score_matrix){bar, 1, ld}, qkv + key, head->qkv_ld,
                      call->qkv_bar + query, head->qkv_ld, true);
        score_product(n, w, n, factor, (score_matrix){bar, ld, 1}, qkv + query, head->qkv_ld,
                      call->qkv_bar + key, head->qkv_ld, score_has_stream(written, term.b));
        written |= 1u << term.b;
    }
}

static void backward_head(const backward_call *call, const score_attention_head *head,
                          const score_attention_scratch *scratch) {
    const int n = head->n;
    recall(call, head, scratch);
    values_backward(call, head, scratch);
    softmax_backward(call, n, scratch);
    logits_backward(call, head, scratch);
    score_real *x_bar = call->x_bar + head->x;
    const score_real *y_bar = scratch->bar + scratch->channel;
    for (int j = 0; j < n; j++)
        for (int d = 0; d < 3; d++)
            x_bar[3 * j + d] += scratch->x[4 * j + d] - y_bar[d * scratch->ld + j];
}

/* The adjoint of A through out += A y and probe = A^T q, over all molecules at once. */
static void edges_backward(const backward_call *call, const score_attention_shape *shape, int head,
                           score_real *a_bar) {
    const score_attention_head at = score_attention_find(shape, 0, head, 0);
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        const ptrdiff_t channel = at.channel + s * at.channel_stride;
        score_product(3, at.width, shape->rows, 1,
                      (score_matrix){call->probe_bar + channel, at.channel_ld, 1},
                      call->state->qkv + at.qkv + s * at.qkv_stride, at.qkv_ld, a_bar, at.all,
                      true);
        score_product(3, at.width, shape->rows, 1,
                      (score_matrix){call->state->shift + channel, at.channel_ld, 1},
                      call->out_bar + at.out + s * at.out_stride, at.all, a_bar, at.all, true);
    }
}

void score_attention_backward(const score_streams *layout, unsigned streams,
                              const score_attention_shape *shape, const score_real *a,
                              const score_attention_state *state, const score_real *out_bar,
                              score_real *probe_bar, score_real *qkv_bar, score_real *x_bar,
                              score_real *a_bar, score_real *c_bar, score_real *work) {
    score_term terms[SCORE_MAX_TERMS];
    backward_call call = {.layout = layout,
                          .streams = streams,
                          .terms = terms,
                          .term_count = score_bilinear_terms(layout, streams, terms),
                          .state = state,
                          .out_bar = out_bar,
                          .probe_bar = a_bar == NULL ? NULL : probe_bar,
                          .qkv_bar = qkv_bar};
    const int w = shape->width;
    const ptrdiff_t all = (ptrdiff_t)shape->heads * w;
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        const int n = shape->first_row[m + 1] - shape->first_row[m];
        const score_attention_scratch scratch = score_attention_share_out(layout, n, work);
        memset(scratch.bar, 0, (size_t)(layout->count * scratch.stride) * sizeof *scratch.bar);
        for (int h = shape->range.begin; h < shape->range.end; h++) {
            const score_attention_head head = score_attention_find(shape, m, h, pair);
            call.a = a + (ptrdiff_t)h * w;
            call.x_bar = x_bar + (ptrdiff_t)h * shape->rows * 3;
            backward_head(&call, &head, &scratch);
        }
        pair += (ptrdiff_t)n * n;
    }
    for (int h = shape->range.begin; a_bar != NULL && h < shape->range.end; h++)
        edges_backward(&call, shape, h, a_bar + (ptrdiff_t)h * w);
    const int begin = shape->range.begin * w, end = shape->range.end * w;
    for (ptrdiff_t i = 0; c_bar != NULL && i < shape->rows; i++)
        score_add(end - begin, 1, out_bar + i * all + begin, c_bar + begin);
}
