#include "gaussians.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

typedef struct numbers {
    double variances[GAUSSIAN_MOST];
    double directions[GAUSSIAN_MOST * GAUSSIAN_MOST];
    double mean[GAUSSIAN_MOST];
} numbers;

static const struct {
    const char *name;
    score_over over;
    int dimensions, centred, beads, has_mean;
    double narrower; /* variances are so many times smaller */
} KINDS[GAUSSIAN_KINDS] = {
    {"over beads, centred", SCORE_OVER_BEADS, 3, 1, 4, 0, 1},
    {"over beads, not centred", SCORE_OVER_BEADS, 3, 0, 3, 0, 1},
    {"over coordinates of a point in the plane", SCORE_OVER_COORDINATES, 2, 0, 1, 1, 1},
    {"over coordinates, centred", SCORE_OVER_COORDINATES, 3, 1, 3, 1, 1},
    {"over coordinates, no mean", SCORE_OVER_COORDINATES, 2, 0, 2, 0, 1},
    {"over all, centred", SCORE_OVER_ALL, 3, 1, 4, 0, 1},
    {"over all, not centred", SCORE_OVER_ALL, 3, 0, 3, 0, 1},
    {"over three beads, centred", SCORE_OVER_BEADS, 3, 1, 3, 0, 1},
    {"narrower than the noise ever is", SCORE_OVER_COORDINATES, 1, 0, 1, 1, 1e9},
};

/* Takes the mean over beads out of a row of beads x columns. */
static void centre(int beads, int columns, double *row) {
    for (int c = 0; c < columns; c++) {
        double mean = 0;
        for (int i = 0; i < beads; i++)
            mean += row[i * columns + c] / beads;
        for (int i = 0; i < beads; i++)
            row[i * columns + c] -= mean;
    }
}

/* Random directions, made orthonormal one after the other (twice, for rounding). */
static void orthonormalise(int modes, int width, double *directions) {
    for (int k = 0; k < modes; k++)
        for (int turn = 0; turn < 2; turn++) {
            double *row = directions + k * width, square = 0;
            for (int j = 0; j < k; j++) {
                double product = 0;
                for (int i = 0; i < width; i++)
                    product += row[i] * directions[j * width + i];
                for (int i = 0; i < width; i++)
                    row[i] -= product * directions[j * width + i];
            }
            for (int i = 0; i < width; i++)
                square += row[i] * row[i];
            for (int i = 0; i < width; i++)
                row[i] /= sqrt(square);
        }
}

gaussian_kind gaussian_of_kind(int k) {
    static numbers all[GAUSSIAN_KINDS];
    numbers *own = &all[k];
    const int d = KINDS[k].dimensions, beads = KINDS[k].beads;
    const int columns = KINDS[k].over == SCORE_OVER_COORDINATES ? d : 1;
    const int width = KINDS[k].over == SCORE_OVER_ALL ? 0 : beads * columns;
    const int modes = KINDS[k].over == SCORE_OVER_ALL ? 1 : (beads - KINDS[k].centred) * columns;
    score_random random = score_random_stream(40, 0, 0, (uint32_t)k);
    for (int i = 0; i < modes * width; i++)
        own->directions[i] = score_random_normal(&random);
    for (int i = 0; i < width; i++)
        own->mean[i] = score_random_normal(&random);
    for (int i = 0; i < modes && KINDS[k].centred && width > 0; i++)
        centre(beads, columns, own->directions + i * width);
    if (KINDS[k].centred && width > 0)
        centre(beads, columns, own->mean);
    orthonormalise(modes, width, own->directions);
    for (int i = 0; i < modes; i++) /* from .15 to 2 */
        own->variances[i] = 0.15 * exp(2.6 * score_random_uniform(&random)) / KINDS[k].narrower;
    return (gaussian_kind){.name = KINDS[k].name,
                           .gaussian = {.over = KINDS[k].over,
                                        .modes = modes,
                                        .width = width,
                                        .variances = own->variances,
                                        .directions = width > 0 ? own->directions : NULL,
                                        .mean = KINDS[k].has_mean ? own->mean : NULL},
                           .dimensions = d,
                           .centred = KINDS[k].centred,
                           .beads = beads};
}

