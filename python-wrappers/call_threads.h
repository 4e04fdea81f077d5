#ifndef OPENMM_SCORE_CALL_THREADS_H_
#define OPENMM_SCORE_CALL_THREADS_H_

#include <memory>

#include "ThreadPoolExecutor.h"

namespace OpenMMScore {

/** The threads of one call. They are not kept: after a fork there would be none in the child. */
class CallThreads {
  public:
    explicit CallThreads(int threads) {
        if (threads > 1) {
            pool.reset(new OpenMM::ThreadPool(threads));
            executor = threadPoolExecutor(*pool);
        }
    }
    score_executor executor = score_executor_serial();

  private:
    std::unique_ptr<OpenMM::ThreadPool> pool;
};

} // namespace OpenMMScore

#endif
