#include "nn/gate.h"

#include "base/vector_math.h"
#include "nn/vector.h"

/* With d = new - old, out = old + d g; the logit l is linear, g elementwise, d g bilinear. So along
 * a direction
 *   out'  = old' + d' g + d g'
 *   out'' = old'' + d'' g + 2 d' g' + d g''
 * A row is read twice for each direction, all its orders at once. */

/* What a call is about. */
typedef struct gate {
    const score_streams *layout;
    unsigned streams;
    int rows;
    int width;
    ptrdiff_t stride; /* from one stream to the next */
    const score_real *weight;
    int direction_count;
    score_direction directions[SCORE_MAX_STREAMS];
} gate;

static gate gate_of(const score_streams *layout, unsigned streams, int rows, int width,
                    const score_real *weight) {
    gate it = {layout, streams, rows, width, (ptrdiff_t)rows * width, weight, 0, {{0, false}}};
    it.direction_count = score_directions(layout, streams, it.directions);
    return it;
}

/* The streams of l of one row, and from them g with the derivatives f of l -> g. */
typedef struct opening {
    score_real l[SCORE_MAX_STREAMS];
    score_real g[SCORE_MAX_STREAMS];
    score_real f[4];
} opening;

SCORE_INLINE void derive_gate(const gate *it, const score_real *logit, opening *of) {
    for (int s = 0; s < it->layout->count; s++)
        of->l[s] = logit[(ptrdiff_t)s * it->rows];
    const score_real g = score_logistic(of->l[0]), f1 = g * (1 - g), f2 = f1 * (1 - 2 * g);
    of->f[0] = g;
    of->f[1] = f1;
    of->f[2] = f2;
    of->f[3] = f2 * (1 - 2 * g) - 2 * f1 * f1;
    score_chain_forward(it->layout, it->streams | 1u, of->f, of->l, of->g);
}

SCORE_INLINE score_real derive_logit(const gate *it, const score_real *y, const score_real *z) {
    const score_real *w_new = it->weight, *w_old = w_new + it->width, *w_change = w_old + it->width;
    score_vector sum = {0};
    SCORE_EACH_VECTOR(it->width, {
        const score_vector fresh = SCORE_READ(y), old = SCORE_READ(z);
        sum += SCORE_READ(w_new) * fresh + SCORE_READ(w_old) * old +
               SCORE_READ(w_change) * (fresh - old);
    });
    return score_lane_sum(sum);
}

/* out' of one row, and out'' where `second`, which is a constant; g: g', g''. */
SCORE_INLINE void open_direction(bool second, const gate *it, score_real g0, const score_real *g,
                                 const score_real *y, const score_real *z, const score_real *y1,
                                 const score_real *z1, score_real *out1) {
    const score_real *y2 = y1 + it->stride, *z2 = z1 + it->stride;
    score_real *out2 = out1 + it->stride;
    const score_real g1 = g[0], g2 = second ? g[1] : 0;
    SCORE_EACH_VECTOR(it->width, {
        const score_vector old1 = SCORE_READ(z1);
        const score_vector change = SCORE_READ(y) - SCORE_READ(z), change1 = SCORE_READ(y1) - old1;
        SCORE_WRITE(out1, old1 + change1 * g0 + change * g1);
        if (second) {
            const score_vector old2 = SCORE_READ(z2);
            SCORE_WRITE(out2, old2 + (SCORE_READ(y2) - old2) * g0 + 2 * g1 * change1 + change * g2);
        }
    });
}

