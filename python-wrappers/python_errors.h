#ifndef OPENMM_SCORE_PYTHON_ERRORS_H_
#define OPENMM_SCORE_PYTHON_ERRORS_H_

namespace OpenMMScore {

/** Thrown where a Python exception has been set already. */
struct PythonError {};

/**
 * Turn the C++ exception that is being handled into a Python exception. OpenMMException becomes
 * openmm.OpenMMException, std::invalid_argument ValueError, std::bad_alloc MemoryError and whatever
 * else RuntimeError.
 */
void setPythonError();

} // namespace OpenMMScore

#endif
