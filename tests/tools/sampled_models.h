/* Random models to draw samples of. */
#ifndef SAMPLED_MODELS_H
#define SAMPLED_MODELS_H

#include "score/model.h"

typedef enum sampled_model {
    MODEL_MOLECULE, /* three beads known one by one, centred; an energy at all times */
    MODEL_FEATURES, /* three beads known by features, centred; an energy at all times */
    MODEL_TOY,      /* one bead in two dimensions; scores on (.6, 1) and (.1, .6), then an energy */
    MODEL_SCORES,   /* the same, all of it a score */
    MODEL_LATE,     /* a molecule that is known from 0 to .1 only */
    MODEL_COUNT
} sampled_model;

score_model *make_sampled_model(sampled_model kind);

#endif
