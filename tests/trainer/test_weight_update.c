/* One step of the optimizers over a whole network, in double: Muon moves the matrices between hidden
 * values by orthonormal matrices along their gradients, and AdamW everything else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "executor_openmp.h"
#include "temporary_folder.h"
#include "tiny_networks.h"
#include "weight_update.h"

static const double RATE = 1e-3, DECAY = 0.1;
/* What nn/orthogonal.h says of singular values. */
static const double NEAR_ONE = 0.03;

typedef struct arrays {
    size_t size;
    double *gradient, *before, *after, *first, *second;
} arrays;

static double *random_array(size_t size, unsigned seed) {
    double *values = calloc(size, sizeof *values);
    assert_non_null(values);
    score_random random = score_random_stream(seed, 0, 0, 0);
    for (size_t k = 0; k < size; k++)
        values[k] = score_random_uint(&random) / 4294967296.0 - 0.5;
    return values;
}

/* Singular values that are not much smaller than others, which would stay below 1. */
static void add_identities(const score_network *network, double *gradient) {
    const int hidden = network->expert.hidden;
    for (int t = 0; t < network->tensor_count; t++) {
        const score_tensor *tensor = &network->tensors[t];
        for (size_t k = 0; k < tensor->size; k++)
            if (((int)k / tensor->shape[1] - (int)k % tensor->shape[1]) % hidden == 0)
                gradient[tensor->offset + k] += 4;
    }
}

static arrays make_arrays(const score_network *network) {
    const size_t size = network->parameter_count;
    arrays a = {.size = size,
                .gradient = random_array(size, 1),
                .before = random_array(size, 2),
                .after = random_array(size, 2),
                .first = calloc(size, sizeof(double)),
                .second = calloc(size, sizeof(double))};
    assert_true(a.first != NULL && a.second != NULL);
    add_identities(network, a.gradient);
    return a;
}

static void free_arrays(arrays *a) {
    free(a->gradient);
    free(a->before);
    free(a->after);
    free(a->first);
    free(a->second);
}

static arrays run(const score_network *network, const score_optimizer_config *config, int threads) {
    arrays a = make_arrays(network);
    const score_executor executor = score_executor_openmp(&threads);
    score_weight_update *update = NULL;
    score_error error = {0};
    assert_int_equal(score_weight_update_create(network, config, &executor, &update, &error),
                     SCORE_OK);
    const score_adamw step = score_adamw_step(config, 0, RATE, 1);
    const score_weight_arrays of_step = {a.gradient, a.after, a.first, a.second};
    score_weight_update_run(update, &step, &of_step, &executor);
    score_weight_update_destroy(update);
    return a;
}

/* Columns [begin, begin + columns) of a tensor. */
static void check_matrix(const arrays *a, const score_tensor *tensor, int begin, int columns) {
    const int rows = tensor->shape[0];
    const double scale = 0.2 * RATE * sqrt(rows > columns ? rows : columns);
    double *moves = calloc((size_t)rows * (size_t)columns, sizeof *moves);
    assert_non_null(moves);
    double along = 0, square = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const size_t k = tensor->offset + (size_t)(i * tensor->shape[1] + begin + j);
            moves[i * columns + j] = ((1 - RATE * DECAY) * a->before[k] - a->after[k]) / scale;
            along += moves[i * columns + j] * a->gradient[k];
            square += a->gradient[k] * a->gradient[k];
        }
    /* The sum of the singular values, at least the root of their summed squares. */
    assert_true(along >= (1 - NEAR_ONE) * sqrt(square));
    const int n = rows < columns ? rows : columns, m = rows < columns ? columns : rows;
    const int outer = rows < columns ? columns : 1, inner = rows < columns ? 1 : columns;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int k = 0; k < m; k++)
                sum += moves[i * outer + k * inner] * moves[j * outer + k * inner];
            if (!(fabs(sum - (i == j)) <= 2.1 * NEAR_ONE))
                fail_msg("%s: rows or columns %d and %d have product %g", tensor->name, i, j, sum);
        }
    free(moves);
}

