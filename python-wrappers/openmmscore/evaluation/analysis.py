"""Frames and their histograms: what they are worth, what chance alone would show, how they err.

Angles are in radians, energies in kJ/mol, logarithms natural. Weights are statistical weights of
frames, of any normalisation. A "copy" is one of several independent simulations of one molecule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    import mdtraj
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

from .metrics import js_divergence

__all__ = [
    "BOLTZMANN_KJ",
    "AutocorrelationTime",
    "NoiseFloor",
    "autocorrelation_time",
    "bin_effective_numbers",
    "bin_numbers",
    "bootstrap_weights",
    "dihedrals",
    "effective_number",
    "free_energy_2d",
    "histogram",
    "histogram_2d",
    "kish_number",
    "noise_floor",
    "smoothed",
]

Array = NDArray[np.float64]

BOLTZMANN_KJ = 0.00831446261815324
"""Boltzmann's constant, kJ/mol/K."""


def dihedrals(positions: ArrayLike, quadruples: Sequence[Sequence[int]]) -> Array:
    """Dihedral angles of beads, IUPAC sign, in [-pi, pi].

    positions: (..., beads, 3), nm. quadruples: n lists of four bead indices.
    Returns (..., n).
    """
    xyz = np.asarray(positions, np.float32)
    if xyz.ndim < 2 or xyz.shape[-1] != 3:
        raise ValueError(f"positions have shape {xyz.shape}, not (..., beads, 3)")
    trajectory = mdtraj.Trajectory(xyz.reshape(-1, *xyz.shape[-2:]), topology=None)
    angles = mdtraj.compute_dihedrals(trajectory, np.asarray(quadruples), periodic=False)
    return np.asarray(angles, float).reshape(*xyz.shape[:-2], len(quadruples))


def kish_number(weights: ArrayLike) -> float:
    """Kish's effective number of weighted frames, (sum w)^2 / sum w^2."""
    values = np.asarray(weights, float)
    if values.size == 0 or not np.isfinite(values).all() or values.min() < 0 or not values.any():
        raise ValueError("weights must be finite, not negative and not all zero")
    scaled = values / values.max()
    return float(scaled.sum() ** 2 / (scaled**2).sum())


@dataclass(frozen=True)
class AutocorrelationTime:
    """An integrated autocorrelation time, in frames.

    tau: 1/2 + sum of the autocorrelation function over lags 1 to `window`.
    error: its standard error (Madras and Sokal 1988). reliable: the copies are together longer
    than 50 tau and each is longer than the window needs; if not, tau is a lower bound.
    """

    tau: float
    error: float
    window: int
    reliable: bool

    @property
    def inefficiency(self) -> float:
        """2 tau: the number of frames that count as one independent frame."""
        return 2 * self.tau


def autocorrelation_time(
    series: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    counted: ArrayLike | None = None,
    window_factor: float = 5.0,
) -> AutocorrelationTime:
    """Integrated autocorrelation time with Sokal's self-consistent window.

    series: (frames,), or (copies, frames). The window is the smallest W with
    W >= window_factor tau(W). groups: (copies,), labels: the mean that is removed is the one of all
    copies with the same label. Copies that cannot reach each other's states in the time simulated
    are given different labels; tau is then the time within such a class of states. counted: of
    series' shape, which frames count; of the others no pair is taken.
    """
    values = np.atleast_2d(np.asarray(series, float))
    if values.ndim != 2 or values.shape[1] < 2 or not np.isfinite(values).all():
        raise ValueError(f"series has shape {values.shape} or a value that is not finite")
    copies, frames = values.shape
    labels = np.zeros(copies) if groups is None else np.asarray(groups)
    used = np.ones(values.shape, bool) if counted is None else np.atleast_2d(counted)
    centred = np.zeros_like(values)
    for label in np.unique(labels):
        members = (labels == label)[:, None] & used
        if members.any():
            centred[members] = values[members] - values[members].mean()

    covariance = _autocovariance(centred, used)
    if covariance[0] <= 0:  # constant series: every frame says the same, one would do
        return AutocorrelationTime(frames / 2, np.inf, frames - 1, False)
    running = 0.5 + np.concatenate([[0.0], np.cumsum(covariance[1:] / covariance[0])])
    enough = np.arange(frames) >= window_factor * running
    enough[0] = False
    closed = bool(enough.any())
    window = int(np.argmax(enough)) if closed else frames - 1
    tau = max(float(running[window]), 0.5)
    total = int(np.count_nonzero(used))
    error = tau * float(np.sqrt(2 * (2 * window + 1) / total))
    return AutocorrelationTime(tau, error, window, closed and total >= 50 * tau)


