/* What callers of the attention may do beyond the ladder: share the heads out to several calls,
 * compute streams in turn, and ask for the force alone. None changes a bit. */
#include <string.h>

#include "nn/attention.h"
#include "ladder.h"
#include "random_models.h"
#include "unit_test.h"

enum {
    HEADS = 4,
    WIDTH = 20,
    MOLECULES = 3, /* of 3, BEADS and 8 */
    BEADS = 19,    /* of the largest molecule */
    ROWS = 3 + BEADS + 8,
    PAIRS = 3 * 3 + BEADS * BEADS + 8 * 8,
    ALL = HEADS * WIDTH,
    STREAMS = 6,
};
static const int first_row[MOLECULES + 1] = {0, 3, 3 + BEADS, ROWS};

/* Inputs, and everything that a forward and a backward write. */
typedef struct arrays {
    double a[3 * ALL], c[ALL];
    double qkv[STREAMS * ROWS * 3 * ALL], x[STREAMS * ROWS * 3], out_bar[STREAMS * ROWS * ALL];
    double edge_query[STREAMS * ROWS * HEADS * 3], pair[STREAMS * HEADS * PAIRS];
    double shift[STREAMS * ROWS * HEADS * 3], out[STREAMS * ROWS * ALL];
    double edge_query_bar[STREAMS * ROWS * HEADS * 3], qkv_bar[STREAMS * ROWS * 3 * ALL];
    double x_bar[HEADS * ROWS * 3], a_bar[3 * ALL], c_bar[ALL];
} arrays;

static arrays *create(const score_streams *layout) {
    arrays *to = calloc(1, sizeof *to);
    assert_non_null(to);
    fill_normal(1, 1, 3 * ALL, to->a);
    fill_normal(2, 1, ALL, to->c);
    fill_normal(3, 1, layout->count * ROWS * 3 * ALL, to->qkv);
    fill_normal(4, 1, layout->count * ROWS * 3, to->x);
    for (int s = 0; s < layout->count; s++)
        if (layout->order[s] == 2)
            memset(to->x + s * ROWS * 3, 0, ROWS * 3 * sizeof *to->x);
    fill_normal(5, 1, layout->count * ROWS * ALL, to->out_bar);
    return to;
}

static score_attention_shape shape_of(int begin, int end) {
    return (score_attention_shape){.heads = HEADS,
                                   .width = WIDTH,
                                   .molecules = MOLECULES,
                                   .first_row = first_row,
                                   .rows = ROWS,
                                   .pairs = PAIRS,
                                   .range = {begin, end}};
}

static double *create_work(const score_streams *layout) {
    const size_t size = score_attention_work_size(layout, BEADS);
    double *work = malloc(size * sizeof *work);
    assert_non_null(work);
    memset(work, 0xff, size * sizeof *work); /* NaN: nothing of it may be used */
    return work;
}

static void forward(const score_streams *layout, unsigned streams, score_attention_shape shape,
                    arrays *to) {
    const score_attention_state state = {to->qkv, to->x, to->edge_query, to->pair, to->shift};
    double *work = create_work(layout);
    score_attention_forward(layout, streams, &shape, to->a, to->c, &state, to->out, work);
    free(work);
}

static void backward(const score_streams *layout, score_attention_shape shape, arrays *to,
                     bool wants_all) {
    const score_attention_state state = {to->qkv, to->x, to->edge_query, to->pair, to->shift};
    double *work = create_work(layout);
    score_attention_backward(layout, (1u << layout->count) - 1, &shape, to->a, &state, to->out_bar,
                             to->edge_query_bar, wants_all ? to->qkv_bar : NULL, to->x_bar,
                             wants_all ? to->a_bar : NULL, wants_all ? to->c_bar : NULL, work);
    free(work);
}

static void shared_out_heads_are_those_of_one_call(void **state) {
    (void)state;
    for (int set = 0; set < STREAM_SETS; set++) {
        const score_streams layout = stream_set(set);
        const unsigned streams = (1u << layout.count) - 1;
        arrays *whole = create(&layout), *halves = create(&layout);
        forward(&layout, streams, shape_of(0, HEADS), whole);
        backward(&layout, shape_of(0, HEADS), whole, true);
        forward(&layout, streams, shape_of(HEADS / 2, HEADS), halves);
        forward(&layout, streams, shape_of(0, HEADS / 2), halves);
        backward(&layout, shape_of(HEADS / 2, HEADS), halves, true);
        backward(&layout, shape_of(0, HEADS / 2), halves, true);
        assert_memory_equal(whole, halves, sizeof *whole);
        free(whole);
        free(halves);
    }
}

static void streams_in_turn_are_those_of_one_call(void **state) {
    (void)state;
    const score_streams layout = stream_set(STREAM_SETS - 1);
    assert_int_equal(layout.count, STREAMS);
    arrays *whole = create(&layout), *parts = create(&layout);
    forward(&layout, 0x3f, shape_of(0, HEADS), whole);
    forward(&layout, 0x1f, shape_of(0, HEADS), parts);
    forward(&layout, 0x20, shape_of(0, HEADS), parts);
    assert_memory_equal(whole, parts, sizeof *whole);
    free(whole);
    free(parts);
}

static void the_force_alone_is_that_of_the_full_backward(void **state) {
    (void)state;
    const score_streams layout = stream_set(0);
    arrays *full = create(&layout), *force = create(&layout);
    forward(&layout, 1, shape_of(0, HEADS), full);
    backward(&layout, shape_of(0, HEADS), full, true);
    forward(&layout, 1, shape_of(0, HEADS), force);
    backward(&layout, shape_of(0, HEADS), force, false);
    assert_memory_equal(full->x_bar, force->x_bar, sizeof full->x_bar);
    free(full);
    free(force);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_out_heads_are_those_of_one_call),
        cmocka_unit_test(streams_in_turn_are_those_of_one_call),
        cmocka_unit_test(the_force_alone_is_that_of_the_full_backward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
