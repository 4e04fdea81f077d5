"""The balance of basins over diffusion time, for densities that are known."""

from typing import Any

import numpy as np
from openmm import unit

from balance import bennett, log_weights

FRAMES = 20_000
VARIANCE = 0.3  # of the data, which are normal
OFFSETS = {0.01: 0.7, 0.03: -0.4, 0.1: 0.2}  # what the model adds to the energy, by time


class Normal:
    """log q_t of normal data, each time with a constant of its own."""

    scale = 0.1 * unit.nanometer

    def noise(self, t: float) -> float:
        return float(np.sqrt(-np.expm1(-(t**2) * 19.9 / 2 - 0.1 * t)))

    def energy_and_score(self, positions: Any, t: float, precision: str) -> tuple[Any, None]:
        assert precision == "single"
        square = np.exp(-(t**2) * 19.9 / 2 - 0.1 * t)
        variance = VARIANCE * square + 1 - square
        x = (positions / 0.1).reshape(len(positions), -1)
        energies = (x**2).sum(axis=1) / (2 * variance) + x.shape[1] / 2 * np.log(variance)
        return energies + OFFSETS[t], None


def test_bennett_finds_the_ratio_of_two_normal_densities() -> None:
    """Widths 1 and 2 and a constant: F_2 - F_1 = .3 - ln 2; its standard error is about .004."""
    random = np.random.default_rng(1)
    x = random.standard_normal((2, FRAMES)) * [[1], [2]]
    cost = x**2 / 8 + 0.3 - x**2 / 2
    assert abs(bennett(cost[0], -cost[1]) - (0.3 - np.log(2))) < 0.02


def test_what_a_model_adds_to_its_energy_is_found() -> None:
    """The densities are exact, and so is what the ratio of two finds, up to its standard error: of
    n draws at most (8 / n)^.5 where they overlap by half."""
    random = np.random.default_rng(2)
    frames, noise = random.standard_normal((2, FRAMES, 2, 3))
    model: Any = Normal()
    found = log_weights(model, np.sqrt(VARIANCE) * frames, list(OFFSETS), noise)
    expected = [OFFSETS[0.1] - offset for offset in OFFSETS.values()]
    np.testing.assert_allclose(found, expected, atol=4 * np.sqrt(8 / FRAMES))
