#include <vector>

#include "OpenMMScoreCWrapper.h"
#include "ScoreForce.h"

using OpenMM::Context;
using OpenMMScore::ScoreForce;
using OpenMMScore::ScoreModel;
using std::vector;

namespace {

const ScoreForce &get(const OpenMM_ScoreForce *target) {
    return *reinterpret_cast<const ScoreForce *>(target);
}

ScoreForce &get(OpenMM_ScoreForce *target) {
    return *reinterpret_cast<ScoreForce *>(target);
}

OpenMM_ScoreForce *wrap(ScoreForce *force) {
    return reinterpret_cast<OpenMM_ScoreForce *>(force);
}

vector<int> listOf(const OpenMM_IntArray *array) {
    return array == nullptr ? vector<int>() : *reinterpret_cast<const vector<int> *>(array);
}

} // namespace

extern "C" {

OpenMM_ScoreForce *OpenMM_ScoreForce_create(const char *modelFile) {
    return wrap(new ScoreForce(std::string(modelFile)));
}

OpenMM_ScoreForce *OpenMM_ScoreForce_create_2(const OpenMM_ScoreModel *model) {
    return wrap(new ScoreForce(*reinterpret_cast<const ScoreModel *>(model)));
}

void OpenMM_ScoreForce_destroy(OpenMM_ScoreForce *target) {
    delete reinterpret_cast<ScoreForce *>(target);
}

const OpenMM_ScoreModel *OpenMM_ScoreForce_getModel(const OpenMM_ScoreForce *target) {
    return reinterpret_cast<const OpenMM_ScoreModel *>(&get(target).getModel());
}

int OpenMM_ScoreForce_getNumMolecules(const OpenMM_ScoreForce *target) {
    return get(target).getNumMolecules();
}

int OpenMM_ScoreForce_addMolecule(OpenMM_ScoreForce *target, const OpenMM_IntArray *particles,
                                  const OpenMM_IntArray *features) {
    return get(target).addMolecule(listOf(particles), listOf(features));
}

void OpenMM_ScoreForce_getMoleculeParameters(const OpenMM_ScoreForce *target, int index,
                                             OpenMM_IntArray *particles,
                                             OpenMM_IntArray *features) {
    vector<int> unwanted;
    get(target).getMoleculeParameters(
        index, *reinterpret_cast<vector<int> *>(particles),
        features == nullptr ? unwanted : *reinterpret_cast<vector<int> *>(features));
}

void OpenMM_ScoreForce_setMoleculeParameters(OpenMM_ScoreForce *target, int index,
                                             const OpenMM_IntArray *particles,
                                             const OpenMM_IntArray *features) {
    get(target).setMoleculeParameters(index, listOf(particles), listOf(features));
}

double OpenMM_ScoreForce_getDiffusionTime(const OpenMM_ScoreForce *target) {
    return get(target).getDiffusionTime();
}

void OpenMM_ScoreForce_setDiffusionTime(OpenMM_ScoreForce *target, double time) {
    get(target).setDiffusionTime(time);
}

double OpenMM_ScoreForce_getScale(const OpenMM_ScoreForce *target) {
    return get(target).getScale();
}

void OpenMM_ScoreForce_setScale(OpenMM_ScoreForce *target, double scale) {
    get(target).setScale(scale);
}

const char *OpenMM_ScoreForce_getDiffusionTimeParameterName(const OpenMM_ScoreForce *target) {
    return get(target).getDiffusionTimeParameterName().c_str();
}

void OpenMM_ScoreForce_setDiffusionTimeParameterName(OpenMM_ScoreForce *target, const char *name) {
    get(target).setDiffusionTimeParameterName(name);
}

const char *OpenMM_ScoreForce_getScaleParameterName(const OpenMM_ScoreForce *target) {
    return get(target).getScaleParameterName().c_str();
}

void OpenMM_ScoreForce_setScaleParameterName(OpenMM_ScoreForce *target, const char *name) {
    get(target).setScaleParameterName(name);
}

void OpenMM_ScoreForce_addEnergyParameterDerivative(OpenMM_ScoreForce *target, const char *name) {
    get(target).addEnergyParameterDerivative(name);
}

int OpenMM_ScoreForce_getNumEnergyParameterDerivatives(const OpenMM_ScoreForce *target) {
    return get(target).getNumEnergyParameterDerivatives();
}

const char *OpenMM_ScoreForce_getEnergyParameterDerivativeName(const OpenMM_ScoreForce *target,
                                                               int index) {
    return get(target).getEnergyParameterDerivativeName(index).c_str();
}

void OpenMM_ScoreForce_setUsesPeriodicBoundaryConditions(OpenMM_ScoreForce *target,
                                                         OpenMM_Boolean periodic) {
    get(target).setUsesPeriodicBoundaryConditions(periodic == OpenMM_True);
}

OpenMM_Boolean OpenMM_ScoreForce_usesPeriodicBoundaryConditions(const OpenMM_ScoreForce *target) {
    return get(target).usesPeriodicBoundaryConditions() ? OpenMM_True : OpenMM_False;
}

void OpenMM_ScoreForce_updateParametersInContext(OpenMM_ScoreForce *target,
                                                 OpenMM_Context *context) {
    get(target).updateParametersInContext(*reinterpret_cast<Context *>(context));
}

void OpenMM_ScoreForce_getMoleculeEnergies(OpenMM_ScoreForce *target, OpenMM_Context *context,
                                           OpenMM_DoubleArray *energies) {
    get(target).getMoleculeEnergies(*reinterpret_cast<Context *>(context),
                                    *reinterpret_cast<vector<double> *>(energies));
}

} // extern "C"
