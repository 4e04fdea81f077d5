/* The force on OpenMM's CPU platform: single precision, the platform's own threads. */
#include "HostScoreForceKernel.h"
#include "ThreadPoolExecutor.h"
#include "openmm/KernelFactory.h"
#include "openmm/OpenMMException.h"
#include "openmm/Platform.h"
#include "openmm/PluginInitializer.h"
#include "openmm/reference/ReferencePlatform.h"

using namespace OpenMM;
using namespace OpenMMScore;

namespace {

class CpuScoreForceKernel : public HostScoreForceKernel {
  public:
    CpuScoreForceKernel(const std::string &name, const Platform &platform)
        : HostScoreForceKernel(name, platform, SCORE_SINGLE_PRECISION) {
    }

  protected:
    /* The pool that the CPU platform's own kernels use. */
    score_executor getExecutor(ContextImpl &context) override {
        auto *data = static_cast<ReferencePlatform::PlatformData *>(context.getPlatformData());
        return threadPoolExecutor(data->threads);
    }
};

class CpuScoreKernelFactory : public KernelFactory {
  public:
    KernelImpl *createKernelImpl(std::string name, const Platform &platform,
                                 ContextImpl &) const override {
        if (name == CalcScoreForceKernel::Name())
            return new CpuScoreForceKernel(name, platform);
        throw OpenMMException("OpenMMScoreCPU has no kernel '" + name + "'");
    }
};

} // namespace

extern "C" void registerPlatforms() {
}

/* A processor that OpenMM's CPU platform does not support has no such platform. */
extern "C" void registerKernelFactories() {
    for (int i = 0; i < Platform::getNumPlatforms(); i++) {
        Platform &platform = Platform::getPlatform(i);
        if (platform.getName() == "CPU")
            platform.registerKernelFactory(CalcScoreForceKernel::Name(),
                                           new CpuScoreKernelFactory());
    }
}
