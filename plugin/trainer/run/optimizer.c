#include "run/optimizer.h"

#include <math.h>

#include "host/host.h"
#include "run/pieces.h"

static const double MUON_RMS = 0.2;

score_optimizer_step score_optimizer_step_at(const score_optimizer_config *config, uint64_t index,
                                             double rate, double norm) {
    double n = (double)index + 1;
    double scale = config->clip_norm > 0 && norm > config->clip_norm ? config->clip_norm / norm : 1;
    return (score_optimizer_step){.rate = rate,
                                  .momentum = config->momentum,
                                  .beta1 = config->beta1,
                                  .beta2 = config->beta2,
                                  .epsilon = config->epsilon,
                                  .decay = rate * config->weight_decay,
                                  .correction1 = 1 / (1 - pow(config->beta1, n)),
                                  .correction2 = 1 / (1 - pow(config->beta2, n)),
                                  .gradient_scale = scale};
}

SCORE_MULTIVERSION void score_adamw_update(const score_optimizer_step *step, size_t size,
                                           const score_real *gradient, score_real *parameters,
                                           score_real *first, score_real *second) {
    const score_real scale = (score_real)step->gradient_scale;
    const score_real keep1 = (score_real)step->beta1, take1 = (score_real)(1 - step->beta1);
    const score_real keep2 = (score_real)step->beta2, take2 = (score_real)(1 - step->beta2);
    const score_real rate = (score_real)(step->rate * step->correction1);
    const score_real correction2 = (score_real)step->correction2;
    const score_real epsilon = (score_real)step->epsilon;
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
    const score_real take = (score_real)((1 - step->momentum) * step->gradient_scale);
    const score_real hold = (score_real)step->momentum;
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
