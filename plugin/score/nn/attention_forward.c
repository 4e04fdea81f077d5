#include "nn/attention_head.h"

#include <string.h>

#include "base/vector_math.h"

SCORE_INLINE score_vector larger(score_vector u, score_vector v) {
    score_real x[SCORE_LANES], y[SCORE_LANES];
    score_store(x, u);
    score_store(y, v);
#pragma omp simd
    for (int l = 0; l < SCORE_LANES; l++)
        x[l] = x[l] > y[l] ? x[l] : y[l];
    return score_load(x);
}

SCORE_INLINE score_vector exponential(score_vector v) {
    score_real x[SCORE_LANES];
    score_store(x, v);
#pragma omp simd
    for (int l = 0; l < SCORE_LANES; l++)
        x[l] = score_exp(x[l]);
    return score_load(x);
}

/* Softmax over j of `factor` times the pairs, in place. */
static void softmax(int n, ptrdiff_t ld, score_real factor, score_real *pair) {
    for (score_real *column = pair; column < pair + ld; column += SCORE_LANES) {
        score_vector largest = score_load(column), sum = {0};
        for (int j = 1; j < n; j++)
            largest = larger(largest, score_load(column + j * ld));
        for (int j = 0; j < n; j++) {
            const score_vector logit = score_load(column + j * ld) - largest;
            const score_vector e = exponential(score_splat(factor) * logit);
            score_store(column + j * ld, e);
            sum += e;
        }
        const score_vector scale = score_splat(1) / sum;
        for (int j = 0; j < n; j++)
            score_store(column + j * ld, scale * score_load(column + j * ld));
    }
}

/* The streams of the softmax, in place: from s' to a'/a = s' - L', and from s'' to a''/a =
 * (a'/a)^2 + s'' - L'', where L = log sum exp s, L' = <s'>, L'' = <s'' + (a'/a)^2> and <> is the
 * mean over a; s' is `factor` times the rates given. `first` is a'/a for the second order, else
 * NULL. */
static void softmax_rates(int n, ptrdiff_t ld, score_real factor, const score_real *pair,
                          const score_real *first, score_real *rate) {
    for (ptrdiff_t i = 0; i < ld; i += SCORE_LANES) {
        score_vector mean = {0};
        for (int j = 0; j < n; j++) {
            const ptrdiff_t at = j * ld + i;
            score_vector r = score_splat(factor) * score_load(rate + at);
            if (first != NULL)
                r += score_load(first + at) * score_load(first + at);
            mean += score_load(pair + at) * r;
            score_store(rate + at, r);
        }
        for (int j = 0; j < n; j++)
            score_store(rate + j * ld + i, score_load(rate + j * ld + i) - mean);
    }
}

/* The streams that the terms need but that are not computed in this call. */
static unsigned streams_kept(unsigned streams, const score_term *terms, int term_count) {
    unsigned needed = 0;
    for (int t = 0; t < term_count; t++)
        needed |= 1u << terms[t].a | 1u << terms[t].b;
    return needed & ~streams;
}

/* What a call of the forward hands to every head. */
typedef struct forward_call {
    const score_streams *layout;
    unsigned streams;
    unsigned kept;
    const score_term *terms;
    int term_count;
    const score_real *a; /* of the head */
    const score_real *c;
    const score_attention_state *state;
    score_real *out;
} forward_call;

/* The logits of every stream, without their factor 1 / sqrt(w), and behind them the probe. The
 * first term of a stream, (s, s, 0), is that which has its probe. */
static void find_logits(const forward_call *call, const score_attention_head *head,
                        const score_attention_scratch *scratch) {
    const int n = head->n;
    const ptrdiff_t ld = scratch->ld;
    const score_real *q = call->state->qkv + head->qkv, *k = q + head->all;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        const score_rows left = {k + term.b * head->qkv_stride, head->qkv_ld, call->a, head->all,
                                 n};
        score_real *logits = scratch->pair + term.out * scratch->stride;
        score_product_transposed(first ? n + 3 : n, n, head->width, term.factor, &left,
                                 q + term.a * head->qkv_stride, head->qkv_ld, logits, ld, !first);
        if (score_attention_moves(call->layout, &term))
            score_channels_spread(
                n, ld, term.factor, call->state->x + head->x + term.b * head->x_stride,
                scratch->pair + term.a * scratch->stride + scratch->channel, logits);
    }
}

