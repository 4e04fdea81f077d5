"""What is compared: frames in some coordinates (`openmmscore.evaluation.coordinates`), their
weights, and the copy that each comes from; or the density of a toy model.

Frames are read from .h5 files in this project's layout (`openmmscore.io`; the data sets `copy`,
`time` and `log_weights` are used where they are there), or from .npy files (frames, beads,
dimensions), with the number of each frame's copy in `<stem>_copy.npy`, and how they were made in
`<stem>_run.json`, where there are such files.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.files import naming
from ..io.frame_data import Frames, Label
from ..io.frame_reader import read_any
from ..model.model import Model
from .analysis import (
    Array,
    bin_effective_numbers,
    bin_numbers,
    bootstrap_weights,
    effective_number,
    histogram,
    kish_number,
)

__all__ = ["Density", "Ensemble", "read_ensemble"]

PIECES = 50
"""Of frames without copies, for the error of a mean."""

LEAST_COUNTED = 10  # copies, of many
CELLS = 4  # a bin and dimension, for the integral of a density
GRID = 100  # bins a dimension, for the share of a state

Measurement = Callable[[NDArray[np.float32]], Array]
"""(frames, columns) of (frames, beads, dimensions), nm."""


@dataclass(frozen=True)
class Ensemble:
    """Frames of one distribution.

    values: (frames, columns). weights: (frames,), sum 1. copy: (frames,), a label, or None where
    frames are independent. interval_ps: between frames of a copy, None if unknown.
    equilibration_ps: what was discarded before the first frame, None if unknown. inside: the share
    of the frames' weight that is still there where only a region counts, whose others have none.
    beads: of a frame, and their labels, where they are known.
    """

    values: Array
    weights: Array
    copy: NDArray[np.int64] | None = None
    interval_ps: float | None = None
    equilibration_ps: float | None = None
    temperature_k: float | None = None
    inside: float = 1.0
    beads: int | None = None
    labels: list[Label] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kish(self) -> float:
        return kish_number(self.weights)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(frames,), which of them have any weight."""
        return self.weights > 0

    @property
    def counted_frames(self) -> int:
        return int(np.count_nonzero(self.counted))

    def counted_parts(self) -> tuple[int, int]:
        """How many copies have any weight, and of how many; frames, where there are no copies."""
        parts = np.arange(len(self)) if self.copy is None else self.copy
        return len(np.unique(parts[self.counted])), len(np.unique(parts))

    def is_sparse(self) -> bool:
        """Whether so few of the copies have any weight that bootstrap may draw none of them."""
        count, total = self.counted_parts()
        return count < min(LEAST_COUNTED, total)

    def series(self) -> Array:
        """(copies, frames, columns). Copies must have equally many frames, each in its order."""
        return self._of_copies(self.values)

    def counted_series(self) -> NDArray[np.bool_]:
        """(copies, frames), which of the frames of `series` have any weight."""
        return self._of_copies(self.counted)

    def _of_copies(self, each: NDArray[Any]) -> NDArray[Any]:
        if self.copy is None:
            return each[None]
        labels, counts = np.unique(self.copy, return_counts=True)
        if counts.min() != counts.max():
            few, many = labels[counts.argmin()], labels[counts.argmax()]
            raise ValueError(
                f"copy {few} has {counts.min()} frames and copy {many} has {counts.max()}"
            )
        order = np.argsort(self.copy, kind="stable")
        return each[order].reshape(len(labels), counts[0], *each.shape[1:])

    def in_blocks(self, blocks: int) -> Ensemble:
        """A single run, cut into pieces of equal length that count as copies."""
        length = len(self) // blocks
        if length == 0:
            raise ValueError(f"{len(self)} frames are too few to be cut into {blocks} pieces")
        kept = slice(0, length * blocks)
        return Ensemble(
            self.values[kept],
            self.weights[kept] / self.weights[kept].sum(),
            np.repeat(np.arange(blocks), length),
            self.interval_ps,
            self.equilibration_ps,
            self.temperature_k,
        )

    def thinned(self, stride: int) -> Ensemble:
        """Every `stride`-th frame of each copy, its last one among them. Needs copies."""
        if self.copy is None:
            raise ValueError("frames without copies")
        order = self._of_copies(np.arange(len(self)))
        kept = order[:, (order.shape[1] - 1) % stride :: stride].ravel()
        weights = self.weights[kept]
        return dataclasses.replace(
            self,
            values=self.values[kept],
            weights=weights / (weights.sum() or 1.0),
            copy=self.copy[kept],
            interval_ps=None if self.interval_ps is None else stride * self.interval_ps,
        )

    def column(self, column: int) -> Ensemble:
        """The same frames, of which only one column is looked at."""
        return dataclasses.replace(self, values=self.values[:, column : column + 1])

    def parts(self) -> tuple[int, NDArray[np.intp]]:
        """How many independent parts there are, and (frames,) which of them each frame is of.

        Copies; or, of frames without copies, pieces as they stand in the file. If frames are
        independent, pieces are as good as frames for the error of a mean; if they are those of a
        run, pieces keep it from being too small.
        """
        if self.copy is not None:
            labels, row = np.unique(self.copy, return_inverse=True)
            return len(labels), row
        count = min(PIECES, len(self))
        return count, np.arange(len(self)) * count // len(self)

    def histogram(self, edges: Sequence[Array]) -> Array:
        """Probabilities of the bins, sum 1."""
        return histogram(self.values, edges, self.weights)

    def histograms(self, edges: Sequence[Array]) -> Array:
        """(copies, bins), weights of each copy in each bin. Needs copies."""
        if self.copy is None:
            raise ValueError("frames without copies")
        labels, row = np.unique(self.copy, return_inverse=True)
        numbers = bin_numbers(self.values, edges)
        bins = _bin_count(edges)
        inside = numbers >= 0
        places = row[inside] * bins + numbers[inside]
        counts = np.bincount(places, self.weights[inside], len(labels) * bins)
        return np.asarray(counts, float).reshape(len(labels), bins)

    def bootstrap(self, edges: Sequence[Array], repeats: int, seed: int = 0) -> Array:
        """(repeats, bins), of any normalisation: histograms of copies, or of frames, drawn anew."""
        if self.copy is not None:
            each = self.histograms(edges)
            return np.asarray(bootstrap_weights(len(each), repeats, seed) @ each)
        generator = np.random.default_rng(seed)
        numbers = bin_numbers(self.values, edges)
        inside = numbers >= 0
        numbers, weights = numbers[inside], self.weights[inside]
        draws = (generator.integers(len(numbers), size=len(numbers)) for _ in range(repeats))
        bins = _bin_count(edges)
        return np.array([np.bincount(numbers[draw], weights[draw], bins) for draw in draws])

    def worth(self, edges: Sequence[Array]) -> tuple[Array, float]:
        """What the frames are worth to a histogram, as a number of independent draws.

        One number, or, of weighted frames, one a bin; and one to print. Frames of copies are worth
        less in the proportion in which copies scatter more than independent frames of the same
        weights would. Where one copy has nearly all the weight, copies cannot show it.
        """
        number = float(len(self))
        each = np.asarray(number)
        if np.ptp(self.weights) != 0:
            number = self.kish
            numbers = bin_numbers(self.values, edges)
            each = bin_effective_numbers(numbers, self.weights, _bin_count(edges))
        if self.copy is None:
            return each, number
        # Summed over bins, variance / q of the histogram: as copies scatter, and of independent
        # frames, where a bin's variance is (1 - 2 q) q / n + q^2 sum w^2, and sum w^2 = sum q / n.
        copies = self.histograms(edges)
        share = copies.sum(axis=0) / copies.sum()
        used = (share > 0) & (share < 1)
        found = (1 - share[used]).sum() / effective_number(copies)
        expected = ((1 - share) / each)[used].sum()
        kept = min(1.0, expected / found) if found > 0 else 1.0
        return each * kept, number * kept


