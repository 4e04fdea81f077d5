# Languages, warnings and optimisation, the same for every target.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Neither errno nor the floating-point flags are read after a mathematical function; saying so lets
# loops be vectorised without changing any result. -ffast-math would change results, and
# -march=native would tie the binary to the machine that built it.
add_compile_options(-fno-math-errno -fno-trapping-math)
set(CMAKE_C_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")

add_library(score_warnings INTERFACE)
target_compile_options(score_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion)
if(SCORE_WERROR)
    target_compile_options(score_warnings INTERFACE -Werror)
endif()

if(SCORE_SANITIZE)
    add_compile_definitions(SCORE_SANITIZE)
    add_compile_options(-fsanitize=${SCORE_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${SCORE_SANITIZE})
endif()

# The sets of instructions that the numerical core is compiled for: the x86-64 levels with 512-bit
# and 256-bit vectors, and what every processor has (v1; the only one elsewhere).
set(SCORE_ISAS v1)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    list(APPEND SCORE_ISAS v3 v4)
    add_compile_definitions(SCORE_HAS_X86_64_LEVELS)
endif()
set(SCORE_ISA_FLAGS_v1 "")
set(SCORE_ISA_FLAGS_v3 -march=x86-64-v3)
set(SCORE_ISA_FLAGS_v4 -march=x86-64-v4 -mprefer-vector-width=512)
# What every processor has, but for products, which are those of a library.
set(SCORE_ISA_FLAGS_openblas "")

function(score_use_isa target isa)
    target_compile_definitions(${target} PRIVATE SCORE_ISA=${isa})
    target_compile_options(${target} PRIVATE ${SCORE_ISA_FLAGS_${isa}})
endfunction()
