/* One step of the optimizers over a whole network, in double: Muon moves the matrices between hidden
 * values by orthonormal matrices along their gradients, and AdamW everything else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "programs/executor_openmp.h"
#include "temporary_folder.h"
#include "tiny_networks.h"
#include "run/weight_update.h"

static const double RATE = 1e-3, DECAY = 0.1;
/* What nn/orthogonal.h says of singular values. */
static const double NEAR_ONE = 0.022;

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
    assert_int_equal(score_weight_update_create(network, config, threads, &update, &error),
                     SCORE_OK);
    const score_optimizer_step step = score_optimizer_step_at(config, 0, RATE, 1);
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
    double *gradients = calloc((size_t)rows * (size_t)columns, sizeof *gradients);
    assert_non_null(gradients);
    double square = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const size_t k = tensor->offset + (size_t)(i * tensor->shape[1] + begin + j);
            moves[i * columns + j] = ((1 - RATE * DECAY) * a->before[k] - a->after[k]) / scale;
            gradients[i * columns + j] = a->gradient[k];
            square += a->gradient[k] * a->gradient[k];
        }
    const int n = rows < columns ? rows : columns, m = rows < columns ? columns : rows;
    const int outer = rows < columns ? columns : 1, inner = rows < columns ? 1 : columns;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0, with_gradient = 0, other_way = 0;
            for (int k = 0; k < m; k++) {
                sum += moves[i * outer + k * inner] * moves[j * outer + k * inner];
                with_gradient += moves[i * outer + k * inner] * gradients[j * outer + k * inner];
                other_way += moves[j * outer + k * inner] * gradients[i * outer + k * inner];
            }
            if (!(fabs(sum - (i == j)) <= 2.1 * NEAR_ONE))
                fail_msg("%s: rows or columns %d and %d have product %g", tensor->name, i, j, sum);
            /* U f(S) V^T and U S V^T: their product is symmetric and has no negative diagonal. */
            assert_true(fabs(with_gradient - other_way) <= 1e-9 * sqrt(square));
            assert_true(i != j || with_gradient > 0);
        }
    free(gradients);
    free(moves);
}

/* In how many matrices, side by side, Muon moves a tensor; 0: it does not. */
static int matrices_in(const score_network *network, const score_tensor *tensor) {
    static const char *const names[] = {"attention_edge.weight", "attention_out.weight",
                                        "feedforward_in.weight", "feedforward_out.weight"};
    if (network->expert.architecture == SCORE_MLP)
        return strcmp(tensor->name, "layer.1.weight") == 0;
    const char *name = strchr(tensor->name, '.');
    name = name != NULL ? strchr(name + 1, '.') : NULL; /* behind "layer.<l>" */
    if (name == NULL)
        return 0;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(name + 1, names[k]) == 0)
            return 1;
    return strcmp(name + 1, "query_key_value.weight") == 0 ? 3 : 0;
}

static void check_network(const tiny_network *tiny) {
    const int *features;
    score_model *model = make_tiny_model(tiny, &features);
    const score_network *network = score_model_network(model, 0);
    const score_optimizer_config adamw = {.settings = {0.9, 0.99, 1e-8}, .weight_decay = DECAY};
    score_optimizer_config muon = adamw;
    muon.kind = 1;
    muon.settings[3] = 0.95;
    arrays by_adamw = run(network, &adamw, 1), by_muon = run(network, &muon, 1);
    int matrices = 0;
    for (int t = 0; t < network->tensor_count; t++) {
        const score_tensor *tensor = &network->tensors[t];
        const int parts = matrices_in(network, tensor);
        if (parts == 0)
            assert_memory_equal(by_muon.after + tensor->offset, by_adamw.after + tensor->offset,
                                tensor->size * sizeof(double));
        for (int k = 0; k < parts; k++, matrices++)
            check_matrix(&by_muon, tensor, k * tensor->shape[1] / parts, tensor->shape[1] / parts);
        for (size_t k = 0; k < tensor->size; k++)
            assert_true((by_muon.second[tensor->offset + k] == 0) == (parts > 0));
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

/* All clipped gradients so far, and the last once more (Nesterov). A multiple of the identity keeps its
 * direction, so that only the sign of the sum counts; the fifth depends on clipping. */
static void momentum_weighs_all_gradients(void **state) {
    (void)state;
    enum { N = 5, STRIDE = 8, OFFSET = 2, SIZE = N * STRIDE, STEPS = 6 };
    static const double sizes[STEPS] = {1, -3, 40, -2, -7, -30};
    const score_hidden_matrix matrix = {
        .offset = OFFSET, .rows = N, .columns = N, .stride = STRIDE};
    const score_optimizer_config config = {
        .kind = 1, .settings = {0.9, 0.99, 1e-8, 0.8}, .clip_norm = 10};
    double gradient[SIZE], momenta[SIZE] = {0}, parameters[SIZE] = {0}, mean = 0;
    double *work = calloc(score_muon_work_size(&matrix), sizeof *work);
    assert_non_null(work);
    for (int n = 0; n < STEPS; n++) {
        for (int k = 0; k < SIZE; k++)
            gradient[k] = 7; /* where it is another matrix's */
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                gradient[OFFSET + i * STRIDE + j] = i == j ? sizes[n] : 0;
        const double clipped = fmax(-10, fmin(10, sizes[n]));
        mean = 0.8 * mean + 0.2 * clipped;
        const double sign = 0.8 * mean + 0.2 * clipped > 0 ? 1 : -1;
        double before[SIZE];
        memcpy(before, parameters, sizeof before);
        const score_optimizer_step step = score_optimizer_step_at(&config, (uint64_t)n, RATE,
                                                                  fabs(sizes[n]));
        score_muon_update(&step, &matrix, gradient, parameters, momenta, work);
        for (int k = 0; k < SIZE; k++) {
            const int i = (k + STRIDE - OFFSET) / STRIDE - 1, j = (k + STRIDE - OFFSET) % STRIDE;
            const double move = (before[k] - parameters[k]) / (0.2 * RATE * sqrt(N));
            if (i < 0 || j >= N)
                assert_true(move == 0 && momenta[k] == 0);
            else
                assert_true(fabs(move - (i == j ? sign : 0)) <= NEAR_ONE);
        }
        assert_true(fabs(momenta[OFFSET] - mean) < 1e-13);
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
