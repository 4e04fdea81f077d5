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

include(ScoreOpenMM)
