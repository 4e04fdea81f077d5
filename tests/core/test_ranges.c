/* Layers that several threads share: a call handles its rows or columns and writes nothing else,
 * and the calls of all shares give what one call gives, to the last bit. Likewise for streams that
 * are computed in one pass or in two. */
#include <string.h>

#include "base/random.h"
#include "ladder.h"
#include "nn/activation.h"
#include "nn/gate.h"
#include "nn/layernorm.h"
#include "unit_test.h"

enum {
    ROWS = 5,
    WIDTH = 37, /* two registers and a rest at their widest */
    STREAM = ROWS * WIDTH,
    ALL = SCORE_MAX_STREAMS * STREAM,
    INPUTS = 4,
    OUTPUTS = 3,
};

/* What a layer reads and writes: inputs [streams][ROWS][WIDTH], weight [3][WIDTH]; outputs, of
 * which each layer uses some, and sums over rows. */
typedef struct arrays {
    score_real in[INPUTS][ALL];
    score_real weight[3 * WIDTH];
    score_real out[OUTPUTS][ALL];
    score_real scalar[SCORE_MAX_STREAMS * ROWS]; /* [streams][ROWS] */
    score_real sum[3 * WIDTH];
} arrays;

typedef struct layer {
    const char *name;
    bool shares_columns;
    /* `scalar` is read by a backward, written by a forward. */
    bool is_forward;
    void (*run)(arrays *at, const score_streams *layout, unsigned streams, score_range range);
} layer;

static void norm_forward(arrays *at, const score_streams *layout, unsigned streams,
                         score_range range) {
    score_layernorm_forward(layout, streams, ROWS, range, WIDTH, 1e-6, at->weight,
                            at->weight + WIDTH, at->in[0], at->out[0], at->out[1], at->scalar);
}

static void norm_backward(arrays *at, const score_streams *layout, unsigned streams,
                          score_range range) {
    score_layernorm_backward(layout, streams, ROWS, range, WIDTH, 1e-6, at->weight, at->in[0],
                             at->scalar, at->in[1], at->out[0], at->sum, at->sum + WIDTH);
}

static void gate_forward(arrays *at, const score_streams *layout, unsigned streams,
                         score_range range) {
    score_gate_forward(layout, streams, ROWS, range, WIDTH, at->weight, at->in[0], at->in[1],
                       at->out[0], at->scalar);
}

static void gate_backward(arrays *at, const score_streams *layout, unsigned streams,
                          score_range range) {
    score_gate_backward(layout, streams, ROWS, range, WIDTH, at->weight, at->in[0], at->in[1],
                        at->scalar, at->in[2], at->out[0], at->out[1], at->sum);
}

#define ACTIVATION(name, kind)                                                                     \
    static void name##_forward(arrays *at, const score_streams *layout, unsigned streams,          \
                               score_range range) {                                                \
        score_activation_forward(kind, layout, streams, ROWS, WIDTH, range, at->in[0], at->out[0], \
                                 at->out[1]);                                                      \
    }                                                                                              \
    static void name##_backward(arrays *at, const score_streams *layout, unsigned streams,         \
                                score_range range) {                                               \
        score_activation_backward(kind, layout, streams, ROWS, WIDTH, range, at->in[0], at->in[1], \
                                  at->out[0]);                                                     \
    }

ACTIVATION(gelu, SCORE_GELU)
ACTIVATION(gelu_erf, SCORE_GELU_ERF)
ACTIVATION(swish, SCORE_SWISH)

static const layer layers[] = {
    {"layernorm forward", false, true, norm_forward},
    {"layernorm backward", false, false, norm_backward},
    {"gate forward", false, true, gate_forward},
    {"gate backward", false, false, gate_backward},
    {"gelu forward", true, true, gelu_forward},
    {"gelu backward", true, false, gelu_backward},
    {"gelu with erf forward", true, true, gelu_erf_forward},
    {"gelu with erf backward", true, false, gelu_erf_backward},
    {"swish forward", true, true, swish_forward},
    {"swish backward", true, false, swish_backward},
};
enum { LAYERS = sizeof layers / sizeof *layers };

/* Normal numbers everywhere; variances are positive. */
static void fill(arrays *at) {
    score_random random = score_random_stream(1, 0, 0, 0);
    score_real *x = (score_real *)at;
    for (size_t k = 0; k < sizeof *at / sizeof *x; k++)
        x[k] = (score_real)score_random_normal(&random);
    for (int i = 0; i < ROWS; i++)
        at->scalar[i] = at->scalar[i] * at->scalar[i] + 1;
}

static bool same_bits(score_real a, score_real b) {
    uint64_t a_bits = 0, b_bits = 0;
    memcpy(&a_bits, &a, sizeof a);
    memcpy(&b_bits, &b, sizeof b);
    return a_bits == b_bits;
}