/* From logits to a, a' and a'', of which a and the rates are kept. */
static void find_probabilities(const forward_call *call, const score_attention_head *head,
                               const score_attention_scratch *scratch) {
    const int n = head->n;
    const ptrdiff_t ld = scratch->ld;
    for (int s = 0; s < call->layout->count; s++) {
        score_real *pair = scratch->pair + s * scratch->stride;
        if (!score_has_stream(call->streams, s))
            continue;
        if (s == 0)
            softmax(n, ld, head->root, pair);
        else
            softmax_rates(n, ld, head->root, scratch->pair,
                          call->layout->order[s] == 2 ? pair - scratch->stride : NULL, pair);
        score_rows_store(n, n, pair, ld, call->state->pair + head->pair + s * head->pair_stride, n);
        score_rows_store(3, n, pair + scratch->channel, ld,
                         call->state->probe + head->channel + s * head->channel_stride,
                         head->channel_ld);
    }
    for (int s = 1; s < call->layout->count; s++)
        if (score_has_stream(call->streams | call->kept, s))
            for (ptrdiff_t k = 0; k < n * ld; k++)
                scratch->pair[s * scratch->stride + k] *= scratch->pair[k];
}

/* y = sum over j of a x - x */
static void find_shift(const forward_call *call, const score_attention_head *head,
                       const score_attention_scratch *scratch) {
    const int n = head->n;
    const ptrdiff_t ld = scratch->ld;
    score_real *shift = scratch->rate + scratch->channel;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        if (score_attention_moves(call->layout, &term))
            score_channels_gather(n, ld, term.factor, scratch->pair + term.a * scratch->stride,
                                  call->state->x + head->x + term.b * head->x_stride,
                                  shift + term.out * scratch->stride, term.a != term.out);
    }
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        score_real *y = shift + s * scratch->stride;
        for (ptrdiff_t k = 0; call->layout->order[s] < 2 && k < 3 * ld; k++)
            y[k] -= scratch->x[s * 3 * ld + k];
        score_rows_store(3, n, y, ld, call->state->shift + head->channel + s * head->channel_stride,
                         head->channel_ld);
    }
}

static void forward_head(const forward_call *call, const score_attention_head *head,
                         const score_attention_scratch *scratch) {
    const int n = head->n;
    const score_real *v = call->state->qkv + head->qkv + 2 * head->all;
    score_real *out = call->out + head->out;
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->kept, s))
            continue;
        score_real *pair = scratch->pair + s * scratch->stride;
        score_rows_load(n, n, call->state->pair + head->pair + s * head->pair_stride, n, pair,
                        scratch->ld);
        score_rows_load(3, n, call->state->probe + head->channel + s * head->channel_stride,
                        head->channel_ld, pair + scratch->channel, scratch->ld);
    }
    find_logits(call, head, scratch);
    find_probabilities(call, head, scratch);
    find_shift(call, head, scratch);
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        score_real *o = out + term.out * head->out_stride;
        if (term.a == term.out)
            score_channels_expand(
                n, head->width, scratch->rate + term.out * scratch->stride + scratch->channel,
                scratch->ld, call->a, head->all, term.out == 0 ? call->c : NULL, o, head->all);
        score_product(n, head->width, n, term.factor,
                      (score_matrix){scratch->pair + term.a * scratch->stride, 1, scratch->ld},
                      v + term.b * head->qkv_stride, head->qkv_ld, o, head->all, true);
    }
}

size_t score_attention_work_size(const score_streams *layout, int width, int beads) {
    (void)width;
    const size_t ld = (size_t)score_attention_ld(beads);
    return (size_t)layout->count * (3 * (size_t)(beads + 3) * ld + 3 * ld) + 4 * (size_t)beads;
}

/* Clears what lies behind the beads, and transposes the coordinates. */
static void prepare(const forward_call *call, const score_attention_head *head,
                    const score_attention_scratch *scratch) {
    const ptrdiff_t ld = scratch->ld, all = call->layout->count * scratch->stride;
    memset(scratch->pair, 0, (size_t)all * sizeof *scratch->pair);
    for (int s = 0; s < call->layout->count; s++)
        for (int d = 0; d < 3 && score_has_stream(call->streams, s); d++)
            for (int i = 0; i < ld; i++)
                scratch->x[(3 * s + d) * ld + i] =
                    i < head->n ? call->state->x[head->x + s * head->x_stride + 3 * i + d] : 0;
}

void score_attention_forward(const score_streams *layout, unsigned streams,
                             const score_attention_shape *shape, const score_real *a,
                             const score_real *c, const score_attention_state *state,
                             score_real *out, score_real *work) {
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    forward_call call = {.layout = layout,
                         .streams = streams,
                         .kept = streams_kept(streams, terms, term_count),
                         .terms = terms,
                         .term_count = term_count,
                         .state = state,
                         .out = out};
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        const int n = shape->first_row[m + 1] - shape->first_row[m];
        const score_attention_scratch scratch = score_attention_share_out(layout, n, work);
        for (int h = shape->range.begin; h < shape->range.end; h++) {
            const score_attention_head head = score_attention_find(shape, m, h, pair);
            if (h == shape->range.begin)
                prepare(&call, &head, &scratch);
            call.a = a + (ptrdiff_t)h * shape->width;
            call.c = c + (ptrdiff_t)h * shape->width;
            forward_head(&call, &head, &scratch);
        }
        pair += (ptrdiff_t)n * n;
    }
}
