"""The commands as scripts, and as modules."""

import subprocess
import sys
from collections.abc import Callable

import pytest

SCRIPTS = {
    "score-simulate": "simulate",
    "score-exchange": "replica_exchange",
    "score-evaluate": "evaluate",
}


def usage(words: list[str]) -> str:
    """The first words of what --help says."""
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.split(" [-h]")[0]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_command_is_a_script(script: str, program: Callable[[str], str]) -> None:
    assert usage([program(script)]) == f"usage: {script}"


@pytest.mark.parametrize("module", [*SCRIPTS.values(), "projection"])
def test_a_command_is_a_module(module: str) -> None:
    words = ["-m", f"openmmscore.{module}"]
    assert usage([sys.executable, *words]) == f"usage: python {' '.join(words)}"


def test_a_script_ends_with_the_status_of_its_command(program: Callable[[str], str]) -> None:
    words = [program("score-evaluate"), "--data", "no.npy", "--samples", "no.npy"]
    words += ["--coordinates", "x", "--output", "nowhere"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: no.npy: no such file\n"