@dataclass(frozen=True)
class Density:
    """exp(-E) of a model of one particle in one or two dimensions: exact, where frames are not.

    support: of each dimension, the limits of what is looked at.
    """

    model: Model
    diffusion_time: float
    support: tuple[tuple[float, float], ...]

    def histogram(self, edges: Sequence[Array]) -> Array:
        """Probabilities of the bins, sum 1: the midpoint rule on CELLS cells a bin and dimension.

        Infinite edges are those of the support.
        """
        axes, widths, bins = [], [], []
        for edge, (low, high) in zip(edges, self.support, strict=True):
            limits = np.where(np.isinf(edge), np.where(edge < 0, low, high), edge)
            width = np.repeat(np.diff(limits) / CELLS, CELLS)
            axes.append(limits[0] + np.cumsum(width) - width / 2)
            widths.append(width)
            bins.append(len(edge) - 1)
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        energies, _ = self.model.energy_and_score(points[..., None, :], self.diffusion_time)
        share = np.exp(np.min(energies) - energies)
        for k, width in enumerate(widths):
            share *= np.expand_dims(width, [j for j in range(len(widths)) if j != k])
        share = share.reshape([n for count in bins for n in (count, CELLS)])
        share = share.sum(axis=tuple(range(1, 2 * len(bins), 2)))
        return np.asarray(share / share.sum())

    def marginal(self, column: int, edges: Array) -> Array:
        """Probabilities of the bins along one dimension, sum 1, over the support of the other."""
        every = [np.linspace(*limits, GRID + 1) for limits in self.support]
        every[column] = edges
        others = tuple(k for k in range(len(every)) if k != column)
        return np.asarray(self.histogram(every).sum(axis=others))

    def share(self, column: int, low: float, high: float) -> float:
        """Of the support, how much lies where a column is in [low, high]."""
        limits = self.support[column]
        edges = np.unique(np.clip([*np.linspace(*limits, GRID + 1), low, high], *limits))
        middles = (edges[1:] + edges[:-1]) / 2
        inside = (middles > low) & (middles < high)
        return float(self.marginal(column, edges)[inside].sum())


