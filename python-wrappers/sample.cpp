#include "sample.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <stdexcept>

#include "buffers.h"
#include "call_threads.h"
#include "score/sample.h"

namespace OpenMMScore {
namespace {

constexpr std::chrono::milliseconds BETWEEN_LOOKS(50);

score_status stopWhereAsked(void *asked, double, score_error *) {
    return *static_cast<std::atomic<bool> *>(asked) ? SCORE_ERROR_INTERRUPTED : SCORE_OK;
}

/** Waits for the work, and has Python look at its signals: only the thread that called can. */
template <class T> bool isInterrupted(const std::future<T> &work, std::atomic<bool> &stop) {
    WithoutLock unlocked;
    while (work.wait_for(BETWEEN_LOOKS) != std::future_status::ready) {
        PyGILState_STATE state = PyGILState_Ensure();
        if (!stop && PyErr_CheckSignals() != 0)
            stop = true;
        PyGILState_Release(state);
    }
    return stop;
}

} // namespace

void drawSamples(const ScoreModel &model, const std::string &solver, int steps,
                 unsigned long long seed, int threads, PyObject *positions, PyObject *logDensity) {
    Array<float> positions_nm(positions, "f", true);
    Array<double> log_density(logDensity, "d", true);
    const size_t coordinates = static_cast<size_t>(model.getNumBeads()) *
                               static_cast<size_t>(model.getDimensions());
    const size_t count = coordinates == 0 ? 0 : positions_nm.size() / coordinates;
    if (threads < 1 || count > UINT32_MAX || count * coordinates != positions_nm.size() ||
        (coordinates != 0 && log_density.data() != nullptr && log_density.size() != count))
        throw std::invalid_argument("positions and log-densities differ in size, or there are no "
                                    "threads");

    std::atomic<bool> stop{false};
    score_error error = {};
    score_sample_request request = {};
    request.solver = solver.c_str();
    request.steps = steps;
    request.seed = seed;
    request.count = static_cast<uint32_t>(count);
    request.context = &stop;
    request.watch = stopWhereAsked;
    auto draw = [&] {
        const CallThreads workers(threads);
        return score_sample_draw_positions(model.getHandle(), &request, &workers.executor,
                                           positions_nm.data(), log_density.data(), &error);
    };
    std::future<score_status> work = std::async(std::launch::async, draw);
    if (isInterrupted(work, stop))
        throw PythonError();
    throwUnlessDone(work.get(), error);
}

} // namespace OpenMMScore
