#ifndef OPENMM_SCORE_THREAD_POOL_EXECUTOR_H_
#define OPENMM_SCORE_THREAD_POOL_EXECUTOR_H_

#include "ScoreModel.h"
#include "openmm/internal/ThreadPool.h"
#include "score/executor.h"

namespace OpenMMScore {

/**
 * The threads of a pool, lent to the model core. The pool must outlive the executor, and does one
 * thing at a time.
 */
OPENMM_SCORE_EXPORT score_executor threadPoolExecutor(OpenMM::ThreadPool &pool);

} // namespace OpenMMScore

#endif