int density_dimensions(const gaussian_kind *kind, int beads) {
    return (beads - kind->centred) * kind->dimensions;
}

/* Element (i, c), (j, e) of the covariance of the coordinates at t = 0. */
static double covariance(const gaussian_kind *kind, int i, int c, int j, int e) {
    const score_gaussian *gaussian = &kind->gaussian;
    const int columns = gaussian->over == SCORE_OVER_COORDINATES ? kind->dimensions : 1;
    double sum = 0;
    if (gaussian->over == SCORE_OVER_ALL)
        return i == j && c == e ? gaussian->variances[0] : 0;
    if (gaussian->over == SCORE_OVER_BEADS && c != e)
        return 0;
    for (int k = 0; k < gaussian->modes; k++) {
        const double *row = gaussian->directions + k * gaussian->width;
        sum += gaussian->variances[k] * row[i * columns + (columns > 1 ? c : 0)] *
               row[j * columns + (columns > 1 ? e : 0)];
    }
    return sum;
}

/* How much of bead i is in coordinate k of what is seen: bead k, or the difference between the mean
 * of beads 0 to k and bead k + 1, of length 1. */
static double basis(const gaussian_kind *kind, int k, int i) {
    if (!kind->centred)
        return i == k;
    const double length = sqrt((k + 1) * (k + 2.0));
    return i <= k ? 1 / length : i == k + 1 ? -(k + 1) / length : 0;
}

/* y = L^-1 y for the lower triangle L with L L^T = a, and log det L. */
static double solve(int n, double *a, double *y) {
    double log_determinant = 0;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = a[i * n + j];
            for (int k = 0; k < j; k++)
                sum -= a[i * n + k] * a[j * n + k];
            a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
        }
        for (int k = 0; k < i; k++)
            y[i] -= a[i * n + k] * y[k];
        y[i] /= a[i * n + i];
        log_determinant += log(a[i * n + i]);
    }
    return log_determinant;
}

/* log m, written a second time. */
static double log_signal(score_noise_schedule schedule, double t) {
    const double *s = schedule.settings;
    if (schedule.kind == score_noise_schedule_find("cosine")) {
        const double first = acos(-1) / 2 * s[0] / (1 + s[0]), last = acos(0.005 * cos(first));
        const double now = first + (last - first) * t;
        /* m^2 = 1 - (sin^2 now - sin^2 first)/cos^2 first */
        return log1p(-sin(now - first) * sin(now + first) / cos(first) / cos(first)) / 2;
    }
    return -t * t * (s[1] - s[0]) / 4 - s[0] * t / 2;
}

double exact_log_density(const gaussian_kind *kind, score_noise_schedule schedule, int beads,
                         double t, const double *x) {
    const int d = kind->dimensions, n = density_dimensions(kind, beads);
    const double log_m = log_signal(schedule, t);
    const double m = exp(log_m), noise = -expm1(2 * log_m);
    double a[GAUSSIAN_MOST * GAUSSIAN_MOST] = {0}, y[GAUSSIAN_MOST] = {0}, square = 0;
    for (int p = 0; p < n; p++) {
        for (int i = 0; i < beads; i++) {
            const int own = i * d + p % d;
            const double mean = kind->gaussian.mean == NULL ? 0 : kind->gaussian.mean[own];
            y[p] += basis(kind, p / d, i) * (x[own] - m * mean);
        }
        for (int q = 0; q < n; q++) {
            for (int i = 0; i < beads; i++)
                for (int j = 0; j < beads; j++)
                    a[p * n + q] += basis(kind, p / d, i) * basis(kind, q / d, j) * m * m *
                                    covariance(kind, i, p % d, j, q % d);
            a[p * n + q] += p == q ? noise : 0;
        }
    }
    const double log_determinant = solve(n, a, y);
    for (int p = 0; p < n; p++)
        square += y[p] * y[p];
    return -square / 2 - log_determinant - n * log(2 * acos(-1)) / 2;
}
