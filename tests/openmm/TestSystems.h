/* The platform under test, and Systems with one ScoreForce. */
#ifndef SCORE_TESTS_SYSTEMS_H_
#define SCORE_TESTS_SYSTEMS_H_

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "Comparisons.h"
#include "ScoreForce.h"
#include "TestModels.h"
#include "openmm/Context.h"
#include "openmm/Platform.h"
#include "openmm/State.h"
#include "openmm/System.h"
#include "openmm/VerletIntegrator.h"

namespace OpenMMScore {

struct TestPlatform {
    std::string name;
    score_precision precision;
    double epsilon; /* of one rounding */
};

/* Set once by main. */
inline TestPlatform &testPlatform() {
    static TestPlatform platform;
    return platform;
}

inline OpenMM::Platform &platform() {
    return OpenMM::Platform::getPlatform(testPlatform().name);
}

inline std::vector<int> range(int begin, int end) {
    std::vector<int> list(static_cast<size_t>(end - begin));
    std::iota(list.begin(), list.end(), begin);
    return list;
}

/* `molecules` molecules, one behind the other. The System owns the force. */
inline ScoreForce *addChains(OpenMM::System &system, const ScoreModel &model, int molecules) {
    int beads = model.getNumBeads();
    auto *force = new ScoreForce(model);
    for (int m = 0; m < molecules; m++) {
        int first = system.getNumParticles();
        for (int i = 0; i < beads; i++)
            system.addParticle(12.0 + i);
        force->addMolecule(range(first, first + beads));
    }
    system.addForce(force);
    return force;
}

/* A Context with an integrator of its own. */
struct Simulation {
    Simulation(const OpenMM::System &system, const std::vector<OpenMM::Vec3> &positions,
               double step = 0.001)
        : integrator(step), context(system, integrator, platform()) {
        context.setPositions(positions);
    }
    OpenMM::State state(int groups = 0xFFFFFFFF) {
        return context.getState(OpenMM::State::Positions | OpenMM::State::Velocities |
                                    OpenMM::State::Forces | OpenMM::State::Energy |
                                    OpenMM::State::ParameterDerivatives,
                                false, groups);
    }
    double energy() {
        return context.getState(OpenMM::State::Energy).getPotentialEnergy();
    }
    OpenMM::VerletIntegrator integrator;
    OpenMM::Context context;
};

} // namespace OpenMMScore

#endif
