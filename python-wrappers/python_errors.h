#ifndef OPENMM_SCORE_PYTHON_ERRORS_H_
#define OPENMM_SCORE_PYTHON_ERRORS_H_

#include "score/status.h"

namespace OpenMMScore {

/** Thrown where a Python exception has been set already. */
struct PythonError {};

/**
 * Turn the C++ exception that is being handled into a Python exception. OpenMMException becomes
 * openmm.OpenMMException, std::invalid_argument ValueError, std::bad_alloc MemoryError and whatever
 * else RuntimeError.
 */
void setPythonError();

/**
 * Throw what setPythonError() knows where the model core has failed: std::invalid_argument for a
 * wrong argument, std::bad_alloc, or else OpenMMException.
 */
void throwUnlessDone(score_status status, const score_error &error);

} // namespace OpenMMScore

#endif
