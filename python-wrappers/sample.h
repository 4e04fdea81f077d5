#ifndef OPENMM_SCORE_SAMPLE_H_
#define OPENMM_SCORE_SAMPLE_H_

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string>

#include "ScoreModel.h"

namespace OpenMMScore {

/**
 * Draws independent samples of a model (score/sample.h), for Python, whose lock is released
 * meanwhile. Ctrl-C ends it within a step.
 *
 * @param solver       the name of the solver
 * @param steps        the number of its steps, or 0
 * @param seed         of the random numbers
 * @param threads      the number of threads, at least 1
 * @param positions    floats, samples x beads x dimensions, in nm: a result
 * @param logDensity   doubles, samples: a result; or None
 */
void drawSamples(const ScoreModel &model, const std::string &solver, int steps,
                 unsigned long long seed, int threads, PyObject *positions, PyObject *logDensity);

} // namespace OpenMMScore

#endif
