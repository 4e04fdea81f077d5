#include "ScoreForce.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ScoreErrors.h"
#include "ScoreForceImpl.h"
#include "score/model.h"

using OpenMM::Context;
using OpenMM::ForceImpl;
using std::string;
using std::vector;

namespace OpenMMScore {

namespace {

bool hasEnergy(const ScoreModel &model) {
    const score_model_config *config = score_model_get_config(model.getHandle());
    return std::any_of(
        config->experts, config->experts + config->expert_count,
        [](const score_expert_config &expert) { return expert.output == SCORE_OUTPUT_ENERGY; });
}

} // namespace

ScoreForce::ScoreForce(const string &modelFile) : ScoreForce(ScoreModel(modelFile)) {
}

ScoreForce::ScoreForce(const ScoreModel &model) : model(model) {
    if (!hasEnergy(model))
        throwError("ScoreForce: the model has no expert that gives an energy");
    setName("ScoreForce");
}

const ScoreModel &ScoreForce::getModel() const {
    return model;
}

int ScoreForce::getNumMolecules() const {
    return static_cast<int>(molecules.size());
}

namespace {

void checkParticles(int molecule, const vector<int> &particles) {
    std::set<int> seen;
    for (int particle : particles) {
        if (particle < 0)
            throwError("ScoreForce: molecule ", molecule, " has particle ", particle,
                       ", which is negative");
        if (!seen.insert(particle).second)
            throwError("ScoreForce: molecule ", molecule, " has particle ", particle, " twice");
    }
}

void checkFeatures(int molecule, const ScoreModel &model, size_t particles,
                   const vector<int> &features) {
    size_t perParticle = static_cast<size_t>(model.getNumFeatures());
    if (features.size() != particles * perParticle)
        throwError("ScoreForce: molecule ", molecule, " has ", features.size(), " features, not ",
                   particles * perParticle, " (", perParticle, " for each of its ", particles,
                   " particles)");
    for (size_t i = 0; i < features.size(); i++) {
        int feature = static_cast<int>(i % perParticle);
        if (features[i] < 0 || features[i] >= model.getFeatureSize(feature))
            throwError("ScoreForce: molecule ", molecule, ", particle ", i / perParticle,
                       " of its list: feature ", feature, " is ", features[i], ", not in [0, ",
                       model.getFeatureSize(feature), ")");
    }
}

} // namespace

void ScoreForce::checkMolecule(int index, const Molecule &molecule) const {
    size_t particles = molecule.particles.size();
    size_t beads = static_cast<size_t>(model.getNumBeads());
    bool takesBeadList = model.getNumFeatures() == 0 || molecule.features.empty();
    if (particles == 0)
        throwError("ScoreForce: molecule ", index, " has no particles");
    if (takesBeadList && particles != beads)
        throwError("ScoreForce: molecule ", index, " has ", particles,
                   " particles, but the model has ", beads, " beads");
    checkParticles(index, molecule.particles);
    if (!molecule.features.empty())
        checkFeatures(index, model, particles, molecule.features);
}

int ScoreForce::addMolecule(const vector<int> &particles, const vector<int> &features) {
    int index = getNumMolecules();
    Molecule molecule = {particles, features};
    checkMolecule(index, molecule);
    molecules.push_back(molecule);
    return index;
}

void ScoreForce::getMoleculeParameters(int index, vector<int> &particles,
                                       vector<int> &features) const {
    checkIndex("ScoreForce::getMoleculeParameters", index, getNumMolecules());
    particles = molecules[index].particles;
    features = molecules[index].features;
}

void ScoreForce::setMoleculeParameters(int index, const vector<int> &particles,
                                       const vector<int> &features) {
    checkIndex("ScoreForce::setMoleculeParameters", index, getNumMolecules());
    Molecule molecule = {particles, features};
    checkMolecule(index, molecule);
    molecules[index] = molecule;
}

double ScoreForce::getDiffusionTime() const {
    return diffusionTime;
}

void ScoreForce::setDiffusionTime(double time) {
    if (!std::isfinite(time) || time <= 0)
        throwError("ScoreForce: the diffusion time is ", time, ", must be positive");
    diffusionTime = time;
}

double ScoreForce::getScale() const {
    return scale;
}

void ScoreForce::setScale(double scale) {
    if (!std::isfinite(scale))
        throwError("ScoreForce: the scale is ", scale, ", must be finite");
    this->scale = scale;
}

const string &ScoreForce::getDiffusionTimeParameterName() const {
    return parameterNames[DiffusionTime];
}

void ScoreForce::setDiffusionTimeParameterName(const string &name) {
    setParameterName(DiffusionTime, name);
}

const string &ScoreForce::getScaleParameterName() const {
    return parameterNames[Scale];
}

void ScoreForce::setScaleParameterName(const string &name) {
    setParameterName(Scale, name);
}

void ScoreForce::setParameterName(Parameter parameter, const string &name) {
    if (name.empty())
        throwError("ScoreForce: the name of a parameter is empty");
    if (name == parameterNames[1 - parameter])
        throwError("ScoreForce: both parameters would be named '", name, "'");
    parameterNames[parameter] = name;
}

void ScoreForce::addEnergyParameterDerivative(const string &name) {
    for (Parameter parameter : {DiffusionTime, Scale})
        if (name == parameterNames[parameter]) {
            if (std::find(derivatives.begin(), derivatives.end(), parameter) == derivatives.end())
                derivatives.push_back(parameter);
            return;
        }
    throwError("ScoreForce::addEnergyParameterDerivative: there is no parameter '", name,
               "', only '", parameterNames[DiffusionTime], "' and '", parameterNames[Scale], "'");
}

int ScoreForce::getNumEnergyParameterDerivatives() const {
    return static_cast<int>(derivatives.size());
}

const string &ScoreForce::getEnergyParameterDerivativeName(int index) const {
    checkIndex("ScoreForce::getEnergyParameterDerivativeName", index,
               getNumEnergyParameterDerivatives());
    return parameterNames[derivatives[index]];
}

void ScoreForce::setUsesPeriodicBoundaryConditions(bool periodic) {
    this->periodic = periodic;
}

bool ScoreForce::usesPeriodicBoundaryConditions() const {
    return periodic;
}

void ScoreForce::updateParametersInContext(Context &context) {
    dynamic_cast<ScoreForceImpl &>(getImplInContext(context))
        .updateParametersInContext(getContextImpl(context));
}

void ScoreForce::getMoleculeEnergies(Context &context, vector<double> &energies) {
    dynamic_cast<ScoreForceImpl &>(getImplInContext(context))
        .getMoleculeEnergies(getContextImpl(context), energies);
}

ForceImpl *ScoreForce::createImpl() const {
    return new ScoreForceImpl(*this);
}

} // namespace OpenMMScore
