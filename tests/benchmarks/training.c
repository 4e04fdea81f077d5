/* How fast a recipe trains, and what share of the matrix-product peak that is.
 *
 *     bench_training RECIPE.xml [THREADS]
 *
 * Rounds of training steps and of large matrix products (512 x 512 x 512, float) take turns, so
 * that both see the same machine; minimum and median of the rounds are printed. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/gemm.h"
#include "dataset.h"
#include "executor_openmp.h"
#include "initialise.h"
#include "model/network.h"
#include "recipe.h"
#include "run_model.h"
#include "stage_run.h"

enum { ROUNDS = 15, STEPS = 4, SIZE = 512 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Floating-point operations that denoising score matching needs for one sample of n beads, products
 * of the graph transformer and of its attention only. With F those of one forward pass: value
 * forward F, value backward to the coordinates F, first-order stream forward F, backward of both
 * streams to activations and weights 4 F; less what is zero or constant in the first layer: its
 * query, key and value products Q in the coordinates' backward, and for the first-order stream. */
static double operations(const score_network *network, int n) {
    const double h = network->expert.hidden,
                 all = network->expert.heads * network->expert.head_width;
    const double query = 2 * h * 3 * all, out = 2 * all * h;
    const double wide = 2 * 2 * h * SCORE_FEEDFORWARD_FACTOR * h;
    const double attention = 2 * 2 * n * (all + 3 * network->expert.heads);
    const double forward = network->expert.layers * (query + out + wide + attention);
    return n * (7 * forward - 4 * query);
}

typedef struct products {
    score_real *a, *b, *c;
} products;

static void multiply(void *argument, int task, int thread) {
    (void)task;
    const products *matrices = (const products *)argument + thread;
    score_gemm(SIZE, SIZE, SIZE, matrices->a, matrices->b, 0, matrices->c);
}

static products *make_products(int threads) {
    products *matrices = calloc((size_t)threads, sizeof *matrices);
    for (int k = 0; matrices != NULL && k < threads; k++)
        matrices[k] = (products){calloc(SIZE * SIZE, sizeof(score_real)),
                                 calloc(SIZE * SIZE, sizeof(score_real)),
                                 calloc(SIZE * SIZE, sizeof(score_real))};
    return matrices;
}

static void print_row(const char *name, double best, double median, const char *unit) {
    printf("%-28s %10.4g %10.4g  %s\n", name, best, median, unit);
}

static score_status measure(const char *path, int threads, score_error *error) {
    score_recipe *recipe = NULL;
    score_dataset *dataset = NULL;
    score_model *model = NULL;
    score_stage_run *run = NULL;
    const score_executor executor = score_executor_openmp(&threads);
    products *matrices = make_products(threads);
    score_status status;
    if ((status = score_recipe_read(path, &recipe, error)) ||
        (status = score_dataset_open(recipe, ".", &dataset, error)) ||
        (status = score_run_model_create(recipe, dataset, &model, error)))
        goto done;
    score_initialise(model, 0, recipe->seed);
    if ((status = score_stage_run_create(recipe, dataset, model, 0, 0, &executor, &run, error)))
        goto done;
    const int batch = recipe->stages[0].batch, products_a_round = 40 * threads;
    double training[ROUNDS], peak[ROUNDS], loss, norm;
    uint64_t step = 0;
    for (int r = -1; r < ROUNDS; r++) { /* the first is a warm-up */
        const int k = r < 0 ? 0 : r;
        double begin = now();
        for (int s = 0; s < STEPS; s++)
            if ((status = score_stage_run_step(run, step++, &loss, &norm, error)))
                goto done;
        training[k] = (now() - begin) / (STEPS * batch);
        begin = now();
        executor.run(executor.context, products_a_round, multiply, matrices);
        peak[k] = (now() - begin) / products_a_round / (2.0 * SIZE * SIZE * SIZE);
    }
    qsort(training, ROUNDS, sizeof *training, compare);
    qsort(peak, ROUNDS, sizeof *peak, compare);
    const double work = operations(score_model_network(model, 0), recipe->model.bead_count);
    printf("%s, %d thread%s, batch %d\n%-28s %10s %10s\n", path, threads, threads == 1 ? "" : "s",
           batch, "", "best", "median");
    print_row("training", 1 / training[0], 1 / training[ROUNDS / 2], "samples/s");
    print_row("operations a sample", 1e-6 * work, 1e-6 * work, "Mflop");
    print_row("training", 1e-9 * work / training[0], 1e-9 * work / training[ROUNDS / 2], "Gflop/s");
    print_row("matrix products", 1e-9 / peak[0], 1e-9 / peak[ROUNDS / 2], "Gflop/s");
    print_row("share of the peak", work * peak[0] / training[0],
              work * peak[ROUNDS / 2] / training[ROUNDS / 2], "");
done:
    for (int k = 0; matrices != NULL && k < threads; k++) {
        free(matrices[k].a);
        free(matrices[k].b);
        free(matrices[k].c);
    }
    free(matrices);
    score_stage_run_destroy(run);
    score_model_destroy(model);
    score_dataset_close(dataset);
    score_recipe_destroy(recipe);
    return status;
}

int main(int argc, char **argv) {
    score_error error = {0};
    char text[1024];
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: bench_training RECIPE.xml [THREADS]\n");
        return 2;
    }
    const int threads = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 1;
    if (threads < 1 || threads > 1024) {
        fprintf(stderr, "bench_training: %s threads, must be in [1, 1024]\n", argv[2]);
        return 2;
    }
    if (measure(argv[1], threads, &error) != SCORE_OK) {
        fprintf(stderr, "bench_training: %s\n", score_error_text(&error, text, sizeof text));
        return 1;
    }
    return 0;
}
