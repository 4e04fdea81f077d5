/* The ladder of tests that every layer, and the whole network, must climb, in double:
 *   1. first- and second-order streams against differences of the value along every coordinate;
 *   2. <y_bar, y'> = <x_bar, x'>: the backward sweep of the value against the forward stream;
 *   3. the backward sweep of F = sum over streams and outputs of y_bar y against differences of F
 *      by every input coordinate of every stream and by every parameter.
 * A subject is anything with inputs x, parameters theta and outputs y. */
#ifndef LADDER_H
#define LADDER_H

#include "host/tile.h"

typedef struct subject subject;

struct subject {
    const char *name;
    score_streams layout;
    int x_size;   /* of one stream */
    int straight; /* inputs from this index on follow straight lines: their second order is zero,
                       and only the value's adjoint is formed */
    int time_from; /* inputs from this index on are times: only directions that move time move them */
    int theta_size;
    int y_size; /* of one stream */
    void (*forward)(const subject *self, unsigned streams, const double *x, const double *theta,
                    double *y);
    /* After forward with the same streams: x_bar, theta_bar += adjoints. */
    void (*backward)(const subject *self, unsigned streams, const double *x, const double *theta,
                     const double *y_bar, double *x_bar, double *theta_bar);
    void *data;
};

/* Runs the ladder at random inputs and parameters, for each prefix of the layout that is a set of
 * streams in use; calls fail_msg of cmocka with the coordinate that is wrong. */
void climb(const subject *self);

/* Fails unless |value - expected| <= tolerance (so also where one is not a number). */
void check_close(double value, double expected, double tolerance, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The sets of streams in use: value; value and a direction (denoising score matching); value, two
 * directions with second order and one along x and t (Fokker-Planck). */
enum { STREAM_SETS = 3 };
score_streams stream_set(int k);

#endif
