#include "losses/sampler.h"

#include "run/purposes.h"

int score_sampler_frames(const score_sampler *sampler) {
    return sampler->antithetic ? sampler->count / 2 : sampler->count;
}

static bool have_no_common_factor(int a, int b) {
    while (b != 0) {
        const int remainder = a % b;
        a = b;
        b = remainder;
    }
    return a == 1;
}

/* The stratum of frame k of n: k times the number nearest to the golden section of n that has no
 * factor in common with n, so that every stratum is taken once. */
static int stratum(int k, int n) {
    int step = (int)(0.6180339887 * n + 0.5);
    for (int away = 1; !have_no_common_factor(n, step); away++)
        step += away % 2 == 0 ? away : -away;
    return (int)((int64_t)k * step % n);
}

static void rotate(int beads, const double rotation[9], double *x) {
    for (int b = 0; b < beads; b++, x += 3) {
        const double old[3] = {x[0], x[1], x[2]};
        for (int d = 0; d < 3; d++)
            x[d] = rotation[3 * d] * old[0] + rotation[3 * d + 1] * old[1] +
                   rotation[3 * d + 2] * old[2];
    }
}

/* What is drawn for a sample before its noise. */
typedef struct beginning {
    uint64_t number;     /* of the sample in the data set */
    score_random random; /* at the noise */
    double t;
    double rotation[9]; /* where samples are turned */
} beginning;

static beginning begin_sample(const score_sampler *sampler, uint32_t step, int index) {
    const int frames = score_sampler_frames(sampler), k = sampler->antithetic ? index / 2 : index;
    beginning sample;
    sample.number = sampler->first_frame + (uint64_t)step * (uint64_t)frames + (uint64_t)k;
    sample.random = score_random_stream(sampler->seed, sampler->purpose, step, (uint32_t)k);
    sample.t = score_times_at(&sampler->times,
                              (stratum(k, frames) + score_random_uniform(&sample.random)) / frames);
    if (sampler->rotate)
        score_random_rotation(&sample.random, sample.rotation);
    return sample;
}

score_status score_sampler_draw(const score_sampler *sampler, uint32_t step, int index,
                                double *frame, score_real *x, score_real *noise, double *t,
                                score_error *error) {
    beginning sample = begin_sample(sampler, step, index);
    score_status status = score_dataset_draw(sampler->dataset, sampler->split, sample.number, frame,
                                             error);
    if (status != SCORE_OK)
        return status;
    *t = sample.t;
    if (sampler->rotate)
        rotate(sampler->beads, sample.rotation, frame);
    const score_noise_schedule schedule = sampler->times.scale.schedule;
    const double m = score_signal(schedule, *t), sigma = score_noise(schedule, *t);
    const double sign = sampler->antithetic && index % 2 == 1 ? -1 : 1;
    for (int d = 0; d < sampler->beads * sampler->dimensions; d++) {
        double eps = sign * score_random_normal(&sample.random);
        noise[d] = (score_real)eps;
        x[d] = (score_real)(m * frame[d] + sigma * eps);
    }
    return SCORE_OK;
}

score_status score_sampler_draw_forces(const score_sampler *sampler, uint32_t step, int index,
                                       double *forces, score_error *error) {
    const beginning sample = begin_sample(sampler, step, index);
    const score_status status = score_dataset_draw_forces(sampler->dataset, sampler->split,
                                                          sample.number, forces, error);
    if (status == SCORE_OK && sampler->rotate)
        rotate(sampler->beads, sample.rotation, forces);
    return status;
}

double score_sampler_weight(const score_sampler *sampler, double *frame, const score_real *x) {
    if (sampler->emphasis == NULL)
        return 1;
    const double drawn = score_emphasis_at(sampler->emphasis, frame);
    for (int d = 0; d < sampler->beads * sampler->dimensions; d++)
        frame[d] = (double)x[d];
    return score_emphasis_at(sampler->emphasis, frame) / drawn;
}

score_random score_sampler_loss_random(const score_sampler *sampler, score_loss_kind kind,
                                       uint32_t step, int index) {
    const uint32_t purpose = SCORE_PURPOSE_LOSSES + SCORE_PURPOSES_A_LOSS * (uint32_t)kind;
    return score_random_stream(sampler->seed, purpose + sampler->stage, step, (uint32_t)index);
}
