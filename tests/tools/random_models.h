/* Models of random weights to draw samples of. */
#ifndef RANDOM_MODELS_H
#define RANDOM_MODELS_H

#include "score/model.h"

typedef enum random_model {
    MODEL_MOLECULE, /* three beads known one by one, centred; an energy at all times */
    MODEL_FEATURES, /* three beads known by features, centred; an energy at all times */
    MODEL_TOY,      /* one bead in two dimensions; scores on (.6, 1) and (.1, .6), then an energy */
    MODEL_SCORES,   /* the same, all of it a score */
    MODEL_LATE,     /* a molecule that is known from 0 to .1 only */
    MODEL_COUNT
} random_model;

/* Never fails: a test cannot go on without. */
score_model *make_random_model(random_model kind);

#endif
