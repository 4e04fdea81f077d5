#include "nn/constant_attention.h"

#include <math.h>
#include <string.h>

#include "base/vector_math.h"
#include "nn/vector.h"

enum { L = SCORE_LANES };

/* Places the arrays, or measures them where `memory` is NULL. */
static size_t lay_out(score_constant_attention *constant, score_real *memory) {
    const size_t n = (size_t)constant->beads, h = (size_t)constant->hidden;
    const size_t heads = (size_t)constant->heads, ld = (size_t)constant->ld;
    const size_t inputs = (size_t)constant->inputs;
    const struct {
        score_real **array;
        size_t size;
    } parts[] = {
        {&constant->panels, score_panels_size(constant->inputs, constant->hidden)},
        {&constant->transposed, score_panels_size(constant->hidden, constant->inputs)},
        {&constant->logits, heads * n * ld},
        {&constant->edge_query, heads * 3 * ld},
        {&constant->node, n * h},
        {&constant->bias, h},
        {&constant->weight, inputs * h},
    };
    size_t used = 0;
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        *parts[k].array = memory == NULL ? NULL : memory + used;
        used += (size_t)score_whole_vectors((ptrdiff_t)parts[k].size);
    }
    return used;
}

static score_constant_attention shape_of(int heads, int hidden, int beads) {
    return (score_constant_attention){.beads = beads,
                                      .heads = heads,
                                      .hidden = hidden,
                                      .inputs = heads * (beads + 3),
                                      .ld = score_whole_vectors(beads)};
}

size_t score_constant_attention_size(int heads, int hidden, int beads) {
    score_constant_attention constant = shape_of(heads, hidden, beads);
    return lay_out(&constant, NULL);
}

size_t score_constant_attention_work_size(int beads) {
    return (size_t)(beads + 3) * (size_t)score_whole_vectors(beads);
}

/* The logits and the edge query of one head. */
static void set_logits(const score_constant_attention_source *source, int head,
                       const score_constant_attention *constant) {
    const int n = source->beads, w = source->width;
    const ptrdiff_t all = (ptrdiff_t)source->heads * w, ld = constant->ld;
    const score_real root = 1 / (score_real)sqrt((double)w);
    const score_real *q = source->qkv + (ptrdiff_t)head * w, *k = q + all;
    score_real *logits = constant->logits + head * n * ld,
               *edge_query = constant->edge_query + head * 3 * ld;
    memset(logits, 0, (size_t)(n * ld) * sizeof *logits);
    memset(edge_query, 0, (size_t)(3 * ld) * sizeof *edge_query);
    for (int i = 0; i < n; i++) {
        const score_real *qi = q + i * 3 * all;
        for (int j = 0; j < n; j++)
            logits[j * ld + i] = root * score_dot(w, qi, k + j * 3 * all);
        for (int d = 0; d < 3; d++)
            edge_query[d * ld + i] = root *
                                     score_dot(w, qi, source->a + d * all + (ptrdiff_t)head * w);
    }
}

score_constant_attention score_constant_attention_set(const score_constant_attention_source *source,
                                                      score_real *memory) {
    score_constant_attention constant = shape_of(source->heads, source->hidden, source->beads);
    const int n = source->beads, w = source->width, h = source->hidden;
    const ptrdiff_t all = (ptrdiff_t)source->heads * w;
    lay_out(&constant, memory);
    memcpy(constant.node, source->node, (size_t)n * (size_t)h * sizeof *memory);
    for (int head = 0; head < source->heads; head++) {
        const score_real *v = source->qkv + 2 * all + (ptrdiff_t)head * w;
        const score_real *out = source->out_weight + (ptrdiff_t)head * w * h;
        score_real *weight = constant.weight + (ptrdiff_t)head * (n + 3) * h;
        set_logits(source, head, &constant);
        score_product(n, h, w, 1, (score_matrix){v, 3 * all, 1}, out, h, weight, h, false);
        score_product(3, h, w, 1, (score_matrix){source->a + (ptrdiff_t)head * w, all, 1}, out, h,
                      weight + (ptrdiff_t)n * h, h, false);
    }
    memcpy(constant.bias, source->out_bias, (size_t)h * sizeof *memory);
    score_product(1, h, (int)all, 1, (score_matrix){source->c, all, 1}, source->out_weight, h,
                  constant.bias, h, true);
    score_panels_pack(constant.inputs, 0, h, (score_matrix){constant.weight, h, 1},
                      constant.panels);
    score_panels_pack(h, 0, constant.inputs, (score_matrix){constant.weight, 1, h},
                      constant.transposed);
    return constant;
}

/* a of one head and molecule for a vector's worth of beads i, in place of `a`, a row each bead j;
 * and y behind them. The beads' own coordinates x_i are `own`. */
static void forward_lanes(int n, ptrdiff_t ld, const score_real *logits,
                          const score_real *edge_query, const score_real *x,
                          const score_vector own[3], score_real *a, ptrdiff_t a_ld) {
    const score_vector p0 = score_load(edge_query), p1 = score_load(edge_query + ld);
    const score_vector p2 = score_load(edge_query + 2 * ld);
    score_vector largest = score_splat((score_real)-INFINITY), sum = {0}, y[3] = {{0}};
    for (int j = 0; j < n; j++) {
        const score_vector l = score_load(logits + j * ld) + x[3 * j] * p0 + x[3 * j + 1] * p1 +
                               x[3 * j + 2] * p2;
        score_store(a + j * a_ld, l);
        largest = score_larger(largest, l);
    }
    for (int j = 0; j < n; j++) {
        const score_vector e = score_exp_lanes(score_load(a + j * a_ld) - largest);
        score_store(a + j * a_ld, e);
        sum += e;
        for (int d = 0; d < 3; d++)
            y[d] += x[3 * j + d] * e;
    }
    const score_vector scale = 1 / sum;
    for (int j = 0; j < n; j++)
        score_store(a + j * a_ld, scale * score_load(a + j * a_ld));
    for (int d = 0; d < 3; d++)
        score_store(a + (n + d) * a_ld, scale * y[d] - own[d]);
}

