/* What the passes of a training step cost, without drawing samples and without the optimizer:
 *
 *     bench_streams [ROUNDS]
 *
 * Denoising: the value forward and back to the inputs, a direction forward, both back to the
 * parameters. With Fokker-Planck's streams: the value and two directions with second order forward,
 * the value back to the inputs and the time, a direction along both forward, all six streams back.
 * Each beside the time that its matrix products would take at the best rate of a product in the same
 * run: operations of the dense layers, forward, to the inputs and to the weights, without those of
 * streams that are zero before the first attention. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "bench_model.h"
#include "host/tile.h"
#include "nn/product.h"

enum { VALUE, Z1, Z1_2, Z2, Z2_2, LATE, STREAMS };
#define BIT(s) (1u << (s))
#define DIRECTIONS (BIT(Z1) | BIT(Z1_2) | BIT(Z2) | BIT(Z2_2))

typedef struct network_size {
    const char *name;
    int beads, hidden, layers;
} network_size;

static const network_size SIZES[] = {{"alanine dipeptide, 5 beads, 96 x 2", 5, 96, 2},
                                     {"chignolin, 10 beads, 128 x 3", 10, 128, 3}};
enum { HEADS = 8, WIDTH = 64, ROWS = 96 };

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *checked(void *memory) {
    if (memory == NULL)
        exit(1);
    return memory;
}

static void require(score_status status) {
    if (status != SCORE_OK)
        exit(1);
}

/* Flops of the dense layers for one stream of one row: of the first layer's q, k, v alone, or of all
 * others. */
static double flops_of_row(const network_size *size, int of_first_qkv) {
    const double h = size->hidden, all = HEADS * WIDTH, qkv = 2 * h * 3 * all;
    return of_first_qkv ? qkv : size->layers * (qkv + 2 * all * h + 16 * h * h) - qkv;
}

/* Streams forward, back to the inputs and to the weights; `moving` of them move time. */
static double flops(const network_size *size, int rows, int streams, int moving) {
    return rows * (streams * flops_of_row(size, 0) + moving * flops_of_row(size, 1));
}

typedef struct bench {
    score_model *model;
    score_packed *packed;
    score_tile *tile;
    score_tile_view view;
    score_real *gradient;
} bench;

static void set_up(const network_size *size, bench *b) {
    const score_streams layout = {.count = STREAMS,
                                  .order = {0, 1, 2, 1, 2, 1},
                                  .moves_time = {false, false, false, false, false, true}};
    const int molecules = ROWS / size->beads, rows = molecules * size->beads;
    const score_tile_limits limits = {
        .molecules = molecules, .rows = rows, .pairs = (size_t)(rows * size->beads)};
    const score_executor serial = score_executor_serial();
    score_random random = score_random_stream(1, 0, 0, 0);
    b->model = bench_model(size->beads, size->hidden, size->layers, HEADS, WIDTH);
    const score_network *network = score_model_network(b->model, 0);
    require(score_packed_create(network, &b->packed, NULL));
    require(score_tile_create(network, &layout, &limits, &b->tile, NULL));
    const size_t count = network->parameter_count;
    score_real *parameters = checked(calloc(count, sizeof *parameters));
    for (size_t k = 0; k < count; k++)
        parameters[k] = (score_real)score_model_parameters(b->model, 0)[k];
    score_packed_update(b->packed, parameters, &serial);
    free(parameters);
    b->gradient = checked(calloc(score_packed_gradient_size(b->packed), sizeof *b->gradient));
    int list[ROWS];
    for (int m = 0; m < molecules; m++)
        list[m] = size->beads;
    b->view = score_tile_set_molecules(b->tile, molecules, list, NULL);
    for (int k = 0; k < STREAMS * rows * 3; k++)
        b->view.x[k] = (score_real)score_random_normal(&random);
    for (int k = 0; k < STREAMS * molecules; k++) {
        b->view.t[k] = (score_real)0.5;
        b->view.output_bar[k] = 1;
    }
}

static void step(const bench *b, unsigned before, bool wants_time) {
    const unsigned all = before | BIT(LATE);
    score_forward(b->packed, b->tile, &(score_pass){.streams = before});
    score_backward(b->packed, b->tile,
                   &(score_pass){.streams = BIT(VALUE), .wants_time = wants_time});
    score_forward(b->packed, b->tile, &(score_pass){.streams = BIT(LATE)});
    score_backward(b->packed, b->tile, &(score_pass){.streams = all, .gradient = b->gradient});
}

/* Flop/s of a product that finds everything in the cache. */
static double product_rate(void) {
    enum { M = 84, N = 512, K = 128 };
    score_real *a = checked(calloc(M * K, sizeof *a)), *c = checked(calloc(M * N, sizeof *c));
    score_real *panels = checked(score_allocate_aligned(score_panels_size(K, N) * sizeof *panels));
    score_panels_pack(K, 0, N, (score_matrix){c, N, 1}, panels);
    const double begin = now();
    for (int k = 0; k < 20; k++)
        score_product_panels(M, K, 0, N, (score_matrix){a, K, 1}, panels, NULL, c, N, false);
    const double rate = 20.0 * 2 * M * N * K / (now() - begin);
    free(a);
    free(c);
    free(panels);
    return rate;
}

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;
    if (rounds < 1) {
        fprintf(stderr, "bench_streams: '%s' rounds, must be at least 1\n", argv[1]);
        return 2;
    }
    printf("| network | passes | us a sample | x floor |\n|---|---|---|---|\n");
    for (size_t k = 0; k < sizeof SIZES / sizeof SIZES[0]; k++) {
        const network_size *size = &SIZES[k];
        static bench b;
        set_up(size, &b);
        double peak = 0, best[2] = {1e9, 1e9};
        for (int r = 0; r < rounds; r++) {
            const double rate = product_rate();
            peak = rate > peak ? rate : peak;
            for (int fp = 0; fp < 2; fp++) {
                const double begin = now();
                step(&b, fp ? BIT(VALUE) | DIRECTIONS : BIT(VALUE), fp != 0);
                const double time = now() - begin;
                best[fp] = time < best[fp] ? time : best[fp];
            }
        }
        const int rows = b.view.rows;
        /* Value to the inputs alone: the first q, k, v only where the time is wanted too. */
        const double work[2] = {flops(size, rows, 1 + 1 + 1 + 2 * 2, 1 + 0 + 1 + 2 * 2),
                                flops(size, rows, 5 + 1 + 1 + 2 * 6, 1 + 1 + 1 + 2 * 2)};
        for (int fp = 0; fp < 2; fp++)
            printf("| %s | %s | %.0f | %.2f |\n", size->name,
                   fp ? "denoising and Fokker-Planck" : "denoising",
                   1e6 * best[fp] / b.view.molecules, best[fp] * peak / work[fp]);
        score_tile_destroy(b.tile);
        score_packed_destroy(b.packed);
        score_model_destroy(b.model);
        free(b.gradient);
    }
    return 0;
}
