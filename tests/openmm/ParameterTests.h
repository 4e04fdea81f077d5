/* The parameters of a Context, their derivatives, and changes to a Context that exists. */
#ifndef SCORE_PARAMETER_TESTS_H_
#define SCORE_PARAMETER_TESTS_H_

#include "TestSystems.h"

namespace OpenMMScore {

inline void testParametersOfTheContext() {
    ScoreModel model = chainModel(5);
    System system;
    ScoreForce *force = addChains(system, model, 2);
    force->setDiffusionTime(0.03);
    force->setScale(0.25);
    force->setScaleParameterName("lambda");
    vector<Vec3> positions = chainPositions(2, 5);
    Simulation simulation(system, positions);
    OpenMM::Context &context = simulation.context;
    CHECK(context.getParameters().size() == 2);
    CHECK(context.getParameter("ScoreForceDiffusionTime") == 0.03);
    CHECK(context.getParameter("lambda") == 0.25);

    auto expected = [&](double t) {
        return kT(model) *
               evaluateCore(model, testPlatform().precision, positions, 5, t).totalEnergy();
    };
    CHECK_NEAR(0.25 * expected(0.03), simulation.energy(), 0);
    context.setParameter("ScoreForceDiffusionTime", 0.5);
    context.setParameter("lambda", -2);
    CHECK(expected(0.5) != expected(0.03));
    CHECK_NEAR(-2 * expected(0.5), simulation.energy(), 0);
    context.setParameter("lambda", 0);
    CHECK_NEAR(0, simulation.energy(), 0);
    CHECK_NEAR(0, largest(simulation.state().getForces()), 0);
}

/* OpenMM may list a parameter that nobody asked for, with a derivative of zero. */
inline double derivative(const State &state, const std::string &name) {
    const std::map<std::string, double> &all = state.getEnergyParameterDerivatives();
    return all.count(name) == 0 ? 0.0 : all.at(name);
}

/* Time features have the frequency 4 pi, so the third derivative is about (4 pi)^2 times the first,
 * a few times |E|; the rounding error is epsilon |E| / h with |E| the sum over all terms of E. */
inline double parameterTolerance(double h, double energy) {
    double frequency = 4 * M_PI;
    return 10 * std::abs(energy) *
           (h * h / 6 * frequency * frequency * frequency + 10 * testPlatform().epsilon / h);
}

/* The energy is linear in the scale; for the time, see testForcesAreDifferencesOfTheEnergy. */
inline void testParameterDerivativesOf(const ScoreModel &model) {
    System system;
    ScoreForce *force = addChains(system, model, 3);
    force->addEnergyParameterDerivative("ScoreForceScale");
    force->addEnergyParameterDerivative("ScoreForceDiffusionTime");
    force->setDiffusionTimeParameterName("t");
    Simulation simulation(system, chainPositions(3, 5));
    OpenMM::Context &context = simulation.context;
    const double t = 0.2, scale = 0.6;
    context.setParameter("t", t);
    context.setParameter("ScoreForceScale", scale);

    State state = simulation.state();
    double energy = simulation.energy();
    double rounding = 4 * 2.2e-16;
    CHECK_NEAR(energy / scale, derivative(state, "ScoreForceScale"),
               rounding * std::abs(energy / scale));

    double h = 0.02 * std::cbrt(10 * testPlatform().epsilon);
    context.setParameter("t", t + h);
    double above = simulation.energy();
    context.setParameter("t", t - h);
    double difference = (above - simulation.energy()) / (2 * h);
    CHECK(std::abs(derivative(state, "t")) > 1);
    CHECK_NEAR(difference, derivative(state, "t"), parameterTolerance(h, energy));
}

inline void testParameterDerivatives() {
    testParameterDerivativesOf(chainModel(5));
    testParameterDerivativesOf(randomModelOnABase(molecule_config(5)));
}

inline void testDerivativesOnlyWhereAsked() {
    const char *time = "ScoreForceDiffusionTime", *scale = "ScoreForceScale";
    System none, one;
    addChains(none, chainModel(5), 1);
    addChains(one, chainModel(5), 1)->addEnergyParameterDerivative(scale);
    State state = Simulation(none, chainPositions(1, 5)).state();
    CHECK(derivative(state, time) == 0 && derivative(state, scale) == 0);
    state = Simulation(one, chainPositions(1, 5)).state();
    CHECK(derivative(state, time) == 0 && derivative(state, scale) != 0);
}

/* Two forces that share both parameters: the derivatives add up. */
inline void testForcesShareParameters() {
    ScoreModel model = chainModel(5);
    vector<Vec3> positions = chainPositions(2, 5);
    System together, apart;
    ScoreForce *both = addChains(together, model, 2);
    both->addEnergyParameterDerivative("ScoreForceDiffusionTime");
    for (int i = 0; i < 2; i++)
        addChains(apart, model, 1)->addEnergyParameterDerivative("ScoreForceDiffusionTime");
    State expected = Simulation(together, positions).state();
    State found = Simulation(apart, positions).state();
    double sum = derivative(expected, "ScoreForceDiffusionTime");
    CHECK_NEAR(sum, derivative(found, "ScoreForceDiffusionTime"),
               groupingTolerance() * 10 * std::abs(sum));
    CHECK_ALL_NEAR(expected.getForces(), found.getForces(),
                   groupingTolerance() * largest(expected.getForces()));
}

inline void testExpertsOwnTheirTimes() {
    score_model_config config = molecule_config(5);
    config.expert_count = 4;
    config.experts[0] = graph_expert(SCORE_OUTPUT_SCORE, 0.6, 1);
    config.experts[1] = graph_expert(SCORE_OUTPUT_ENERGY, 0.1, 0.5);
    config.experts[2] = graph_expert(SCORE_OUTPUT_ENERGY, 0, 0.1);
    config.experts[3] = graph_expert(SCORE_OUTPUT_SCORE, 0.5, 0.52);
    ScoreModel model = randomModel(config);
    System system;
    ScoreForce *force = addChains(system, model, 1);
    vector<Vec3> positions = chainPositions(1, 5);
    Simulation simulation(system, positions);
    const char *name = "ScoreForceDiffusionTime";
    for (double t : {0.05, 0.1, 0.3, 0.5}) {
        simulation.context.setParameter(name, t);
        CoreResult core = evaluateCore(model, testPlatform().precision, positions, 5, t);
        CHECK_NEAR(kT(model) * core.totalEnergy(), simulation.energy(), 0);
    }
    simulation.context.setParameter(name, 0.55);
    CHECK_THROWS(simulation.energy(), "0.55");
    simulation.context.setParameter(name, 0.75);
    CHECK_THROWS(simulation.energy(), "0.75");
    simulation.context.setParameter(name, -0.25);
    CHECK_THROWS(simulation.energy(), "-0.25");
    simulation.context.setParameter(name, 0.05);
    simulation.context.setParameter("ScoreForceScale", INFINITY);
    CHECK_THROWS(simulation.energy(), "inf");
    force->setDiffusionTime(0.75);
    CHECK_THROWS(Simulation(system, positions), "0.75");
}

inline void testReinitialize() {
    ScoreModel model = chainModel(5);
    System system;
    ScoreForce *force = addChains(system, model, 2);
    vector<Vec3> positions = chainPositions(2, 5);
    Simulation simulation(system, positions);
    simulation.context.setParameter("ScoreForceScale", 0.5);
    double energy = simulation.energy();
    simulation.context.reinitialize(true);
    CHECK(simulation.energy() == energy);
    CHECK(derivative(simulation.state(), "ScoreForceScale") == 0);

    force->addEnergyParameterDerivative("ScoreForceScale");
    force->setMoleculeParameters(1, {9, 8, 7, 6, 5});
    CHECK(simulation.energy() == energy);
    simulation.context.reinitialize(true);
    CHECK(simulation.energy() != energy);
    CHECK(derivative(simulation.state(), "ScoreForceScale") != 0);
    simulation.context.reinitialize(false);
    simulation.context.setPositions(positions);
    CHECK(simulation.context.getParameter("ScoreForceScale") == 1);
}

inline void testUpdateParametersInContext() {
    ScoreModel model = randomModel(feature_config(4));
    vector<Vec3> positions = chainPositions(3, 4);
    System system;
    ScoreForce *force = addChains(system, model, 2);
    for (int i = 0; i < 4; i++)
        system.addParticle(12);
    Simulation simulation(system, positions);
    double before = simulation.energy();

    force->setMoleculeParameters(0, {11, 9, 8}, {0, 0, 1, 1, 2, 0});
    force->setMoleculeParameters(1, {4, 5, 6, 7, 0}, {2, 1, 1, 1, 0, 0, 0, 1, 1, 0});
    CHECK(simulation.energy() == before);
    force->updateParametersInContext(simulation.context);
    CHECK(simulation.energy() != before);
    CHECK(simulation.energy() == Simulation(system, positions).energy());

    // Whatever is refused leaves the Context as it was.
    double after = simulation.energy();
    force->setMoleculeParameters(0, {4, 9, 8}, {0, 0, 1, 1, 2, 0});
    CHECK_THROWS(force->updateParametersInContext(simulation.context), "particle 4");
    force->setMoleculeParameters(0, {12, 9, 8}, {0, 0, 1, 1, 2, 0});
    CHECK_THROWS(force->updateParametersInContext(simulation.context), "particle 12");
    // OpenMM asks only now what belongs together: what this Context was given last.
    vector<vector<int>> together = simulation.context.getMolecules();
    CHECK(together == vector<vector<int>>({{0, 4, 5, 6, 7}, {1}, {2}, {3}, {8, 9, 11}, {10}}));
    force->setMoleculeParameters(0, {11, 9, 8}, {0, 0, 1, 1, 2, 0});
    force->addMolecule({10}, {1, 1});
    CHECK_THROWS(force->updateParametersInContext(simulation.context), "has 3 molecules");
    CHECK(simulation.energy() == after);

    // Renaming does not touch Contexts that exist.
    force->setScaleParameterName("other");
    CHECK(simulation.energy() == after);
}

} // namespace OpenMMScore

#endif
