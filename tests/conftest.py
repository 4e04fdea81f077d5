"""The programs, for tests of what their files are to Python."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import openmmscore
import pytest

BUILT = Path(openmmscore.__file__).resolve().parents[2] / "bin"  # of a build that is not installed


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """Finds a program, installed or beside the package, by its name."""

    def find(name: str) -> str:
        path = shutil.which(name, path=f"{BUILT}{os.pathsep}{os.environ['PATH']}")
        assert path is not None, f"{name} is neither installed nor beside the package"
        return path

    return find
