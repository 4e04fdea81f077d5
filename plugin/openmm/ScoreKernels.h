#ifndef OPENMM_SCORE_KERNELS_H_
#define OPENMM_SCORE_KERNELS_H_

#include <string>
#include <vector>

#include "ScoreForce.h"
#include "openmm/KernelImpl.h"
#include "openmm/Platform.h"
#include "openmm/internal/ContextImpl.h"

namespace OpenMMScore {

/** One molecule of a force, checked against the System and the model. */
struct ScoreMolecule {
    std::vector<int> particles;
    std::vector<int> features; /* empty: those in the model's list of beads */
};

/**
 * Computes the energy and the forces of a ScoreForce. Every platform has its own.
 */
class OPENMM_SCORE_EXPORT CalcScoreForceKernel : public OpenMM::KernelImpl {
  public:
    static std::string Name() {
        return "CalcScoreForce";
    }
    CalcScoreForceKernel(const std::string &name, const OpenMM::Platform &platform)
        : OpenMM::KernelImpl(name, platform) {
    }
    virtual void initialize(OpenMM::ContextImpl &context, const ScoreForce &force,
                            const std::vector<ScoreMolecule> &molecules) = 0;
    /**
     * Adds the forces, if wanted, and the derivatives that the force was asked for.
     *
     * @param diffusionTime    t, which an energy expert owns
     * @param scale            the factor of the energy
     * @return the energy in kJ/mol, if wanted
     */
    virtual double execute(OpenMM::ContextImpl &context, bool includeForces, bool includeEnergy,
                           double diffusionTime, double scale) = 0;
    /**
     * The energy of every molecule, in kJ/mol, at the last execution, which was asked for an energy.
     */
    virtual void getMoleculeEnergies(std::vector<double> &energies) const = 0;
    /**
     * Takes new particles and features. On an error nothing has changed.
     */
    virtual void copyParametersToContext(OpenMM::ContextImpl &context, const ScoreForce &force,
                                         const std::vector<ScoreMolecule> &molecules) = 0;
};

} // namespace OpenMMScore

#endif
