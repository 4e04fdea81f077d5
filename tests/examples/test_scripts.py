"""The commands of the alanine dipeptide example, run as a user runs them, but shorter."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openmmscore.frames import read_frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "alanine_dipeptide"
MODEL = EXAMPLE / "model.xml.gz"
BOUND = 0.05  # the default of simulate.py

needs_model = pytest.mark.skipif(not MODEL.exists(), reason="there is no trained model")


def command(script: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE / script), *map(str, arguments)],
        cwd=folder,
        # one thread: the random numbers of OpenMM's CPU platform depend on their number
        env={**os.environ, "MPLCONFIGDIR": str(folder), "OPENMM_CPU_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def simulate(folder: Path, scale: float) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    run = command(
        "simulate.py",
        MODEL,
        *("--copies", 40),
        *("--equilibration", 3),
        *("--time", 9),
        *("--scale", scale),
        *("--output", "out"),
        folder=folder,
    )
    return run, json.loads((folder / "out" / "result.json").read_text())


@needs_model
def test_the_trained_model_is_within_the_bound(tmp_path):
    run, result = simulate(tmp_path, scale=1)
    assert run.returncode == 0, run.stdout + run.stderr
    assert result["excess"] <= BOUND
    assert "illustration" in run.stdout
    assert (tmp_path / "out" / "free_energy.png").read_bytes().startswith(b"\x89PNG")
    assert len(read_frames(tmp_path / "out" / "frames.h5")) >= 40


@needs_model
def test_a_wrong_energy_scale_fails_the_same_bound(tmp_path):
    run, result = simulate(tmp_path, scale=0.5)
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAILED" in run.stdout
    assert result["settings"]["bound"] == BOUND
    assert result["excess"] > BOUND


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
