"""How near a simulation of alanine dipeptide is to the data, and whether it is long enough to tell.

The JS divergence of two finite sets of frames is never zero. Beside it stands its noise floor: what
independent draws from the data's own histogram show, as many as the simulation's frames are worth
and as the data's weighted frames are worth by Kish's formula. Both are given twice:

thinned     for frames that are further apart than the autocorrelation time of the slowest of the
            sines and cosines of phi and psi, which are nearly independent. A short run has few, and
            its floor is high; most of the histogram relaxes faster, so the floor is an upper one.
all frames  for every recorded frame; what they are worth is measured from the scatter of the
            histogram between copies. This resolves far smaller differences, and the excess of this
            divergence over its floor is what a longer run would converge to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openmmscore.analysis import (
    autocorrelation_time,
    bootstrap_weights,
    effective_number,
    histogram_2d,
    js_divergence,
    kish_number,
    noise_floor,
    shared_edges,
)

from basins import is_positive

BINS = 64
MOST_OFFSETS = 10

# A run that falls short of one of these is called an illustration.
LEAST_NUMBER = 3000  # of independent frames that all frames are worth
LEAST_EQUILIBRATION = 5  # autocorrelation times
LEAST_PRODUCTION = 10  # autocorrelation times, of each copy

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Divergence:
    """A JS divergence to the data. Errors are standard errors."""

    js: float
    js_error: float
    floor: float
    floor_deviation: float
    frames: int
    effective_number: float
    data_effective_number: float

    @property
    def excess(self) -> float:
        return self.js - self.floor

    def describe(self, title: str) -> str:
        return (
            f"JS divergence to the data, {title}: {self.js:.4f} +- {self.js_error:.4f}\n"
            f"  noise floor {self.floor:.4f} +- {self.floor_deviation:.4f}: {self.frames} frames "
            f"are worth {self.effective_number:.0f} independent ones, the data "
            f"{self.data_effective_number:.0f}"
        )


@dataclass(frozen=True)
class Comparison:
    """Everything measured on a run's angles; times in ps."""

    thinned: Divergence
    all_frames: Divergence
    autocorrelation_ps: float
    thinning_ps: float
    positive: float  # P(0 < phi <= 120 degrees)
    positive_error: float
    data_positive: float
    crossings: int
    shortcomings: list[str]

    def describe(self) -> str:
        verdict = (
            f"This is an illustration, not a measurement: {'; '.join(self.shortcomings)}."
            if self.shortcomings
            else "Long enough for a measurement."
        )
        return (
            f"Autocorrelation time: {self.autocorrelation_ps:.2f} ps\n"
            f"{self.thinned.describe(f'frames {self.thinning_ps:.1f} ps apart')}\n"
            f"{self.all_frames.describe('all frames')}\n"
            f"  excess over the floor {self.all_frames.excess:.4f}\n"
            f"P(phi > 0): {self.positive:.4f} +- {self.positive_error:.4f} in the simulation, "
            f"{self.data_positive:.4f} in the data; {self.crossings} crossings\n"
            f"{verdict}"
        )


