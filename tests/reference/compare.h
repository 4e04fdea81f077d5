/* Comparing with a fixture. The core is compiled twice and so is this: TOLERANCE is relative to the
 * largest expected number of the array compared (of one molecule for a score, of one tensor for a
 * gradient), because an element that is small by cancellation carries the rounding of the terms
 * that cancel. An output of these networks is a sum of some 1e5 products through two layers; 1e-10
 * is 5e5 roundings of the largest term in double, 1e-4 is 800 in float. */
#ifndef COMPARE_H
#define COMPARE_H

#include "base/real.h"
#include "fixture.h"

#ifdef SCORE_SINGLE
static const double TOLERANCE = 1e-4;
#else
static const double TOLERANCE = 1e-10;
#endif

/* Every |found - expected| is at most TOLERANCE x scale; NaN and a scale of zero fail. */
void compare_scaled(const char *what, const double *found, const double *expected, size_t count,
                    double scale);
/* The same with the largest |expected| as the scale. */
void compare_array(const char *what, const double *found, const double *expected, size_t count);
/* The same with data set expected/<name> of the file. */
void compare_expected(const fixture *f, const char *name, const double *found, size_t count);
/* Scores [rows][d], every molecule by itself, with expected/score. */
void compare_scores(const fixture *f, const double *found);
/* A loss with the attribute `name`. */
void compare_loss(const fixture *f, const char *name, double found);
/* The gradient by every tensor with the sum of groups `group` and `second_group` (may be NULL).
 * readout.bias of an energy, whose gradient vanishes because a constant shifts no score, is held
 * to TOLERANCE x the largest element of the whole gradient. The keys' part of
 * query_key_value.bias, which shifts all arguments of a softmax alike, vanishes too and is part of
 * a tensor that does not. */
void compare_gradient(const fixture *f, const char *group, const char *second_group,
                      const double *found);

#endif
