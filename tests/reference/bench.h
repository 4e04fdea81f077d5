/* One tile of the core that holds all samples of a fixture, with what a training step does with it:
 * forward, backward to the inputs, one more direction, backward to the parameters. */
#ifndef BENCH_H
#define BENCH_H

#include "fixture.h"
#include "host/tile.h"

/* Streams of a tile: any line along x and t with second order; two lines along x with second
 * order, for the Hessian products; and one line that is known only after a backward sweep. */
enum { VALUE, LINE, LINE_2, Z1, Z1_2, Z2, Z2_2, LATE, STREAMS };

#define BIT(stream) (1u << (stream))
#define HESSIANS (BIT(Z1) | BIT(Z1_2) | BIT(Z2) | BIT(Z2_2))

typedef struct bench {
    const fixture *f;
    score_packed *packed;
    score_tile *tile;
    score_tile_view view;
    size_t coordinates; /* rows x d */
    size_t outputs;     /* molecules x outputs of one */
    score_real *gradient;
} bench;

bench bench_create(const fixture *f);
void bench_destroy(bench *b);

/* Sets a line from data sets of the file; time NULL: along x alone. */
void set_line(const bench *b, int stream, const char *space, const char *time);
/* The adjoints of one stream, all the same. */
void set_output_bar(const bench *b, int stream, double value);

void forward(const bench *b, unsigned streams);
/* With E the output, its adjoint -1 makes x_bar the score and t_bar d/dt log q. */
void backward_to_inputs(const bench *b);
/* The folded gradient by all parameters, for the adjoints set. */
void backward_to_parameters(const bench *b, unsigned streams);

/* The mean DSM loss; its derivative by the score, (2 w sigma / D)(eps + sigma s) / samples, is
 * added to `direction`. `score` and `direction` are [rows][d]. */
double add_dsm(const fixture *f, const double *score, double *direction);
/* The mean Fokker-Planck loss without beta_fp. With kappa = w / D^2 / samples, adds
 * kappa (r_1 + r_2) a to `direction` and kappa (r_1 + r_2) to `direction_t`, sets the adjoints of
 * the second orders along z1 and z2, and `residuals` [samples][2]. Needs the forward pass of
 * HESSIANS and the backward pass to the inputs. */
double add_fp(const bench *b, double *direction, double *direction_t, double *residuals);
/* Forward along the line LATE. Its adjoint becomes -1, that of log q; the adjoints of the value
 * and of first orders along z1 and z2 become 0. */
void set_late(const bench *b, const double *direction, const double *direction_t);

/* `count` numbers in double; the caller frees them. */
double *widen(const score_real *values, size_t count);

#endif
