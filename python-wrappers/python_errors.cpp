#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>

#include "python_errors.h"
#include "openmm/OpenMMException.h"

namespace OpenMMScore {

/* A message may name a path whose bytes are no UTF-8. */
static void setError(PyObject *type, const char *message) {
    PyObject *text = PyUnicode_DecodeUTF8(message, static_cast<Py_ssize_t>(std::strlen(message)),
                                          "surrogateescape");
    if (text != nullptr)
        PyErr_SetObject(type, text);
    Py_XDECREF(text);
}

static void setOpenMMException(const char *message) {
    PyObject *module = PyImport_ImportModule("openmm");
    PyObject *type = module == nullptr ? nullptr
                                       : PyObject_GetAttrString(module, "OpenMMException");
    if (type != nullptr)
        setError(type, message);
    Py_XDECREF(type);
    Py_XDECREF(module);
}

void setPythonError() {
    try {
        throw;
    } catch (const PythonError &) {
    } catch (const OpenMM::OpenMMException &error) {
        setOpenMMException(error.what());
    } catch (const std::invalid_argument &error) {
        setError(PyExc_ValueError, error.what());
    } catch (const std::bad_alloc &) {
        PyErr_NoMemory();
    } catch (const std::exception &error) {
        setError(PyExc_RuntimeError, error.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
    }
}

void throwUnlessDone(score_status status, const score_error &error) {
    if (status == SCORE_OK)
        return;
    char text[sizeof(error.message) + sizeof(error.file) + 32];
    score_error_text(&error, text, sizeof(text));
    if (status == SCORE_ERROR_ARGUMENT)
        throw std::invalid_argument(text);
    if (status == SCORE_ERROR_MEMORY)
        throw std::bad_alloc();
    throw OpenMM::OpenMMException(text);
}

} // namespace OpenMMScore
