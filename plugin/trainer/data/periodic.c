#include "data/periodic.h"

#include <math.h>
#include <string.h>

enum { MOST_LAYERS = 100 }; /* no molecule's box is so flat */

/* No two images are nearer to each other than the least height of the box. */
static const double MOST_STEP = 0.45;

static void subtract(double *from, double times, const double *vector) {
    for (int c = 0; c < 3; c++)
        from[c] -= times * vector[c];
}

/* Right angles are exact: boxes seldom have others. */
static double cosine(double degrees) {
    return degrees == 90 ? 0 : cos(degrees * (acos(-1) / 180));
}

bool score_box_make(const double lengths[3], const double angles[3], score_box *box) {
    const double alpha = cosine(angles[0]), beta = cosine(angles[1]), gamma = cosine(angles[2]);
    const double sine = sqrt(1 - gamma * gamma), across = (alpha - beta * gamma) / sine;
    const double height = sqrt(1 - beta * beta - across * across);
    *box = (score_box){{{lengths[0], 0, 0},
                        {lengths[1] * gamma, lengths[1] * sine, 0},
                        {lengths[2] * beta, lengths[2] * across, lengths[2] * height}}};
    for (int k = 0; k < 3; k++)
        for (int c = 0; c < 3; c++)
            if (!isfinite(box->vector[k][c]) || !(box->vector[k][k] > 0))
                return false;
    static const int pairs[][2] = {{1, 0}, {2, 1}, {2, 0}};
    for (int p = 0; p < 3; p++) {
        double *later = box->vector[pairs[p][0]];
        const int k = pairs[p][1];
        subtract(later, round(later[k] / box->vector[k][k]), box->vector[k]);
    }
    return true;
}

static double square(const double *x) {
    return x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
}

void score_box_nearest(const score_box *box, double delta[3]) {
    const double(*edge)[3] = box->vector;
    for (int k = 2; k >= 0; k--)
        subtract(delta, round(delta[k] / edge[k][k]), edge[k]);
    if (edge[1][0] == 0 && edge[2][0] == 0 && edge[2][1] == 0)
        return;
    /* In a box that leans another may be shorter: all that could be are tried, by their components
     * along z, then y; the best along x is then known. */
    double best[3];
    const double radius = sqrt(square(delta));
    memcpy(best, delta, sizeof best);
    const int layers = (int)fmin(MOST_LAYERS, ceil(radius / edge[2][2] + 0.5));
    const int rows = (int)fmin(MOST_LAYERS, ceil(radius / edge[1][1] + 1));
    for (int k = -layers; k <= layers; k++)
        for (int j = -rows; j <= rows; j++) {
            double other[3] = {delta[0], delta[1], delta[2]};
            subtract(other, k, edge[2]);
            subtract(other, j - round(k * edge[2][1] / edge[1][1]), edge[1]);
            subtract(other, round(other[0] / edge[0][0]), edge[0]);
            if (square(other) < square(best))
                memcpy(best, other, sizeof best);
        }
    memcpy(delta, best, sizeof best);
}

void score_box_make_whole(const score_box *box, int beads, double *positions) {
    const double least = 1e-6 * fmax(box->vector[0][0], fmax(box->vector[1][1], box->vector[2][2]));
    double shift[3] = {0}, before[3];
    memcpy(before, positions, sizeof before);
    for (int b = 1; b < beads; b++) {
        double *x = positions + (long)3 * b, step[3], image[3];
        for (int c = 0; c < 3; c++)
            image[c] = step[c] = x[c] - before[c];
        memcpy(before, x, sizeof before);
        score_box_nearest(box, image);
        for (int c = 0; c < 3; c++)
            if (fabs(image[c] - step[c]) > least)
                shift[c] += image[c] - step[c];
        for (int c = 0; c < 3; c++)
            if (shift[c] != 0)
                x[c] += shift[c];
    }
}

int score_box_find_far(const score_box *box, int beads, const double *positions) {
    const double height = fmin(box->vector[0][0], fmin(box->vector[1][1], box->vector[2][2]));
    for (int b = 1; b < beads; b++) {
        const double *x = positions + (long)3 * b;
        const double step[3] = {x[0] - x[-3], x[1] - x[-2], x[2] - x[-1]};
        if (sqrt(square(step)) > MOST_STEP * height)
            return b;
    }
    return 0;
}
