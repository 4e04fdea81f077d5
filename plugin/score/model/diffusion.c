#include "model/diffusion.h"

#include <math.h>

double score_equal_weight(double t, double middle, double t_begin, double t_end) {
    double half = (t_end - t_begin) / 2;
    return t <= middle ? half / (middle - t_begin) : half / (t_end - middle);
}

int score_time_feature_count(const score_time_encoding *encoding) {
    return 4 + (encoding->t_begin > 0 ? 3 : 0) +
           (encoding->variance > 0 ? SCORE_NOISE_FEATURES : 0);
}

/* cos w t, sin w t and -cos 2 w t in columns first to first + 2; w = 2 pi x frequency. */
static void add_waves(double t, double frequency, int first,
                      double features[4][SCORE_MAX_TIME_FEATURES]) {
    const double w = 2 * 3.14159265358979323846 * frequency;
    double c = cos(w * t), s = sin(w * t), c2 = cos(2 * w * t), s2 = sin(2 * w * t);
    double power = 1, power2 = 1;
    for (int n = 0; n < 4; n++) {
        features[n][first] = power * c;
        features[n][first + 1] = power * s;
        features[n][first + 2] = -power2 * c2;
        double next = -s, next2 = -s2; /* cos' = -sin, sin' = cos */
        s = c, s2 = c2;
        c = next, c2 = next2;
        power *= w, power2 *= 2 * w;
    }
}

/* u and its derivatives. With a = sigma^2 + variance and sigma^2 = 1 - m^2, (m^2)' = -beta m^2:
 * a' = beta m^2, a'' = (beta' - beta^2) m^2, a''' = (beta (beta^2 - 3 beta') + beta'') m^2. */
static void noise_scale(double t, const score_time_encoding *encoding, double u[4]) {
    const score_noise_schedule schedule = encoding->schedule;
    const double begin = score_noise(schedule, encoding->t_begin);
    const double end = score_noise(schedule, encoding->t_end), sigma = score_noise(schedule, t);
    const double lowest = begin * begin + encoding->variance,
                 a = sigma * sigma + encoding->variance;
    const double scale = 1 / log((end * end + encoding->variance) / lowest);
    double rates[3];
    score_beta_derivatives(schedule, t, rates);
    const double beta = rates[0], slope = rates[1];
    const double m = score_signal(schedule, t), part = m * m / a;
    const double r1 = beta * part, r2 = (slope - beta * beta) * part;
    const double r3 = (beta * (beta * beta - 3 * slope) + rates[2]) *
                      part; /* a'/a, a''/a, a'''/a */
    u[0] = scale * log(a / lowest);
    u[1] = scale * r1;
    u[2] = scale * (r2 - r1 * r1);
    u[3] = scale * (r3 - 3 * r1 * r2 + 2 * r1 * r1 * r1);
}

/* Column k from derivatives by u to derivatives by t. */
static void compose(const double u[4], int k, double features[4][SCORE_MAX_TIME_FEATURES]) {
    const double f1 = features[1][k], f2 = features[2][k], f3 = features[3][k];
    features[1][k] = f1 * u[1];
    features[2][k] = f2 * u[1] * u[1] + f1 * u[2];
    features[3][k] = f3 * u[1] * u[1] * u[1] + 3 * f2 * u[1] * u[2] + f1 * u[3];
}

static void add_noise_features(double t, const score_time_encoding *encoding, int first,
                               double features[4][SCORE_MAX_TIME_FEATURES]) {
    double u[4];
    noise_scale(t, encoding, u);
    for (int n = 0; n < 4; n++)
        features[n][first] = n == 0 ? u[0] - 0.5 : n == 1 ? 1 : 0;
    add_waves(u[0], 1, first + 1, features);
    for (int k = first; k < first + SCORE_NOISE_FEATURES; k++)
        compose(u, k, features);
}

void score_time_features(double t, const score_time_encoding *encoding,
                         double features[4][SCORE_MAX_TIME_FEATURES]) {
    const double begin = encoding->t_begin, end = encoding->t_end, width = end - begin;
    const double clipped = fmin(fmax(t, begin), end);
    const int count = score_time_feature_count(encoding);
    features[0][0] = clipped - width / 2, features[1][0] = 1;
    features[2][0] = features[3][0] = 0;
    add_waves(clipped, 1, 1, features);
    if (begin > 0)
        add_waves(clipped - begin, 1 / width, 4, features);
    if (encoding->variance > 0)
        add_noise_features(clipped, encoding, count - SCORE_NOISE_FEATURES, features);
    if (clipped != t)
        for (int n = 1; n < 4; n++)
            for (int k = 0; k < count; k++)
                features[n][k] = 0;
}
