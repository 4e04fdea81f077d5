/* The base of an energy, -log g_t, as a layer: the ladder, and the exact density. Double and float,
 * every set of instructions. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "gaussians.h"
#include "ladder.h"
#include "model/diffused_gaussian.h"
#include "unit_test.h"
#include "random_models.h"

enum { MOLECULES = 2, SIZE = MOLECULES * GAUSSIAN_MOST };
static score_noise_schedule schedule; /* every kind in turn */
static const double TIMES[] = {1e-5, 1e-3, 0.03, 0.3, 1};
enum { TIME_COUNT = sizeof TIMES / sizeof TIMES[0] };

/* Two molecules, where it is over all of different sizes. */
static score_diffused_gaussian shape_of(const gaussian_kind *kind, int first_row[MOLECULES + 1]) {
    const int second = kind->beads - (kind->gaussian.over == SCORE_OVER_ALL ? 2 : 0);
    first_row[0] = 0;
    first_row[1] = kind->beads;
    first_row[2] = kind->beads + second;
    return (score_diffused_gaussian){.gaussian = &kind->gaussian,
                                     .schedule = schedule,
                                     .dimensions = kind->dimensions,
                                     .centred = kind->centred,
                                     .molecules = MOLECULES,
                                     .rows = first_row[2],
                                     .first_row = first_row};
}

#ifndef SCORE_SINGLE
/* The inputs of these streams, coordinates and then times, apart. */
static void split(const subject *self, unsigned streams, const double *inputs, double *x,
                  double *t) {
    const score_diffused_gaussian *shape = self->data;
    const int size = shape->rows * shape->dimensions;
    for (int s = 0; s < self->layout.count; s++) {
        if (!score_has_stream(streams, s))
            continue;
        memcpy(x + s * size, inputs + s * self->x_size, (size_t)size * sizeof *x);
        for (int m = 0; m < MOLECULES; m++)
            t[s * MOLECULES + m] = s > 0 && !self->layout.moves_time[s]
                                       ? NAN /* not read */
                                       : (s == 0 ? 0.3 : 0) +
                                             0.05 * inputs[s * self->x_size + size + m];
    }
}

static void forward(const subject *self, unsigned streams, const double *inputs,
                    const double *theta, double *y) {
    double x[SCORE_MAX_STREAMS * SIZE], t[SCORE_MAX_STREAMS * MOLECULES];
    (void)theta;
    split(self, streams, inputs, x, t);
    for (int k = 0; k < self->layout.count * MOLECULES; k++)
        if (score_has_stream(streams, k / MOLECULES))
            y[k] = 7; /* what there is stays */
    score_diffused_gaussian_forward(&self->layout, streams, self->data, x, t, y);
    for (int k = 0; k < self->layout.count * MOLECULES; k++)
        if (score_has_stream(streams, k / MOLECULES))
            y[k] -= 7;
}

static void backward(const subject *self, unsigned streams, const double *inputs,
                     const double *theta, const double *y_bar, double *x_bar, double *theta_bar) {
    const score_diffused_gaussian *shape = self->data;
    const int size = shape->rows * shape->dimensions;
    double x[SCORE_MAX_STREAMS * SIZE], t[SCORE_MAX_STREAMS * MOLECULES], t_bar[MOLECULES] = {0};
    double without[SIZE];
    (void)theta;
    (void)theta_bar;
    memcpy(without, x_bar, (size_t)size * sizeof *x_bar);
    split(self, streams, inputs, x, t);
    score_diffused_gaussian_backward(&self->layout, streams, shape, x, t, y_bar, x_bar, t_bar);
    for (int m = 0; m < MOLECULES; m++)
        x_bar[size + m] += 0.05 * t_bar[m];
    score_diffused_gaussian_backward(&self->layout, streams, shape, x, t, y_bar, without, NULL);
    assert_memory_equal(x_bar, without, (size_t)size * sizeof *x_bar);
}

/* stream_set()'s, and one whose direction with second order moves time. */
static score_streams streams_of(int set) {
    const score_streams through_time = {.count = 3, .order = {0, 1, 2}, .moves_time = {0, 1, 1}};
    return set < STREAM_SETS ? stream_set(set) : through_time;
}

static void every_kind_climbs_the_ladder(void **state) {
    (void)state;
    for (int k = 0; k < GAUSSIAN_KINDS; k++)
        for (int set = 0; set <= STREAM_SETS; set++) {
            const gaussian_kind kind = gaussian_of_kind(k);
            int first_row[MOLECULES + 1];
            score_diffused_gaussian shape = shape_of(&kind, first_row);
            const int size = shape.rows * shape.dimensions;
            const subject self = {kind.name, streams_of(set), size + MOLECULES, 0,        size,
                                  0,         MOLECULES,       forward,          backward, &shape};
            climb(&self);
        }
}
#endif

/* Coordinates as the layer gets them, of the width that the data have at t. */
static void make_x(const score_diffused_gaussian *shape, unsigned seed, score_real *x,
                   double *exact) {
    fill_normal(seed, 1, shape->rows * shape->dimensions, exact);
    for (int m = 0; m < MOLECULES && shape->centred; m++)
        for (int c = 0; c < shape->dimensions; c++) {
            double mean = 0;
            const int begin = shape->first_row[m], end = shape->first_row[m + 1];
            for (int i = begin; i < end; i++)
                mean += exact[i * shape->dimensions + c] / (end - begin);
            for (int i = begin; i < end; i++)
                exact[i * shape->dimensions + c] -= mean;
        }
    for (int k = 0; k < shape->rows * shape->dimensions; k++) {
        x[k] = (score_real)exact[k];
        exact[k] = (double)x[k];
    }
}

