#include "ScoreForceProxy.h"

#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "PercentEncoding.h"
#include "ScoreErrors.h"
#include "ScoreForce.h"
#include "openmm/serialization/SerializationNode.h"

using OpenMM::SerializationNode;
using std::string;
using std::vector;

namespace OpenMMScore {

namespace {

const int currentVersion = 1;

void writeList(SerializationNode &parent, const char *name, const vector<int> &values) {
    SerializationNode &list = parent.createChildNode(name);
    for (int value : values)
        list.createChildNode("Value").setIntProperty("v", value);
}

vector<int> readList(const SerializationNode &parent, const char *name) {
    vector<int> values;
    for (const SerializationNode &value : parent.getChildNode(name).getChildren())
        values.push_back(value.getIntProperty("v"));
    return values;
}

void writeMolecules(SerializationNode &node, const ScoreForce &force) {
    SerializationNode &list = node.createChildNode("Molecules");
    vector<int> particles, features;
    for (int i = 0; i < force.getNumMolecules(); i++) {
        force.getMoleculeParameters(i, particles, features);
        SerializationNode &molecule = list.createChildNode("Molecule");
        writeList(molecule, "Particles", particles);
        writeList(molecule, "Features", features);
    }
}

void readMolecules(const SerializationNode &node, ScoreForce &force) {
    for (const SerializationNode &molecule : node.getChildNode("Molecules").getChildren())
        force.addMolecule(readList(molecule, "Particles"), readList(molecule, "Features"));
}

void writeDerivatives(SerializationNode &node, const ScoreForce &force) {
    SerializationNode &list = node.createChildNode("EnergyParameterDerivatives");
    for (int i = 0; i < force.getNumEnergyParameterDerivatives(); i++)
        list.createChildNode("Parameter")
            .setStringProperty("name", encodePercent(force.getEnergyParameterDerivativeName(i)));
}

void readDerivatives(const SerializationNode &node, ScoreForce &force) {
    for (const SerializationNode &parameter :
         node.getChildNode("EnergyParameterDerivatives").getChildren())
        force.addEnergyParameterDerivative(decodePercent(parameter.getStringProperty("name")));
}

/* In this order no setter meets the name that the other parameter is about to lose. */
void setParameterNames(ScoreForce &force, const string &time, const string &scale) {
    force.setScaleParameterName(time + scale + "x");
    force.setDiffusionTimeParameterName(time);
    force.setScaleParameterName(scale);
}

void checkVersion(const SerializationNode &node) {
    int version = node.getIntProperty("version");
    if (version < 1 || version > currentVersion)
        throwError("ScoreForce: it was written in version ", version,
                   " of its format, and this library reads up to version ", currentVersion);
}

} // namespace

ScoreForceProxy::ScoreForceProxy() : SerializationProxy("ScoreForce") {
}

void ScoreForceProxy::serialize(const void *object, SerializationNode &node) const {
    const ScoreForce &force = *static_cast<const ScoreForce *>(object);
    node.setIntProperty("version", currentVersion);
    node.setStringProperty("name", encodePercent(force.getName()));
    node.setIntProperty("forceGroup", force.getForceGroup());
    node.setBoolProperty("usesPeriodic", force.usesPeriodicBoundaryConditions());
    node.setDoubleProperty("diffusionTime", force.getDiffusionTime());
    node.setDoubleProperty("scale", force.getScale());
    node.setStringProperty("diffusionTimeParameter",
                           encodePercent(force.getDiffusionTimeParameterName()));
    node.setStringProperty("scaleParameter", encodePercent(force.getScaleParameterName()));
    writeDerivatives(node, force);
    writeMolecules(node, force);
    node.createChildNode("Model").setStringProperty("xml", encodePercent(force.getModel().toXml()));
}

void *ScoreForceProxy::deserialize(const SerializationNode &node) const {
    checkVersion(node);
    string xml = decodePercent(node.getChildNode("Model").getStringProperty("xml"));
    auto force = std::make_unique<ScoreForce>(ScoreModel::fromXml(xml));
    force->setName(decodePercent(node.getStringProperty("name")));
    force->setForceGroup(node.getIntProperty("forceGroup"));
    force->setUsesPeriodicBoundaryConditions(node.getBoolProperty("usesPeriodic"));
    force->setDiffusionTime(node.getDoubleProperty("diffusionTime"));
    force->setScale(node.getDoubleProperty("scale"));
    setParameterNames(*force, decodePercent(node.getStringProperty("diffusionTimeParameter")),
                      decodePercent(node.getStringProperty("scaleParameter")));
    readDerivatives(node, *force);
    readMolecules(node, *force);
    return force.release();
}

} // namespace OpenMMScore

namespace {

/* Loading the library is all that it takes to read and write a ScoreForce. The proxy lives as long
 * as the process, for OpenMM keeps a pointer to it. */
__attribute__((constructor)) void registerScoreSerializationProxies() {
    OpenMM::SerializationProxy::registerProxy(typeid(OpenMMScore::ScoreForce),
                                              new OpenMMScore::ScoreForceProxy());
}

} // namespace
