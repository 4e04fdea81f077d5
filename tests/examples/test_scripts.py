"""The commands of the alanine dipeptide example, run as a user runs them, but shorter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from openmmscore.frames import read_frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "alanine_dipeptide"
MODEL = EXAMPLE / "model.xml.gz"


def start(script: str, *arguments: object, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLE / script), *map(str, arguments)],
        cwd=folder,
        # one thread: the random numbers of OpenMM's CPU platform depend on their number
        env={**os.environ, "MPLCONFIGDIR": str(folder), "OPENMM_CPU_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def command(script: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return finish(start(script, *arguments, folder=folder))


@pytest.fixture(scope="module")
def simulations(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[float, tuple[subprocess.CompletedProcess[str], Path]]:
    """The same command with the trained model and with half its energy, side by side."""
    folders = {scale: tmp_path_factory.mktemp("simulation") for scale in (1.0, 0.5)}
    arguments = ["--copies", 80, "--equilibration", 3, "--time", 6, "--output", "out"]
    running = {
        scale: start("simulate.py", MODEL, *arguments, "--scale", scale, folder=folder)
        for scale, folder in folders.items()
    }
    return {scale: (finish(run), folders[scale] / "out") for scale, run in running.items()}


def test_the_trained_model_is_within_the_bound(simulations):
    run, output = simulations[1.0]
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Passed" in run.stdout
    assert "illustration" in run.stdout
    result = json.loads((output / "result.json").read_text())
    assert result["excess"] <= result["settings"]["bound"]
    assert (output / "free_energy.png").read_bytes().startswith(b"\x89PNG")
    assert len(read_frames(output / "frames.h5")) >= 80


def test_a_wrong_energy_scale_fails_the_same_bound(simulations):
    run, output = simulations[0.5]
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAILED" in run.stdout
    wrong = json.loads((output / "result.json").read_text())
    right = json.loads((simulations[1.0][1] / "result.json").read_text())
    assert wrong["settings"]["bound"] == right["settings"]["bound"]
    assert wrong["excess"] > wrong["settings"]["bound"]


def test_a_missing_model_is_named(tmp_path):
    run = command("simulate.py", "no-such-model.xml", folder=tmp_path)
    assert run.returncode not in (0, 1) or "no-such-model.xml" in run.stderr
    assert "no-such-model.xml" in run.stderr


def generate(folder: Path, work: str, ns: float, *more: object) -> Path:
    run = command(
        "generate.py",
        *("--bias-ns", 0.002),
        *("--ns", ns),
        *("--seeds", 5),
        *("--work", work),
        *("--output", f"{work}.h5"),
        *more,
        folder=folder,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / f"{work}.h5"


def test_continued_generation_is_the_uninterrupted_one(tmp_path):
    whole = read_frames(generate(tmp_path, "whole", 0.012))
    generate(tmp_path, "parts", 0.005)
    parts = read_frames(generate(tmp_path, "parts", 0.012))
    np.testing.assert_array_equal(parts.positions, whole.positions)
    np.testing.assert_array_equal(parts.log_weights, whole.log_weights)
    assert len(whole) == 12
    assert whole.topology == read_frames(EXAMPLE / "alanine_dipeptide.h5").topology
    assert np.ptp(whole.log_weights) > 0
    assert list(whole.attributes["seeds"]) == [5]

    other = command(
        "generate.py", "--bias-ns", 0.003, "--ns", 0.005, "--work", "parts", folder=tmp_path
    )
    assert other.returncode == 1
    assert "other settings" in other.stderr
