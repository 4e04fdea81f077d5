#include "data/gaussian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows p and q, turned. */
static void turn_rows(int n, double *a, int p, int q, double c, double s) {
    for (int k = 0; k < n; k++) {
        const double pk = a[p * n + k], qk = a[q * n + k];
        a[p * n + k] = c * pk - s * qk;
        a[q * n + k] = s * pk + c * qk;
    }
}

/* Turns rows and columns p and q so that a[p][q] becomes 0. */
static void rotate(int n, double *a, double *vectors, int p, int q) {
    const double off = a[p * n + q];
    if (off == 0)
        return;
    const double theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
    const double t = copysign(1 / (fabs(theta) + hypot(1, theta)), theta);
    const double c = 1 / hypot(1, t), s = t * c;
    for (int k = 0; k < n; k++) {
        const double kp = a[k * n + p], kq = a[k * n + q];
        a[k * n + p] = c * kp - s * kq;
        a[k * n + q] = s * kp + c * kq;
    }
    turn_rows(n, a, p, q, c, s);
    if (vectors != NULL)
        turn_rows(n, vectors, p, q, c, s);
}

/* Jacobi's method: sweeps of rotations until nothing is left beside the diagonal. */
void score_symmetric_eigenvalues(int n, double *a, double *eigenvalues, double *vectors) {
    enum { MOST_SWEEPS = 50 };
    double all = 0;
    for (int k = 0; k < n * n && vectors != NULL; k++)
        vectors[k] = k % (n + 1) == 0;
    for (int k = 0; k < n * n; k++)
        all += a[k] * a[k];
    for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
        double off = 0;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                off += a[p * n + q] * a[p * n + q];
        if (off <= 1e-32 * all)
            break;
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++)
                rotate(n, a, vectors, p, q);
    }
    for (int k = 0; k < n; k++)
        eigenvalues[k] = a[k * n + k];
}

double score_gaussian_loss(score_noise_schedule schedule, const score_stage *stage, int count,
                           const double *eigenvalues, int times, int unseen) {
    enum { POINTS = 20000 };
    const score_times drawn = score_stage_times(schedule, stage);
    double sum = 0;
    for (int point = 0; point < POINTS; point++) {
        const double t = score_times_at(&drawn, (point + 0.5) / POINTS);
        const double m = score_signal(schedule, t), sigma = score_noise(schedule, t);
        double residual = unseen;
        for (int k = 0; k < count; k++)
            residual += times * m * m * eigenvalues[k] / (m * m * eigenvalues[k] + sigma * sigma);
        sum += residual * score_equal_weight(t, stage->weight_middle, stage->t_begin, stage->t_end);
    }
    return stage->losses[SCORE_LOSS_DENOISING].weight * sum / POINTS / (count * times);
}

/* Rows and columns of the covariance: beads where frames are turned, else coordinates. */
static int covariance_size(const score_recipe *recipe) {
    return recipe->rotate ? recipe->model.bead_count
                          : recipe->model.bead_count * recipe->model.dimensions;
}

static void add_frame(bool turned, int size, const double *x, double *mean, double *covariance) {
    for (int a = 0; a < size; a++) {
        if (!turned)
            mean[a] += x[a];
        for (int b = 0; b < size; b++)
            covariance[a * size + b] += turned
                                            ? (x[3 * a] * x[3 * b] + x[3 * a + 1] * x[3 * b + 1] +
                                               x[3 * a + 2] * x[3 * b + 2]) /
                                                  3
                                            : x[a] * x[b];
    }
}

/* Of one epoch, or of as many frames as settle it. */
static score_status covariance_of(const score_recipe *recipe, const score_dataset *dataset,
                                  double *x, double *mean, double *covariance, score_error *error) {
    const uint64_t most = 100000, all = score_dataset_frames(dataset, SCORE_SPLIT_TRAINING);
    const uint64_t frames = all < most ? all : most;
    const int size = covariance_size(recipe);
    for (uint64_t k = 0; k < frames; k++) {
        score_status status = score_dataset_draw(dataset, SCORE_SPLIT_TRAINING, k, x, error);
        if (status != SCORE_OK)
            return status;
        add_frame(recipe->rotate, size, x, mean, covariance);
    }
    for (int a = 0; a < size; a++)
        for (int b = 0; b < size; b++)
            covariance[a * size + b] = (covariance[a * size + b] -
                                        mean[a] * mean[b] / (double)frames) /
                                       (double)frames;
    return SCORE_OK;
}

score_status score_gaussian_data_loss(const score_recipe *recipe, const score_dataset *dataset,
                                      int stage, double *loss, score_error *error) {
    enum { LARGEST = 200 };
    *loss = NAN;
    const int size = covariance_size(recipe), dimensions = recipe->model.dimensions;
    if (size > LARGEST)
        return SCORE_OK;
    const size_t n = (size_t)size;
    const size_t coordinates = (size_t)recipe->model.bead_count * (size_t)dimensions;
    double *room = calloc(n * n + 2 * n + coordinates, sizeof *room);
    if (room == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a covariance");
    double *covariance = room, *mean = room + n * n, *eigenvalues = mean + n;
    score_status status = covariance_of(recipe, dataset, eigenvalues + n, mean, covariance, error);
    if (status == SCORE_OK) {
        score_symmetric_eigenvalues(size, covariance, eigenvalues, NULL);
        *loss = score_gaussian_loss(recipe->model.schedule, &recipe->stages[stage], size,
                                    eigenvalues, recipe->rotate ? dimensions : 1,
                                    recipe->model.centred ? dimensions : 0);
    }
    free(room);
    return status;
}
