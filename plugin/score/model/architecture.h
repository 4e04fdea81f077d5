/* An architecture in its own words: it declares its tensors in the order of the parameter vector and,
 * as data (model/plan.h), its arrays and steps in the order of the forward sweep. It is asked
 * several times, to count and to record, and for plans of several purposes; the tensors are always
 * the same. */
#ifndef SCORE_ARCHITECTURE_H
#define SCORE_ARCHITECTURE_H

#include "model/plan.h"
#include "model/settings.h"

/* What a description is written to. Entries of a list that is NULL are only counted. */
typedef struct score_description {
    const score_network *network; /* its settings */
    score_purpose purpose;
    score_tensor *tensors;
    int tensor_count;
    size_t parameter_count;
    score_array *arrays;
    int array_count;
    score_step *steps;
    int step_count;
    score_derived *derived;
    int derived_count;
    int centred; /* the array of centred positions */
} score_description;

/* Describes the network by its architecture, with its base. */
void score_describe(score_description *description);

/* One architecture. */
typedef struct score_architecture_kind {
    const char *word;  /* in files */
    const char *title; /* for readers */
    const score_setting *settings;
    void (*describe)(score_description *description);
} score_architecture_kind;

#define SCORE_DECLARE_ARCHITECTURE(kind) extern const score_architecture_kind SCORE_##kind##_KIND;
SCORE_ARCHITECTURE_LIST(SCORE_DECLARE_ARCHITECTURE)
#undef SCORE_DECLARE_ARCHITECTURE

/* Tensors. Each returns its place in the list, the first of those that stand together. The name of
 * one is "<name>.<kind>", in front of it "layer.<layer>." unless that is negative.
 * hidden: how many matrices side by side an optimizer of matrices is to see, 0 for none. */
int score_add_table(score_description *description, int number, int rows, int columns);
int score_add_linear(score_description *description, int layer, const char *name, int in, int out,
                     int hidden); /* weight, bias */
int score_add_norm(score_description *description, int layer, const char *name, int width);
int score_add_gate(score_description *description, int layer, const char *name, int width);
int score_add_derived(score_description *description, int edge, int weight, int columns);

/* An array of `width` numbers of each row, or of each molecule, for every stream. */
int score_add_rows(score_description *description, const char *name, int width, int adjoint);
int score_add_molecules(score_description *description, const char *name, int width, int adjoint);
/* Any array; its place, what it depends on and whether it is kept are found later. */
int score_add_array(score_description *description, score_array array);

void score_add_step(score_description *description, score_step step);

/* The first steps of every architecture. Positions: returns x centred, whose adjoint comes in
 * `parts` that are added up. Times: returns the time features. */
int score_add_positions(score_description *description, int parts);
int score_add_times(score_description *description);

/* Where the read-out of an expert goes: the outputs of an energy, or an array of which they become
 * minus (score_end_readout), so that a score is minus the last layer. */
int score_begin_readout(score_description *description);
void score_end_readout(score_description *description, int readout);

#endif
