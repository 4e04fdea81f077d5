/* The force on OpenMM's Reference platform: double precision, one thread, and matrix products that
 * the CPU platform does not share. */
#include "HostScoreForceKernel.h"
#include "openmm/KernelFactory.h"
#include "openmm/OpenMMException.h"
#include "openmm/Platform.h"
#include "openmm/PluginInitializer.h"

using namespace OpenMM;
using namespace OpenMMScore;

namespace {

class ReferenceScoreForceKernel : public HostScoreForceKernel {
  public:
    ReferenceScoreForceKernel(const std::string &name, const Platform &platform)
        : HostScoreForceKernel(name, platform, SCORE_REFERENCE_PRECISION) {
    }

  protected:
    score_executor getExecutor(ContextImpl &) override {
        return score_executor_serial();
    }
};

class ReferenceScoreKernelFactory : public KernelFactory {
  public:
    KernelImpl *createKernelImpl(std::string name, const Platform &platform,
                                 ContextImpl &) const override {
        if (name == CalcScoreForceKernel::Name())
            return new ReferenceScoreForceKernel(name, platform);
        throw OpenMMException("OpenMMScoreReference has no kernel '" + name + "'");
    }
};

} // namespace

extern "C" void registerPlatforms() {
}

/* By name: OpenMM's CPU platform is derived from the Reference platform and has a kernel of its
 * own. */
extern "C" void registerKernelFactories() {
    Platform::getPlatform("Reference")
        .registerKernelFactory(CalcScoreForceKernel::Name(), new ReferenceScoreKernelFactory());
}
