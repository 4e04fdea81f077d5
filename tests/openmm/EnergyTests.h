/* Energies and forces against the model core, against differences, and among themselves. */
#ifndef SCORE_ENERGY_TESTS_H_
#define SCORE_ENERGY_TESTS_H_

#include "TestSystems.h"
#include "openmm/CustomCVForce.h"
#include "openmm/HarmonicBondForce.h"

namespace OpenMMScore {

using OpenMM::State;
using OpenMM::System;
using OpenMM::Vec3;
using std::vector;

/* The core gives the same bytes on any number of threads, so the energy tells its precision: it is
 * the core's of this platform's precision to the last bit, and not that of the other one. */
inline void testKernelOfThisPlatformRuns() {
    ScoreModel model = chainModel(5);
    System system;
    addChains(system, model, 7);
    vector<Vec3> positions = chainPositions(7, 5);
    Simulation simulation(system, positions);

    bool isDouble = testPlatform().precision != SCORE_SINGLE_PRECISION;
    score_precision other = isDouble ? SCORE_SINGLE_PRECISION : SCORE_DOUBLE_PRECISION;
    double energy = simulation.energy();
    double own = kT(model) *
                 evaluateCore(model, testPlatform().precision, positions, 5).totalEnergy();
    CHECK_NEAR(own, energy, 0);
    CHECK(energy != kT(model) * evaluateCore(model, other, positions, 5).totalEnergy());
}

inline void testForcesEqualTheCores() {
    ScoreModel model = chainModel(5);
    System system;
    ScoreForce *force = addChains(system, model, 3);
    force->setScale(0.7);
    force->setDiffusionTime(0.02);
    vector<Vec3> positions = chainPositions(3, 5);
    State state = Simulation(system, positions).state();

    CoreResult core = evaluateCore(model, testPlatform().precision, positions, 5, 0.02);
    vector<Vec3> expected;
    for (const Vec3 &score : core.score)
        expected.push_back(score * (0.7 * kT(model)));
    // Two products of doubles in either order, no sum.
    double rounding = 4 * 2.2e-16;
    CHECK(largest(expected) > 1);
    CHECK_ALL_NEAR(expected, state.getForces(), rounding * largest(expected));
    CHECK_NEAR(0.7 * kT(model) * core.totalEnergy(), state.getPotentialEnergy(),
               rounding * std::abs(state.getPotentialEnergy()));
}

/* Central differences of step h, in units of the model's length s, leave an error of h^2/6 times the
 * third derivative, and a rounding error of epsilon |E|/h. With derivatives of E of order n growing
 * as c^n, c about 5 for these networks, and |E| about 10 times the largest force times s, both are
 * below the tolerance below by a factor of ten at the h that balances them, h^3 = 10 epsilon. */
inline void testForcesAreDifferencesOfTheEnergy(const ScoreModel &model, int molecules) {
    int beads = model.getNumBeads();
    System system;
    addChains(system, model, molecules);
    vector<Vec3> positions = chainPositions(molecules, beads);
    Simulation simulation(system, positions);
    vector<Vec3> forces = simulation.state().getForces();

    double h = std::cbrt(10 * testPlatform().epsilon);
    double tolerance = 10 * 5 * 5 * h * h * largest(forces);
    double step = h * model.getScale();
    vector<Vec3> differences(forces.size());
    for (size_t i = 0; i < positions.size(); i++)
        for (int k = 0; k < 3; k++) {
            vector<Vec3> moved = positions;
            moved[i][k] = positions[i][k] + step;
            simulation.context.setPositions(moved);
            double above = simulation.energy();
            moved[i][k] = positions[i][k] - step;
            simulation.context.setPositions(moved);
            differences[i][k] = (simulation.energy() - above) / (2 * step);
        }
    CHECK(largest(forces) > 0.01 * kT(model) / model.getScale());
    CHECK_ALL_NEAR(differences, forces, tolerance);
}

inline void testForcesAreDifferences() {
    testForcesAreDifferencesOfTheEnergy(chainModel(5), 2);
    testForcesAreDifferencesOfTheEnergy(randomModel(feature_config(4)), 2);
}

inline void testForcesOnABaseAreDifferences() {
    testForcesAreDifferencesOfTheEnergy(randomModelOnABase(molecule_config(5)), 2);
    testForcesAreDifferencesOfTheEnergy(randomModelOnABase(feature_config(4)), 2);
    testForcesAreDifferencesOfTheEnergy(randomModelOnABase(toy_config(1, 2)), 2);
}

/* A model of zero weights is its Gaussian: at t = 1, to 1e-4, the unit one, whose force is -kT x/s^2
 * with x from the centre of the molecule. */
inline void testBaseIsTheUnitGaussianInTheEnd() {
    ScoreModel random = randomModelOnABase(molecule_config(5));
    score_model *handle = nullptr;
    score_error error = {};
    throwUnlessOk(score_model_copy(random.getHandle(), &handle, &error), error, "copy");
    for (size_t k = 0; k < score_model_parameter_count(handle, 0); k++)
        score_model_parameters(handle, 0)[k] = 0;
    ScoreModel model(handle);
    System system;
    addChains(system, model, 2)->setDiffusionTime(1);
    vector<Vec3> positions = chainPositions(2, 5), expected;
    State state = Simulation(system, positions).state();
    double energy = 0;
    for (size_t first = 0; first < 10; first += 5) {
        Vec3 centre;
        for (size_t i = first; i < first + 5; i++)
            centre += positions[i] * 0.2;
        for (size_t i = first; i < first + 5; i++) {
            Vec3 x = (positions[i] - centre) * (1 / model.getScale());
            expected.push_back(x * (-kT(model) / model.getScale()));
            energy += kT(model) * x.dot(x) / 2;
        }
        energy += kT(model) * 12 * std::log(2 * M_PI) / 2;
    }
    // The variances are 1 + (g - 1) m^2, g from 0.45 to 1.8 and m^2 = 4.3e-5.
    CHECK_ALL_NEAR(expected, state.getForces(), 2e-4 * largest(expected));
    CHECK_NEAR(energy, state.getPotentialEnergy(), 2e-4 * energy);
}

/* The others neither matter nor feel a force. */
inline void testToyModelsUseTheirDimensionsOnly() {
    for (int dimensions : {1, 2}) {
        ScoreModel model = randomModel(toy_config(1, dimensions));
        testForcesAreDifferencesOfTheEnergy(model, 2);
        System system;
        addChains(system, model, 2);
        Simulation simulation(system, {Vec3(0.3, -0.4, 0.5), Vec3(-0.2, 0.1, 0.9)});
        double energy = simulation.energy();
        vector<Vec3> forces = simulation.state().getForces();
        for (const Vec3 &force : forces)
            for (int k = 0; k < 3; k++)
                CHECK((force[k] != 0) == (k < dimensions));
        simulation.context.setPositions({Vec3(0.3, -0.4, 7), Vec3(-0.2, 0.1, -7)});
        CHECK(simulation.energy() == energy);
        simulation.context.setPositions({Vec3(0.3, -0.4, 0.5), Vec3(0.2, 0.1, 0.9)});
        CHECK(simulation.energy() != energy);
    }
}

/* The batch may group molecules in products of other shapes, which changes the order of sums. */
inline double groupingTolerance() {
    return 200 * testPlatform().epsilon;
}

inline void testManyMoleculesAreOneAtATime() {
    ScoreModel model = chainModel(5);
    const int count = 40;
    vector<Vec3> positions = chainPositions(count, 5);
    System many;
    addChains(many, model, count);
    State together = Simulation(many, positions).state();

    System one;
    addChains(one, model, 1);
    double energy = 0, magnitude = 0;
    vector<Vec3> forces;
    for (int m = 0; m < count; m++) {
        Simulation single(one,
                          vector<Vec3>(positions.begin() + 5 * m, positions.begin() + 5 * m + 5));
        State state = single.state();
        energy += state.getPotentialEnergy();
        magnitude += std::abs(state.getPotentialEnergy());
        forces.insert(forces.end(), state.getForces().begin(), state.getForces().end());
    }
    CHECK_NEAR(energy, together.getPotentialEnergy(), groupingTolerance() * magnitude);
    CHECK_ALL_NEAR(forces, together.getForces(), groupingTolerance() * largest(forces));
}

/* Molecules of different size and kind in one batch, their particles in no order. */
inline void testMoleculesOfFeaturesDiffer() {
    ScoreModel model = randomModel(feature_config(4));
    vector<Vec3> positions = chainPositions(1, 9);
    vector<int> particles[2] = {{8, 0, 3}, {5, 1, 7, 2, 6, 4}};
    vector<int> features[2] = {{0, 1, 2, 0, 1, 1}, {2, 1, 0, 0, 1, 1, 2, 0, 0, 1, 1, 0}};

    auto evaluate = [&](const vector<int> &which) {
        System system;
        for (int i = 0; i < 9; i++)
            system.addParticle(12);
        auto *force = new ScoreForce(model);
        for (int m : which)
            force->addMolecule(particles[m], features[m]);
        system.addForce(force);
        return Simulation(system, positions).state();
    };
    State both = evaluate({0, 1}), first = evaluate({0}), second = evaluate({1});
    vector<Vec3> sum;
    for (size_t i = 0; i < positions.size(); i++)
        sum.push_back(first.getForces()[i] + second.getForces()[i]);
    CHECK_NEAR(first.getPotentialEnergy() + second.getPotentialEnergy(), both.getPotentialEnergy(),
               groupingTolerance() *
                   (std::abs(first.getPotentialEnergy()) + std::abs(second.getPotentialEnergy())));
    CHECK_ALL_NEAR(sum, both.getForces(), groupingTolerance() * largest(sum));
    std::swap(features[0][0], features[0][2]); // features matter
    CHECK(evaluate({0}).getPotentialEnergy() != first.getPotentialEnergy());
}

/* Features that are left out are those of the model's list. */
inline void testFeaturesDefaultToTheModels() {
    ScoreModel model = randomModel(feature_config(4));
    vector<Vec3> positions = chainPositions(1, 4);
    auto energy = [&](const vector<int> &features) {
        System system;
        for (int i = 0; i < 4; i++)
            system.addParticle(12);
        auto *force = new ScoreForce(model);
        force->addMolecule(range(0, 4), features);
        system.addForce(force);
        return Simulation(system, positions).energy();
    };
    CHECK(energy({}) == energy({0, 0, 1, 1, 2, 0, 0, 1}));
    CHECK(energy({}) != energy({0, 1, 1, 1, 2, 0, 0, 1}));
}

/* A force without molecules takes the whole System for one. */
inline void testWholeSystemIsTheDefault() {
    ScoreModel model = chainModel(5);
    vector<Vec3> positions = chainPositions(1, 5);
    System explicitly, byDefault;
    addChains(explicitly, model, 1);
    for (int i = 0; i < 5; i++)
        byDefault.addParticle(12);
    byDefault.addForce(new ScoreForce(model));
    State expected = Simulation(explicitly, positions).state();
    State found = Simulation(byDefault, positions).state();
    CHECK_NEAR(expected.getPotentialEnergy(), found.getPotentialEnergy(), 0);
    CHECK_ALL_NEAR(expected.getForces(), found.getForces(), 0);
}

inline void testEnergiesOfMolecules() {
    ScoreModel model = chainModel(5);
    System system;
    ScoreForce *force = addChains(system, model, 3);
    force->setForceGroup(3);
    auto *bonds = new OpenMM::HarmonicBondForce();
    bonds->addBond(5, 6, 0.1, 1000);
    system.addForce(bonds);
    vector<Vec3> positions = chainPositions(3, 5);
    Simulation simulation(system, positions);
    simulation.context.setParameter("ScoreForceScale", -0.7);
    simulation.context.setParameter("ScoreForceDiffusionTime", 0.02);

    vector<double> energies(1, 7.0);
    force->getMoleculeEnergies(simulation.context, energies);
    CoreResult core = evaluateCore(model, testPlatform().precision, positions, 5, 0.02);
    double sum = 0, rounding = 4 * 2.2e-16;
    CHECK(energies.size() == 3);
    for (size_t m = 0; m < 3; m++) {
        CHECK_NEAR(-0.7 * kT(model) * core.energy[m], energies[m],
                   rounding * std::abs(energies[m]));
        sum += energies[m];
    }
    double energy = simulation.state(1 << 3).getPotentialEnergy();
    CHECK_NEAR(energy, sum, 3 * rounding * 0.7 * kT(model) * std::abs(core.totalEnergy()));

    // The molecules that the Context has now.
    force->setMoleculeParameters(2, {4, 3, 2, 1, 0});
    force->setMoleculeParameters(0, {14, 13, 12, 11, 10});
    force->updateParametersInContext(simulation.context);
    vector<double> changed;
    force->getMoleculeEnergies(simulation.context, changed);
    CHECK(changed.size() == 3 && changed[1] == energies[1]);
    CHECK(changed[0] != energies[0] && changed[2] != energies[2]);

    ScoreForce outside(model);
    CHECK_THROWS(outside.getMoleculeEnergies(simulation.context, energies), "");
    OpenMM::VerletIntegrator integrator(0.001);
    OpenMM::Context bare(system, integrator, platform());
    CHECK_THROWS(force->getMoleculeEnergies(bare, energies), "positions have not been set");
}

/* Molecules of a larger System, their particles in no order, beside other forces and in a force
 * group of their own. */
inline void testSubsetBesideOtherForces() {
    ScoreModel model = chainModel(5);
    vector<Vec3> positions = chainPositions(3, 5);
    vector<vector<int>> molecules = {{4, 9, 2, 11, 0}, {13, 1, 8, 3, 7}};
    System system;
    for (int i = 0; i < 15; i++)
        system.addParticle(12);
    auto *bonds = new OpenMM::HarmonicBondForce();
    bonds->addBond(5, 6, 0.1, 1000);
    bonds->addBond(4, 10, 0.2, 2000);
    system.addForce(bonds);
    auto *force = new ScoreForce(model);
    force->setForceGroup(3);
    for (const vector<int> &molecule : molecules)
        force->addMolecule(molecule);
    system.addForce(force);
    Simulation simulation(system, positions);

    vector<Vec3> gathered;
    for (const vector<int> &molecule : molecules)
        for (int particle : molecule)
            gathered.push_back(positions[static_cast<size_t>(particle)]);
    CoreResult core = evaluateCore(model, testPlatform().precision, gathered, 5);
    vector<Vec3> expected(15);
    size_t bead = 0;
    for (const vector<int> &molecule : molecules)
        for (int particle : molecule)
            expected[static_cast<size_t>(particle)] = core.score[bead++] * kT(model);

    State ours = simulation.state(1 << 3), others = simulation.state(1), all = simulation.state();
    CHECK_NEAR(kT(model) * core.totalEnergy(), ours.getPotentialEnergy(), 0);
    CHECK_ALL_NEAR(expected, ours.getForces(), 0);
    CHECK(others.getPotentialEnergy() > 0);
    // CPU sums the bonds in single precision, so the sum of parts is exact to that.
    double rounding = 8 * testPlatform().epsilon;
    double magnitude = std::abs(ours.getPotentialEnergy()) + others.getPotentialEnergy();
    CHECK_NEAR(ours.getPotentialEnergy() + others.getPotentialEnergy(), all.getPotentialEnergy(),
               rounding * magnitude);
    for (size_t i = 0; i < expected.size(); i++)
        expected[i] += others.getForces()[i];
    CHECK_ALL_NEAR(expected, all.getForces(), rounding * largest(expected));
}

/* A collective variable evaluates the force in a Context inside the Context. */
inline void testInsideACollectiveVariable() {
    ScoreModel model = chainModel(5);
    vector<Vec3> positions = chainPositions(1, 5);
    System direct, indirect;
    addChains(direct, model, 1);
    for (int i = 0; i < 5; i++)
        indirect.addParticle(12);
    auto *variable = new OpenMM::CustomCVForce("2*u");
    auto *force = new ScoreForce(model);
    force->addMolecule(range(0, 5));
    variable->addCollectiveVariable("u", force);
    indirect.addForce(variable);
    State expected = Simulation(direct, positions).state();
    State found = Simulation(indirect, positions).state();
    vector<Vec3> doubled;
    for (const Vec3 &value : expected.getForces())
        doubled.push_back(value * 2);
    CHECK_NEAR(2 * expected.getPotentialEnergy(), found.getPotentialEnergy(), 0);
    CHECK_ALL_NEAR(doubled, found.getForces(), 4 * 2.2e-16 * largest(doubled));
}

} // namespace OpenMMScore

#endif
