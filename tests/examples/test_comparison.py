"""The comparison of a run with data, for walks on the data's own histogram: the truth is known."""

from pathlib import Path

import numpy as np
import pytest
from openmmscore.analysis import dihedrals, histogram_2d, js_divergence
from openmmscore.frames import Frames, read_frames

import basins
from comparison import BINS, Comparison, compare, slowest_time

DATA = (
    Path(__file__).resolve().parents[2] / "examples" / "alanine_dipeptide" / "alanine_dipeptide.h5"
)
EDGES = [np.linspace(-np.pi, np.pi, BINS + 1)] * 2
COPIES, FRAMES = 100, 200


@pytest.fixture(scope="module")
def data():
    return read_frames(DATA)


@pytest.fixture(scope="module")
def angles(data):
    return dihedrals(data.positions, [basins.PHI, basins.PSI])


def walk(probabilities: np.ndarray, start: np.ndarray, seed: int) -> np.ndarray:
    """Metropolis walks between bins with the given probabilities; (copies, frames, 2), angles."""
    generator = np.random.default_rng(seed)
    log_p = np.log(np.maximum(probabilities, 1e-300))
    width = 2 * np.pi / BINS
    place = np.floor((start + np.pi) / width).astype(int) % BINS
    walks = np.empty((len(start), FRAMES, 2))
    for frame in range(-20, FRAMES):
        for _ in range(10):
            trial = (place + generator.integers(-2, 3, size=place.shape)) % BINS
            gain = log_p[trial[:, 0], trial[:, 1]] - log_p[place[:, 0], place[:, 1]]
            accepted = np.log(generator.random(len(place))) < gain
            place = np.where(accepted[:, None], trial, place)
        if frame >= 0:
            walks[:, frame] = place
    return (walks + generator.random(walks.shape)) * width - np.pi


def run(
    data: Frames, angles: np.ndarray, power: float, seed: int
) -> tuple[Comparison, float, np.ndarray]:
    reference = histogram_2d(angles, EDGES, data.probabilities)
    flattened = reference**power / (reference**power).sum()
    start = dihedrals(basins.start_structures(data, angles, COPIES), [basins.PHI, basins.PSI])
    walks = walk(flattened, start, seed)
    found = compare(walks, 0.1, 100.0, angles, data.probabilities)
    return found, js_divergence(reference, flattened), walks


def test_a_perfect_model_is_at_its_floor(data, angles):
    for seed in range(3):
        found, _, walks = run(data, angles, power=1.0, seed=seed)
        both = found.all_frames
        # The data's share of the floor is not seen here, where the data are the truth.
        data_share = 0.5 * BINS**2 / 8 / both.data_effective_number
        assert both.effective_number < COPIES * FRAMES
        assert abs(both.excess) < 4 * both.js_error + data_share
        assert found.thinned.excess < 4 * found.thinned.js_error
        assert found.thinning_ps >= 0.1 * min(2 * slowest_time(walks)[0], FRAMES)


def test_a_wrong_model_exceeds_its_floor_by_its_divergence(data, angles):
    found, truth, _ = run(data, angles, power=0.5, seed=1)
    assert truth > 0.05
    # Short walks have not met all that a flat model allows, and phi > 0 keeps its population.
    assert 0.4 * truth < found.all_frames.excess < 1.2 * truth
    assert found.all_frames.excess > 3 * found.all_frames.js_error


def test_a_short_run_is_called_an_illustration(data, angles):
    found, _, walks = run(data, angles, power=1.0, seed=1)
    assert any("autocorrelation times" in each for each in found.shortcomings)
    assert "illustration" in found.describe()
    unequilibrated = compare(walks, 0.1, 0.0, angles, data.probabilities)
    assert any("equilibration" in each for each in unequilibrated.shortcomings)


def test_basins_are_a_partition(angles):
    inside = np.array([belongs(angles) for belongs in basins.BASINS.values()])
    assert (inside.sum(axis=0) == 1).all()


def test_copies_are_apportioned_by_largest_remainders():
    assert basins.apportion([0.568, 0.412, 0.020], 100) == [57, 41, 2]
    assert basins.apportion([1, 1, 1], 4) == [2, 1, 1]
    assert sum(basins.apportion([0.1, 0.7, 0.2], 7)) == 7


def test_start_structures_are_one_frame_a_basin_in_proportion(data, angles):
    start = basins.start_structures(data, angles, 100)
    assert start.shape == (100, 5, 3)
    assert len(np.unique(start.reshape(100, -1), axis=0)) == len(basins.BASINS)
    found = dihedrals(start, [basins.PHI, basins.PSI])
    for belongs in basins.BASINS.values():
        share = data.probabilities[belongs(angles)].sum()
        assert abs(belongs(found).mean() - share) < 0.01
    # a frame of the data, centred once more, and not some mean of frames
    distance = np.abs(data.positions - start[0]).reshape(len(data), -1).max(axis=1)
    assert distance.min() < data.attributes["position_quantum_nm"]


def test_typical_frame_ignores_frames_without_weight(data, angles):
    positions, some = data.positions[:500].astype(float), angles[:500]
    weights = np.zeros(500)
    weights[123] = 1
    assert basins.typical_frame(positions, some, weights) == 123
