/* Models with random weights, and what the model core itself says about them. */
#ifndef SCORE_TESTS_MODELS_H_
#define SCORE_TESTS_MODELS_H_

#include <random>
#include <vector>

#include "ScoreErrors.h"
#include "ScoreModel.h"
#include "openmm/Vec3.h"
#include "random_models.h"
#include "score/batch.h"

namespace OpenMMScore {

/* Bead `bead` of all molecules, nm. */
inline OpenMM::Vec3 chainPosition(int bead) {
    const double *r = molecule_config(bead + 1).beads[bead].frame_nm;
    return OpenMM::Vec3(r[0], r[1], r[2]);
}

inline ScoreModel randomModel(const score_model_config &config, unsigned seed = 1) {
    return ScoreModel(make_model(&config, seed, 1));
}

inline ScoreModel randomModelOnABase(score_model_config config) {
    set_base(&config);
    return randomModel(config);
}

inline ScoreModel chainModel(int beads, unsigned seed = 1) {
    return randomModel(molecule_config(beads), seed);
}

/* `molecules` copies of the chain, each displaced and deformed at random. */
inline std::vector<OpenMM::Vec3> chainPositions(int molecules, int beads, unsigned seed = 2) {
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> uniform(-1, 1);
    std::vector<OpenMM::Vec3> positions;
    for (int m = 0; m < molecules; m++)
        for (int i = 0; i < beads; i++) {
            OpenMM::Vec3 noise(uniform(generator), uniform(generator), uniform(generator));
            positions.push_back(chainPosition(i) + OpenMM::Vec3(0.3 * m, 0.7 * m, -0.2 * m) +
                                noise * 0.03);
        }
    return positions;
}

struct CoreResult {
    std::vector<double> energy;         /* kT, of every molecule */
    std::vector<OpenMM::Vec3> score;    /* 1/nm, of every bead */
    std::vector<double> timeDerivative; /* kT, of every molecule */
    double totalEnergy() const {
        double total = 0;
        for (double value : energy)
            total += value;
        return total;
    }
};

/* What the core says about molecules of `beads` beads each, on one thread. */
inline CoreResult evaluateCore(const ScoreModel &model, score_precision precision,
                               const std::vector<OpenMM::Vec3> &positions, int beads,
                               double t = 1e-5) {
    size_t molecules = positions.size() / static_cast<size_t>(beads);
    int dimensions = model.getDimensions();
    std::vector<score_molecule> list(molecules, {beads, nullptr});
    std::vector<double> flat, score(positions.size() * static_cast<size_t>(dimensions));
    for (const OpenMM::Vec3 &position : positions)
        for (int k = 0; k < dimensions; k++)
            flat.push_back(position[k]);

    CoreResult result;
    result.energy.resize(molecules);
    result.timeDerivative.resize(molecules);
    score_batch *batch = nullptr;
    score_error error = {};
    score_executor executor = score_executor_serial();
    throwUnlessOk(score_batch_create(model.getHandle(), precision, static_cast<int>(molecules),
                                     list.data(), 1, &batch, &error),
                  error, "evaluateCore");
    /* Apart, since who asks for the time's derivative gets an energy that is rounded differently. */
    score_status status = score_batch_evaluate(batch, flat.data(), t, &executor, nullptr, nullptr,
                                               result.timeDerivative.data(), &error);
    if (status == SCORE_OK)
        status = score_batch_evaluate(batch, flat.data(), t, &executor, result.energy.data(),
                                      score.data(), nullptr, &error);
    score_batch_destroy(batch);
    throwUnlessOk(status, error, "evaluateCore");
    for (size_t i = 0; i < positions.size(); i++) {
        OpenMM::Vec3 value;
        for (int k = 0; k < dimensions; k++)
            value[k] = score[i * static_cast<size_t>(dimensions) + static_cast<size_t>(k)];
        result.score.push_back(value);
    }
    return result;
}

inline double kT(const ScoreModel &model) {
    return SCORE_BOLTZMANN_KJ * model.getTemperature();
}

} // namespace OpenMMScore

#endif
