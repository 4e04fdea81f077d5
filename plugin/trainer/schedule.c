#include "schedule.h"

#include <math.h>

double score_learning_rate(const score_optimizer_config *config, uint64_t step, uint64_t steps,
                           int batch) {
    uint64_t warm_up = config->warm_up / (uint64_t)batch;
    if (step < warm_up)
        return config->rate * (double)(step + 1) / (double)warm_up;
    double done = steps > warm_up + 1 ? (double)(step - warm_up) / (double)(steps - warm_up - 1)
                                      : 0;
    double cosine = cos(3.14159265358979323846 * fmin(done, 1));
    return config->final_rate + (config->rate - config->final_rate) * (1 + cosine) / 2;
}

/* The weights k steps old count q^k, q = 2^(-batch/half_life); all n of them together
 * (1 - q^n)/(1 - q). */
double score_average_share(double half_life, uint64_t step, int batch) {
    if (!(half_life > 0))
        return 1;
    double log_q = -log(2) * batch / half_life;
    return expm1(log_q) / expm1(log_q * ((double)step + 1));
}
