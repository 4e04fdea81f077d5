#ifndef OPENMM_SCORE_EVALUATE_H_
#define OPENMM_SCORE_EVALUATE_H_

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>

#include "ScoreModel.h"

namespace OpenMMScore {

/**
 * Energies and scores of molecules, for Python. The memory of a call is kept for the next one, which
 * needs no other if it is like it: of as many molecules with the same features, and so on. One
 * thread at a time may use an Evaluator.
 */
class Evaluator {
  public:
    explicit Evaluator(const ScoreModel &evaluated);
    ~Evaluator();
    /**
     * Evaluates any number of molecules of one size. The arrays are C-contiguous and support
     * Python's buffer protocol; Python's lock is released meanwhile.
     *
     * @param singlePrecision  whether to use floats inside
     * @param time             the diffusion time
     * @param threads          the number of threads, at least 1
     * @param beads            the number of beads of a molecule
     * @param positions        doubles, molecules x beads x dimensions, in nm
     * @param features         C ints, beads x features, or molecules x beads x features; or None:
     *                         those in the model's list of beads
     * @param energies         doubles, molecules, in kT: a result; or None
     * @param scores           doubles, like the positions, in 1/nm: a result
     */
    void evaluate(bool singlePrecision, double time, int threads, int beads, PyObject *positions,
                  PyObject *features, PyObject *energies, PyObject *scores);

  private:
    struct Batch;
    ScoreModel model;
    std::unique_ptr<Batch> batch;
};

} // namespace OpenMMScore

#endif
