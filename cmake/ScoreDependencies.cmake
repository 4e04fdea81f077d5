# Everything that is built against, each as an imported target. What is missing is reported in one
# line that says what to install.
find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
    message(FATAL_ERROR "pkg-config not found: apt-get install pkg-config")
endif()
find_package(Threads REQUIRED)
find_package(Python COMPONENTS Interpreter QUIET)

find_package(LibXml2 QUIET)
if(NOT LibXml2_FOUND)
    message(FATAL_ERROR "libxml2 not found: apt-get install libxml2-dev")
endif()

find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
    message(FATAL_ERROR "zlib not found: apt-get install zlib1g-dev")
endif()

pkg_search_module(HDF5 QUIET IMPORTED_TARGET GLOBAL hdf5-serial hdf5)
if(NOT HDF5_FOUND)
    message(FATAL_ERROR "HDF5 not found: apt-get install libhdf5-dev")
endif()
add_library(hdf5::hdf5 ALIAS PkgConfig::HDF5)

find_package(OpenMP QUIET COMPONENTS C)
if(NOT OpenMP_C_FOUND)
    message(FATAL_ERROR "OpenMP not found: apt-get install gcc (or, for clang, libomp-dev)")
endif()

if(SCORE_TESTS)
    pkg_check_modules(CMOCKA QUIET IMPORTED_TARGET GLOBAL cmocka)
    if(NOT CMOCKA_FOUND)
        message(FATAL_ERROR
            "cmocka not found: apt-get install libcmocka-dev (or -DSCORE_TESTS=OFF)")
    endif()
    add_library(cmocka::cmocka ALIAS PkgConfig::CMOCKA)
endif()

# Products beside our own (plugin/score/nn/product.h); nothing needs them. Its header is what is needed
# here, the library is looked for when it is first used.
set(SCORE_OPENBLAS_NAME "libopenblas.so.0" CACHE STRING "OpenBLAS as the dynamic loader finds it")
set(SCORE_HAS_OPENBLAS OFF)
if(SCORE_OPENBLAS)
    pkg_check_modules(OPENBLAS QUIET openblas)
endif()
if(SCORE_OPENBLAS AND OPENBLAS_FOUND)
    set(SCORE_HAS_OPENBLAS ON)
    add_compile_definitions(SCORE_HAS_OPENBLAS)
    message(STATUS "Matrix products: panels, and OpenBLAS ${OPENBLAS_VERSION}")
else()
    message(STATUS
        "Matrix products: panels alone (OpenBLAS is optional: apt-get install libopenblas-pthread-dev)")
endif()

include(ScoreOpenMM)
