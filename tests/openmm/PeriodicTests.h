/* Molecules broken over periodic boundaries, and a barostat. */
#ifndef SCORE_PERIODIC_TESTS_H_
#define SCORE_PERIODIC_TESTS_H_

#include "TestSystems.h"
#include "WholeMolecule.h"
#include "openmm/CustomIntegrator.h"
#include "openmm/MonteCarloBarostat.h"

namespace OpenMMScore {

struct Box {
    Vec3 edges[3];
};

/* Rectangular, triclinic, and one so flat that the nearest image is several layers away. */
inline vector<Box> testBoxes() {
    return {{{Vec3(1.1, 0, 0), Vec3(0, 1.3, 0), Vec3(0, 0, 0.9)}},
            {{Vec3(1.1, 0, 0), Vec3(0.5, 1.2, 0), Vec3(-0.4, 0.6, 1.0)}},
            {{Vec3(10, 0, 0), Vec3(0, 10, 0), Vec3(3, 3, 1)}}};
}

inline void testNearestImage() {
    std::mt19937 generator(3);
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (const Box &box : testBoxes())
        for (int trial = 0; trial < 300; trial++) {
            Vec3 delta = Vec3(uniform(generator), uniform(generator), uniform(generator)) * 8.0;
            Vec3 image = nearestImage(delta, box.edges);
            // It differs from delta by whole box vectors,
            Vec3 rest = delta - image;
            for (int k = 2; k >= 0; k--)
                rest -= box.edges[k] * std::round(rest[k] / box.edges[k][k]);
            CHECK_NEAR(0, std::sqrt(rest.dot(rest)), 1e-13);
            // and of all that do, none is shorter.
            for (int k = -6; k <= 6; k++)
                for (int j = -6; j <= 6; j++)
                    for (int i = -6; i <= 6; i++) {
                        Vec3 other = image + box.edges[0] * i + box.edges[1] * j + box.edges[2] * k;
                        CHECK(image.dot(image) <= other.dot(other) * (1 + 1e-13));
                    }
        }
}

/* A runaway position ends in an answer, whatever it is, and in no endless search. */
inline void testNearestImageOfARunaway() {
    for (const Box &box : testBoxes())
        for (double far : {1e18, 1e40, 1e308, static_cast<double>(INFINITY)})
            nearestImage(Vec3(far, -far, far), box.edges);
}

/* Every bead moves by whole box vectors of its own: nothing changes but the rounding of positions
 * several box lengths from the origin, here less than 2^-49 nm. */
inline void testBrokenMoleculesAreMadeWhole() {
    ScoreModel model = chainModel(5);
    const double rounding = 1.8e-15 / model.getScale();
    vector<Vec3> whole = chainPositions(3, 5);
    std::mt19937 generator(4);
    std::uniform_int_distribution<int> image(-3, 3);
    for (const Box &box : {testBoxes()[0], testBoxes()[1]}) {
        System system;
        system.setDefaultPeriodicBoxVectors(box.edges[0], box.edges[1], box.edges[2]);
        ScoreForce *force = addChains(system, model, 3);
        vector<Vec3> broken = whole;
        for (Vec3 &position : broken)
            for (const Vec3 &edge : box.edges)
                position += edge * image(generator);

        force->setUsesPeriodicBoundaryConditions(false);
        State expected = Simulation(system, whole).state();
        CHECK(!system.usesPeriodicBoundaryConditions());
        CHECK(Simulation(system, broken).energy() != expected.getPotentialEnergy());
        force->setUsesPeriodicBoundaryConditions(true);
        CHECK(system.usesPeriodicBoundaryConditions());
        State found = Simulation(system, broken).state();
        double tolerance = 15 * rounding + groupingTolerance();
        CHECK_NEAR(expected.getPotentialEnergy(), found.getPotentialEnergy(),
                   tolerance * 15 * model.getScale() * largest(expected.getForces()));
        CHECK_ALL_NEAR(expected.getForces(), found.getForces(),
                       tolerance * 100 * largest(expected.getForces()));
    }
}

inline vector<double> bondLengths(const vector<Vec3> &positions, int beads) {
    vector<double> lengths;
    for (size_t i = 1; i < positions.size(); i++)
        if (i % static_cast<size_t>(beads) != 0) {
            Vec3 bond = positions[i] - positions[i - 1];
            lengths.push_back(std::sqrt(bond.dot(bond)));
        }
    return lengths;
}

/* The integrator does nothing, so only the barostat moves particles, and it moves whole molecules,
 * because the force declares what belongs together. So the volume changes and the energy does not. Then
 * every bead is wrapped into the box by itself, and still it does not. */
inline void testBarostatMovesWholeMolecules() {
    ScoreModel model = chainModel(5);
    System system;
    system.setDefaultPeriodicBoxVectors(Vec3(3, 0, 0), Vec3(0, 3, 0), Vec3(0, 0, 3));
    addChains(system, model, 6)->setUsesPeriodicBoundaryConditions(true);
    system.addForce(new OpenMM::MonteCarloBarostat(1.0, 300, 1));
    vector<Vec3> start = chainPositions(6, 5);
    OpenMM::CustomIntegrator integrator(0.001);
    integrator.addUpdateContextState();
    OpenMM::Context context(system, integrator, platform());
    context.setPositions(start);
    State first = context.getState(State::Energy | State::Forces);
    integrator.step(50);

    double energy = first.getPotentialEnergy();
    State state = context.getState(State::Positions | State::Energy, true);
    CHECK(state.getPeriodicBoxVolume() != 27.0);
    vector<double> before = bondLengths(start, 5), after = bondLengths(state.getPositions(), 5);
    for (size_t i = 0; i < before.size(); i++)
        CHECK_NEAR(before[i], after[i], 1e-12);
    // 50 moves round each position to 2^-51 nm; forces are at most some 100 kJ/mol/nm.
    double tolerance = 50 * 4.4e-16 * 30 * largest(first.getForces()) +
                       groupingTolerance() * std::abs(energy);
    CHECK_NEAR(energy, state.getPotentialEnergy(), tolerance);

    Vec3 box[3];
    state.getPeriodicBoxVectors(box[0], box[1], box[2]);
    vector<Vec3> wrapped = state.getPositions();
    Vec3 corner = (wrapped[0] + wrapped[1]) * 0.5; // so that a bond is broken for certain
    bool anyBroken = false;
    for (Vec3 &position : wrapped) {
        position -= corner;
        for (int k = 0; k < 3; k++)
            position[k] -= box[k][k] * std::floor(position[k] / box[k][k]);
    }
    vector<double> broken = bondLengths(wrapped, 5);
    for (size_t i = 0; i < broken.size(); i++)
        anyBroken = anyBroken || broken[i] > 1;
    CHECK(anyBroken);
    context.setPositions(wrapped);
    CHECK_NEAR(energy, context.getState(State::Energy).getPotentialEnergy(), tolerance);
}

} // namespace OpenMMScore

#endif
