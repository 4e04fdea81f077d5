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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .analysis import (
    Array,
    autocorrelation_time,
    noise_floor,
    smoothed,
)
from .coordinates import Coordinates
from .ensembles import Density, Ensemble
from .metrics import JS, METRICS, Bins, Measure

__all__ = [
    "BLOCKS",
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

    divergences: by the name of the metric. frames: None for a density. effective_number: infinite
    for a density.
    """

    divergences: dict[str, Divergence]
    frames: int | None
    effective_number: float
    data_effective_number: float
    populations: dict[str, Population]
    length: Length | None = None

    @property
    def js(self) -> Divergence:
        return self.divergences[JS.name]

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
    counted = data.values[data.counted], seen.values[seen.counted]
    pairs = {
        edges: _Pair.of(data, other, edges(bins, *counted), seed)
        for edges in dict.fromkeys(metric.edges for metric in METRICS)
    }
    divergences = {
        metric.name: pairs[metric.edges].divergence(metric.measure, seed) for metric in METRICS
    }
    populations = {state.name: population(other, state) for state in states}
    frames = None if isinstance(other, Density) else other.counted_frames
    of_js = pairs[JS.edges]
    return Row(divergences, frames, of_js.number, of_js.data_number, populations, length)


@dataclass(frozen=True)
class _Pair:
    """The data and what is compared with them, as histograms.

    data, other: (bins,). data_draws, other_draws: (repeats, bins), by bootstrap. truth: (bins,),
    which both would be draws from, if they were of one distribution. data_worth, other_worth: a
    number, or one a bin; data_number, number: to print.
    """

    data: Array
    other: Array
    data_draws: Array
    other_draws: Array
    truth: Array
    data_worth: Array
    other_worth: Array
    data_number: float
    number: float

    @classmethod
    def of(
        cls, data: Ensemble, other: Ensemble | Density, edges: Sequence[Array], seed: int
    ) -> _Pair:
        reference, found = data.histogram(edges), other.histogram(edges).ravel()
        drawn = data.bootstrap(edges, REPEATS, seed)
        data_worth, data_number = data.worth(edges)
        if isinstance(other, Density):  # it is the truth that the data may be draws from
            others, worth, number = np.broadcast_to(found, drawn.shape), np.asarray(np.inf), np.inf
            truth = found
        else:
            others = other.bootstrap(edges, REPEATS, seed + 1)
            worth, number = other.worth(edges)
            shape = reference.shape if data_worth.ndim else ()
            truth = smoothed(reference, data_worth.reshape(shape))
        return cls(
            reference.ravel(), found, drawn, others, truth, data_worth, worth, data_number, number
        )

    def divergence(self, measure: Measure, seed: int) -> Divergence:
        draws = zip(self.data_draws, self.other_draws, strict=True)
        error = float(np.std([measure(*each) for each in draws], ddof=1))
        floor = noise_floor(
            self.truth,
            self.other_worth,
            self.data_worth,
            measure=measure,
            repeats=REPEATS,
            seed=seed,
        )
        return Divergence(measure(self.data, self.other), error, floor.mean, floor.deviation)


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
