"""The shipped, trained model in float against itself in double, on frames of its data."""

from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import unit
from openmmscore import Model, create_system
from openmmscore.io import read_frames

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "alanine_dipeptide"


@pytest.fixture(scope="module")
def model():
    return Model(FOLDER / "model.xml.gz")


@pytest.fixture(scope="module")
def positions():
    """2,000 frames spread over the data."""
    frames = read_frames(FOLDER / "alanine_dipeptide.h5")
    return frames.positions[:: len(frames) // 2000].astype(np.float64)


def test_forces_in_float_are_those_in_double(model, positions):
    _, exact = model.energy_and_score(positions)
    _, rounded = model.energy_and_score(positions, precision="single")
    size = np.sqrt(np.mean(np.sum(exact**2, axis=-1)))
    error = np.sqrt(np.sum((rounded - exact) ** 2, axis=-1)) / size
    assert np.median(error) <= 1e-5
    assert error.max() <= 1e-4
    assert error.max() > 0  # the two precisions are two computations


def energy_slopes(model, start, platform_name):
    """kJ/mol/ps of the total energy in NVE, one a trajectory of 4 ps from a frame of its own."""
    system, _, _ = create_system(model, copies=1)
    platform = openmm.Platform.getPlatformByName(platform_name)
    slopes = []
    for seed, frame in enumerate(start):
        integrator = openmm.VerletIntegrator(0.002)
        context = openmm.Context(system, integrator, platform)
        context.setPositions(frame)
        context.setVelocitiesToTemperature(model.temperature, seed)
        energies = []
        for _ in range(100):
            integrator.step(20)
            state = context.getState(energy=True)
            total = state.getPotentialEnergy() + state.getKineticEnergy()
            energies.append(total.value_in_unit(unit.kilojoule_per_mole))
        slopes.append(np.polyfit(0.04 * np.arange(len(energies)), energies, 1)[0])
    return np.array(slopes)


def test_energy_drifts_in_float_as_in_double(model, positions):
    """What rounding adds to the drift is not seen beside that of the integrator."""
    start = positions[:: len(positions) // 8][:8]
    reference = energy_slopes(model, start, "Reference")
    cpu = energy_slopes(model, start, "CPU")
    error = cpu.std(ddof=1) / np.sqrt(len(cpu))
    assert abs(cpu.mean()) <= 2 * abs(reference.mean()) + 2 * error


def test_a_simulation_is_the_same_again_to_the_last_bit(model, positions):
    """Few molecules are shared by the threads, many are not: neither changes a bit."""
    for copies in (1, 40):
        system, _, _ = create_system(model, copies=copies)
        start = positions[:copies].reshape(-1, 3)
        found = []
        for _ in range(2):
            integrator = openmm.VerletIntegrator(0.002)
            platform = openmm.Platform.getPlatformByName("CPU")
            context = openmm.Context(system, integrator, platform, {"Threads": "2"})
            context.setPositions(start)
            integrator.step(100)
            found.append(context.getState(positions=True).getPositions(asNumpy=True)._value)
        np.testing.assert_array_equal(found[0], found[1])