def _autocovariance(centred: Array, counted: NDArray[np.bool_]) -> Array:
    """(frames,): mean over all pairs of counted frames, at each lag; 0 where there are none.

    centred: (copies, frames), zero where not counted. Divided by the number of pairs, it is
    unbiased but for the mean.
    """
    frames = centred.shape[1]
    size = 1 << (2 * frames - 1).bit_length()
    sums, pairs = (
        np.fft.irfft((np.abs(np.fft.rfft(each, size, axis=1)) ** 2).sum(axis=0), size)[:frames]
        for each in (centred, counted.astype(float))
    )
    pairs = np.rint(pairs)
    return np.asarray(np.divide(sums, pairs, out=np.zeros(frames), where=pairs > 0))


def bin_numbers(samples: ArrayLike, edges: Sequence[Array]) -> NDArray[np.int64]:
    """The bin of each sample, in C order of the bins of all columns; -1 outside of the edges.

    samples: (frames, columns). A bin includes its low edge; the last one also its high edge.
    """
    values = np.asarray(samples, float)
    if values.ndim != 2 or values.shape[1] != len(edges) or not np.isfinite(values).all():
        raise ValueError(
            f"samples have shape {values.shape}, not (frames, {len(edges)}), or a value that is "
            "not finite"
        )
    numbers = np.zeros(len(values), np.int64)
    outside = np.zeros(len(values), bool)
    for column, edge in zip(values.T, edges, strict=True):
        place = np.searchsorted(edge, column, side="right") - 1
        place[column == edge[-1]] = len(edge) - 2
        outside |= (place < 0) | (place > len(edge) - 2)
        numbers = numbers * (len(edge) - 1) + place
    numbers[outside] = -1
    return numbers


def histogram(
    samples: ArrayLike, edges: Sequence[Array], weights: ArrayLike | None = None
) -> Array:
    """Probabilities of the bins, sum 1, in any number of columns.

    samples: (frames, columns); edges: an array a column; weights: (frames,).
    """
    numbers = bin_numbers(samples, edges)
    inside = numbers >= 0
    share = np.ones(len(numbers)) if weights is None else np.asarray(weights, float)
    if share.shape != numbers.shape:
        raise ValueError(f"weights have shape {share.shape}, not {numbers.shape}")
    shape = [len(edge) - 1 for edge in edges]
    counts = np.bincount(numbers[inside], share[inside], math.prod(shape))
    total = float(counts.sum())
    if not total > 0:
        raise ValueError("no sample with a positive weight lies within the edges")
    return np.asarray(counts / total).reshape(shape)


def histogram_2d(
    samples: ArrayLike, edges: Sequence[Array], weights: ArrayLike | None = None
) -> Array:
    """Probabilities of the bins, sum 1. samples: (frames, 2); edges: two arrays. (bins, bins)."""
    values = np.asarray(samples, float)
    if values.ndim != 2 or values.shape[1] != 2 or not np.isfinite(values).all():
        raise ValueError(f"samples have shape {values.shape} or a value that is not finite")
    share = None if weights is None else np.asarray(weights, float)
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins=list(edges), weights=share)
    total = float(counts.sum())
    if not total > 0:
        raise ValueError("no sample with a positive weight lies within the edges")
    return np.asarray(counts / total)


@dataclass(frozen=True)
class NoiseFloor:
    """The divergence that chance alone gives: its mean and its spread from draw to draw."""

    mean: float
    deviation: float


def noise_floor(
    probabilities: ArrayLike,
    first_number: ArrayLike,
    second_number: ArrayLike,
    *,
    measure: Callable[[Array, Array], float] = js_divergence,
    repeats: int = 200,
    seed: int = 0,
) -> NoiseFloor:
    """Divergence of two sets of independent draws from one histogram, by default the JS divergence.

    A simulation of a perfect model still differs from the data by this much, because both are
    finite. probabilities: the data's histogram, of any shape; first_number and second_number: the
    effective numbers of independent frames of the simulation and of the data; infinity for a
    histogram that is exact, an array of the histogram's shape for weighted frames
    (`bin_effective_numbers`). measure: `js_divergence` or `pmf_error`. Where every bin has many
    frames the mean is (K - 1) (1/n1 + 1/n2) times 1/8 for the first, 1 for the second, with K bins
    in use. Bins that the data has never visited get no draws, so that the floor is too low where
    many bins have few frames, by a fifth or so; give the `smoothed` histogram there.
    """
    share = np.asarray(probabilities, float).ravel()
    used = share > 0
    share = share[used] / share.sum()
    generator = np.random.default_rng(seed)
    numbers = [np.asarray(each, float) for each in (first_number, second_number)]
    first, second = (
        _draws(generator, share, each.ravel()[used] if each.ndim else each, repeats)
        for each in numbers
    )
    values = [measure(p, q) for p, q in zip(first, second, strict=True)]
    return NoiseFloor(float(np.mean(values)), float(np.std(values, ddof=1)))


