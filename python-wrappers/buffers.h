#ifndef OPENMM_SCORE_BUFFERS_H_
#define OPENMM_SCORE_BUFFERS_H_

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdexcept>
#include <string>

#include "python_errors.h"

namespace OpenMMScore {

/** The elements of a Python object with the buffer protocol; none if it is None. */
template <class T> class Array {
  public:
    Array(PyObject *object, const char *format, bool writable = false) {
        view.obj = nullptr;
        view.buf = nullptr;
        view.len = 0;
        if (object == Py_None)
            return;
        int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &view, flags) != 0)
            throw PythonError();
        if (view.format == nullptr || std::string(view.format) != format) {
            std::string found = view.format == nullptr ? "B" : view.format;
            PyBuffer_Release(&view);
            throw std::invalid_argument("an array has elements '" + found + "', must be '" +
                                        format + "'");
        }
    }
    ~Array() {
        PyBuffer_Release(&view);
    }
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    T *data() const {
        return static_cast<T *>(view.buf);
    }
    size_t size() const {
        return static_cast<size_t>(view.len) / sizeof(T);
    }

  private:
    Py_buffer view;
};

/** Other Python threads may run while this exists. */
class WithoutLock {
  public:
    WithoutLock() : state(PyEval_SaveThread()) {
    }
    ~WithoutLock() {
        PyEval_RestoreThread(state);
    }
    WithoutLock(const WithoutLock &) = delete;
    WithoutLock &operator=(const WithoutLock &) = delete;

  private:
    PyThreadState *state;
};

} // namespace OpenMMScore

#endif
