#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <exception>
#include <new>
#include <stdexcept>

#include "python_errors.h"
#include "openmm/OpenMMException.h"

namespace OpenMMScore {

static void setOpenMMException(const char *message) {
    PyObject *module = PyImport_ImportModule("openmm");
    PyObject *type = module == nullptr ? nullptr
                                       : PyObject_GetAttrString(module, "OpenMMException");
    if (type != nullptr)
        PyErr_SetString(type, message);
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
        PyErr_SetString(PyExc_ValueError, error.what());
    } catch (const std::bad_alloc &) {
        PyErr_NoMemory();
    } catch (const std::exception &error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    } catch (...) {
        PyErr_SetString(PyExc_RuntimeError, "unknown C++ exception");
    }
}

} // namespace OpenMMScore
