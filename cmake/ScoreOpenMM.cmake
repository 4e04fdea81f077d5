# OpenMM::OpenMM from the PyPI wheel, which has no CMake package file: a directory with include/ and
# lib/. Found through -DOpenMM_DIR=, the environment variable OPENMM_DIR, or the Python in use.
if(NOT OpenMM_DIR AND DEFINED ENV{OPENMM_DIR})
    set(OpenMM_DIR $ENV{OPENMM_DIR})
endif()
if(NOT OpenMM_DIR AND Python_Interpreter_FOUND)
    execute_process(
        COMMAND ${Python_EXECUTABLE} -c
            "import openmm.version as v, os.path as p; print(p.dirname(v.openmm_library_path))"
        OUTPUT_VARIABLE OpenMM_DIR OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(OpenMM_DIR "${OpenMM_DIR}" CACHE PATH "OpenMM's directory with include/ and lib/" FORCE)

find_path(OPENMM_INCLUDE_DIR OpenMM.h PATHS ${OpenMM_DIR}/include NO_DEFAULT_PATH)
find_library(OPENMM_LIBRARY OpenMM PATHS ${OpenMM_DIR}/lib NO_DEFAULT_PATH)
mark_as_advanced(OPENMM_INCLUDE_DIR OPENMM_LIBRARY)
if(NOT OPENMM_INCLUDE_DIR OR NOT OPENMM_LIBRARY)
    message(FATAL_ERROR "OpenMM not found: pip install openmm==8.6.1 (or set OpenMM_DIR)")
endif()

add_library(OpenMM::OpenMM SHARED IMPORTED GLOBAL)
set_target_properties(OpenMM::OpenMM PROPERTIES
    IMPORTED_LOCATION ${OPENMM_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OPENMM_INCLUDE_DIR})
