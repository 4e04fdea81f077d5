#include "model/diffusion.h"

#include <math.h>

#include "score/model.h"

static double log_signal(score_schedule schedule, double t) {
    return -t * t * (schedule.beta_max - schedule.beta_min) / 4 - schedule.beta_min * t / 2;
}

double score_beta(score_schedule schedule, double t) {
    return schedule.beta_min + (schedule.beta_max - schedule.beta_min) * t;
}

double score_signal(score_schedule schedule, double t) {
    return exp(log_signal(schedule, t));
}

double score_noise(score_schedule schedule, double t) {
    return sqrt(-expm1(2 * log_signal(schedule, t)));
}

/* The root of t^2 (beta_max - beta_min)/4 + beta_min t/2 + log m = 0, in the form that does not
 * cancel. */
double score_time_of_noise(score_schedule schedule, double noise) {
    const double log_m = log1p(-noise * noise) / 2, half = schedule.beta_min / 2;
    const double slope = schedule.beta_max - schedule.beta_min;
    return -2 * log_m / (half + sqrt(half * half - slope * log_m));
}

double score_equal_weight(double t, double middle, double t_begin, double t_end) {
    double half = (t_end - t_begin) / 2;
    return t <= middle ? half / (middle - t_begin) : half / (t_end - middle);
}

int score_time_feature_count(double t_begin) {
    return t_begin > 0 ? 7 : 4;
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

void score_time_features(double t, double t_begin, double t_end,
                         double features[4][SCORE_MAX_TIME_FEATURES]) {
    const double clipped = fmin(fmax(t, t_begin), t_end), width = t_end - t_begin;
    const int count = score_time_feature_count(t_begin);
    features[0][0] = clipped - width / 2, features[1][0] = 1;
    features[2][0] = features[3][0] = 0;
    add_waves(clipped, 1, 1, features);
    if (count == 7)
        add_waves(clipped - t_begin, 1 / width, 4, features);
    if (clipped != t)
        for (int n = 1; n < 4; n++)
            for (int k = 0; k < count; k++)
                features[n][k] = 0;
}
