#include "ladder.h"

#include <math.h>
#include <string.h>

#include "random_models.h"
#include "unit_test.h"

/* Derivatives of f from its values at (-4, -2, -1, 0, 1, 2, 4) h: differences of fourth order at h
 * and 2 h, extrapolated to sixth (Richardson). Their errors are about 2 h^6 |f^(7)| / 100 + 2 eps
 * |f| / h for the first and h^6 |f^(8)| / 100 + 6 eps |f| / h^2 for the second derivative; with the
 * steps here and derivatives up to 1e6 |f|, below a tenth of the tolerances. */
enum { POINTS = 7 };
static const int places[POINTS] = {-4, -2, -1, 0, 1, 2, 4};
#define STEP 3e-4
#define FIRST_TOLERANCE 1e-10
#define SECOND_STEP 3e-3
#define SECOND_TOLERANCE 1e-8

static double first_derivative(const double f[POINTS], double h) {
    const double fine = (f[1] - 8 * f[2] + 8 * f[4] - f[5]) / 12;
    const double coarse = (f[0] - 8 * f[1] + 8 * f[5] - f[6]) / 24;
    return (16 * fine - coarse) / (15 * h);
}

static double second_derivative(const double f[POINTS], double h) {
    const double fine = (-f[1] + 16 * f[2] - 30 * f[3] + 16 * f[4] - f[5]) / 12;
    const double coarse = (-f[0] + 16 * f[1] - 30 * f[3] + 16 * f[5] - f[6]) / 48;
    return (16 * fine - coarse) / (15 * h * h);
}

