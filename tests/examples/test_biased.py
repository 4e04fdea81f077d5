"""A simulation under the data's bias: the bias acts on every copy, and weights undo it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import unit
from openmmscore import Model
from openmmscore.io import read_frames

from biased import biased_context, log_weights, read_bias
from generate import BIAS_GROUP, HERE

COPIES = 3
MODEL = Model(HERE / "model.xml.gz")
BIAS = read_bias(HERE / "alanine_dipeptide.h5", 1.2)


def energies(context: openmm.Context, positions: np.ndarray) -> np.ndarray:
    """Of the bias, and of all forces, kT. positions: (frames, copies x beads, 3)."""
    kt = unit.MOLAR_GAS_CONSTANT_R * MODEL.temperature
    found = []
    for frame in positions:
        context.setPositions(frame)
        states = (context.getState(energy=True, groups=g) for g in ({BIAS_GROUP}, -1))
        found.append([state.getPotentialEnergy() / kt for state in states])
    return np.array(found)


def test_every_copy_is_biased_by_the_log_weight() -> None:
    """OpenMM's own energy of the bias, with the constants of its torsions, and one copy moved at a
    time. Float positions and energies of some 30 kT: 1e-5."""
    data = read_frames(HERE / "alanine_dipeptide.h5").positions[::4000]
    context = biased_context(BIAS, MODEL, COPIES, seed=1, diffusion_time=0.01)
    expected = log_weights(BIAS, MODEL, data)
    assert np.ptp(expected) > 4
    rest = np.repeat(data[:1], COPIES, axis=0)
    for copy in range(COPIES):
        moved = np.repeat(rest[None], len(data), axis=0)
        moved[:, copy] = data
        bias, total = energies(context, moved.reshape(len(data), -1, 3)).T
        np.testing.assert_allclose(bias - bias[0], expected - expected[0], atol=1e-5)
        model = MODEL.energy_and_score(data.astype(float), t=0.01, precision="single")[0]
        np.testing.assert_allclose(
            total - total[0], expected - expected[0] + model - model[0], atol=1e-3
        )


def test_weights_are_those_of_the_frames(tmp_path: Path) -> None:
    words = [HERE / "biased.py", HERE / "model.xml.gz", "--output", "b.h5", "--copies", COPIES]
    words += ["--equilibration", 0.1, "--time", 0.5, "--interval", 50, "--bias-scale", 1.2]
    run = subprocess.run([sys.executable, *map(str, words)], cwd=tmp_path, check=False)
    assert run.returncode == 0
    frames = read_frames(tmp_path / "b.h5")
    assert len(frames) == COPIES * 5
    np.testing.assert_allclose(
        frames.log_weights, log_weights(BIAS, MODEL, frames.positions), atol=1e-12
    )
    assert frames.attributes["equilibration_ps"] == pytest.approx(0.1)
    np.testing.assert_allclose(frames.time_ps, np.tile(0.1 * np.arange(1, 6), COPIES))