SCORE_INLINE void forward_row(const gate *it, const score_real *fresh, const score_real *old,
                              score_real *out, score_real *logit) {
    for (int s = 0; s < it->layout->count; s++)
        if (score_has_stream(it->streams, s))
            logit[(ptrdiff_t)s * it->rows] = derive_logit(it, fresh + s * it->stride,
                                                          old + s * it->stride);
    opening of = {{0}, {0}, {0}};
    derive_gate(it, logit, &of);
    const score_real g = of.g[0];
    if (score_has_stream(it->streams, 0))
        SCORE_EACH_VECTOR(it->width, {
            const score_vector z = SCORE_READ(old);
            SCORE_WRITE(out, z + g * (SCORE_READ(fresh) - z));
        });
    for (int d = 0; d < it->direction_count; d++) {
        const int s = it->directions[d].first;
        const ptrdiff_t at = s * it->stride;
        if (it->directions[d].second)
            open_direction(true, it, g, of.g + s, fresh, old, fresh + at, old + at, out + at);
        else
            open_direction(false, it, g, of.g + s, fresh, old, fresh + at, old + at, out + at);
    }
}

void score_gate_forward(const score_streams *layout, unsigned streams, int rows, score_range range,
                        int width, const score_real *weight, const score_real *fresh,
                        const score_real *old, score_real *out, score_real *logit) {
    const gate it = gate_of(layout, streams, rows, width, weight);
    for (int i = range.begin; i < range.end; i++) {
        const ptrdiff_t row = (ptrdiff_t)i * width;
        forward_row(&it, fresh + row, old + row, out + row, logit + i);
    }
}

/* The inputs, and the adjoint of the output, of one row. */
typedef struct arrays {
    const score_real *fresh;
    const score_real *old;
    const score_real *out_bar;
    score_real *fresh_bar;
    score_real *old_bar;
} arrays;

/* What a direction contributes to the adjoints of g. */
SCORE_INLINE void collect_direction(bool second, int s, const gate *it, const arrays *row,
                                    score_real *g_bar) {
    const score_real *y = row->fresh, *z = row->old;
    const score_real *y1 = y + s * it->stride, *z1 = z + s * it->stride;
    const score_real *y2 = y1 + it->stride, *z2 = z1 + it->stride;
    const score_real *bar1 = row->out_bar + s * it->stride, *bar2 = bar1 + it->stride;
    score_vector g0_bar = {0}, g1_bar = {0}, g2_bar = {0};
    SCORE_EACH_VECTOR(it->width, {
        const score_vector change = SCORE_READ(y) - SCORE_READ(z),
                           change1 = SCORE_READ(y1) - SCORE_READ(z1);
        const score_vector first_bar = SCORE_READ(bar1);
        g0_bar += first_bar * change1;
        g1_bar += first_bar * change;
        if (second) {
            const score_vector second_bar = SCORE_READ(bar2);
            g0_bar += second_bar * (SCORE_READ(y2) - SCORE_READ(z2));
            g1_bar += 2 * second_bar * change1;
            g2_bar += second_bar * change;
        }
    });
    g_bar[0] += score_lane_sum(g0_bar);
    g_bar[s] = score_lane_sum(g1_bar);
    if (second)
        g_bar[s + 1] = score_lane_sum(g2_bar);
}

/* fresh_bar and old_bar of a stream whose d has the adjoint `factor` out_bar, apart from what other
 * streams contribute. */
SCORE_INLINE void spread(const gate *it, score_real factor, score_real l_bar, const score_real *bar,
                         score_real *fresh_bar, score_real *old_bar) {
    const score_real *w_new = it->weight, *w_old = w_new + it->width, *w_change = w_old + it->width;
    SCORE_EACH_VECTOR(it->width, {
        const score_vector out_bar = SCORE_READ(bar);
        const score_vector change_bar = factor * out_bar + l_bar * SCORE_READ(w_change);
        SCORE_WRITE(fresh_bar, change_bar + l_bar * SCORE_READ(w_new));
        SCORE_WRITE(old_bar, out_bar - change_bar + l_bar * SCORE_READ(w_old));
    });
}

