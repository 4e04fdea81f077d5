"""The versions in pyproject.toml are those of scripts/versions.sh."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pins() -> dict[str, str]:
    """Every package pinned in scripts/versions.sh, with its version."""
    command = 'source scripts/versions.sh && printf "%s\\n" "${PIP_PACKAGES[@]}" "${PIP_CHECK[@]}"'
    lines = subprocess.run(
        ["bash", "-euc", command], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    return dict(line.split("==") for line in lines)


def pyproject() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_build_requirements_are_the_pinned_versions() -> None:
    requirements = pyproject()["build-system"]["requires"]
    assert requirements
    for requirement in requirements:
        name, version = requirement.split("==")
        assert pins()[name] == version


def test_openmm_range_holds_the_pinned_version_and_its_minor_releases_only() -> None:
    (dependency,) = (d for d in pyproject()["project"]["dependencies"] if d.startswith("openmm"))
    pinned = pins()["openmm"]
    major, minor, _ = map(int, pinned.split("."))
    assert dependency == f"openmm>={pinned},<{major}.{minor + 1}"


def test_every_dependency_is_pinned() -> None:
    project = pyproject()["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]  # type: ignore[assignment]
    wanted = {*project["dependencies"], *(name for extra in extras.values() for name in extra)}
    assert {re.split(r"[<>=]", name)[0] for name in wanted} <= set(pins())


@pytest.mark.parametrize(
    ("package", "file"),
    [("openmm", "cmake/ScoreOpenMM.cmake"), ("swig", "python-wrappers/CMakeLists.txt")],
)
def test_cmake_asks_for_the_pinned_version(package: str, file: str) -> None:
    assert f"pip install {package}=={pins()[package]} " in (ROOT / file).read_text()


def test_cmake_and_python_agree_on_the_project_version() -> None:
    cmake = (ROOT / "CMakeLists.txt").read_text()
    assert f"project(OpenMMScore VERSION {pyproject()['project']['version']} " in cmake