def _bin_count(edges: Sequence[Array]) -> int:
    return math.prod(len(edge) - 1 for edge in edges)


def read_ensemble(path: str | os.PathLike[str], coordinates: Measurement) -> Ensemble:
    """Reads frames from .h5 or .npy. Errors name the file."""
    frames = read_any(path)
    with naming(path):
        return _ensemble(frames, coordinates)


def _ensemble(frames: Frames, coordinates: Measurement) -> Ensemble:
    positions, log_weights = frames.positions, frames.log_weights
    if len(positions) < 2:
        raise ValueError(f"positions have shape {positions.shape}: fewer than two frames")
    if not np.isfinite(positions).all():
        frame = int(np.argmin(np.isfinite(positions).all(axis=(1, 2))))
        raise ValueError(f"frame {frame} (from 0) has a position that is not finite")
    if not np.isfinite(log_weights.max()):
        raise ValueError(f"the largest of log_weights is {log_weights.max()}, must be finite")
    weights = np.exp(log_weights - log_weights.max())
    copy = frames.copy
    if copy is not None and len(np.unique(copy)) == 1:
        copy = None
    return Ensemble(
        coordinates(positions),
        weights / weights.sum(),
        copy,
        _interval(frames),
        _number(frames, "equilibration_ps"),
        _number(frames, "temperature_k"),
        beads=positions.shape[1],
        labels=frames.labels,
    )


def _number(frames: Frames, name: str) -> float | None:
    """Of the attributes; None where it is not there."""
    if name not in frames.attributes:
        return None
    value = frames.attributes[name]
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"attribute {name} is {value!r}, must be a number") from None
    if not math.isfinite(number):
        raise ValueError(f"attribute {name} is {value!r}, must be finite")
    return number


def _interval(frames: Frames) -> float | None:
    """Between frames of a copy: by their times, or as the file says."""
    found = None
    if frames.timed and len(frames) > 1:
        found = _regular_interval(frames.time_ps, frames.copy)
    return _number(frames, "frame_interval_ps") if found is None else found


def _regular_interval(times: NDArray[Any], copy: NDArray[np.int64] | None) -> float | None:
    """None where the times are not those of regular frames.

    A float32 of a long run is rounded: at 1e6 ps to 1/16 ps, so that two frames of a copy may even
    have the same. What remains exact is the time from the first to the last.
    """
    time_ps = np.asarray(times, np.float64)
    labels = np.zeros(len(time_ps), np.int64) if copy is None else copy
    order = np.argsort(labels, kind="stable")
    gaps = np.diff(time_ps[order])[np.diff(labels[order]) == 0]
    if not gaps.size:
        return None
    if not np.isfinite(gaps).all():
        frame = int(np.argmin(np.isfinite(time_ps)))
        raise ValueError(f"frame {frame} (from 0) has time {time_ps[frame]}, is not finite")
    rounding = float(np.spacing(np.abs(times).max())) if times.dtype.kind == "f" else 0.0
    least = gaps.min()
    if copy is not None and (least < 0 or (least == 0 and np.median(gaps) > rounding)):
        ordered, rows = time_ps[order], labels[order]
        k = int(np.argmax((np.diff(rows) == 0) & (np.diff(ordered) <= 0)))
        raise ValueError(
            f"the time of the frames of a copy does not increase: in copy {rows[k]} from "
            f"{ordered[k]:g} to {ordered[k + 1]:g} ps (frame {order[k + 1]} from 0)"
        )
    interval = float(gaps.mean())
    regular = np.abs(gaps - interval).max() <= 1e-2 * interval + rounding
    return interval if regular and interval > 0 else None
