"""How far samples or a simulation are from data, beside what chance alone would show.

Each divergence has a noise floor, the mean divergence of two sets of independent draws as large as
the sets compared, and a bootstrap error. Where frames belong to copies, the effective number comes
from the scatter of their histograms and it is copies that are drawn in the bootstrap; where they
are independent, it is frames, and their weights say bin by bin what they are worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .analysis import (
    Array,
    autocorrelation_time,
    bin_effective_numbers,
    bin_numbers,
    bootstrap_weights,
    effective_number,
    histogram,
    js_divergence,
    noise_floor,
    pmf_edges,
    pmf_error,
    shared_edges,
    smoothed,
)
from .ensembles import Coordinates, Ensemble

__all__ = [
    "BLOCKS",
    "Bins",
    "Divergence",
    "Length",
    "Population",
    "Row",
    "State",
    "bootstrap_histograms",
    "compare",
    "length_of",
    "population",
]

BLOCKS = 20
"""Pieces that a simulation of a single copy is cut into."""

PIECES = 50
"""Pieces of frames without copies, for the error of a state's share."""

LEAST_PRODUCTION = 10
LEAST_EQUILIBRATION = 5

REPEATS = 200

Measure = Callable[[Array, Array], float]


@dataclass(frozen=True)
class Bins:
    """js: bins a column over the range of both sets. pmf: bins a column between pmf_limits."""

    js: int
    pmf: int
    pmf_limits: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Divergence:
    """A divergence from the data, its standard error, and its noise floor."""

    value: float
    error: float
    floor: float
    floor_deviation: float

    @property
    def ratio(self) -> float:
        return self.value / self.floor

    def exceeds(self, ratio: float) -> bool:
        """Is it above `ratio` times the floor by more than two standard errors? NaN is."""
        return not self.value - 2 * self.error <= ratio * self.floor


@dataclass(frozen=True)
class State:
    """Frames whose column lies in [low, high]; of an angle, low > high goes through 180 degrees."""

    name: str
    column: int
    low: float
    high: float

    def contains(self, values: Array) -> NDArray[np.bool_]:
        """(frames,). values: (frames, columns)."""
        column = values[:, self.column]
        above, below = column >= self.low, column <= self.high
        return np.asarray(above | below if self.low > self.high else above & below)


@dataclass(frozen=True)
class Population:
    """The share of a state, and its standard error."""

    share: float
    error: float


@dataclass(frozen=True)
class Length:
    """Is a simulation long enough? Times in frames.

    autocorrelation: of the slowest coordinate; a lower bound if not reliable.
    """

    copies: int
    frames: int
    autocorrelation: float
    reliable: bool
    shortcomings: tuple[str, ...]

    @property
    def illustration(self) -> bool:
        return bool(self.shortcomings)


@dataclass(frozen=True)
class Row:
    """A set of frames, compared with the data."""

    js: Divergence
    pmf: Divergence
    frames: int
    effective_number: float
    populations: dict[str, Population]
    length: Length | None = None


def compare(
    data: Ensemble,
    other: Ensemble,
    bins: Bins,
    states: Sequence[State] = (),
    length: Length | None = None,
    seed: int = 0,
) -> Row:
    js_edges = shared_edges(data.values, other.values, bins.js)
    js, number = _divergence(js_divergence, data, other, js_edges, seed)
    pmf, _ = _divergence(pmf_error, data, other, pmf_edges(bins.pmf_limits, bins.pmf), seed)
    populations = {state.name: population(other, state) for state in states}
    return Row(js, pmf, len(other), number, populations, length)


def _divergence(
    measure: Measure, data: Ensemble, other: Ensemble, edges: Sequence[Array], seed: int
) -> tuple[Divergence, float]:
    reference = histogram(data.values, edges, data.weights)
    flat = reference.ravel()
    value = measure(flat, histogram(other.values, edges, other.weights).ravel())
    draws = bootstrap_histograms(other, edges, REPEATS, seed)
    error = float(np.std([measure(flat, draw) for draw in draws], ddof=1))

    data_worth, _ = _worth(data, edges)
    other_worth, number = _worth(other, edges)
    source = smoothed(reference, np.reshape(data_worth, reference.shape if data_worth.ndim else ()))
    floor = noise_floor(
        source, other_worth, data_worth, measure=measure, repeats=REPEATS, seed=seed
    )
    return Divergence(value, error, floor.mean, floor.deviation), number