static bool is_hidden_matrix(const score_tensor *tensor, int hidden) {
    return strncmp(tensor->name, "layer.", 6) == 0 && tensor->rank == 2 &&
           tensor->shape[0] >= hidden && tensor->shape[1] >= hidden;
}

static void check_network(const tiny_network *tiny) {
    const int *features;
    score_model *model = make_tiny_model(tiny, &features);
    const score_network *network = score_model_network(model, 0);
    const score_optimizer_config adamw = {
        .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-8, .weight_decay = DECAY, .momentum = -1};
    score_optimizer_config muon = adamw;
    muon.momentum = 0.95;
    arrays by_adamw = run(network, &adamw, 1), by_muon = run(network, &muon, 1);
    int matrices = 0;
    for (int t = 0; t < network->tensor_count; t++) {
        const score_tensor *tensor = &network->tensors[t];
        if (!is_hidden_matrix(tensor, network->expert.hidden)) {
            assert_memory_equal(by_muon.after + tensor->offset, by_adamw.after + tensor->offset,
                                tensor->size * sizeof(double));
            continue;
        }
        const int parts = strstr(tensor->name, "query_key_value") != NULL ? 3 : 1;
        for (int k = 0; k < parts; k++, matrices++)
            check_matrix(&by_muon, tensor, k * tensor->shape[1] / parts, tensor->shape[1] / parts);
    }
    assert_int_equal(matrices, score_network_hidden_matrices(network, NULL));
    assert_true(matrices > 0);
    arrays together = run(network, &muon, 3);
    assert_memory_equal(together.after, by_muon.after, together.size * sizeof(double));
    free_arrays(&together);
    free_arrays(&by_muon);
    free_arrays(&by_adamw);
    score_model_destroy(model);
}

static void every_weight_is_moved_by_its_optimizer(void **state) {
    (void)state;
    for (int k = 0; k < TINY_NETWORK_COUNT; k++)
        check_network(&TINY_NETWORKS[k]);
}

/* All gradients so far, and the last once more (Nesterov). A multiple of the identity keeps its
 * direction, so that only the sign of the sum counts. */
static void momentum_weighs_all_gradients(void **state) {
    (void)state;
    enum { N = 5, STRIDE = 8, OFFSET = 2, STEPS = 6 };
    static const double sizes[STEPS] = {1, -3, 40, -2, -20, -30};
    const score_hidden_matrix matrix = {
        .offset = OFFSET, .rows = N, .columns = N, .stride = STRIDE};
    const score_optimizer_config all = {.beta1 = 0.9, .beta2 = 0.99};
    double gradient[N * STRIDE], momenta[N * STRIDE] = {0}, parameters[N * STRIDE] = {0};
    double *work = calloc(score_muon_work_size(&matrix), sizeof *work);
    assert_non_null(work);
    for (int n = 0; n < STEPS; n++) {
        for (int k = 0; k < N * STRIDE; k++)
            gradient[k] = k >= OFFSET && (k - OFFSET) % (STRIDE + 1) == 0 ? sizes[n] : 0;
        double last = 0;
        for (int k = 0; k <= n; k++)
            last = 0.8 * last + 0.2 * sizes[k];
        const double sign = 0.8 * last + 0.2 * sizes[n] > 0 ? 1 : -1;
        double before[N * STRIDE];
        memcpy(before, parameters, sizeof before);
        const score_adamw step = score_adamw_step(&all, (uint64_t)n, RATE, 1);
        score_muon_update(&step, 0.8, &matrix, gradient, parameters, momenta, work);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < STRIDE; j++) {
                if (i == N - 1 && OFFSET + j >= STRIDE)
                    break;
                const int k = OFFSET + i * STRIDE + j;
                const double move = (before[k] - parameters[k]) / (0.2 * RATE * sqrt(N));
                assert_true(fabs(move - (i == j ? sign : 0)) <= NEAR_ONE);
            }
    }
    free(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_weight_is_moved_by_its_optimizer),
        cmocka_unit_test(momentum_weighs_all_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
