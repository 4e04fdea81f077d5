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
def signals_are_not_ignored() -> Iterator[None]:
    """As they are under nohup, or in the background of a script: no test of them would pass, for
    what is ignored stays so."""
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGHUP, hangup)
    signal.signal(signal.SIGINT, interrupt)
