/* Small models with awkward contents, and what the tests of the format ask about models. */
#ifndef SAMPLE_MODELS_H
#define SAMPLE_MODELS_H

#include "score/model.h"

typedef enum sample_model {
    SAMPLE_TRANSFORMER, /* energy, float32, two beads, one note */
    SAMPLE_FEATURES,    /* energy, float64, bead features, no note */
    SAMPLE_MLP,         /* score, float64, two dimensions, not centred, no note */
    SAMPLE_EXPERTS, /* three experts of both kinds and both dtypes, notes of special characters */
    SAMPLE_GAUSSIAN_BEADS,       /* energy, float32, two centred beads, a Gaussian as base */
    SAMPLE_GAUSSIAN_COORDINATES, /* energy, float32, two dimensions, a Gaussian with a mean as base */
    SAMPLE_GAUSSIAN_ALL, /* energy, float64, bead features, a Gaussian over all, and no base */
    SAMPLE_COUNT
} sample_model;

/* Never fails: a test cannot go on without. The values include -0, the least denormal number and
 * the greatest number of the expert's dtype. */
score_model *make_sample(sample_model kind);

/* The first sample with another noise schedule. */
score_model *make_sample_of_schedule(score_noise_schedule schedule);

/* The document of a sample, for free(). */
char *make_document(sample_model kind);

/* True if all that the interface shows is equal, numbers bit by bit. */
int models_are_identical(const score_model *a, const score_model *b);
/* The weights and the numbers of the Gaussian alone. */
int parameters_are_identical(const score_model *a, const score_model *b);

/* The line of `where`, which must be inside `text`; 1 is the first. */
long line_of(const char *text, const char *where);

/* Whole files, for free(); never fail. */
void write_file(const char *path, const void *bytes, size_t size);
char *read_file(const char *path, size_t *size);

#endif
