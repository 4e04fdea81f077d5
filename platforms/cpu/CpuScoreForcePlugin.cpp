/* The force on OpenMM's CPU platform: single precision, the platform's own threads. */
#include <atomic>

#include "HostScoreForceKernel.h"
#include "openmm/KernelFactory.h"
#include "openmm/OpenMMException.h"
#include "openmm/Platform.h"
#include "openmm/PluginInitializer.h"
#include "openmm/internal/ThreadPool.h"
#include "openmm/reference/ReferencePlatform.h"

using namespace OpenMM;
using namespace OpenMMScore;

namespace {

/* One parallel region of the model core: every thread takes the next task until none is left. */
class Region : public ThreadPool::Task {
  public:
    Region(int tasks, score_task task, void *argument)
        : tasks(tasks), task(task), argument(argument) {
    }
    void execute(ThreadPool &, int thread) override {
        for (int k = next++; k < tasks; k = next++)
            task(argument, k, thread);
    }

  private:
    std::atomic<int> next{0};
    int tasks;
    score_task task;
    void *argument;
};

void runOnPool(void *context, int tasks, score_task task, void *argument) {
    ThreadPool &pool = *static_cast<ThreadPool *>(context);
    Region region(tasks, task, argument);
    if (tasks == 1 || pool.getNumThreads() == 1) { // waking the threads would cost more
        region.execute(pool, 0);
        return;
    }
    pool.execute(region);
    pool.waitForThreads();
}

class CpuScoreForceKernel : public HostScoreForceKernel {
  public:
    CpuScoreForceKernel(const std::string &name, const Platform &platform)
        : HostScoreForceKernel(name, platform, SCORE_SINGLE_PRECISION) {
    }

  protected:
    /* The pool that the CPU platform's own kernels use. */
    score_executor getExecutor(ContextImpl &context) override {
        auto *data = static_cast<ReferencePlatform::PlatformData *>(context.getPlatformData());
        return {data->threads.getNumThreads(), &data->threads, runOnPool};
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
