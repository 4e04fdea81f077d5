"""The programs, for tests of what their files are to Python; and signals as they usually are."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
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


@pytest.fixture(scope="session", autouse=True)
def hangups_are_not_ignored() -> Iterator[None]:
    """As they are under nohup: no test of SIGHUP would pass, for what is ignored stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