def _draws(generator: np.random.Generator, share: Array, number: Array, repeats: int) -> Array:
    """(repeats, bins): histograms of independent draws. number: one, or one a bin."""
    if not (number > 0).all():
        raise ValueError(f"an effective number of {number.min()}, must be positive")
    if number.ndim:  # counts of so many frames, each with the weight 1 / number of its bin
        while True:
            counts = generator.poisson(share * number, size=(repeats, share.size))
            if counts.any(axis=1).all():
                return np.asarray(counts / number)
    if np.isinf(number):
        return np.broadcast_to(share, (repeats, share.size))
    return generator.multinomial(max(1, round(float(number))), share, size=repeats).astype(float)


def smoothed(probabilities: ArrayLike, number: ArrayLike) -> Array:
    """A histogram that leaves something for the bins that chance has left empty.

    A bin that c frames have visited keeps the share c / (c + 1) of its own probability; the rest is
    the mean of its neighbourhood, with the weights 1/4, 1/2, 1/4 along each axis. number: effective
    number of independent frames, one or one a bin. Measured where the truth is known (a normal
    distribution, or the two halves of a set of independent frames), the JS floor of draws from it
    is right within some per cent where draws from the histogram itself give 15 to 25 % too little.
    The PMF error is more sensitive to rare bins: its floor is up to a fifth too high.
    """
    own = np.asarray(probabilities, float)
    around = own
    for axis in range(own.ndim):
        ends = np.pad(around, [(int(k == axis), int(k == axis)) for k in range(own.ndim)], "edge")
        length = own.shape[axis]
        low, middle, high = (ends.take(range(k, k + length), axis) for k in range(3))
        around = low / 4 + middle / 2 + high / 4
    rest = 1 / (1 + own * np.asarray(number, float))
    mixed = (1 - rest) * own + rest * around
    return np.asarray(mixed / mixed.sum())


def bootstrap_weights(copies: int, repeats: int = 200, seed: int = 0) -> Array:
    """(repeats, copies): how much each copy counts in a bootstrap sample; each row has sum 1.

    Copies are independent of each other, frames of one copy are not: so it is copies that are
    drawn. `weights @ means` are the bootstrap means of a quantity whose mean in each copy is known,
    and their standard deviation is its standard error.
    """
    drawn = np.random.default_rng(seed).multinomial(copies, np.full(copies, 1 / copies), repeats)
    return np.asarray(drawn / copies)


def effective_number(histograms: ArrayLike) -> float:
    """The number of independent draws that is as good as correlated frames of several copies.

    histograms: (copies, ...), those of independent copies. The total of each is its copy's weight,
    which is the same for copies of equal length without weights. Of n independent draws a bin's
    share q has the variance q (1 - q) / n. The variance of the mean over copies is known from their
    scatter, whatever the correlation within a copy, so n = sum (1 - q) / sum (variance / q), both
    over the bins in use: the same noise as n draws in the chi-squared distance, and so in a small
    JS divergence.
    """
    shares = np.asarray(histograms, float)
    shares = shares.reshape(len(shares), -1)
    if len(shares) < 2:
        raise ValueError("the scatter between copies needs at least two of them")
    totals = shares.sum(axis=1, keepdims=True)
    mean = shares.sum(axis=0) / totals.sum()
    # of the ratio of two sums over copies, to first order; no copy's weight is wrong, so that the
    # mean of the differences is zero
    differences = (shares - totals * mean) / totals.mean()
    variance = (differences**2).sum(axis=0) / (len(shares) - 1) / len(shares)
    used = mean > 0
    noise = float((variance[used] / mean[used]).sum())
    if noise == 0:
        return math.inf
    return float((1 - mean[used]).sum() / noise)


def bin_effective_numbers(numbers: ArrayLike, weights: ArrayLike, bins: int) -> Array:
    """(bins,): the effective number of independent weighted frames, as each bin knows it.

    A bin whose share of the weights is q has the variance q / n in sparse bins; its own n is
    sum w / sum w^2 over the frames in it, with sum w = 1 over all frames. Where rare bins have many
    frames of small weight, as in a run whose bias is undone, their n is far above Kish's number,
    and the noise of the histogram is far below that of so many draws. Empty bins have Kish's.

    numbers: (frames,), from `bin_numbers`; those outside (-1) do not count. weights: (frames,).
    """
    place = np.asarray(numbers)
    share = np.asarray(weights, float) / np.sum(weights)
    inside = place >= 0
    mean = np.bincount(place[inside], share[inside], bins)
    squares = np.bincount(place[inside], share[inside] ** 2, bins)
    found = np.full(bins, kish_number(share))
    np.divide(mean, squares, out=found, where=squares > 0)
    return found


def free_energy_2d(probabilities: ArrayLike, temperature_k: float) -> Array:
    """Free energy of each bin, -kT log p, kJ/mol, lowest 0; NaN in empty bins. Any shape."""
    share = np.asarray(probabilities, float)
    energy = np.full(share.shape, np.nan)
    visited = share > 0
    energy[visited] = -BOLTZMANN_KJ * temperature_k * np.log(share[visited])
    return np.asarray(energy - np.nanmin(energy))
