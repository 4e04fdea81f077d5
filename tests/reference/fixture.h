/* A fixture of tests/reference/make_fixtures.py: a network with its weights, inputs for it, and
 * what the plain JAX implementation makes of them. Whatever is wrong with a file ends the test. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <hdf5.h>

#include "model/diffusion.h"
#include "model/network.h"
#include "nn/activation_kind.h"

typedef struct fixture {
    hid_t file;
    score_model *model; /* of one expert, with the weights of the file */
    const score_network *network;
    double weight_middle; /* of score_equal_weight */
    int samples;
    int rows;
    int dimensions;
    int *beads;     /* [samples] */
    int *first_row; /* [samples + 1] */
    int *features;  /* [rows][feature_count], or NULL */
    double *t;      /* [samples] */
    double *x;      /* [rows][dimensions], x_t, not centred */
} fixture;

fixture *fixture_open(const char *path);
void fixture_close(fixture *f);

/* `count` numbers of data set `path`, which must have that many; the caller frees them. */
double *fixture_read(const fixture *f, const char *path, size_t count);
double fixture_attribute(const fixture *f, const char *name);

/* Product of `dimensions` and the beads of sample k: the D of its loss. */
int fixture_coordinates(const fixture *f, int k);
score_noise_schedule fixture_schedule(const fixture *f);

#endif
