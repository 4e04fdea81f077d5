/* The functions of _openmmscore, the extension module under the Python package's model/force.py and
   model/model.py.

   Those two are written by hand, so that they can be read, annotated and checked; the proxy classes
   that SWIG writes are not used. Python's ScoreForce and Model take their places in SWIG's table of
   types. */
%module(package="openmmscore") openmmscore

%{
#include "ScoreForce.h"
#include "ScoreModel.h"
#include "evaluate.h"
#include "sample.h"
#include "score/model.h"
#include "python_errors.h"
#include "openmm/Context.h"
#include "openmm/Force.h"
%}

%include <std_string.i>
%include <std_vector.i>
%import(module="openmm") "openmm_types.i"

%template(vector_int) std::vector<int>;
%template(vector_double) std::vector<double>;

%feature("compactdefaultargs");

%exception {
    try {
        $action
    } catch (...) {
        OpenMMScore::setPythonError();
        SWIG_fail;
    }
}

/* A force that comes out of a System or an XML file is an OpenMM::Force as far as SWIG knows. */
%fragment("toScoreForce", "header") %{
static OpenMMScore::ScoreForce *toScoreForce(PyObject *object) {
    void *force = nullptr;
    if (!SWIG_IsOK(SWIG_ConvertPtr(object, &force, SWIGTYPE_p_OpenMM__Force, 0)))
        return nullptr;
    return dynamic_cast<OpenMMScore::ScoreForce *>(static_cast<OpenMM::Force *>(force));
}
%}
%typemap(in, fragment="toScoreForce") OpenMMScore::ScoreForce * {
    $1 = toScoreForce($input);
    if ($1 == nullptr)
        SWIG_exception_fail(SWIG_TypeError, "in $symname: this is not a ScoreForce");
}

/* Paths may have bytes that are no UTF-8, as those of open() do. */
%typemap(in) const std::string &file (std::string path) {
    PyObject *bytes = nullptr;
    if (PyUnicode_FSConverter($input, &bytes) == 0)
        SWIG_fail;
    path.assign(PyBytes_AS_STRING(bytes), static_cast<size_t>(PyBytes_GET_SIZE(bytes)));
    Py_DECREF(bytes);
    $1 = &path;
}
%typemap(typecheck, precedence=SWIG_TYPECHECK_STRING) const std::string &file {
    $1 = PyUnicode_Check($input) || PyBytes_Check($input);
}
%typemap(freearg) const std::string &file ""

/* Results by reference become the result, or a tuple of them. */
%define RESULT(TYPE, NAME, TO_PYTHON)
%typemap(in, numinputs=0) TYPE &NAME (TYPE result) "$1 = &result;"
%typemap(argout) TYPE &NAME {
    $result = SWIG_Python_AppendOutput($result, TO_PYTHON, 1);
}
%typemap(argout) const TYPE &NAME ""
%enddef
RESULT(std::string, OUTPUT, SWIG_From_std_string(*$1))
RESULT(int, OUTPUT, PyLong_FromLong(*$1))
RESULT(double, OUTPUT, PyFloat_FromDouble(*$1))
RESULT(OpenMM::Vec3, position, Py_BuildValue("(ddd)", (*$1)[0], (*$1)[1], (*$1)[2]))
RESULT(std::vector<int>, particles, swig::from(*$1))
RESULT(std::vector<int>, features, swig::from(*$1))
RESULT(std::vector<double>, variances, swig::from(*$1))
RESULT(std::vector<double>, directions, swig::from(*$1))
RESULT(std::vector<double>, mean, swig::from(*$1))
RESULT(std::vector<double>, energies, swig::from(*$1))
%apply std::string &OUTPUT {
    std::string &architecture, std::string &output, std::string &name, std::string &residue,
    std::string &text, std::string &over
};
%apply const std::string &OUTPUT { const std::string &name };
%apply int &OUTPUT { int &hidden, int &layers, int &residueIndex };
%apply double &OUTPUT { double &timeBegin, double &timeEnd, double &mass, double &value };

%typemap(out) std::map<std::string, std::string> {
    const std::map<std::string, std::string> &found = $1;
    $result = PyDict_New();
    for (const auto &each : found) {
        PyObject *text = SWIG_From_std_string(each.second);
        PyDict_SetItemString($result, each.first.c_str(), text);
        Py_DECREF(text);
    }
}

/* Models never change and copies share their contents. */
%typemap(out) const OpenMMScore::ScoreModel & {
    $result = SWIG_NewPointerObj(new OpenMMScore::ScoreModel(*$1), $descriptor, SWIG_POINTER_OWN);
}

%ignore OpenMMScore::ScoreModel::ScoreModel(score_model *);
%ignore OpenMMScore::ScoreModel::getHandle;
%ignore OpenMMScore::ScoreForce::ScoreForce(const std::string &);
%ignore OpenMMScore::ScoreModel::getNotes;
%include "ScoreModel.h"
%include "ScoreForce.h"
%include "evaluate.h"
%include "sample.h"

%{
#include <dlfcn.h>
%}
%inline %{
bool isScoreForce(OpenMM::Force *force) {
    return dynamic_cast<OpenMMScore::ScoreForce *>(force) != nullptr;
}

/* The directory of libOpenMMScore.so, whose platforms are in plugins/ beside it. */
std::string libraryDirectory() {
    Dl_info library;
    if (dladdr(reinterpret_cast<void *>(&score_free), &library) == 0)
        return std::string();
    std::string path(library.dli_fname);
    return path.substr(0, path.rfind('/'));
}
%}
