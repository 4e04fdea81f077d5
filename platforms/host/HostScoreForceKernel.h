#ifndef OPENMM_SCORE_HOST_KERNEL_H_
#define OPENMM_SCORE_HOST_KERNEL_H_

#include <memory>
#include <string>
#include <vector>

#include "ScoreKernels.h"
#include "openmm/Vec3.h"
#include "score/batch.h"

namespace OpenMMScore {

/**
 * The kernel of the platforms that keep positions in main memory: OpenMM's Reference platform and
 * those derived from it. It gathers the molecules, lets the model core evaluate them as one batch,
 * and adds the forces. A platform chooses the precision and lends the threads.
 */
class OPENMM_SCORE_EXPORT HostScoreForceKernel : public CalcScoreForceKernel {
  public:
    HostScoreForceKernel(const std::string &name, const OpenMM::Platform &platform,
                         score_precision precision);
    void initialize(OpenMM::ContextImpl &context, const ScoreForce &force,
                    const std::vector<ScoreMolecule> &molecules) override;
    double execute(OpenMM::ContextImpl &context, bool includeForces, bool includeEnergy,
                   double diffusionTime, double scale) override;
    void getMoleculeEnergies(std::vector<double> &energies) const override;
    void copyParametersToContext(OpenMM::ContextImpl &context, const ScoreForce &force,
                                 const std::vector<ScoreMolecule> &molecules) override;

  protected:
    /** The threads of a Context. It is asked once, and must stay valid as long as the kernel. */
    virtual score_executor getExecutor(OpenMM::ContextImpl &context) = 0;

  private:
    struct Batch;
    void gather(const std::vector<OpenMM::Vec3> &positions, const OpenMM::Vec3 *box);
    void addForces(std::vector<OpenMM::Vec3> &forces) const;

    score_precision precision;
    score_executor executor = {};
    int dimensions = 0;
    double kT = 0;         /* kJ/mol, at the training temperature */
    double energyUnit = 0; /* kT times the scale of the last execution */
    bool periodic = false;
    std::string timeDerivative, scaleDerivative; /* names, or empty: not asked for */
    std::shared_ptr<Batch> batch;
};

} // namespace OpenMMScore

#endif