static void expect_alike(const layer *of, const arrays *value, const arrays *expected,
                         const char *what) {
    const score_real *a = (const score_real *)value, *b = (const score_real *)expected;
    for (size_t k = 0; k < sizeof *value / sizeof *a; k++)
        if (!same_bits(a[k], b[k]))
            fail_msg("%s, %s: number %zu is %.9g, expected %.9g", of->name, what, k, (double)a[k],
                     (double)b[k]);
}

/* Number `index` of a stream is of the `done` part of the rows or columns. */
static bool is_in(const layer *of, score_range done, int index, int width) {
    const int place = of->shares_columns ? index % width : index / width;
    return done.begin <= place && place < done.end;
}

static void expect_in_range_only(const layer *of, score_range done, int width, int count,
                                 const score_real *value, const score_real *before,
                                 const score_real *after) {
    for (int k = 0; k < count; k++) {
        const bool in = is_in(of, done, k % (ROWS * width), width);
        if (!same_bits(value[k], in ? after[k] : before[k]))
            fail_msg("%s of [%d, %d): number %d was %.9g and became %.9g, expected %.9g", of->name,
                     done.begin, done.end, k, (double)before[k], (double)value[k],
                     (double)(in ? after[k] : before[k]));
    }
}

static arrays before, whole, parts;

static void check_split(const layer *of, const score_streams *layout, int middle) {
    const int count = of->shares_columns ? WIDTH : ROWS;
    const unsigned streams = (1u << layout->count) - 1;
    const score_range ranges[2] = {{0, middle}, {middle, count}};
    memcpy(&whole, &before, sizeof whole);
    of->run(&whole, layout, streams, (score_range){0, count});
    /* The second part first: its sums over rows are then not those of the whole. */
    memcpy(&parts, &before, sizeof parts);
    of->run(&parts, layout, streams, ranges[1]);
    for (int k = 0; k < OUTPUTS; k++)
        expect_in_range_only(of, ranges[1], WIDTH, ALL, parts.out[k], before.out[k], whole.out[k]);
    if (!of->shares_columns)
        expect_in_range_only(of, ranges[1], 1, SCORE_MAX_STREAMS * ROWS, parts.scalar,
                             before.scalar, whole.scalar);
    memcpy(&parts, &before, sizeof parts);
    of->run(&parts, layout, streams, ranges[0]);
    of->run(&parts, layout, streams, ranges[1]);
    expect_alike(of, &parts, &whole, "two parts");
}

static void parts_are_the_whole_and_write_nothing_else(void **state) {
    (void)state;
    fill(&before);
    for (int k = 0; k < LAYERS; k++)
        for (int set = 0; set < STREAM_SETS; set++) {
            const score_streams layout = stream_set(set);
            for (int middle = 0; middle <= (layers[k].shares_columns ? WIDTH : ROWS); middle++)
                check_split(&layers[k], &layout, middle);
        }
}

/* Training computes the value and two directions, learns the third from them, and computes it. */
static void streams_may_come_in_two_passes(void **state) {
    (void)state;
    const score_streams layout = stream_set(STREAM_SETS - 1);
    const unsigned all = (1u << layout.count) - 1, last = 1u << (layout.count - 1);
    fill(&before);
    for (int k = 0; k < LAYERS; k++) {
        const layer *of = &layers[k];
        if (!of->is_forward)
            continue;
        const score_range range = {0, of->shares_columns ? WIDTH : ROWS};
        memcpy(&whole, &before, sizeof whole);
        of->run(&whole, &layout, all, range);
        memcpy(&parts, &before, sizeof parts);
        of->run(&parts, &layout, all & ~last, range);
        of->run(&parts, &layout, last, range);
        expect_alike(of, &parts, &whole, "two passes");
    }
}

/* The first backward of training is that of the value, which must not touch the others. */
static void the_value_alone_is_as_without_other_streams(void **state) {
    (void)state;
    const score_streams alone = stream_set(0), more = stream_set(STREAM_SETS - 1);
    fill(&before);
    for (int k = 0; k < LAYERS; k++) {
        const score_range range = {0, layers[k].shares_columns ? WIDTH : ROWS};
        memcpy(&whole, &before, sizeof whole);
        layers[k].run(&whole, &alone, 1u, range);
        memcpy(&parts, &before, sizeof parts);
        layers[k].run(&parts, &more, 1u, range);
        expect_alike(&layers[k], &parts, &whole, "the value among more streams");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_the_whole_and_write_nothing_else),
        cmocka_unit_test(streams_may_come_in_two_passes),
        cmocka_unit_test(the_value_alone_is_as_without_other_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
