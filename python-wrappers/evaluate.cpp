#include "evaluate.h"

#include <climits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "ThreadPoolExecutor.h"
#include "python_errors.h"
#include "score/batch.h"
#include "openmm/OpenMMException.h"

namespace OpenMMScore {
namespace {

/** The elements of a Python object with the buffer protocol; none if it is None. */
template <class T> class Array {
  public:
    Array(PyObject *object, const char *format, bool writable = false) {
        view.obj = nullptr;
        view.buf = nullptr;
        view.len = 0;
        if (object == Py_None)
            return;
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view, flags) != 0)
            throw PythonError();
        if (view.format == nullptr || std::string(view.format) != format) {
            std::string found = view.format == nullptr ? "B" : view.format;
            PyBuffer_Release(&view);
            throw std::invalid_argument("an array has elements '" + found + "', must be '" +
                                        format + "'");
        }
    }
    ~Array() {
        PyBuffer_Release(&view);
    }
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    T *data() const {
        return static_cast<T *>(view.buf);
    }
    size_t size() const {
        return static_cast<size_t>(view.len) / sizeof(T);
    }

  private:
    Py_buffer view;
};

/** Other Python threads may run while this exists. */
class WithoutLock {
  public:
    WithoutLock() : state(PyEval_SaveThread()) {
    }
    ~WithoutLock() {
        PyEval_RestoreThread(state);
    }
    WithoutLock(const WithoutLock &) = delete;
    WithoutLock &operator=(const WithoutLock &) = delete;

  private:
    PyThreadState *state;
};

void check(score_status status, const score_error &error) {
    if (status == SCORE_OK)
        return;
    char text[sizeof(error.message) + sizeof(error.file) + 32];
    score_error_text(&error, text, sizeof(text));
    if (status == SCORE_ERROR_ARGUMENT)
        throw std::invalid_argument(text);
    if (status == SCORE_ERROR_MEMORY)
        throw std::bad_alloc();
    throw OpenMM::OpenMMException(text);
}

using Batch = std::unique_ptr<score_batch, void (*)(score_batch *)>;

Batch createBatch(const score_model *model, score_precision precision,
                  const std::vector<score_molecule> &molecules, int threads) {
    score_batch *batch = nullptr;
    score_error error = {};
    check(score_batch_create(model, precision, static_cast<int>(molecules.size()), molecules.data(),
                             threads, &batch, &error),
          error);
    return Batch(batch, score_batch_destroy);
}

std::vector<score_molecule> listMolecules(size_t count, int beads, const Array<int> &features,
                                          size_t featureCount) {
    size_t features_per_molecule = static_cast<size_t>(beads) * featureCount;
    bool shared = features.size() == features_per_molecule;
    if (features.data() != nullptr && !shared && features.size() != count * features_per_molecule)
        throw std::invalid_argument("features has " + std::to_string(features.size()) +
                                    " values, must have " + std::to_string(features_per_molecule) +
                                    " or as many per molecule");
    std::vector<score_molecule> molecules(count);
    for (size_t m = 0; m < count; m++) {
        molecules[m].beads = beads;
        molecules[m].features = features.data();
        if (features.data() != nullptr && !shared)
            molecules[m].features += m * features_per_molecule;
    }
    return molecules;
}

} // namespace

void evaluate(const ScoreModel &model, bool singlePrecision, double time, int threads, int beads,
              PyObject *positions, PyObject *features, PyObject *energies, PyObject *scores) {
    Array<double> positions_nm(positions, "d");
    Array<int> bead_features(features, "i");
    Array<double> energy(energies, "d", true);
    Array<double> score_per_nm(scores, "d", true);
    if (beads < 1 || threads < 1)
        throw std::invalid_argument("beads is " + std::to_string(beads) + " and threads " +
                                    std::to_string(threads) + ", both must be positive");
    size_t coordinates = static_cast<size_t>(beads) * static_cast<size_t>(model.getDimensions());
    size_t count = positions_nm.size() / coordinates;
    if (count > INT_MAX / static_cast<size_t>(beads))
        throw std::invalid_argument(std::to_string(count) + " molecules of " +
                                    std::to_string(beads) + " beads are too many for one batch");
    if (count * coordinates != positions_nm.size() || score_per_nm.size() != positions_nm.size() ||
        (energy.data() != nullptr && energy.size() != count))
        throw std::invalid_argument("positions, energies and scores differ in size");

    WithoutLock unlocked;
    score_error error = {};
    int expert;
    check(score_model_expert_at(model.getHandle(), time, &expert, &error), error);
    if (count == 0)
        return;
    std::vector<score_molecule> molecules = listMolecules(
        count, beads, bead_features, static_cast<size_t>(model.getNumFeatures()));
    Batch batch = createBatch(model.getHandle(),
                              singlePrecision ? SCORE_SINGLE_PRECISION : SCORE_DOUBLE_PRECISION,
                              molecules, threads);
    std::unique_ptr<OpenMM::ThreadPool> pool;
    score_executor executor = score_executor_serial();
    if (threads > 1) {
        pool.reset(new OpenMM::ThreadPool(threads));
        executor = threadPoolExecutor(*pool);
    }
    check(score_batch_evaluate(batch.get(), positions_nm.data(), time, &executor, energy.data(),
                               score_per_nm.data(), nullptr, &error),
          error);
}

} // namespace OpenMMScore
