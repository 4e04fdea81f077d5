# Where things go. In a wheel, libraries go beside OpenMM's own, so that OpenMM finds the plugin.
include(GNUInstallDirs)
if(SKBUILD)
    set(SCORE_LIB_DIR OpenMM.libs/lib)
    set(SCORE_INCLUDE_DIR OpenMM.libs/include)
    set(SCORE_BIN_DIR ${SKBUILD_SCRIPTS_DIR})
    set(SCORE_PYTHON_DIR openmmscore)
else()
    set(SCORE_LIB_DIR ${CMAKE_INSTALL_LIBDIR})
    set(SCORE_INCLUDE_DIR ${CMAKE_INSTALL_INCLUDEDIR})
    set(SCORE_BIN_DIR ${CMAKE_INSTALL_BINDIR})
    set(SCORE_PYTHON_DIR python/openmmscore)
endif()

# The build tree has the same layout: lib/libOpenMMScore.so, lib/plugins/, bin/.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

# score_install_library(target): a library that plugins and programs link to.
function(score_install_library target)
    set_target_properties(${target} PROPERTIES
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
        INSTALL_RPATH "$ORIGIN")
    install(TARGETS ${target} LIBRARY DESTINATION ${SCORE_LIB_DIR})
endfunction()

# score_install_plugin(target): a library that OpenMM loads from its plugin directory.
function(score_install_plugin target)
    set_target_properties(${target} PROPERTIES
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/plugins
        INSTALL_RPATH "$ORIGIN;$ORIGIN/..")
    install(TARGETS ${target} LIBRARY DESTINATION ${SCORE_LIB_DIR}/plugins)
endfunction()

# score_install_tool(target): a program, which needs none of the libraries above.
function(score_install_tool target)
    install(TARGETS ${target} RUNTIME DESTINATION ${SCORE_BIN_DIR})
endfunction()
