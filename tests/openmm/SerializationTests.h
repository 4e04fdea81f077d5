/* What is written and read back is the same, to the last bit. */
#ifndef SCORE_SERIALIZATION_TESTS_H_
#define SCORE_SERIALIZATION_TESTS_H_

#include <map>
#include <sstream>

#include "TestSystems.h"
#include "openmm/serialization/XmlSerializer.h"

namespace OpenMMScore {

using OpenMM::XmlSerializer;
using std::string;

/* Line ends, tabs, quotes, entities, CDATA, percent signs, UTF-8, and what is not even that. */
inline const char *awkwardText() {
    return " two  spaces\nline\r\n\ttab \"quoted\" 'single' <tag/> &amp; ]]> %41 %% "
           "\xc3\xa9\xe2\x82\xac ";
}

inline ScoreModel annotatedModel() {
    vector<score_note> notes = {{"data", "plain"},
                                {"comment", "a < b & \"c\"\n\tnext line \xc3\xa9 "}};
    score_model_config config = molecule_config(5);
    config.expert_count = 2;
    config.experts[0] = graph_expert(SCORE_OUTPUT_SCORE, 0.1, 1);
    config.experts[1] = graph_expert(SCORE_OUTPUT_ENERGY, 0, 0.1);
    config.note_count = 2;
    config.notes = notes.data();
    return randomModel(config);
}

inline void checkSameForce(const ScoreForce &a, const ScoreForce &b) {
    CHECK(a.getName() == b.getName());
    CHECK(a.getForceGroup() == b.getForceGroup());
    CHECK(a.getDiffusionTime() == b.getDiffusionTime());
    CHECK(a.getScale() == b.getScale());
    CHECK(a.getDiffusionTimeParameterName() == b.getDiffusionTimeParameterName());
    CHECK(a.getScaleParameterName() == b.getScaleParameterName());
    CHECK(a.usesPeriodicBoundaryConditions() == b.usesPeriodicBoundaryConditions());
    CHECK(a.getModel().toXml() == b.getModel().toXml());
    CHECK(a.getModel().getNotes() == b.getModel().getNotes());
    CHECK(a.getNumEnergyParameterDerivatives() == b.getNumEnergyParameterDerivatives());
    for (int i = 0; i < a.getNumEnergyParameterDerivatives(); i++)
        CHECK(a.getEnergyParameterDerivativeName(i) == b.getEnergyParameterDerivativeName(i));
    CHECK(a.getNumMolecules() == b.getNumMolecules());
    vector<int> particles[2], features[2];
    for (int i = 0; i < a.getNumMolecules(); i++) {
        a.getMoleculeParameters(i, particles[0], features[0]);
        b.getMoleculeParameters(i, particles[1], features[1]);
        CHECK(particles[0] == particles[1]);
        CHECK(features[0] == features[1]);
    }
}

inline std::unique_ptr<ScoreForce> throughXml(const ScoreForce &force) {
    std::stringstream stream;
    XmlSerializer::serialize<OpenMM::Force>(&force, "Force", stream);
    std::unique_ptr<OpenMM::Force> read(XmlSerializer::deserialize<OpenMM::Force>(stream));
    CHECK(dynamic_cast<ScoreForce *>(read.get()) != nullptr);
    return std::unique_ptr<ScoreForce>(static_cast<ScoreForce *>(read.release()));
}

inline void testForceSurvivesXml() {
    ScoreForce plain(annotatedModel());
    checkSameForce(plain, *throughXml(plain));
    CHECK(plain.getName() == "ScoreForce");

    ScoreForce force(randomModel(feature_config(4)));
    force.setName(awkwardText());
    force.setForceGroup(7);
    force.setDiffusionTime(0.1 / 3);
    force.setScale(-1e-300);
    // The names of the two parameters, exchanged: no order of setting them may stumble over that.
    force.setScaleParameterName("x");
    force.setDiffusionTimeParameterName("ScoreForceScale");
    force.setScaleParameterName(string("ScoreForceDiffusionTime"));
    force.addEnergyParameterDerivative("ScoreForceDiffusionTime");
    force.addEnergyParameterDerivative("ScoreForceScale");
    force.setUsesPeriodicBoundaryConditions(true);
    force.addMolecule({3, 2, 1, 0});
    force.addMolecule({7, 9}, {2, 1, 0, 0});
    checkSameForce(force, *throughXml(force));
    force.setScaleParameterName(string("a") + awkwardText());
    checkSameForce(force, *throughXml(force));
}

inline void testSystemSurvivesXmlWith(const ScoreModel &model) {
    System system;
    ScoreForce *force = addChains(system, model, 2);
    force->setName("one");
    vector<Vec3> positions = chainPositions(2, 5);
    string text;
    std::unique_ptr<System> read;
    {
        std::stringstream stream;
        XmlSerializer::serialize<System>(&system, "System", stream);
        text = stream.str();
        read.reset(XmlSerializer::deserialize<System>(stream));
    }
    std::unique_ptr<System> copy(XmlSerializer::clone<System>(system));
    State expected = Simulation(system, positions).state();
    for (System *other : {read.get(), copy.get()}) {
        checkSameForce(*force, dynamic_cast<ScoreForce &>(other->getForce(0)));
        State found = Simulation(*other, positions).state();
        CHECK_NEAR(expected.getPotentialEnergy(), found.getPotentialEnergy(), 0);
        CHECK_ALL_NEAR(expected.getForces(), found.getForces(), 0);
        std::stringstream again;
        XmlSerializer::serialize<System>(other, "System", again);
        CHECK(again.str() == text);
    }
}

inline void testSystemSurvivesXml() {
    testSystemSurvivesXmlWith(annotatedModel());
    testSystemSurvivesXmlWith(randomModelOnABase(molecule_config(5)));
}

inline string replaced(string text, const string &from, const string &to) {
    size_t place = text.find(from);
    CHECK(place != string::npos);
    return text.replace(place, from.size(), to);
}

inline void testDamagedXmlIsRefused() {
    ScoreForce force(chainModel(5));
    force.addMolecule(range(0, 5));
    std::stringstream stream;
    XmlSerializer::serialize<OpenMM::Force>(&force, "Force", stream);
    auto read = [](const string &text) {
        std::stringstream damaged(text);
        delete XmlSerializer::deserialize<OpenMM::Force>(damaged);
    };
    string text = stream.str();
    read(text);
    CHECK_THROWS(read(replaced(text, "version=\"1\"", "version=\"2\"")), "version 2");
    CHECK_THROWS(read(replaced(text, "version=\"1\"", "version=\"0\"")), "version 0");
    CHECK_THROWS(read(replaced(text, "v=\"4\"", "v=\"3\"")), "particle 3 twice");
    CHECK_THROWS(read(replaced(text, "%0A", "%0G")), "hexadecimal");
    CHECK_THROWS(read(replaced(text, " xml=\"", " xml=\"x")), "ScoreModel");
    CHECK_THROWS(read(replaced(text, "<Molecules>", "<Other>")), "");
}

inline void testModelSurvivesAFile() {
    ScoreModel model = annotatedModel();
    for (const char *file : {"ScoreForceTests_model.xml", "ScoreForceTests_model.xml.gz"}) {
        string path = testPlatform().name + file;
        model.save(path);
        CHECK(ScoreModel(path).toXml() == model.toXml());
        ScoreForce force(path);
        CHECK(force.getModel().toXml() == model.toXml());
        std::remove(path.c_str());
    }
}

inline void testModelTellsWhatItHolds() {
    ScoreModel model = annotatedModel();
    CHECK(model.getNumBeads() == 5 && model.getDimensions() == 3 && model.isCentred());
    CHECK(model.getTemperature() == 300 && model.getScale() == 0.1);
    CHECK(model.getNumFeatures() == 0 && model.getNumExperts() == 2);
    string architecture, output, name, residue;
    int hidden, layers, residueIndex;
    double begin, end, mass;
    CHECK(model.getNoiseSchedule() == "variance-preserving");
    CHECK(model.getNumNoiseScheduleSettings() == 2);
    double setting;
    model.getNoiseScheduleSetting(0, name, setting);
    CHECK(name == "betaMin" && setting == 0.1);
    model.getNoiseScheduleSetting(1, name, setting);
    CHECK(name == "betaMax" && setting == 20);
    CHECK_THROWS(model.getNoiseScheduleSetting(2, name, setting), "index 2");
    CHECK(fabs(model.getSignal(1) - exp(-5.025)) < 1e-15);
    CHECK(fabs(model.getNoise(1e-5) - sqrt(1e-6)) < 1e-6);
    CHECK(fabs(model.getTimeOfNoise(model.getNoise(0.3)) - 0.3) < 1e-14);
    CHECK_THROWS(model.getNoise(1.5), "diffusion time 1.5");
    CHECK_THROWS(model.getTimeOfNoise(1), "noise 1 is not in [0, 1)");
    model.getExpert(0, architecture, output, hidden, layers, begin, end);
    CHECK(architecture == "graph-transformer" && output == "score" && begin == 0.1 && end == 1);
    CHECK(hidden == 8 && layers == 2);
    using Settings = std::map<string, string>;
    CHECK(model.getExpertSettings(0) == Settings({{"heads", "2"}, {"headWidth", "4"}}));
    randomModel(toy_config(1, 2)).getExpert(0, architecture, output, hidden, layers, begin, end);
    CHECK(architecture == "mlp" && output == "energy");
    CHECK(randomModel(toy_config(1, 2)).getExpertSettings(0).empty());
    string over;
    vector<double> variances, directions, mean;
    model.getGaussian(over, variances, directions, mean);
    CHECK(over == "none" && variances.empty() && directions.empty() && mean.empty());
    CHECK(model.getExpertBase(0) == "none" && model.getExpertBase(1) == "none");
    score_model_config chain = molecule_config(5), toy = toy_config(1, 2);
    set_base(&chain);
    const score_gaussian *gaussian = chain.gaussian;
    CHECK(randomModel(chain).getExpertBase(0) == "gaussian");
    randomModel(chain).getGaussian(over, variances, directions, mean);
    CHECK(over == "beads" && mean.empty());
    CHECK(variances == vector<double>(gaussian->variances, gaussian->variances + 4));
    CHECK(directions == vector<double>(gaussian->directions, gaussian->directions + 20));
    set_base(&toy);
    randomModel(toy).getGaussian(over, variances, directions, mean);
    CHECK(over == "coordinates" && mean == vector<double>(gaussian->mean, gaussian->mean + 2));
    randomModelOnABase(feature_config(4)).getGaussian(over, variances, directions, mean);
    CHECK(over == "all" && variances == vector<double>({1.8}));
    CHECK(directions.empty() && mean.empty());
    Vec3 position;
    vector<int> features;
    randomModel(feature_config(4))
        .getBead(3, name, residue, residueIndex, mass, position, features);
    CHECK(name == "B3" && residue == "R1" && residueIndex == 1 && mass == 15);
    CHECK(position == chainPosition(3));
    CHECK(features == vector<int>({0, 1}));
    CHECK(randomModel(feature_config(4)).getFeatureSize(0) == 3);
    CHECK(model.getNumNotes() == 2 && model.getNotes().at("data") == "plain");
}

} // namespace OpenMMScore

#endif