def compare(
    angles: Array,
    frame_ps: float,
    equilibration_ps: float,
    data_angles: Array,
    data_probabilities: Array,
) -> Comparison:
    """angles: (copies, frames, 2), phi and psi of the run, frames `frame_ps` apart.

    data_angles: (data frames, 2); data_probabilities: (data frames,), with sum 1.
    """
    copies, frames = angles.shape[:2]
    tau, reliable = slowest_time(angles)
    stride = min(math.ceil(2 * tau), frames)
    edges = shared_edges(data_angles, angles.reshape(-1, 2), BINS)
    reference = histogram_2d(data_angles, edges, data_probabilities)
    data_number = kish_number(data_probabilities)
    positive = is_positive(angles).mean(axis=1)
    all_frames = _divergence_of_all(angles, reference, edges, data_number)

    shortcomings = []
    if not reliable or frames < LEAST_PRODUCTION * tau:
        shortcomings.append(f"the run is shorter than {LEAST_PRODUCTION} autocorrelation times")
    if equilibration_ps < LEAST_EQUILIBRATION * tau * frame_ps:
        shortcomings.append(
            f"the equilibration is shorter than {LEAST_EQUILIBRATION} autocorrelation times"
        )
    if all_frames.effective_number < LEAST_NUMBER:
        shortcomings.append(f"its frames are worth less than {LEAST_NUMBER} independent ones")
    return Comparison(
        thinned=_divergence_of_thinned(angles, tau, stride, reference, edges, data_number),
        all_frames=all_frames,
        autocorrelation_ps=tau * frame_ps,
        thinning_ps=stride * frame_ps,
        positive=float(positive.mean()),
        positive_error=float(positive.std(ddof=1) / math.sqrt(copies)),
        data_positive=float(data_probabilities[is_positive(data_angles)].sum()),
        crossings=int(np.count_nonzero(np.diff(is_positive(angles), axis=1))),
        shortcomings=shortcomings,
    )


def slowest_time(angles: Array) -> tuple[float, bool]:
    """Autocorrelation time of the slowest of sin and cos of phi and psi, in frames; is it reliable.

    angles: (copies, frames, 2). Copies on the two sides of phi are hardly ever in exchange, so
    their means are taken apart.
    """
    side = is_positive(angles[:, 0])
    times = [
        autocorrelation_time(function(angles[:, :, k]), side)
        for k in range(2)
        for function in (np.sin, np.cos)
    ]
    return max(each.tau for each in times), all(each.reliable for each in times)


def _divergence_of_thinned(
    angles: Array,
    tau: float,
    stride: int,
    reference: Array,
    edges: list[Array],
    data_number: float,
) -> Divergence:
    """Of every `stride`-th frame: the mean over several offsets, each with as many frames."""
    copies, frames = angles.shape[0], angles.shape[1] // stride
    values, errors = [], []
    for offset in np.unique(np.linspace(0, stride - 1, MOST_OFFSETS).astype(int)):
        each = _histograms(angles[:, offset::stride][:, :frames], edges)
        value, error = _js_and_error(each, reference)
        values.append(value)
        errors.append(error)
    # What is left of an exponential correlation of time tau, frames being `stride` apart.
    left = math.exp(-stride / tau)
    number = copies * frames * (1 - left) / (1 + left)
    floor = noise_floor(reference, number, data_number)
    return Divergence(
        js=float(np.mean(values)),
        js_error=float(np.mean(errors)),
        floor=floor.mean,
        floor_deviation=floor.deviation,
        frames=copies * frames,
        effective_number=number,
        data_effective_number=data_number,
    )


def _divergence_of_all(
    angles: Array, reference: Array, edges: list[Array], data_number: float
) -> Divergence:
    each = _histograms(angles, edges)
    js, error = _js_and_error(each, reference)
    number = min(effective_number(each), float(angles.shape[0] * angles.shape[1]))
    floor = noise_floor(reference, number, data_number)
    return Divergence(
        js=js,
        js_error=error,
        floor=floor.mean,
        floor_deviation=floor.deviation,
        frames=angles.shape[0] * angles.shape[1],
        effective_number=number,
        data_effective_number=data_number,
    )


def _histograms(angles: Array, edges: list[Array]) -> Array:
    """(copies, bins x bins). angles: (copies, frames, 2)."""
    return np.array([histogram_2d(copy, edges).ravel() for copy in angles])


def _js_and_error(each: Array, reference: Array) -> tuple[float, float]:
    """JS divergence of the mean over copies, and its error. each: (copies, bins x bins)."""
    target = reference.ravel()
    draws = bootstrap_weights(len(each)) @ each
    error = np.std([js_divergence(target, draw) for draw in draws], ddof=1)
    return js_divergence(target, each.mean(axis=0)), float(error)
