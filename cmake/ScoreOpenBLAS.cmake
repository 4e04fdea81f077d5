# OpenBLAS::OpenBLAS, static and with its symbols hidden, so that neither its threads nor its names
# meet those of another BLAS in the same process (NumPy brings its own). The pthread build is used
# with one thread: the serial build is not safe to call from several threads.
find_path(OPENBLAS_INCLUDE_DIR cblas.h
    PATH_SUFFIXES openblas-pthread ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
find_library(OPENBLAS_LIBRARY NAMES libopenblas.a
    PATH_SUFFIXES openblas-pthread ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
mark_as_advanced(OPENBLAS_INCLUDE_DIR OPENBLAS_LIBRARY)
if(NOT OPENBLAS_INCLUDE_DIR OR NOT OPENBLAS_LIBRARY)
    message(FATAL_ERROR "OpenBLAS not found: apt-get install libopenblas-pthread-dev")
endif()

add_library(OpenBLAS::OpenBLAS STATIC IMPORTED GLOBAL)
set_target_properties(OpenBLAS::OpenBLAS PROPERTIES
    IMPORTED_LOCATION ${OPENBLAS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${OPENBLAS_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES "Threads::Threads;m"
    INTERFACE_LINK_OPTIONS LINKER:--exclude-libs,libopenblas.a)
