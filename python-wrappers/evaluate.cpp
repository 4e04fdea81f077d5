#include "evaluate.h"

#include <climits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "buffers.h"
#include "call_threads.h"
#include "score/batch.h"
#include "openmm/OpenMMException.h"

namespace OpenMMScore {
namespace {

/** What a batch is made for. */
struct Request {
    score_precision precision;
    int threads;
    int beads;
    size_t count;
    std::vector<int> features; // of one molecule, of all, or none
};

bool operator==(const Request &a, const Request &b) {
    return std::tie(a.precision, a.threads, a.beads, a.count, a.features) ==
           std::tie(b.precision, b.threads, b.beads, b.count, b.features);
}

std::vector<score_molecule> listMolecules(const Request &request, size_t featureCount) {
    const std::vector<int> &features = request.features;
    size_t features_per_molecule = static_cast<size_t>(request.beads) * featureCount;
    bool shared = features.size() == features_per_molecule;
    if (!features.empty() && !shared && features.size() != request.count * features_per_molecule)
        throw std::invalid_argument("features has " + std::to_string(features.size()) +
                                    " values, must have " + std::to_string(features_per_molecule) +
                                    " or as many per molecule");
    std::vector<score_molecule> molecules(request.count);
    for (size_t m = 0; m < request.count; m++) {
        molecules[m].beads = request.beads;
        molecules[m].features = features.empty() ? nullptr : features.data();
        if (!features.empty() && !shared)
            molecules[m].features += m * features_per_molecule;
    }
    return molecules;
}

} // namespace

struct Evaluator::Batch {
    Batch(const ScoreModel &model, const Request &wanted);

    Request request;
    std::unique_ptr<score_batch, void (*)(score_batch *)> handle{nullptr, score_batch_destroy};
};

Evaluator::Batch::Batch(const ScoreModel &model, const Request &wanted) : request(wanted) {
    std::vector<score_molecule> molecules = listMolecules(
        request, static_cast<size_t>(model.getNumFeatures()));
    score_batch *created = nullptr;
    score_error error = {};
    throwUnlessDone(score_batch_create(model.getHandle(), request.precision,
                                       static_cast<int>(molecules.size()), molecules.data(),
                                       request.threads, &created, &error),
                    error);
    handle.reset(created);
}

Evaluator::Evaluator(const ScoreModel &evaluated) : model(evaluated) {
}

Evaluator::~Evaluator() = default;

void Evaluator::evaluate(bool singlePrecision, double time, int threads, int beads,
                         PyObject *positions, PyObject *features, PyObject *energies,
                         PyObject *scores) {
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
    throwUnlessDone(score_model_expert_at(model.getHandle(), time, &expert, &error), error);
    if (count == 0)
        return;
    const int *first = bead_features.data();
    Request request = {singlePrecision ? SCORE_SINGLE_PRECISION : SCORE_DOUBLE_PRECISION, threads,
                       beads, count, std::vector<int>(first, first + bead_features.size())};
    if (batch == nullptr || !(batch->request == request)) {
        batch.reset(); // before the next, so that there is never memory for two
        batch.reset(new Batch(model, request));
    }
    const CallThreads workers(threads);
    throwUnlessDone(score_batch_evaluate(batch->handle.get(), positions_nm.data(), time,
                                         &workers.executor, energy.data(), score_per_nm.data(),
                                         nullptr, &error),
                    error);
}

} // namespace OpenMMScore
