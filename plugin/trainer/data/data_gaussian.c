#include "data/data_gaussian.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/gaussian.h"
#include "model/network.h"

#define LEAST_VARIANCE 1e-12

/* What the model sees of a frame: `rows` rows of `dimensions` numbers, h_k or the beads. */
typedef struct view {
    int beads;
    int dimensions;
    int rows;
    bool centred;
} view;

/* The sums over frames, and room. */
typedef struct moments {
    score_over over;
    view seen;
    int size;           /* of mean and covariance: rows, or rows x dimensions; 1 where over all */
    double weights;     /* of all frames */
    double *mean;       /* [size], 0 unless over coordinates */
    double *covariance; /* [size][size] */
    double *variances;  /* [size] */
    double *vectors;    /* [size][size] */
    double *frame;      /* [beads][dimensions] */
    double *x;          /* [rows][dimensions] */
} moments;

static double helmert(int k) {
    return 1 / sqrt((double)k * (k + 1));
}

/* The frame's numbers that the model sees. */
static void look(const view *seen, const double *frame, double *x) {
    const int d = seen->dimensions;
    if (!seen->centred) {
        memcpy(x, frame, (size_t)seen->rows * (size_t)d * sizeof *x);
        return;
    }
    for (int c = 0; c < d; c++) {
        double sum = 0;
        for (int k = 1; k < seen->beads; k++) {
            sum += frame[(k - 1) * d + c];
            x[(k - 1) * d + c] = helmert(k) * (sum - k * frame[k * d + c]);
        }
    }
}

/* The other way: `width` numbers to a row of beads from those to a row of what is seen. */
static void look_back(const view *seen, int columns, const double *x, double *beads) {
    if (!seen->centred) {
        memcpy(beads, x, (size_t)seen->rows * (size_t)columns * sizeof *beads);
        return;
    }
    for (int c = 0; c < columns; c++) {
        double sum = 0; /* of h_k x_k for all k above a bead's number */
        for (int i = seen->beads - 1; i >= 0; i--) {
            const double own = i == 0 ? 0 : -i * helmert(i) * x[(i - 1) * columns + c];
            beads[i * columns + c] = own + sum;
            sum += i == 0 ? 0 : helmert(i) * x[(i - 1) * columns + c];
        }
    }
}

/* Each adds the frame in m->x. */
typedef void (*frame_adder)(const moments *m, double weight);

static void add_to_mean(const moments *m, double weight) {
    for (int a = 0; a < m->size; a++)
        m->mean[a] += weight * m->x[a];
}

/* Products of rows or of numbers, the lower half of the matrix. */
static void add_products(const moments *m, double weight) {
    const int d = m->over == SCORE_OVER_BEADS ? m->seen.dimensions : 1;
    for (int a = 0; a < m->size; a++)
        for (int b = 0; b <= a; b++) {
            double product = 0;
            for (int c = 0; c < d; c++)
                product += m->x[a * d + c] * m->x[b * d + c];
            m->covariance[a * m->size + b] += weight * product / d;
        }
}

static void add_deviations(const moments *m, double weight) {
    for (int a = 0; a < m->size; a++)
        m->x[a] -= m->mean[a];
    add_products(m, weight);
}

static void add_squares(const moments *m, double weight) {
    const int numbers = m->seen.rows * m->seen.dimensions;
    for (int k = 0; k < numbers; k++)
        m->covariance[0] += weight * m->x[k] * m->x[k] / numbers;
}

static score_status sum_over_frames(moments *m, const score_dataset *dataset, frame_adder add,
                                    score_error *error) {
    const uint64_t frames = score_dataset_frames(dataset, SCORE_SPLIT_TRAINING);
    m->weights = 0;
    for (uint64_t k = 0; k < frames; k++) {
        double weight;
        score_status status = score_dataset_training_frame(dataset, k, m->frame, &weight, error);
        if (status != SCORE_OK)
            return status;
        look(&m->seen, m->frame, m->x);
        add(m, weight);
        m->weights += weight;
    }
    return SCORE_OK;
}

static score_status sum_moments(moments *m, const score_dataset *dataset, score_error *error) {
    if (m->over == SCORE_OVER_ALL)
        return sum_over_frames(m, dataset, add_squares, error);
    if (m->over == SCORE_OVER_BEADS)
        return sum_over_frames(m, dataset, add_products, error);
    score_status status = sum_over_frames(m, dataset, add_to_mean, error);
    if (status != SCORE_OK)
        return status;
    for (int a = 0; a < m->size; a++)
        m->mean[a] /= m->weights;
    return sum_over_frames(m, dataset, add_deviations, error);
}

