"""How far samples or a simulation are from data, beside what chance alone would show.

Each divergence has a noise floor, the mean divergence of two sets of independent draws as large as
the sets compared, and a bootstrap error, for which both sets are drawn anew. Weights say bin by bin
what frames are worth. Where frames belong to copies, the scatter of the copies' histograms says how
much less that is, and the bootstrap draws copies; where they do not, they count as independent, and
it draws frames. Frames without weight, such as those out of a region (`within`), do not count.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .analysis import (
    Array,
    autocorrelation_time,
    js_divergence,
    noise_floor,
    pmf_edges,
    pmf_error,
    shared_edges,
    smoothed,
)
from .coordinates import Coordinates
from .ensembles import Density, Ensemble

__all__ = [
    "BLOCKS",
    "Bins",
    "Divergence",
    "Length",
    "Population",
    "Row",
    "State",
    "compare",
    "length_of",
    "population",
    "within",
]

BLOCKS = 20
"""Pieces that a simulation of a single copy is cut into."""

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
    """A set of frames, or a density, compared with the data.

    frames: None for a density. effective_number: infinite for a density.
    """

    js: Divergence
    pmf: Divergence
    frames: int | None
    effective_number: float
    data_effective_number: float
    populations: dict[str, Population]
    length: Length | None = None

    @property
    def illustration(self) -> bool:
        return self.length is not None and self.length.illustration


def compare(
    data: Ensemble,
    other: Ensemble | Density,
    bins: Bins,
    states: Sequence[State] = (),
    length: Length | None = None,
    seed: int = 0,
) -> Row:
    seen = data if isinstance(other, Density) else other
    js_edges = shared_edges(data.values[data.counted], seen.values[seen.counted], bins.js)
    js, number, data_number = _divergence(js_divergence, data, other, js_edges, seed)
    pmf, _, _ = _divergence(pmf_error, data, other, pmf_edges(bins.pmf_limits, bins.pmf), seed)
    populations = {state.name: population(other, state) for state in states}
    frames = None if isinstance(other, Density) else other.counted_frames
    return Row(js, pmf, frames, number, data_number, populations, length)


def _divergence(
    measure: Measure, data: Ensemble, other: Ensemble | Density, edges: Sequence[Array], seed: int
) -> tuple[Divergence, float, float]:
    """And the effective numbers of the other and of the data."""
    reference = data.histogram(edges)
    found = other.histogram(edges).ravel()
    value = measure(reference.ravel(), found)
    drawn = data.bootstrap(edges, REPEATS, seed)
    data_worth, data_number = data.worth(edges)
    if isinstance(other, Density):  # it is the truth that the data may be draws from
        others, worth, number = np.broadcast_to(found, drawn.shape), np.asarray(math.inf), math.inf
        source = found
    else:
        others = other.bootstrap(edges, REPEATS, seed + 1)
        worth, number = other.worth(edges)
        shape = reference.shape if data_worth.ndim else ()
        source = smoothed(reference, data_worth.reshape(shape))
    error = float(np.std([measure(*pair) for pair in zip(drawn, others, strict=True)], ddof=1))
    floor = noise_floor(source, worth, data_worth, measure=measure, repeats=REPEATS, seed=seed)
    return Divergence(value, error, floor.mean, floor.deviation), number, data_number


def population(of: Ensemble | Density, state: State) -> Population:
    """A state's share. Its error is that of a ratio of two sums over copies or pieces."""
    if isinstance(of, Density):
        return Population(of.share(state.column, state.low, state.high), 0.0)
    inside = state.contains(of.values)
    share = float(of.weights[inside].sum())
    parts, row = of.parts()
    differences = np.bincount(row, of.weights * (inside - share), parts)
    return Population(share, math.sqrt((differences**2).sum() * parts / (parts - 1)))


def within(of: Ensemble, state: State) -> Ensemble:
    """The frames in a state: those outside get no weight.

    ValueError where too few copies, or frames without copies, are ever there.
    """
    weights = np.where(state.contains(of.values), of.weights, 0.0)
    inside = float(weights.sum())
    found = dataclasses.replace(of, weights=weights / (inside or 1.0), inside=inside)
    if found.is_sparse():
        count, total = found.counted_parts()
        kind = "frames" if of.copy is None else "copies"
        raise ValueError(f"only {count} of {total} {kind} are ever in {state.name!r}")
    return found


def length_of(
    simulation: Ensemble, coordinates: Coordinates, equilibration_ps: float | None
) -> Length:
    """Measures the slowest coordinate's autocorrelation time and compares the run with it.

    equilibration_ps: what was discarded before the first frame; None if unknown.
    """
    series, counted = simulation.series(), simulation.counted_series()
    copies, frames = counted.shape
    columns = [series[:, :, k] for k in range(series.shape[2])]
    if coordinates.periodic:
        columns = [function(column) for column in columns for function in (np.sin, np.cos)]
    times = [autocorrelation_time(column, counted=counted) for column in columns]
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