/* x_i of a vector's worth of beads; zero behind the last. */
SCORE_INLINE void load_own(int n, int i, const score_real *x, score_vector own[3]) {
    score_real lanes[3][L] = {{0}};
    for (int l = 0; l < L && i + l < n; l++)
        for (int d = 0; d < 3; d++)
            lanes[d][l] = x[3 * (i + l) + d];
    for (int d = 0; d < 3; d++)
        own[d] = score_load(lanes[d]);
}

void score_constant_attention_forward(const score_constant_attention *constant, int molecules,
                                      score_range range, const score_real *x, score_real *input,
                                      ptrdiff_t input_ld) {
    const int n = constant->beads;
    const ptrdiff_t ld = constant->ld;
    for (int m = 0; m < molecules; m++, x += 3 * n, input += n)
        for (int i = 0; i < n; i += L) {
            score_vector own[3];
            load_own(n, i, x, own);
            for (int head = range.begin; head < range.end; head++)
                forward_lanes(n, ld, constant->logits + head * n * ld + i,
                              constant->edge_query + head * 3 * ld + i, x, own,
                              input + (ptrdiff_t)head * (n + 3) * input_ld + i, input_ld);
        }
}

/* Rows of the adjoint as rows of vectors: to[j][i] = from[i][j], zero behind the last bead. */
static void turn(int n, ptrdiff_t ld, const score_real *from, ptrdiff_t from_ld, score_real *to) {
    for (int j = 0; j < n + 3; j++)
        for (ptrdiff_t i = n; i < ld; i++)
            to[j * ld + i] = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n + 3; j++)
            to[j * ld + i] = from[i * from_ld + j];
}

/* The first `count` lanes: what stands behind a molecule's last bead is the next molecule's. */
static score_mask lanes_below(int count) {
    score_vector index;
    for (int l = 0; l < L; l++)
        index[l] = (score_real)l;
    return index < score_splat((score_real)count);
}

/* The adjoint of x through one head: x_j by the logits and by y, x_i by y. `bar`: adjoints of a,
 * then of y. */
static void backward_head(int n, ptrdiff_t ld, const score_real *edge_query, const score_real *x,
                          const score_real *a, ptrdiff_t a_ld, const score_real *bar,
                          score_real *x_bar) {
    for (ptrdiff_t i = 0; i < ld; i += L) {
        const score_real *y_bar = bar + n * ld + i;
        const score_vector y0 = score_load(y_bar), y1 = score_load(y_bar + ld);
        const score_vector y2 = score_load(y_bar + 2 * ld);
        const score_vector p0 = score_load(edge_query + i), p1 = score_load(edge_query + ld + i);
        const score_vector p2 = score_load(edge_query + 2 * ld + i);
        const score_mask inside = lanes_below(n - (int)i);
        const score_vector zero = {0};
        score_vector mean = {0};
        for (int j = 0; j < n; j++)
            mean += score_select(inside, score_load(a + j * a_ld + i), zero) *
                    (score_load(bar + j * ld + i) + x[3 * j] * y0 + x[3 * j + 1] * y1 +
                     x[3 * j + 2] * y2);
        for (int j = 0; j < n; j++) {
            const score_vector aj = score_select(inside, score_load(a + j * a_ld + i), zero);
            const score_vector a_bar = score_load(bar + j * ld + i) + x[3 * j] * y0 +
                                       x[3 * j + 1] * y1 + x[3 * j + 2] * y2;
            const score_vector l_bar = aj * (a_bar - mean);
            x_bar[3 * j] += score_lane_sum(l_bar * p0 + aj * y0);
            x_bar[3 * j + 1] += score_lane_sum(l_bar * p1 + aj * y1);
            x_bar[3 * j + 2] += score_lane_sum(l_bar * p2 + aj * y2);
        }
    }
    for (int i = 0; i < n; i++)
        for (int d = 0; d < 3; d++)
            x_bar[3 * i + d] -= bar[(n + d) * ld + i];
}

void score_constant_attention_backward(const score_constant_attention *constant, int molecules,
                                       score_range range, const score_real *x,
                                       const score_real *input, ptrdiff_t input_ld,
                                       const score_real *input_bar, score_real *x_bar,
                                       ptrdiff_t x_bar_stride, score_real *work) {
    const int n = constant->beads;
    for (int m = 0; m < molecules; m++)
        for (int head = range.begin; head < range.end; head++) {
            const ptrdiff_t first = (ptrdiff_t)head * (n + 3), row = (ptrdiff_t)m * n;
            turn(n, constant->ld, input_bar + row * constant->inputs + first, constant->inputs,
                 work);
            backward_head(n, constant->ld, constant->edge_query + head * 3 * constant->ld,
                          x + 3 * row, input + first * input_ld + row, input_ld, work,
                          x_bar + head * x_bar_stride + 3 * row);
        }
}