static void finish_covariance(const moments *m) {
    for (int a = 0; a < m->size; a++)
        for (int b = 0; b <= a; b++) {
            m->covariance[a * m->size + b] /= m->weights;
            m->covariance[b * m->size + a] = m->covariance[a * m->size + b];
        }
}

/* The place of the largest variance that has not been taken (they are then negative). */
static int take_largest(const moments *m) {
    int largest = 0;
    for (int k = 1; k < m->size; k++)
        if (m->variances[k] > m->variances[largest])
            largest = k;
    return largest;
}

static void fill(moments *m, const score_model_config *config, score_gaussian *gaussian,
                 double *numbers) {
    const int modes = gaussian->modes, width = gaussian->width;
    const int columns = m->over == SCORE_OVER_COORDINATES ? config->dimensions : 1;
    double *directions = numbers + modes, *mean = directions + (size_t)modes * (size_t)width;
    for (int k = 0; k < m->size; k++)
        m->variances[k] = fmax(m->variances[k], LEAST_VARIANCE);
    for (int k = 0; k < modes; k++) {
        const int from = take_largest(m);
        numbers[k] = m->variances[from];
        m->variances[from] = -1;
        if (m->over != SCORE_OVER_ALL)
            look_back(&m->seen, columns, m->vectors + (size_t)from * (size_t)m->size,
                      directions + (size_t)k * (size_t)width);
    }
    gaussian->variances = numbers;
    gaussian->directions = m->over == SCORE_OVER_ALL ? NULL : directions;
    if (m->over == SCORE_OVER_COORDINATES) {
        look_back(&m->seen, columns, m->mean, mean);
        gaussian->mean = mean;
    }
}

static moments make_moments(const score_recipe *recipe) {
    const score_model_config *config = &recipe->model;
    moments m = {.over = score_recipe_over(recipe),
                 .seen = {.beads = config->bead_count,
                          .dimensions = config->dimensions,
                          .rows = config->bead_count - (config->centred ? 1 : 0),
                          .centred = config->centred != 0}};
    m.size = score_gaussian_modes(config, m.over);
    return m;
}

static double *allocate_moments(moments *m) {
    const size_t n = (size_t)m->size;
    const size_t numbers = (size_t)m->seen.beads * (size_t)m->seen.dimensions;
    double *room = calloc(2 * n * n + 2 * n + 2 * numbers, sizeof *room);
    if (room == NULL)
        return NULL;
    m->covariance = room;
    m->vectors = m->covariance + n * n;
    m->mean = m->vectors + n * n;
    m->variances = m->mean + n;
    m->frame = m->variances + n;
    m->x = m->frame + numbers;
    return room;
}

/* The numbers stand behind the struct. */
static score_gaussian *allocate_gaussian(const moments *m, const score_model_config *config) {
    const size_t modes = (size_t)m->size, width = (size_t)score_gaussian_width(config, m->over);
    const size_t numbers = modes + modes * width + width;
    score_gaussian *gaussian = calloc(1, sizeof *gaussian + numbers * sizeof(double));
    if (gaussian != NULL)
        *gaussian = (score_gaussian){.over = m->over, .modes = m->size, .width = (int)width};
    return gaussian;
}

score_status score_data_gaussian_create(const score_recipe *recipe, const score_dataset *dataset,
                                        score_gaussian **result, score_error *error) {
    moments m = make_moments(recipe);
    double *room = allocate_moments(&m);
    score_gaussian *gaussian = allocate_gaussian(&m, &recipe->model);
    *result = NULL;
    score_status status = SCORE_OK;
    if (room == NULL || gaussian == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a Gaussian of %d modes",
                            m.size);
    if (status == SCORE_OK)
        status = sum_moments(&m, dataset, error);
    if (status == SCORE_OK) {
        finish_covariance(&m);
        score_symmetric_eigenvalues(m.size, m.covariance, m.variances, m.vectors);
        fill(&m, &recipe->model, gaussian, (double *)(gaussian + 1));
        *result = gaussian;
    } else {
        score_data_gaussian_destroy(gaussian);
    }
    free(room);
    return status;
}

void score_data_gaussian_destroy(score_gaussian *gaussian) {
    free(gaussian);
}
