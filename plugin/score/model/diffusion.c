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

double score_equal_weight(double t, double middle, double t_begin, double t_end) {
    double half = (t_end - t_begin) / 2;
    return t <= middle ? half / (middle - t_begin) : half / (t_end - middle);
}

int score_time_feature_count(double t_begin) {
    return t_begin > 0 ? 7 : 4;
}

/* cos w t, sin w t and -cos 2 w t with their derivatives by t; w = 2 pi / period. */
static void add_waves(double t, double frequency, double *value, double *first, double *second) {
    const double w = 2 * 3.14159265358979323846 * frequency;
    const double c = cos(w * t), s = sin(w * t), c2 = cos(2 * w * t), s2 = sin(2 * w * t);
    value[0] = c, first[0] = -w * s, second[0] = -w * w * c;
    value[1] = s, first[1] = w * c, second[1] = -w * w * s;
    value[2] = -c2, first[2] = 2 * w * s2, second[2] = 4 * w * w * c2;
}

void score_time_features(double t, double t_begin, double t_end, double *value, double *first,
                         double *second) {
    double clipped = fmin(fmax(t, t_begin), t_end);
    value[0] = clipped - (t_end - t_begin) / 2, first[0] = 1, second[0] = 0;
    add_waves(clipped, 1, value + 1, first + 1, second + 1);
    int count = 4;
    if (score_time_feature_count(t_begin) == 7) {
        double width = t_end - t_begin;
        add_waves(clipped - t_begin, 1 / width, value + 4, first + 4, second + 4);
        count = 7;
    }
    if (clipped != t)
        for (int k = 0; k < count; k++)
            first[k] = second[k] = 0;
}
