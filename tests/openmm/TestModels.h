/* Models with random weights, and what the model core itself says about them. */
#ifndef SCORE_TESTS_MODELS_H_
#define SCORE_TESTS_MODELS_H_

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "ScoreErrors.h"
#include "ScoreModel.h"
#include "openmm/Vec3.h"
#include "score/batch.h"

namespace OpenMMScore {

inline score_expert_config graphExpert(double begin, double end,
                                       score_output output = SCORE_OUTPUT_ENERGY) {
    return {SCORE_GRAPH_TRANSFORMER, output,          8, 2, 2, 4, begin, end, 0,
            SCORE_FLOAT64,           SCORE_BASE_NONE, 0, 0};
}

inline score_expert_config mlpExpert(double begin, double end) {
    return {SCORE_MLP,     SCORE_OUTPUT_ENERGY, 16, 2, 0, 0, begin, end, 0,
            SCORE_FLOAT64, SCORE_BASE_NONE,     0,  0};
}

/* A zigzag chain in nm, a little irregular so that nothing vanishes by symmetry. */
inline OpenMM::Vec3 chainPosition(int bead) {
    return OpenMM::Vec3(0.12 * bead, 0.05 * (bead % 2) + 0.01 * std::sin(3.0 * bead),
                        0.03 * std::cos(2.0 * bead));
}

inline std::vector<score_bead> chainBeads(int count) {
    std::vector<score_bead> beads(count);
    for (int i = 0; i < count; i++) {
        std::snprintf(beads[i].name, SCORE_NAME_SIZE, "B%d", i);
        std::snprintf(beads[i].residue, SCORE_NAME_SIZE, "R%d", i / 2);
        beads[i].residue_index = i / 2;
        beads[i].mass_amu = 12.0 + i;
        for (int k = 0; k < 3; k++)
            beads[i].frame_nm[k] = chainPosition(i)[k];
        beads[i].features[0] = i % 3;
        beads[i].features[1] = i % 2;
    }
    return beads;
}

/* Centred, three-dimensional, 300 K, a unit of length of 0.1 nm. */
inline score_model_config baseConfig(const std::vector<score_bead> &beads) {
    score_model_config config = {};
    config.dimensions = 3;
    config.centred = 1;
    config.scale_nm = 0.1;
    config.temperature_k = 300;
    config.schedule = {0, {0.1, 20}};
    config.bead_count = static_cast<int>(beads.size());
    config.beads = beads.data();
    config.expert_count = 1;
    config.experts[0] = graphExpert(0, 1);
    return config;
}

/* Every parameter is random, of the size that keeps the outputs of a layer as large as its inputs;
 * a norm's scale too, which is harmless. */
inline ScoreModel randomModel(const score_model_config &config, unsigned seed = 1) {
    score_model *handle = nullptr;
    score_error error = {};
    throwUnlessOk(score_model_create(&config, &handle, &error), error, "randomModel");
    ScoreModel model(handle);
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    for (int expert = 0; expert < config.expert_count; expert++)
        for (int i = 0; i < score_model_tensor_count(handle, expert); i++) {
            const score_tensor *tensor = score_model_tensor(handle, expert, i);
            double width = tensor->rank == 2 ? 1 / std::sqrt(tensor->shape[0]) : 0.5;
            double *values = score_model_parameters(handle, expert) + tensor->offset;
            for (size_t k = 0; k < tensor->size; k++)
                values[k] = width * normal(generator);
        }
    return model;
}

inline ScoreModel chainModel(int beads, unsigned seed = 1) {
    std::vector<score_bead> list = chainBeads(beads);
    return randomModel(baseConfig(list), seed);
}

/* Beads are known by two features, of 3 and 2 values; the list of beads is an example. */
inline ScoreModel featureModel(int beads, unsigned seed = 1) {
    std::vector<score_bead> list = chainBeads(beads);
    score_model_config config = baseConfig(list);
    config.feature_count = 2;
    config.feature_sizes[0] = 3;
    config.feature_sizes[1] = 2;
    return randomModel(config, seed);
}

/* A potential of one bead in 1 or 2 dimensions, not centred. */
inline ScoreModel toyModel(int dimensions, unsigned seed = 1) {
    std::vector<score_bead> list = chainBeads(1);
    score_model_config config = baseConfig(list);
    config.dimensions = dimensions;
    config.centred = 0;
    config.scale_nm = 1;
    config.experts[0] = mlpExpert(0, 1);
    return randomModel(config, seed);
}

/* The numbers of a Gaussian over the beads of a centred molecule: mode k is the difference between
 * the mean of beads 0 to k and bead k + 1. */
struct ChainGaussian {
    std::vector<double> variances, directions;
    score_gaussian gaussian = {};

    explicit ChainGaussian(int beads) {
        for (int k = 0; k < beads - 1; k++) {
            double length = std::sqrt((k + 1) * (k + 2.0));
            variances.push_back(4.0 / (k + 1));
            for (int i = 0; i < beads; i++)
                directions.push_back(i <= k ? 1 / length : i == k + 1 ? -(k + 1) / length : 0.0);
        }
        gaussian.over = SCORE_OVER_BEADS;
        gaussian.modes = beads - 1;
        gaussian.width = beads;
        gaussian.variances = variances.data();
        gaussian.directions = directions.data();
    }
};

/* The chain's, the features' and the toy's model, each upon a Gaussian. */
inline ScoreModel chainModelOnABase(int beads, unsigned seed = 1) {
    std::vector<score_bead> list = chainBeads(beads);
    ChainGaussian numbers(beads);
    score_model_config config = baseConfig(list);
    config.gaussian = &numbers.gaussian;
    config.experts[0].base = SCORE_BASE_GAUSSIAN;
    return randomModel(config, seed);
}

inline ScoreModel featureModelOnABase(int beads) {
    std::vector<score_bead> list = chainBeads(beads);
    double variance = 1.5;
    score_gaussian gaussian = {SCORE_OVER_ALL, 1, 0, &variance, nullptr, nullptr};
    score_model_config config = baseConfig(list);
    config.feature_count = 2;
    config.feature_sizes[0] = 3;
    config.feature_sizes[1] = 2;
    config.gaussian = &gaussian;
    config.experts[0].base = SCORE_BASE_GAUSSIAN;
    return randomModel(config);
}

inline ScoreModel toyModelOnABase() {
    std::vector<score_bead> list = chainBeads(1);
    double variances[] = {0.3, 1.2}, directions[] = {0.6, -0.8, 0.8, 0.6}, mean[] = {0.4, -0.2};
    score_gaussian gaussian = {SCORE_OVER_COORDINATES, 2, 2, variances, directions, mean};
    score_model_config config = baseConfig(list);
    config.dimensions = 2;
    config.centred = 0;
    config.scale_nm = 1;
    config.gaussian = &gaussian;
    config.experts[0] = mlpExpert(0, 1);
    config.experts[0].base = SCORE_BASE_GAUSSIAN;
    return randomModel(config);
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
