/* Every misuse is an exception that names the value. */
#ifndef SCORE_MISUSE_TESTS_H_
#define SCORE_MISUSE_TESTS_H_

#include "TestSystems.h"

namespace OpenMMScore {

inline void testMisuseOfTheForce() {
    ScoreForce force(chainModel(5));
    vector<int> particles, features;
    CHECK_THROWS(force.addMolecule({}), "no particles");
    CHECK_THROWS(force.addMolecule({0, 1, 2, 3}), "4 particles, but the model has 5 beads");
    CHECK_THROWS(force.addMolecule(range(0, 6)), "6 particles, but the model has 5 beads");
    CHECK_THROWS(force.addMolecule({0, 1, 2, 3, -7}), "-7");
    CHECK_THROWS(force.addMolecule({0, 1, 2, 1, 4}), "particle 1 twice");
    CHECK_THROWS(force.addMolecule(range(0, 5), {1}), "1 features, not 0");
    CHECK(force.getNumMolecules() == 0);
    CHECK(force.addMolecule(range(0, 5)) == 0);
    CHECK_THROWS(force.setMoleculeParameters(0, {0, 1, 2, 3, 3}), "particle 3 twice");
    CHECK_THROWS(force.setMoleculeParameters(1, range(0, 5)), "index 1");
    CHECK_THROWS(force.getMoleculeParameters(-1, particles, features), "index -1");
    force.getMoleculeParameters(0, particles, features);
    CHECK(particles == range(0, 5) && features.empty());
    CHECK_THROWS(force.setDiffusionTime(0), "is 0");
    CHECK_THROWS(force.setDiffusionTime(-0.5), "-0.5");
    CHECK_THROWS(force.setDiffusionTime(NAN), "nan");
    CHECK_THROWS(force.setScale(INFINITY), "inf");
    CHECK_THROWS(force.setScaleParameterName(""), "empty");
    CHECK_THROWS(force.setScaleParameterName("ScoreForceDiffusionTime"), "ScoreForceDiffusionTime");
    CHECK_THROWS(force.addEnergyParameterDerivative("other"), "'other'");
    CHECK_THROWS(force.getEnergyParameterDerivativeName(0), "index 0");
    force.addEnergyParameterDerivative("ScoreForceScale");
    force.addEnergyParameterDerivative("ScoreForceScale");
    CHECK(force.getNumEnergyParameterDerivatives() == 1);
}

inline void testMisuseOfFeatures() {
    ScoreForce force(randomModel(feature_config(4)));
    CHECK_THROWS(force.addMolecule({0, 1, 2}), "3 particles, but the model has 4 beads");
    CHECK_THROWS(force.addMolecule({0, 1}, {0, 0, 1}), "3 features, not 4");
    CHECK_THROWS(force.addMolecule({0, 1}, {0, 0, 3, 1}), "feature 0 is 3, not in [0, 3)");
    CHECK_THROWS(force.addMolecule({0, 1}, {0, -1, 2, 1}), "feature 1 is -1, not in [0, 2)");
    CHECK(force.addMolecule({0, 1}, {0, 0, 2, 1}) == 0);
}

inline void testMisuseOfTheModel() {
    CHECK_THROWS(ScoreForce("no/such/file.xml"), "no/such/file.xml");
    score_model_config scores = molecule_config(5);
    scores.experts[0] = graph_expert(SCORE_OUTPUT_SCORE, 0, 1);
    CHECK_THROWS(ScoreForce{randomModel(scores)}, "no expert that gives an energy");
    CHECK_THROWS(ScoreModel("no/such/file.xml"), "no/such/file.xml");
    CHECK_THROWS(ScoreModel(static_cast<score_model *>(nullptr)), "NULL");
    CHECK_THROWS(ScoreModel::fromXml("this is no model"), "ScoreModel");
    ScoreModel model = chainModel(5);
    CHECK_THROWS(model.save("no/such/directory/model.xml"), "no/such/directory/model.xml");
    CHECK_THROWS(model.getFeatureSize(0), "index 0");
    std::string text;
    CHECK_THROWS(model.getNote(3, text, text), "index 3");
    int number;
    double real;
    Vec3 position;
    vector<int> features;
    CHECK_THROWS(model.getBead(5, text, text, number, real, position, features), "index 5");
    CHECK_THROWS(model.getExpert(-1, text, text, number, number, real, real), "index -1");
    CHECK_THROWS(model.getExpertSettings(1), "index 1");
    CHECK_THROWS(model.getExpertBase(1), "index 1");
}

/* What only the System can tell. */
inline void testMisuseInAContext() {
    vector<Vec3> positions = chainPositions(2, 5);
    auto create = [&](int particles, const vector<vector<int>> &molecules) {
        System system;
        for (int i = 0; i < particles; i++)
            system.addParticle(12);
        auto *force = new ScoreForce(chainModel(5));
        system.addForce(force);
        for (const vector<int> &molecule : molecules)
            force->addMolecule(molecule);
        OpenMM::VerletIntegrator integrator(0.001);
        OpenMM::Context context(system, integrator, platform());
    };
    create(5, {});
    create(10, {range(0, 5), range(5, 10)});
    CHECK_THROWS(create(6, {}), "6 particles and the model has 5 beads");
    CHECK_THROWS(create(7, {{0, 1, 2, 3, 7}}), "particle 7, but the System has 7 particles");
    CHECK_THROWS(create(10, {range(0, 5), range(4, 9)}),
                 "particle 4 is in molecule 0 and in molecule 1");

    System system;
    addChains(system, chainModel(5), 1);
    addChains(system, chainModel(5), 1)->setScale(0.5);
    CHECK_THROWS(Simulation(system, positions), "ScoreForceScale");
    ScoreForce outside(chainModel(5));
    dynamic_cast<ScoreForce &>(system.getForce(1)).setScale(1);
    Simulation simulation(system, positions);
    CHECK_THROWS(outside.updateParametersInContext(simulation.context), "");
}

/* A position that overflows in the model's units; OpenMM's CPU platform finds one that is not a
 * number before we do. */
inline void testEnergyThatIsNotFinite() {
    System system;
    addChains(system, chainModel(5), 3);
    vector<Vec3> positions = chainPositions(3, 5), broken = positions;
    Simulation simulation(system, positions);
    broken[7][1] = 1e308;
    simulation.context.setPositions(broken);
    CHECK_THROWS(simulation.energy(), "molecule 1");
    CHECK_THROWS(simulation.context.getState(State::Forces), "molecule 1");
    broken[7][1] = NAN;
    simulation.context.setPositions(broken);
    CHECK_THROWS(simulation.energy(), testPlatform().name == "CPU" ? "NaN" : "molecule 1");
    simulation.context.setPositions(positions);
    simulation.energy();
}

} // namespace OpenMMScore

#endif
