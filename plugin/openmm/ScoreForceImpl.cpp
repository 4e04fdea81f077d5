#include "ScoreForceImpl.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "ScoreErrors.h"
#include "openmm/System.h"
#include "score/model.h"

using OpenMM::ContextImpl;
using OpenMM::System;
using std::map;
using std::pair;
using std::string;
using std::vector;

namespace OpenMMScore {

namespace {

/* The molecules of the force; where it has none, one of all the model's beads. */
vector<ScoreMolecule> listMolecules(const ScoreForce &force) {
    vector<ScoreMolecule> molecules(force.getNumMolecules());
    for (size_t i = 0; i < molecules.size(); i++)
        force.getMoleculeParameters(static_cast<int>(i), molecules[i].particles,
                                    molecules[i].features);
    if (molecules.empty()) {
        molecules.resize(1);
        molecules[0].particles.resize(force.getModel().getNumBeads());
        std::iota(molecules[0].particles.begin(), molecules[0].particles.end(), 0);
    }
    return molecules;
}

void checkSize(const ScoreForce &force, const System &system) {
    int particles = system.getNumParticles(), beads = force.getModel().getNumBeads();
    if (force.getNumMolecules() == 0 && particles != beads)
        throwError("ScoreForce: no molecules were added, so the whole System would be one, but the"
                   " System has ",
                   particles, " particles and the model has ", beads, " beads");
    if (force.getNumMolecules() == 0 && particles == 0)
        throwError("ScoreForce: no molecules were added and the model has no beads of its own");
}

void checkParticles(const vector<ScoreMolecule> &molecules, const System &system) {
    vector<int> owner(system.getNumParticles(), -1);
    for (size_t i = 0; i < molecules.size(); i++)
        for (int particle : molecules[i].particles) {
            if (particle >= system.getNumParticles())
                throwError("ScoreForce: molecule ", i, " has particle ", particle,
                           ", but the System has ", system.getNumParticles(), " particles");
            if (owner[particle] != -1)
                throwError("ScoreForce: particle ", particle, " is in molecule ", owner[particle],
                           " and in molecule ", i);
            owner[particle] = static_cast<int>(i);
        }
}

void checkMolecules(const ScoreForce &force, const vector<ScoreMolecule> &molecules,
                    const System &system) {
    checkSize(force, system);
    checkParticles(molecules, system);
}

void checkDiffusionTime(const ScoreModel &scoreModel, const string &name, double time) {
    if (!std::isfinite(time) || time <= 0)
        throwError("ScoreForce: the diffusion time '", name, "' is ", time, ", must be positive");
    const score_model *model = scoreModel.getHandle();
    int expert = -1;
    score_error error = {};
    throwUnlessOk(score_model_expert_at(model, time, &expert, &error), error, "ScoreForce");
    if (score_model_get_config(model)->experts[expert].output != SCORE_OUTPUT_ENERGY)
        throwError("ScoreForce: the diffusion time '", name, "' is ", time,
                   ", which belongs to expert ", expert,
                   ", and that gives a score without an energy");
}

void checkScale(const string &name, double scale) {
    if (!std::isfinite(scale))
        throwError("ScoreForce: the scale '", name, "' is ", scale, ", must be finite");
}

} // namespace

ScoreForceImpl::ScoreForceImpl(const ScoreForce &owner)
    : owner(owner), timeName(owner.getDiffusionTimeParameterName()),
      scaleName(owner.getScaleParameterName()), molecules(listMolecules(owner)) {
    forceGroup = owner.getForceGroup();
}

void ScoreForceImpl::initialize(ContextImpl &context) {
    checkMolecules(owner, molecules, context.getSystem());
    checkDiffusionTime(owner.getModel(), timeName, owner.getDiffusionTime());
    kernel = context.getPlatform().createKernel(CalcScoreForceKernel::Name(), context);
    kernel.getAs<CalcScoreForceKernel>().initialize(context, owner, molecules);
}

const ScoreForce &ScoreForceImpl::getOwner() const {
    return owner;
}

void ScoreForceImpl::updateContextState(ContextImpl &, bool &) {
    // Energy and forces depend on positions and parameters alone: there is no state to update.
}

double ScoreForceImpl::calcForcesAndEnergy(ContextImpl &context, bool includeForces,
                                           bool includeEnergy, int groups) {
    if ((static_cast<unsigned>(groups) & (1u << forceGroup)) == 0)
        return 0;
    double time = context.getParameter(timeName);
    double scale = context.getParameter(scaleName);
    checkDiffusionTime(owner.getModel(), timeName, time);
    checkScale(scaleName, scale);
    return kernel.getAs<CalcScoreForceKernel>().execute(context, includeForces, includeEnergy, time,
                                                        scale);
}

void ScoreForceImpl::getMoleculeEnergies(ContextImpl &context, vector<double> &energies) {
    context.calcForcesAndEnergy(false, true, 1 << forceGroup);
    kernel.getAs<CalcScoreForceKernel>().getMoleculeEnergies(energies);
}

map<string, double> ScoreForceImpl::getDefaultParameters() {
    return {{timeName, owner.getDiffusionTime()}, {scaleName, owner.getScale()}};
}

vector<string> ScoreForceImpl::getKernelNames() {
    return {CalcScoreForceKernel::Name()};
}

vector<pair<int, int>> ScoreForceImpl::getBondedParticles() const {
    vector<pair<int, int>> bonds;
    for (const ScoreMolecule &molecule : molecules)
        for (size_t i = 1; i < molecule.particles.size(); i++)
            bonds.emplace_back(molecule.particles[i - 1], molecule.particles[i]);
    return bonds;
}

void ScoreForceImpl::updateParametersInContext(ContextImpl &context) {
    vector<ScoreMolecule> changed = listMolecules(owner);
    checkMolecules(owner, changed, context.getSystem());
    if (changed.size() != molecules.size())
        throwError("ScoreForce::updateParametersInContext: the force has ", changed.size(),
                   " molecules, but it had ", molecules.size(), " when the Context was created");
    kernel.getAs<CalcScoreForceKernel>().copyParametersToContext(context, owner, changed);
    molecules = std::move(changed);
    context.systemChanged();
}

} // namespace OpenMMScore
