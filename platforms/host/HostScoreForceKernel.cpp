#include "HostScoreForceKernel.h"

#include <numeric>

#include "ScoreErrors.h"
#include "WholeMolecule.h"
#include "openmm/reference/ReferencePlatform.h"

using OpenMM::ContextImpl;
using OpenMM::ReferencePlatform;
using OpenMM::Vec3;
using std::string;
using std::vector;

namespace OpenMMScore {

/* The molecules as the model core sees them, one behind the other, and all buffers of a step. */
struct HostScoreForceKernel::Batch {
    Batch(const ScoreModel &model, score_precision precision, int threads,
          const vector<ScoreMolecule> &molecules);

    vector<int> particles;                 /* of every bead */
    vector<int> firstBead;                 /* of every molecule, and their total */
    vector<double> positions, score;       /* beads x dimensions */
    vector<double> energy, timeDerivative; /* molecules */
    std::unique_ptr<score_batch, void (*)(score_batch *)> handle{nullptr, score_batch_destroy};
};

HostScoreForceKernel::Batch::Batch(const ScoreModel &model, score_precision precision, int threads,
                                   const vector<ScoreMolecule> &molecules) {
    vector<score_molecule> list;
    for (const ScoreMolecule &molecule : molecules) {
        firstBead.push_back(static_cast<int>(particles.size()));
        particles.insert(particles.end(), molecule.particles.begin(), molecule.particles.end());
        list.push_back({static_cast<int>(molecule.particles.size()),
                        molecule.features.empty() ? nullptr : molecule.features.data()});
    }
    firstBead.push_back(static_cast<int>(particles.size()));
    positions.resize(particles.size() * static_cast<size_t>(model.getDimensions()));
    score.resize(positions.size());
    energy.resize(molecules.size());
    timeDerivative.resize(molecules.size());

    score_batch *created = nullptr;
    score_error error = {};
    throwUnlessOk(score_batch_create(model.getHandle(), precision, static_cast<int>(list.size()),
                                     list.data(), threads, &created, &error),
                  error, "ScoreForce");
    handle.reset(created);
}

namespace {

ReferencePlatform::PlatformData &platformData(ContextImpl &context) {
    return *static_cast<ReferencePlatform::PlatformData *>(context.getPlatformData());
}

double sum(const vector<double> &values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

} // namespace

HostScoreForceKernel::HostScoreForceKernel(const string &name, const OpenMM::Platform &platform,
                                           score_precision precision)
    : CalcScoreForceKernel(name, platform), precision(precision) {
}

void HostScoreForceKernel::initialize(ContextImpl &context, const ScoreForce &force,
                                      const vector<ScoreMolecule> &molecules) {
    executor = getExecutor(context);
    dimensions = force.getModel().getDimensions();
    kT = SCORE_BOLTZMANN_KJ * force.getModel().getTemperature();
    periodic = force.usesPeriodicBoundaryConditions();
    for (int i = 0; i < force.getNumEnergyParameterDerivatives(); i++) {
        const string &name = force.getEnergyParameterDerivativeName(i);
        (name == force.getScaleParameterName() ? scaleDerivative : timeDerivative) = name;
    }
    batch = std::make_shared<Batch>(force.getModel(), precision, executor.threads, molecules);
}

void HostScoreForceKernel::copyParametersToContext(ContextImpl &, const ScoreForce &force,
                                                   const vector<ScoreMolecule> &molecules) {
    batch = std::make_shared<Batch>(force.getModel(), precision, executor.threads, molecules);
}

double HostScoreForceKernel::execute(ContextImpl &context, bool includeForces, bool includeEnergy,
                                     double diffusionTime, double scale) {
    ReferencePlatform::PlatformData &data = platformData(context);
    gather(*data.positions, data.periodicBoxVectors);

    bool needsEnergy = includeEnergy || !scaleDerivative.empty();
    score_error error = {};
    throwUnlessOk(score_batch_evaluate(
                      batch->handle.get(), batch->positions.data(), diffusionTime, &executor,
                      needsEnergy ? batch->energy.data() : nullptr,
                      includeForces ? batch->score.data() : nullptr,
                      timeDerivative.empty() ? nullptr : batch->timeDerivative.data(), &error),
                  error, "ScoreForce");

    energyUnit = scale * kT;
    if (includeForces)
        addForces(*data.forces);
    double energy = needsEnergy ? kT * sum(batch->energy) : 0.0;
    if (!scaleDerivative.empty())
        (*data.energyParameterDerivatives)[scaleDerivative] += energy;
    if (!timeDerivative.empty())
        (*data.energyParameterDerivatives)[timeDerivative] += energyUnit *
                                                              sum(batch->timeDerivative);
    return includeEnergy ? scale * energy : 0.0;
}

void HostScoreForceKernel::getMoleculeEnergies(vector<double> &energies) const {
    energies = batch->energy;
    for (double &energy : energies)
        energy *= energyUnit;
}

void HostScoreForceKernel::gather(const vector<Vec3> &positions, const Vec3 *box) {
    double *out = batch->positions.data();
    for (size_t m = 0; m + 1 < batch->firstBead.size(); m++) {
        Vec3 previous;
        for (int bead = batch->firstBead[m]; bead < batch->firstBead[m + 1]; bead++) {
            Vec3 position = positions[batch->particles[bead]];
            if (periodic && bead > batch->firstBead[m])
                position = previous + nearestImage(position - previous, box);
            for (int k = 0; k < dimensions; k++)
                *out++ = position[k];
            previous = position;
        }
    }
}

void HostScoreForceKernel::addForces(vector<Vec3> &forces) const {
    const double *score = batch->score.data();
    for (int particle : batch->particles)
        for (int k = 0; k < dimensions; k++)
            forces[particle][k] += energyUnit * *score++;
}

} // namespace OpenMMScore
