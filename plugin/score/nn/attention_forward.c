#include "nn/attention_group.h"

#include "base/vector_math.h"

/* Softmax over j of `factor` times the pairs, in place. */
static void softmax(int n, const score_attention_scratch *scratch, score_real factor) {
    const ptrdiff_t ld = scratch->ld;
    for (score_real *column = scratch->pair, *end = column + scratch->lanes; column < end;
         column += SCORE_LANES) {
        score_vector largest = score_load(column), sum = {0};
        for (int j = 1; j < n; j++)
            largest = score_larger(largest, score_load(column + j * ld));
        for (int j = 0; j < n; j++) {
            const score_vector logit = score_load(column + j * ld) - largest;
            const score_vector e = score_exp_lanes(score_splat(factor) * logit);
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
 * mean over a; s' is `factor` times the rates given. For the second order a'/a is in the
 * stream before. */
static void softmax_rates(int n, const score_attention_scratch *scratch, score_real factor,
                          bool second, score_real *rate) {
    for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES) {
        score_vector mean = {0};
        for (int j = 0; j < n; j++) {
            const ptrdiff_t at = j * scratch->ld + i;
            score_vector r = score_splat(factor) * score_load(rate + at);
            if (second) {
                const score_vector first = score_load(rate - scratch->stride + at);
                r += first * first;
            }
            mean += score_load(scratch->pair + at) * r;
            score_store(rate + at, r);
        }
        for (int j = 0; j < n; j++) {
            const ptrdiff_t at = j * scratch->ld + i;
            score_store(rate + at, score_load(rate + at) - mean);
        }
    }
}

/* The streams that are needed but not computed in this call. */
static unsigned streams_kept(const score_streams *layout, unsigned streams) {
    unsigned needed = 0;
    for (int s = 1; s < layout->count; s++)
        if (score_has_stream(streams, s))
            needed |= layout->order[s] == 2 ? 1u | 1u << s >> 1 : 1u;
    return needed & ~streams;
}

/* What a call of the forward hands to every group. */
typedef struct forward_call {
    const score_streams *layout;
    unsigned streams;
    unsigned kept;
    const score_term *terms;
    int term_count;
    const score_real *a;
    const score_real *c;
    const score_attention_state *state;
    score_real *out;
} forward_call;

/* Fetches what was computed before, and transposes the coordinates, once for every head. */
static void prepare(const forward_call *call, const score_attention_group *at,
                    const score_attention_scratch *scratch) {
    const int n = at->n, whole = (int)score_whole_vectors(n);
    for (int s = 0; s < call->layout->count; s++) {
        score_real *pair = scratch->pair + s * scratch->stride;
        score_attention_pad(at, scratch, pair);
        if (score_has_stream(call->kept, s)) {
            score_rows_load(n, at->heads * n, call->state->pair + at->pair + s * at->pair_stride,
                            at->pair_ld, pair, scratch->ld);
            score_channels_load(at, scratch, s, call->state->edge_query, pair + scratch->channel);
        }
        const score_real *x = call->state->x + at->x + s * at->x_stride;
        for (int d = 0; d < 3 && score_has_stream(call->streams, s); d++) {
            score_real *row = scratch->x + (3 * s + d) * scratch->ld;
            for (int i = 0; i < whole; i++)
                row[i] = i < n ? x[3 * i + d] : 0;
            for (int h = 1; h < at->heads; h++)
                for (int i = 0; i < whole; i += SCORE_LANES)
                    score_store(row + h * n + i, score_load(row + i));
        }
    }
}

/* The logits of every stream, without their factor 1 / sqrt(w), and behind them the edge query. The
 * first term of a stream, (s, s, 0), is that which has its edge query. */
static void find_logits(const forward_call *call, const score_attention_group *at,
                        const score_attention_scratch *scratch) {
    const int n = at->n;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        const score_real *q = call->state->qkv + at->qkv + term.a * at->qkv_stride;
        const score_real *k = call->state->qkv + at->qkv + term.b * at->qkv_stride + at->all;
        score_real *logits = scratch->pair + term.out * scratch->stride;
        for (int h = 0; h < at->heads; h++) {
            const score_rows left = {k + h * at->width, at->qkv_ld,
                                     call->a + at->head + h * at->width, at->all, n};
            score_small_product_transposed(first ? n + 3 : n, n, at->width, term.factor, &left,
                                           q + h * at->width, at->qkv_ld, logits + h * n,
                                           scratch->ld, !first);
        }
        if (score_attention_moves(call->layout, &term))
            score_channels_spread(
                n, scratch, term.factor, call->state->x + at->x + term.b * at->x_stride,
                scratch->pair + term.a * scratch->stride + scratch->channel, logits);
    }
}

/* From logits to a, a' and a'', of which a and the rates are kept, and the edge query. */
static void find_probabilities(const forward_call *call, const score_attention_group *at,
                               const score_attention_scratch *scratch) {
    for (int s = 0; s < call->layout->count; s++) {
        score_real *pair = scratch->pair + s * scratch->stride;
        if (!score_has_stream(call->streams, s))
            continue;
        if (s == 0)
            softmax(at->n, scratch, at->root);
        else
            softmax_rates(at->n, scratch, at->root, call->layout->order[s] == 2, pair);
        score_rows_store(at->n, at->heads * at->n, pair, scratch->ld,
                         call->state->pair + at->pair + s * at->pair_stride, at->pair_ld);
        score_channels_store(at, scratch, s, pair + scratch->channel, call->state->edge_query);
    }
    for (int s = 1; s < call->layout->count; s++)
        if (score_has_stream(call->streams | call->kept, s))
            score_pairs_multiply(at, scratch, scratch->pair + s * scratch->stride,
                                 scratch->pair + s * scratch->stride);
}

/* y = sum over j of a x - x, in the place of the edge query */
static void find_shift(const forward_call *call, const score_attention_group *at,
                       const score_attention_scratch *scratch) {
    score_real *shift = scratch->pair + scratch->channel;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        if (score_attention_moves(call->layout, &term))
            score_channels_gather(at->n, scratch, term.factor,
                                  scratch->pair + term.a * scratch->stride,
                                  call->state->x + at->x + term.b * at->x_stride,
                                  shift + term.out * scratch->stride, term.a != term.out);
    }
    for (int s = 0; s < call->layout->count; s++) {
        if (!score_has_stream(call->streams, s))
            continue;
        score_real *y = shift + s * scratch->stride;
        for (int d = 0; call->layout->order[s] < 2 && d < 3; d++) {
            const score_real *x = scratch->x + (3 * s + d) * scratch->ld;
            for (ptrdiff_t i = 0; i < scratch->lanes; i += SCORE_LANES)
                score_store(y + d * scratch->ld + i,
                            score_load(y + d * scratch->ld + i) - score_load(x + i));
        }
        score_channels_store(at, scratch, s, y, call->state->shift);
    }
}

