#include "run/optimizer.h"

#include <float.h>
#include <math.h>

#include "host/host.h"
#include "run/pieces.h"

static const double MUON_RMS = 0.2;

/* The settings of AdamW, and those of Muon. */
enum { BETA1, BETA2, EPSILON, MOMENTUM };

static const score_number_range DECAY = {0, 1, false, true, "in [0, 1)"};
static const score_number_range LIKE_EPSILON = {FLT_MIN, FLT_MAX, false, false,
                                                "in [1.2e-38, 3.4e38], as float"};

score_optimizer_step score_optimizer_step_at(const score_optimizer_config *config, uint64_t index,
                                             double rate, double norm) {
    double n = (double)index + 1;
    double scale = config->clip_norm > 0 && norm > config->clip_norm ? config->clip_norm / norm : 1;
    return (score_optimizer_step){.number = n,
                                  .rate = rate,
                                  .decay = rate * config->weight_decay,
                                  .gradient_scale = scale,
                                  .settings = config->settings};
}

SCORE_MULTIVERSION void score_adamw_update(const score_optimizer_step *step, size_t size,
                                           const score_real *gradient, score_real *parameters,
                                           score_real *first, score_real *second) {
    const score_real scale = (score_real)step->gradient_scale;
    const double beta1 = step->settings[BETA1], beta2 = step->settings[BETA2];
    const double correction1 = 1 / (1 - pow(beta1, step->number));
    const score_real keep1 = (score_real)beta1, take1 = (score_real)(1 - beta1);
    const score_real keep2 = (score_real)beta2, take2 = (score_real)(1 - beta2);
    const score_real rate = (score_real)(step->rate * correction1);
    const score_real correction2 = (score_real)(1 / (1 - pow(beta2, step->number)));
    const score_real epsilon = (score_real)step->settings[EPSILON];
    const score_real keep = (score_real)(1 - step->decay);
    for (size_t k = 0; k < size; k++) {
        score_real g = gradient[k] * scale;
        first[k] = keep1 * first[k] + take1 * g;
        second[k] = keep2 * second[k] + take2 * g * g;
#ifdef SCORE_SINGLE
        score_real deviation = sqrtf(second[k] * correction2);
#else
        score_real deviation = sqrt(second[k] * correction2);
#endif
        parameters[k] = keep * parameters[k] - rate * first[k] / (deviation + epsilon);
    }
}

size_t score_muon_work_size(const score_hidden_matrix *matrix) {
    return (size_t)matrix->rows * (size_t)matrix->columns +
           score_host_in_use()->orthogonalise_size(matrix->rows, matrix->columns);
}

void score_muon_update(const score_optimizer_step *step, const score_hidden_matrix *matrix,
                       const score_real *gradient, score_real *parameters, score_real *momenta,
                       score_real *work) {
    const int rows = matrix->rows, columns = matrix->columns;
    const double momentum = step->settings[MOMENTUM];
    const score_real take = (score_real)((1 - momentum) * step->gradient_scale);
    const score_real hold = (score_real)momentum;
    for (ptrdiff_t i = 0; i < rows; i++) {
        const size_t row = matrix->offset + (size_t)i * (size_t)matrix->stride;
        for (ptrdiff_t j = 0; j < columns; j++) {
            const score_real part = take * gradient[row + (size_t)j];
            const score_real value = hold * momenta[row + (size_t)j] + part;
            momenta[row + (size_t)j] = value;
            work[i * columns + j] = hold * value + part;
        }
    }
    score_host_in_use()->orthogonalise(rows, columns, work, work + (ptrdiff_t)rows * columns);
    const score_real keep = (score_real)(1 - step->decay);
    const score_real move = (score_real)(step->rate * MUON_RMS *
                                         sqrt(rows > columns ? rows : columns));
    for (ptrdiff_t i = 0; i < rows; i++) {
        score_real *row = parameters + matrix->offset + (size_t)i * (size_t)matrix->stride;
        for (ptrdiff_t j = 0; j < columns; j++)
            row[j] = keep * row[j] - move * work[i * columns + j];
    }
}

/* -------- the table -------- */

static void identify_adam(FILE *out, int stage, const double *settings) {
    fprintf(out, "stage %d, Adam: beta1 %.17g, beta2 %.17g, epsilon %.17g\n", stage,
            settings[BETA1], settings[BETA2], settings[EPSILON]);
}

static void identify_adamw(FILE *out, int stage, const double *settings) {
    identify_adam(out, stage, settings);
    fprintf(out, "stage %d, AdamW for all weights\n", stage);
}

static void identify_muon(FILE *out, int stage, const double *settings) {
    identify_adam(out, stage, settings);
    fprintf(out, "stage %d, Muon: momentum %.17g\n", stage, settings[MOMENTUM]);
}

static const score_optimizer optimizers[] = {
    {.element = "AdamW",
     .attributes = {{"beta1", &DECAY, 0.9},
                    {"beta2", &DECAY, 0.999},
                    {"epsilon", &LIKE_EPSILON, 1e-8}},
     .identify = identify_adamw,
     .update = score_adamw_update},
    {.element = "Muon",
     .attributes = {{"beta1", &DECAY, 0.9},
                    {"beta2", &DECAY, 0.999},
                    {"epsilon", &LIKE_EPSILON, 1e-8},
                    {"momentum", &DECAY, 0.95}},
     .identify = identify_muon,
     .update = score_adamw_update,
     .work_size = score_muon_work_size,
     .update_matrix = score_muon_update},
};

const score_optimizer *score_optimizer_at(int kind) {
    return kind < (int)(sizeof optimizers / sizeof optimizers[0]) ? &optimizers[kind] : NULL;
}

SCORE_MULTIVERSION void score_average_update(double share, size_t size,
                                             const score_real *parameters, double *average) {
    for (size_t k = 0; k < size; k++)
        average[k] += share * ((double)parameters[k] - average[k]);
}

SCORE_MULTIVERSION double score_square_sum(size_t size, const score_real *values) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t k = 0; k < size; k++)
        sum += (double)values[k] * (double)values[k];
    return sum;
}
