/* Matrix products of a network's shapes, for few and many rows: those of nn/product.h against
 * libxsmm's and OpenBLAS's, where these were found when the build was configured. All weights of
 * the network are gone through in turn, so that they come from as far away as in a force.
 *
 *     bench_products_v4 [ROUNDS]
 *
 * Each cell is Gflop/s, the best and, in brackets, the median of ROUNDS interleaved rounds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "nn/product.h"

#ifdef HAS_OPENBLAS
#include <cblas.h>
#endif
#ifdef HAS_LIBXSMM
#include <libxsmm.h>
#endif

/* One layer of hidden 128, 8 heads of 64, forward and backward: inputs, outputs. */
static const int SHAPES[][2] = {{128, 1536}, {512, 128}, {128, 512}, {512, 128},
                                {512, 128},  {128, 512}, {128, 512}, {1536, 128}};
enum { COUNT = sizeof SHAPES / sizeof SHAPES[0], LAYERS = 3, MAX_ROWS = 256, WIDEST = 1536 };

typedef struct bench {
    float *weight[LAYERS][COUNT]; /* panels, or the same numbers in rows: as many of them */
    float *left, *result;
} bench;

typedef void (*product)(const bench *b, int rows, int layer, int shape);

static void by_panels(const bench *b, int rows, int layer, int shape) {
    const int k = SHAPES[shape][0], n = SHAPES[shape][1];
    score_product_panels(rows, k, 0, n, (score_matrix){b->left, k, 1}, b->weight[layer][shape],
                         NULL, b->result, n, false);
}

#ifdef HAS_OPENBLAS
static void by_openblas(const bench *b, int rows, int layer, int shape) {
    const int k = SHAPES[shape][0], n = SHAPES[shape][1];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, k, 1, b->left, k,
                b->weight[layer][shape], n, 0, b->result, n);
}
#endif

#ifdef HAS_LIBXSMM
/* Column-major: the transposed result, 64 columns at a time, which was faster than all at once. */
static void by_libxsmm(const bench *b, int rows, int layer, int shape) {
    enum { BLOCK = 64 };
    const int k = SHAPES[shape][0], n = SHAPES[shape][1], block = BLOCK;
    const float alpha = 1, beta = 0;
    const int flags = LIBXSMM_GEMM_FLAG_NONE;
    const libxsmm_smmfunction kernel = libxsmm_smmdispatch(block, rows, k, &block, &k, &n, &alpha,
                                                           &beta, &flags, NULL);
    for (int j = 0; j < n; j += BLOCK)
        kernel(b->weight[layer][shape] + (ptrdiff_t)j * k, b->left, b->result + j);
}
#endif

static const struct {
    const char *name;
    product run;
} SUBJECTS[] = {
    {"nn/product.h", by_panels},
#ifdef HAS_LIBXSMM
    {"libxsmm", by_libxsmm},
#endif
#ifdef HAS_OPENBLAS
    {"OpenBLAS", by_openblas},
#endif
};
enum { SUBJECT_COUNT = sizeof SUBJECTS / sizeof SUBJECTS[0] };

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static float *numbers(size_t count) {
    float *values = aligned_alloc(64, (count * sizeof *values + 63) / 64 * 64);
    if (values == NULL)
        exit(1);
    for (size_t k = 0; k < count; k++)
        values[k] = (float)(k * 2654435761u % 1000u) / 1000.0f - 0.5f;
    return values;
}

static double one_round(const bench *b, int rows, product run) {
    const double begin = now();
    for (int layer = 0; layer < LAYERS; layer++)
        for (int shape = 0; shape < COUNT; shape++)
            run(b, rows, layer, shape);
    return now() - begin;
}

static void print_row(const bench *b, int rows, int rounds, double *seconds[SUBJECT_COUNT]) {
    double flops = 0;
    for (int shape = 0; shape < COUNT; shape++)
        flops += 2.0 * LAYERS * rows * SHAPES[shape][0] * SHAPES[shape][1];
    for (int r = -1; r < rounds; r++) /* the first warms up */
        for (int s = 0; s < SUBJECT_COUNT; s++) {
            const double time = one_round(b, rows, SUBJECTS[s].run);
            if (r >= 0)
                seconds[s][r] = time;
        }
    printf("| %d |", rows);
    for (int s = 0; s < SUBJECT_COUNT; s++) {
        qsort(seconds[s], (size_t)rounds, sizeof **seconds, by_value);
        printf(" %.0f (%.0f) |", flops / seconds[s][0] / 1e9, flops / seconds[s][rounds / 2] / 1e9);
    }
    printf("\n");
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 30;
    const int rows[] = {5, 10, 20, 28, 35, 56, 64, 96, 256};
    bench b;
    double *seconds[SUBJECT_COUNT];
    if (rounds < 1) {
        fprintf(stderr, "bench_products: '%s' rounds, must be at least 1\n", argv[1]);
        return 2;
    }
#ifdef HAS_OPENBLAS
    openblas_set_num_threads(1);
#endif
    for (int layer = 0; layer < LAYERS; layer++)
        for (int shape = 0; shape < COUNT; shape++)
            b.weight[layer][shape] = numbers(score_panels_size(SHAPES[shape][0], SHAPES[shape][1]));
    b.left = numbers(MAX_ROWS * WIDEST);
    b.result = numbers(MAX_ROWS * WIDEST);
    printf("| rows |");
    for (int s = 0; s < SUBJECT_COUNT; s++) {
        seconds[s] = calloc((size_t)rounds, sizeof **seconds);
        printf(" %s |", SUBJECTS[s].name);
    }
    printf("\n|---|");
    for (int s = 0; s < SUBJECT_COUNT; s++)
        printf("---|");
    printf("\n");
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        print_row(&b, rows[k], rounds, seconds);
    return 0; /* memory goes with the process */
}