/* o = a v + A y + c */
static void find_out(const forward_call *call, const score_attention_group *at,
                     const score_attention_scratch *scratch) {
    const int n = at->n;
    for (int t = 0; t < call->term_count; t++) {
        const score_term term = call->terms[t];
        const bool first = term.a == term.out;
        const score_real *pair = scratch->pair + term.a * scratch->stride;
        const score_real *v = call->state->qkv + at->qkv + term.b * at->qkv_stride + 2 * at->all;
        score_real *out = call->out + at->out + term.out * at->out_stride;
        for (int h = 0; h < at->heads; h++) {
            const ptrdiff_t head = at->head + h * at->width;
            const score_rows right = {v + h * at->width, at->qkv_ld, call->a + head, at->all, n};
            const score_real *start = term.out == 0 ? call->c + head : NULL;
            score_real *o = out + h * at->width;
            score_small_product(n, at->width, first ? n + 3 : n, term.factor,
                                (score_matrix){pair + h * n, 1, scratch->ld}, &right,
                                first ? start : o, first ? 0 : at->all, o, at->all);
        }
    }
}

size_t score_attention_work_size(const score_streams *layout, int beads) {
    enum { UNIT = 64 / sizeof(score_real) };
    const size_t most = beads > SCORE_ATTENTION_LANES ? (size_t)beads : SCORE_ATTENTION_LANES;
    const size_t ld = most + 2 * SCORE_LANES, streams = (size_t)layout->count;
    const size_t channels = streams > SCORE_ATTENTION_BEADS ? streams : SCORE_ATTENTION_BEADS;
    const size_t sums = 3 * SCORE_ATTENTION_BEADS + SCORE_LANES;
    const size_t size = 3 * streams * (size_t)(beads + 3) * ld + 3 * channels * ld + sums;
    return (size + UNIT - 1) / UNIT * UNIT;
}

void score_attention_forward(const score_streams *layout, unsigned streams,
                             const score_attention_shape *shape, const score_real *a,
                             const score_real *c, const score_attention_state *state,
                             score_real *out, score_real *work) {
    score_term terms[SCORE_MAX_TERMS];
    const int term_count = score_bilinear_terms(layout, streams, terms);
    const forward_call call = {.layout = layout,
                               .streams = streams,
                               .kept = streams_kept(layout, streams),
                               .terms = terms,
                               .term_count = term_count,
                               .a = a,
                               .c = c,
                               .state = state,
                               .out = out};
    ptrdiff_t pair = 0;
    for (int m = 0; m < shape->molecules; m++) {
        const int n = shape->first_row[m + 1] - shape->first_row[m];
        int heads;
        for (int h = shape->range.begin; h < shape->range.end; h += heads) {
            heads = score_attention_heads_at_once(shape->range.end - h, n);
            const score_attention_group group = score_attention_find(shape, m, h, heads, pair);
            const score_attention_scratch scratch = score_attention_share_out(layout, heads, n,
                                                                              work);
            prepare(&call, &group, &scratch);
            find_logits(&call, &group, &scratch);
            find_probabilities(&call, &group, &scratch);
            find_shift(&call, &group, &scratch);
            find_out(&call, &group, &scratch);
        }
        pair += (ptrdiff_t)n * n;
    }
}
