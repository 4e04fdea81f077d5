#include "ThreadPoolExecutor.h"

#include <atomic>

using OpenMM::ThreadPool;

namespace OpenMMScore {

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

void run(void *context, int tasks, score_task task, void *argument) {
    ThreadPool &pool = *static_cast<ThreadPool *>(context);
    Region region(tasks, task, argument);
    if (tasks == 1 || pool.getNumThreads() == 1) { // waking the threads would cost more
        region.execute(pool, 0);
        return;
    }
    pool.execute(region);
    pool.waitForThreads();
}

} // namespace

score_executor threadPoolExecutor(ThreadPool &pool) {
    return {pool.getNumThreads(), true, &pool, run};
}

} // namespace OpenMMScore
