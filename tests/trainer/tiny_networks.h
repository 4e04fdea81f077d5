/* Networks small enough that every parameter can be moved: hidden 8, 2 heads of 4, 3 beads. */
#ifndef TINY_NETWORKS_H
#define TINY_NETWORKS_H

#include "model/network.h"

typedef struct tiny_network {
    const char *name;
    score_architecture architecture;
    score_output output;
    int dimensions;
    int centred;
    int features; /* beads are known by them instead of one by one */
    score_base base;
    double t_begin;
    double t_end;
} tiny_network;

extern const tiny_network TINY_NETWORKS[];
enum { TINY_NETWORK_COUNT = 8, TINY_BEADS = 3 };

/* A model with random weights of all kinds, biases and norm scales included. */
score_model *make_tiny_model(const tiny_network *network, const int **features);

#endif
