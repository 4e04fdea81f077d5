"""Comparison of a simulation with the data its model was trained on, and of either with the truth.

Angles are in radians, energies in kJ/mol, logarithms natural. Weights are statistical weights of
frames, of any normalisation. A "copy" is one of several independent simulations of one molecule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    import mdtraj
    from scipy.spatial.distance import jensenshannon
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

__all__ = [
    "BOLTZMANN_KJ",
    "AutocorrelationTime",
    "NoiseFloor",
    "autocorrelation_time",
    "bootstrap_weights",
    "dihedrals",
    "effective_number",
    "free_energy_2d",
    "histogram_2d",
    "js_divergence",
    "kish_number",
    "noise_floor",
    "shared_edges",
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
    series: ArrayLike, groups: ArrayLike | None = None, *, window_factor: float = 5.0
) -> AutocorrelationTime:
    """Integrated autocorrelation time with Sokal's self-consistent window.

    series: (frames,), or (copies, frames). The window is the smallest W with
    W >= window_factor tau(W). groups: (copies,), labels: the mean that is removed is the one of all
    copies with the same label. Copies that cannot reach each other's states in the time simulated
    are given different labels; tau is then the time within such a class of states.
    """
    values = np.atleast_2d(np.asarray(series, float))
    if values.ndim != 2 or values.shape[1] < 2 or not np.isfinite(values).all():
        raise ValueError(f"series has shape {values.shape} or a value that is not finite")
    copies, frames = values.shape
    labels = np.zeros(copies) if groups is None else np.asarray(groups)
    centred = np.empty_like(values)
    for label in np.unique(labels):
        members = labels == label
        centred[members] = values[members] - values[members].mean()

    covariance = _autocovariance(centred)
    if covariance[0] <= 0:  # constant series: every frame says the same, one would do
        return AutocorrelationTime(frames / 2, np.inf, frames - 1, False)
    running = 0.5 + np.concatenate([[0.0], np.cumsum(covariance[1:] / covariance[0])])
    enough = np.arange(frames) >= window_factor * running
    enough[0] = False
    closed = bool(enough.any())
    window = int(np.argmax(enough)) if closed else frames - 1
    tau = max(float(running[window]), 0.5)
    total = copies * frames
    error = tau * float(np.sqrt(2 * (2 * window + 1) / total))
    return AutocorrelationTime(tau, error, window, closed and total >= 50 * tau)


def _autocovariance(centred: Array) -> Array:
    """(frames,): mean over copies and over pairs of frames, at each lag. centred: (copies, frames).

    The sum at each lag is divided by the number of pairs, so that it is unbiased but for the mean.
    """
    frames = centred.shape[1]
    size = 1 << (2 * frames - 1).bit_length()
    power = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    sums = np.fft.irfft(power.mean(axis=0), size)[:frames]
    return np.asarray(sums / (frames - np.arange(frames)))


def shared_edges(first: ArrayLike, second: ArrayLike, bins: int = 64) -> list[Array]:
    """Edges of `bins` equal bins along each column, over the range of both sets together.

    first, second: (frames, columns). Returns one array of bins + 1 edges a column.
    """
    both = np.concatenate([np.asarray(first, float), np.asarray(second, float)])
    return [
        np.linspace(low, high, bins + 1) for low, high in zip(both.min(0), both.max(0), strict=True)
    ]


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


def js_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon divergence of two histograms of the same shape, natural logarithm.

    JS = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2; from 0 (equal) to log 2 (disjoint).
    p and q are normalised here.
    """
    first, second = np.asarray(p, float), np.asarray(q, float)
    if first.shape != second.shape:
        raise ValueError(f"histograms of shapes {first.shape} and {second.shape}")
    for each in (first, second):
        if not np.isfinite(each).all() or each.min() < 0 or not each.any():
            raise ValueError("histograms must be finite, not negative and not empty")
    return float(jensenshannon(first.ravel(), second.ravel())) ** 2


@dataclass(frozen=True)
class NoiseFloor:
    """The JS divergence that chance alone gives: its mean and its spread from draw to draw."""

    mean: float
    deviation: float


def noise_floor(
    probabilities: ArrayLike,
    first_number: float,
    second_number: float,
    *,
    repeats: int = 200,
    seed: int = 0,
) -> NoiseFloor:
    """JS divergence of two sets of independent draws from one histogram.

    A simulation of a perfect model still differs from the data by this much, because both are
    finite. probabilities: (bins, bins), the data's histogram; first_number and second_number: the
    effective numbers of independent frames of the simulation and of the data. Where every bin has
    many frames the mean is (K - 1) (1/n1 + 1/n2) / 8 with K bins in use. Bins that the data has
    never visited get no draws, so the floor is, if anything, a little low.
    """
    numbers = [max(1, round(first_number)), max(1, round(second_number))]
    flat = np.asarray(probabilities, float).ravel()
    flat = flat[flat > 0] / flat.sum()
    generator = np.random.default_rng(seed)
    first, second = (generator.multinomial(number, flat, size=repeats) for number in numbers)
    values = [js_divergence(p, q) for p, q in zip(first, second, strict=True)]
    return NoiseFloor(float(np.mean(values)), float(np.std(values, ddof=1)))


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

    histograms: (copies, ...), those of independent copies of equal length, each with sum 1. Of n
    independent draws a bin's share q has the variance q (1 - q) / n. The variance of the mean over
    copies is known from their scatter, whatever the correlation within a copy, so
    n = sum (1 - q) / sum (variance / q), both over the bins in use: the same noise as n draws in
    the chi-squared distance, and so in a small JS divergence.
    """
    shares = np.asarray(histograms, float)
    shares = shares.reshape(len(shares), -1)
    if len(shares) < 2:
        raise ValueError("the scatter between copies needs at least two of them")
    mean = shares.mean(axis=0)
    used = mean > 0
    variance = shares[:, used].var(axis=0, ddof=1) / len(shares)
    noise = float((variance / mean[used]).sum())
    if noise == 0:
        return math.inf
    return float((1 - mean[used]).sum() / noise)


def free_energy_2d(probabilities: ArrayLike, temperature_k: float) -> Array:
    """Free energy of each bin, -kT log p, kJ/mol, lowest 0; NaN in empty bins. Any shape."""
    share = np.asarray(probabilities, float)
    energy = np.full(share.shape, np.nan)
    visited = share > 0
    energy[visited] = -BOLTZMANN_KJ * temperature_k * np.log(share[visited])
    return np.asarray(energy - np.nanmin(energy))