void check_close(double value, double expected, double tolerance, const char *format, ...) {
    if (fabs(value - expected) <= tolerance)
        return;
    char where[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(where, sizeof where, format, arguments);
    va_end(arguments);
    fail_msg("%s: %.17g, expected %.17g (difference %.2g, allowed %.2g)", where, value, expected,
             value - expected, tolerance);
}

score_streams stream_set(int k) {
    const score_streams sets[STREAM_SETS] = {
        {.count = 1},
        {.count = 2, .order = {0, 1}},
        {.count = 6, .order = {0, 1, 2, 1, 2, 1}, .moves_time = {[5] = true}},
    };
    return sets[k];
}

static double *allocate(int size) {
    double *x = calloc((size_t)size + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static double scale_of(int size, const double *x) {
    double largest = 1;
    for (int k = 0; k < size; k++)
        largest = fmax(largest, fabs(x[k]));
    return largest;
}

/* y of the value alone at x + e x' + e^2/2 x''. */
static void value_at(const subject *self, const double *x, const double *first,
                     const double *second, double e, const double *theta, double *moved,
                     double *y) {
    for (int k = 0; k < self->x_size; k++)
        moved[k] = x[k] + e * first[k] + (second == NULL ? 0 : e * e / 2 * second[k]);
    self->forward(self, 1u, moved, theta, y);
}

/* Step 1, along one direction of the layout: stream s is its first order. */
static void check_direction(const subject *self, const double *x, const double *theta,
                            const double *y, int s, const char *what) {
    const int n = self->y_size;
    const int orders = s + 1 < self->layout.count && self->layout.order[s + 1] == 2 ? 2 : 1;
    const double *first = x + s * self->x_size;
    const double *second = orders == 2 ? first + self->x_size : NULL;
    double *moved = allocate(self->x_size), *at[POINTS], f[POINTS];
    for (int p = 0; p < POINTS; p++)
        at[p] = allocate(n * self->layout.count);
    for (int order = 1; order <= orders; order++) {
        const double step = order == 1 ? STEP : SECOND_STEP;
        const double *stream = y + (s + order - 1) * n;
        for (int p = 0; p < POINTS; p++)
            value_at(self, x, first, second, places[p] * step, theta, moved, at[p]);
        for (int k = 0; k < n; k++) {
            for (int p = 0; p < POINTS; p++)
                f[p] = at[p][k];
            check_close(stream[k],
                        order == 1 ? first_derivative(f, step) : second_derivative(f, step),
                        (order == 1 ? FIRST_TOLERANCE : SECOND_TOLERANCE) * scale_of(n, stream),
                        "%s: order %d of output %d, %s", self->name, order, k, what);
        }
    }
    for (int p = 0; p < POINTS; p++)
        free(at[p]);
    free(moved);
}

static void check_streams(const subject *self, const double *x, const double *theta) {
    const int all = self->layout.count * self->x_size;
    double *y = allocate(self->layout.count * self->y_size), *along = allocate(all);
    self->forward(self, (1u << self->layout.count) - 1, x, theta, y);
    for (int s = 1; s < self->layout.count; s++)
        if (self->layout.order[s] == 1)
            check_direction(self, x, theta, y, s, "random direction");
    /* every coordinate, and pairs of neighbours for the mixed second derivatives */
    for (int c = 0; c < self->x_size && self->layout.count > 1; c++) {
        memcpy(along, x, (size_t)self->x_size * sizeof *along);
        memset(along + self->x_size, 0, (size_t)(all - self->x_size) * sizeof *along);
        for (int s = 1; s < self->layout.count; s++)
            if (self->layout.order[s] == 1) {
                /* a direction that does not move time must not be asked to */
                along[s * self->x_size + c] = x[s * self->x_size + c] != 0 ? 1 : 0;
                const int next = (c + 1) % self->x_size;
                if (s > 1)
                    along[s * self->x_size + next] = x[s * self->x_size + next] != 0 ? 1 : 0;
            }
        self->forward(self, (1u << self->layout.count) - 1, along, theta, y);
        char what[64];
        snprintf(what, sizeof what, "coordinate %d", c);
        for (int s = 1; s < self->layout.count; s++)
            if (self->layout.order[s] == 1)
                check_direction(self, along, theta, y, s, what);
    }
    free(y);
    free(along);
}

static void check_adjoint(const subject *self, const double *x, const double *theta,
                          const double *y_bar) {
    if (self->layout.count < 2)
        return;
    double *y = allocate(self->layout.count * self->y_size);
    double *x_bar = allocate(self->layout.count * self->x_size);
    double *theta_bar = allocate(self->theta_size);
    self->forward(self, 3u, x, theta, y);
    self->backward(self, 1u, x, theta, y_bar, x_bar, theta_bar);
    double left = 0, right = 0, size = 1;
    for (int k = 0; k < self->y_size; k++) {
        left += y_bar[k] * y[self->y_size + k];
        size += fabs(y_bar[k] * y[self->y_size + k]);
    }
    for (int k = 0; k < self->x_size; k++) {
        right += x_bar[k] * x[self->x_size + k];
        size += fabs(x_bar[k] * x[self->x_size + k]);
    }
    /* two sums of `size` in all, each number some hundred roundings deep */
    check_close(left, right, 1e3 * SCORE_EPSILON * size, "%s: <y_bar, y'> and <x_bar, x'>",
                self->name);
    free(y);
    free(x_bar);
    free(theta_bar);
}

/* F = sum over all streams of y_bar y. */
static double weighted_sum(const subject *self, const double *x, const double *theta,
                           const double *y_bar, double *y) {
    self->forward(self, (1u << self->layout.count) - 1, x, theta, y);
    double sum = 0;
    for (int k = 0; k < self->layout.count * self->y_size; k++)
        sum += y_bar[k] * y[k];
    return sum;
}

/* dF by the number at `place`, which is inside x or theta. */
static double difference(const subject *self, const double *x, const double *theta,
                         const double *y_bar, double *y, double *place) {
    const double centre = *place;
    double f[POINTS];
    for (int p = 0; p < POINTS; p++) {
        *place = centre + places[p] * STEP;
        f[p] = weighted_sum(self, x, theta, y_bar, y);
    }
    *place = centre;
    return first_derivative(f, STEP);
}

static void check_backward(const subject *self, double *x, double *theta, const double *y_bar) {
    const unsigned streams = (1u << self->layout.count) - 1;
    double *y = allocate(self->layout.count * self->y_size);
    double *x_bar = allocate(self->layout.count * self->x_size);
    double *theta_bar = allocate(self->theta_size);
    weighted_sum(self, x, theta, y_bar, y);
    self->backward(self, streams, x, theta, y_bar, x_bar, theta_bar);
    const double x_scale = scale_of(self->layout.count * self->x_size, x_bar);
    for (int s = 0; s < self->layout.count; s++)
        for (int k = 0; k < (s == 0 ? self->x_size : self->straight); k++)
            check_close(x_bar[s * self->x_size + k],
                        difference(self, x, theta, y_bar, y, &x[s * self->x_size + k]),
                        FIRST_TOLERANCE * x_scale, "%s: adjoint of input %d, stream %d of %d",
                        self->name, k, s, self->layout.count);
    const double theta_scale = scale_of(self->theta_size, theta_bar);
    for (int k = 0; k < self->theta_size; k++)
        check_close(theta_bar[k], difference(self, x, theta, y_bar, y, &theta[k]),
                    FIRST_TOLERANCE * theta_scale, "%s: adjoint of parameter %d, %d streams",
                    self->name, k, self->layout.count);
    free(y);
    free(x_bar);
    free(theta_bar);
}

void climb(const subject *self) {
    const int x_all = self->layout.count * self->x_size, y_all = self->layout.count * self->y_size;
    double *x = allocate(x_all), *theta = allocate(self->theta_size), *y_bar = allocate(y_all);
    fill_normal(1, 1, x_all, x);
    fill_normal(2, 1, self->theta_size, theta);
    fill_normal(3, 1, y_all, y_bar);
    for (int k = 0; k < self->theta_size; k++)
        theta[k] *= 0.5;
    for (int s = 1; s < self->layout.count; s++) {
        const int from = self->layout.order[s] == 2   ? self->straight
                         : self->layout.moves_time[s] ? self->x_size
                                                      : self->time_from;
        memset(x + s * self->x_size + from, 0, (size_t)(self->x_size - from) * sizeof *x);
    }
    check_streams(self, x, theta);
    check_adjoint(self, x, theta, y_bar);
    check_backward(self, x, theta, y_bar);
    free(x);
    free(theta);
    free(y_bar);
}
