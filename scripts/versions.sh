# shellcheck shell=bash disable=SC2034
# Every version the project is built and tested with; the only file that holds them.

# Debian 12 (bookworm). The release fixes the versions; a name carries one where Debian has several.
APT_BUILD=(
    ca-certificates
    cmake
    g++-12
    gcc-12
    libcmocka-dev
    libhdf5-dev
    libopenblas-pthread-dev
    libxml2-dev
    ninja-build
    pkg-config
    python3.11-dev
    python3.11-venv
    zlib1g-dev
)
APT_CHECK=(
    clang-14
    clang-format-14
    clang-tidy-14
    libomp-14-dev
    locales
    shellcheck
    valgrind
)
C_COMPILER=gcc-12
CXX_COMPILER=g++-12
PYTHON=/usr/bin/python3.11

# PyPI, complete: nothing is installed that is not listed here. pyproject.toml repeats the build
# requirements and the range of OpenMM; a test compares them.
PIP_PACKAGES=(
    # to build
    openmm==8.6.1
    packaging==26.3
    pathspec==1.1.1
    scikit-build-core==1.1.2
    swig==4.4.1
    # to run the package and its examples
    PeptideBuilder==1.1.0
    biopython==1.88
    contourpy==1.3.3
    cycler==0.12.1
    fonttools==4.68.0
    h5py==3.16.0
    kiwisolver==1.5.1
    matplotlib==3.11.2
    mdtraj==1.11.1.post2
    numexpr==2.14.2
    numpy==2.4.6
    pillow==13.0.0
    pymbar==4.0.3
    pyparsing==3.3.3
    python-dateutil==4.0.0
    scipy==1.17.1
    tzdata==2026.6
)
PIP_CHECK=(
    ast_serialize==0.13.1
    iniconfig==2.3.1
    librt==0.17.0
    mypy==2.4.1
    mypy_extensions==1.2.0
    pluggy==1.7.0
    Pygments==2.21.0
    pytest==9.2.0
    ruff==0.17.6
    typing_extensions==4.16.0
    # MDTraj's own reader of HDF5 trajectories, against which ours is compared
    annotated-types==0.8.0
    anyio==4.16.0
    blosc2==4.14.1
    certifi==2026.10.19.post1
    h11==0.16.0
    h2==4.4.1
    hpack==4.2.0
    httpcore==1.0.9
    httpx==0.28.1
    hyperframe==6.1.0
    idna==3.20
    markdown-it-py==4.3.0
    mdurl==0.1.2
    msgpack==1.2.4
    ndindex==1.10.1
    py-cpuinfo==9.0.0
    pydantic==2.14.4
    pydantic_core==2.50.5
    rich==15.0.0
    tables==3.11.1
    threadpoolctl==3.8.0
    typing-inspection==0.4.5
)
