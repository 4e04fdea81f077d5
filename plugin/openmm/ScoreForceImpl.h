#ifndef OPENMM_SCORE_FORCE_IMPL_H_
#define OPENMM_SCORE_FORCE_IMPL_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ScoreForce.h"
#include "ScoreKernels.h"
#include "openmm/Kernel.h"
#include "openmm/internal/ForceImpl.h"

namespace OpenMMScore {

/**
 * A ScoreForce in a Context: checks what only the System can tell, and owns the kernel.
 */
class OPENMM_SCORE_EXPORT ScoreForceImpl : public OpenMM::ForceImpl {
  public:
    explicit ScoreForceImpl(const ScoreForce &owner);
    void initialize(OpenMM::ContextImpl &context) override;
    const ScoreForce &getOwner() const override;
    void updateContextState(OpenMM::ContextImpl &context, bool &forcesInvalid) override;
    double calcForcesAndEnergy(OpenMM::ContextImpl &context, bool includeForces, bool includeEnergy,
                               int groups) override;
    std::map<std::string, double> getDefaultParameters() override;
    std::vector<std::string> getKernelNames() override;
    /** The consecutive beads of every molecule, so that OpenMM keeps them together. */
    std::vector<std::pair<int, int>> getBondedParticles() const override;
    void updateParametersInContext(OpenMM::ContextImpl &context);
    void getMoleculeEnergies(OpenMM::ContextImpl &context, std::vector<double> &energies);

  private:
    const ScoreForce &owner;
    /* As they were when the Context was created; the force may have been renamed since. */
    const std::string timeName, scaleName;
    /* As they were then, or at the last updateParametersInContext(). */
    std::vector<ScoreMolecule> molecules;
    OpenMM::Kernel kernel;
};

} // namespace OpenMMScore

#endif