/* Sums of some ten terms of size 10 over variances of .15, then one rounding to score_real. */
static void value_is_the_exact_density(void **state) {
    (void)state;
    const score_streams value = {.count = 1};
    for (int k = 0; k < GAUSSIAN_KINDS; k++)
        for (int n = 0; n < TIME_COUNT; n++) {
            const gaussian_kind kind = gaussian_of_kind(k);
            int first_row[MOLECULES + 1];
            const score_diffused_gaussian shape = shape_of(&kind, first_row);
            score_real x[SIZE], energy[MOLECULES] = {0};
            const score_real t[MOLECULES] = {(score_real)TIMES[n], (score_real)TIMES[n]};
            double exact[SIZE];
            make_x(&shape, (unsigned)(50 + n), x, exact);
            score_diffused_gaussian_forward(&value, 1u, &shape, x, t, energy);
            for (int m = 0; m < MOLECULES; m++) {
                const double expected = exact_log_density(
                    &kind, schedule, first_row[m + 1] - first_row[m], (double)t[m],
                    exact + first_row[m] * kind.dimensions);
                check_close(-(double)energy[m], expected,
                            (1e3 * DBL_EPSILON + SCORE_EPSILON) * (10 + fabs(expected)),
                            "%s, molecule %d at %g", kind.name, m, TIMES[n]);
            }
        }
}

/* The divergence of the score, from second orders along every coordinate of molecule m; adds to
 * `terms` what it consists of. */
static double divergence(const score_diffused_gaussian *shape, const score_real *value,
                         const score_real *t, int m, double *terms) {
    const score_streams layout = {.count = 3, .order = {0, 1, 2}};
    const int size = shape->rows * shape->dimensions;
    score_real x[3 * SIZE] = {0};
    double sum = 0;
    memcpy(x, value, (size_t)size * sizeof *x);
    for (int k = shape->first_row[m] * shape->dimensions;
         k < shape->first_row[m + 1] * shape->dimensions; k++) {
        score_real energy[3 * MOLECULES] = {0};
        const score_real times[3 * MOLECULES] = {t[0], t[1]};
        memset(x + size, 0, (size_t)size * sizeof *x);
        x[size + k] = 1;
        /* Where over all, the layer takes it that x is centred, and so are directions. */
        for (int i = shape->first_row[m]; i < shape->first_row[m + 1] && shape->centred; i++)
            x[size + i * shape->dimensions + k % shape->dimensions] -=
                (score_real)(1.0 / (shape->first_row[m + 1] - shape->first_row[m]));
        score_diffused_gaussian_forward(&layout, 7u, shape, x, times, energy);
        sum -= (double)energy[2 * MOLECULES + m];
        *terms += fabs((double)energy[2 * MOLECULES + m]);
    }
    return sum;
}

static void fokker_planck_holds(void **state) {
    (void)state;
    const score_streams value = {.count = 1};
    for (int k = 0; k < GAUSSIAN_KINDS; k++)
        for (int n = 0; n < TIME_COUNT; n++) {
            const gaussian_kind kind = gaussian_of_kind(k);
            int first_row[MOLECULES + 1];
            const score_diffused_gaussian shape = shape_of(&kind, first_row);
            score_real x[SIZE], s[SIZE] = {0}, rate[MOLECULES] = {0};
            const score_real t[MOLECULES] = {(score_real)TIMES[n], (score_real)TIMES[n]};
            const score_real bar[MOLECULES] = {-1, -1};
            double exact[SIZE];
            make_x(&shape, (unsigned)(60 + n), x, exact);
            score_diffused_gaussian_backward(&value, 1u, &shape, x, t, bar, s, rate);
            for (int m = 0; m < MOLECULES; m++) {
                const int beads = first_row[m + 1] - first_row[m];
                const double half = score_beta(schedule, (double)t[m]) / 2;
                double terms = density_dimensions(&kind, beads), sum = terms;
                sum += divergence(&shape, x, t, m, &terms);
                for (int c = first_row[m] * kind.dimensions; c < first_row[m + 1] * kind.dimensions;
                     c++) {
                    sum += (double)s[c] * ((double)s[c] + (double)x[c]);
                    terms += (double)s[c] * (double)s[c] + fabs((double)s[c] * (double)x[c]);
                }
                check_close((double)rate[m], half * sum,
                            100 * SCORE_EPSILON * half * terms + DBL_MIN, "%s, molecule %d at %g",
                            kind.name, m, TIMES[n]);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#ifndef SCORE_SINGLE
        cmocka_unit_test(every_kind_climbs_the_ladder),
#endif
        cmocka_unit_test(value_is_the_exact_density),
        cmocka_unit_test(fokker_planck_holds),
    };
    int failed = 0;
    for (int kind = 0; score_noise_schedule_word(kind) != NULL; kind++) {
        schedule = score_noise_schedule_usual(kind);
        failed += cmocka_run_group_tests_name(score_noise_schedule_word(kind), tests, NULL, NULL);
    }
    return failed;
}