def _worth(ensemble: Ensemble, edges: Sequence[Array]) -> tuple[Array, float]:
    """What the frames are worth to a histogram: one number, or one a bin; and one to print."""
    if ensemble.copy is not None:
        number = min(effective_number(ensemble.histograms(edges)), float(len(ensemble)))
        return np.asarray(number), number
    if np.ptp(ensemble.weights) == 0:
        return np.asarray(float(len(ensemble))), float(len(ensemble))
    numbers = bin_numbers(ensemble.values, edges)
    bins = math.prod(len(edge) - 1 for edge in edges)
    return bin_effective_numbers(numbers, ensemble.weights, bins), ensemble.kish


def bootstrap_histograms(
    ensemble: Ensemble, edges: Sequence[Array], repeats: int, seed: int = 0
) -> Array:
    """(repeats, bins), of any normalisation: histograms of copies, or of frames, drawn anew."""
    if ensemble.copy is not None:
        each = ensemble.histograms(edges)
        return np.asarray(bootstrap_weights(len(each), repeats, seed) @ each)
    generator = np.random.default_rng(seed)
    numbers = bin_numbers(ensemble.values, edges)
    inside = numbers >= 0
    numbers, weights = numbers[inside], ensemble.weights[inside]
    bins = math.prod(len(edge) - 1 for edge in edges)
    draws = (generator.integers(len(numbers), size=len(numbers)) for _ in range(repeats))
    return np.array([np.bincount(numbers[draw], weights[draw], bins) for draw in draws])


def population(ensemble: Ensemble, state: State) -> Population:
    """A state's share. Its error is that of a ratio of two sums, over copies or over pieces.

    Frames without copies are cut into pieces as they stand in the file. If they are independent
    that changes nothing; if they are those of a run, it keeps the error from being too small.
    """
    inside = state.contains(ensemble.values)
    share = float(ensemble.weights[inside].sum())
    if ensemble.copy is not None:
        labels, row = np.unique(ensemble.copy, return_inverse=True)
        parts = len(labels)
    else:
        parts = min(PIECES, len(ensemble))
        row = np.arange(len(ensemble)) * parts // len(ensemble)
    differences = np.bincount(row, ensemble.weights * (inside - share), parts)
    return Population(share, math.sqrt((differences**2).sum() * parts / (parts - 1)))


def length_of(
    simulation: Ensemble, coordinates: Coordinates, equilibration_ps: float | None
) -> Length:
    """Measures the slowest coordinate's autocorrelation time and compares the run with it.

    equilibration_ps: what was discarded before the first frame; None if unknown.
    """
    series = simulation.series()
    copies, frames = series.shape[:2]
    columns = [series[:, :, k] for k in range(series.shape[2])]
    if coordinates.periodic:
        columns = [function(column) for column in columns for function in (np.sin, np.cos)]
    times = [autocorrelation_time(column) for column in columns]
    tau = max(each.tau for each in times)
    reliable = all(each.reliable for each in times)
    shortcomings = []
    if not reliable or frames < LEAST_PRODUCTION * tau:
        shortcomings.append(
            f"a copy's {frames} frames are fewer than {LEAST_PRODUCTION} autocorrelation times, or "
            "too few to measure one"
        )
    if equilibration_ps is None or simulation.interval_ps is None:
        shortcomings.append("how long it was equilibrated is not known")
    elif equilibration_ps < LEAST_EQUILIBRATION * tau * simulation.interval_ps:
        shortcomings.append(
            f"the equilibration of {equilibration_ps:g} ps is shorter than {LEAST_EQUILIBRATION} "
            "autocorrelation times"
        )
    return Length(copies, frames, tau, reliable, tuple(shortcomings))