/* What the orders of a direction contribute to the adjoints of the lower ones. */
SCORE_INLINE void spread_direction(bool second, int s, const gate *it, const score_real *g,
                                   const arrays *row) {
    const score_real *bar1 = row->out_bar + s * it->stride, *bar2 = bar1 + it->stride;
    score_real *fresh_bar = row->fresh_bar, *fresh1_bar = fresh_bar + s * it->stride;
    score_real *old_bar = row->old_bar, *old1_bar = old_bar + s * it->stride;
    const score_real g1 = g[s], g2 = second ? g[s + 1] : 0;
    SCORE_EACH_VECTOR(it->width, {
        score_vector change_bar = g1 * SCORE_READ(bar1);
        if (second) {
            const score_vector second_bar = SCORE_READ(bar2), change1_bar = 2 * g1 * second_bar;
            change_bar += g2 * second_bar;
            SCORE_WRITE(fresh1_bar, SCORE_READ(fresh1_bar) + change1_bar);
            SCORE_WRITE(old1_bar, SCORE_READ(old1_bar) - change1_bar);
        }
        SCORE_WRITE(fresh_bar, SCORE_READ(fresh_bar) + change_bar);
        SCORE_WRITE(old_bar, SCORE_READ(old_bar) - change_bar);
    });
}

SCORE_INLINE void collect_weight(int width, score_real l_bar, const score_real *y,
                                 const score_real *z, score_real *weight_bar) {
    score_real *new_bar = weight_bar, *old_bar = new_bar + width, *change_bar = old_bar + width;
    SCORE_EACH_VECTOR(width, {
        const score_vector fresh = SCORE_READ(y), old = SCORE_READ(z);
        SCORE_WRITE(new_bar, SCORE_READ(new_bar) + l_bar * fresh);
        SCORE_WRITE(old_bar, SCORE_READ(old_bar) + l_bar * old);
        SCORE_WRITE(change_bar, SCORE_READ(change_bar) + l_bar * (fresh - old));
    });
}

SCORE_INLINE void backward_row(const gate *it, const score_real *logit, const arrays *row,
                               score_real *weight_bar) {
    opening of = {{0}, {0}, {0}};
    derive_gate(it, logit, &of);
    score_vector dot = {0};
    SCORE_EACH_VECTOR(it->width, dot += SCORE_READ(row->out_bar) *
                                        (SCORE_READ(row->fresh) - SCORE_READ(row->old)););
    score_real g_bar[SCORE_MAX_STREAMS] = {score_lane_sum(dot)}, l_bar[SCORE_MAX_STREAMS] = {0};
    for (int d = 0; d < it->direction_count; d++)
        if (it->directions[d].second)
            collect_direction(true, it->directions[d].first, it, row, g_bar);
        else
            collect_direction(false, it->directions[d].first, it, row, g_bar);
    score_chain_backward(it->layout, it->streams, of.f, of.l, g_bar, l_bar);
    for (int s = 0; s < it->layout->count; s++) {
        if (!score_has_stream(it->streams, s))
            continue;
        const ptrdiff_t at = s * it->stride;
        spread(it, of.g[0], l_bar[s], row->out_bar + at, row->fresh_bar + at, row->old_bar + at);
        if (weight_bar != NULL)
            collect_weight(it->width, l_bar[s], row->fresh + at, row->old + at, weight_bar);
    }
    for (int d = 0; d < it->direction_count; d++)
        if (it->directions[d].second)
            spread_direction(true, it->directions[d].first, it, of.g, row);
        else
            spread_direction(false, it->directions[d].first, it, of.g, row);
}

void score_gate_backward(const score_streams *layout, unsigned streams, int rows, score_range range,
                         int width, const score_real *weight, const score_real *fresh,
                         const score_real *old, const score_real *logit, const score_real *out_bar,
                         score_real *fresh_bar, score_real *old_bar, score_real *weight_bar) {
    const gate it = gate_of(layout, streams, rows, width, weight);
    for (int i = range.begin; i < range.end; i++) {
        const ptrdiff_t at = (ptrdiff_t)i * width;
        const arrays row = {fresh + at, old + at, out_bar + at, fresh_bar + at, old_bar + at};
        backward_row(&it, logit + i, &row, weight_bar);
    }
}
