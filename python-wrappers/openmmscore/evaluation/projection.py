"""Slow coordinates of a protein: linear maps of the distances between its beads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base.files import naming, replace_file, require_file
from .analysis import Array

try:
    from scipy.linalg import eigh
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

__all__ = ["Projection", "distances", "read_projection", "slowest"]

_FRAMES_AT_ONCE = 10_000
_LEAST_VARIANCE = 1e-8  # of a combination of distances, over the largest: less is rounding


@dataclass(frozen=True)
class Projection:
    """(distance - mean) @ vectors. pairs: (pairs, 2), beads; vectors: (pairs, one or two)."""

    pairs: NDArray[np.intp]
    mean: Array
    vectors: Array

    def __post_init__(self) -> None:
        shapes = self.pairs.shape, self.mean.shape, self.vectors.shape
        count = len(self.mean)
        fit = self.pairs.shape == (count, 2) and self.vectors.shape in ((count, 1), (count, 2))
        if not fit or self.mean.ndim != 1 or not np.issubdtype(self.pairs.dtype, np.integer):
            raise ValueError(
                f"pairs, mean and vectors of shapes {', '.join(map(str, shapes))}, must be "
                "(pairs, 2) of integers, (pairs,), and (pairs, 1 or 2)"
            )
        if count == 0 or self.pairs.min() < 0:
            least = "none" if count == 0 else f"one of bead {self.pairs.min()}"
            raise ValueError(f"a projection needs pairs of beads, from 0, and has {least}")
        for name, values in (("mean", self.mean), ("vectors", self.vectors)):
            wrong = np.argwhere(~np.isfinite(values))
            if len(wrong):
                index = tuple(int(k) for k in wrong[0])
                raise ValueError(f"{name}{list(index)} is {values[index]}, is not finite")

    def __call__(self, positions: ArrayLike) -> Array:
        """(frames, one or two). positions: (frames, beads, 3), nm."""
        xyz = np.asarray(positions)
        if xyz.ndim != 3 or self.pairs.max() >= xyz.shape[1]:
            raise ValueError(
                f"a distance to bead {self.pairs.max()} (from 0) in positions of shape {xyz.shape}"
            )
        return np.concatenate(
            [
                (distances(xyz[begin : begin + _FRAMES_AT_ONCE], self.pairs) - self.mean)
                @ self.vectors
                for begin in range(0, len(xyz), _FRAMES_AT_ONCE)
            ]
        )

    def save(self, path: Path) -> None:
        """Writes an .npz file, which is replaced only when the new one is complete."""
        arrays: dict[str, Any] = {"pairs": self.pairs, "mean": self.mean, "vectors": self.vectors}
        replace_file(path, lambda file: np.savez(file, **arrays))


def read_projection(path: str | os.PathLike[str]) -> Projection:
    """Reads what `Projection.save` writes. Errors name the file."""
    require_file(path)
    with naming(path):
        try:
            file = np.load(path)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("one array, must be pairs, mean and vectors")
            with file:
                return Projection(**{name: file[name] for name in ("pairs", "mean", "vectors")})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"no projection: {error}") from error


def distances(positions: ArrayLike, pairs: ArrayLike) -> Array:
    """(frames, pairs), nm. positions: (frames, beads, 3); pairs: (pairs, 2), beads."""
    xyz, index = np.asarray(positions, float), np.asarray(pairs)
    return np.asarray(np.linalg.norm(xyz[:, index[:, 0]] - xyz[:, index[:, 1]], axis=-1))


def slowest(
    series: Sequence[NDArray[np.float32]], lag: int, dimensions: int = 2, apart: int = 2
) -> Projection:
    """TICA of the distances between beads that are at least `apart` apart along the chain.

    series: of each independent run (frames, beads, 3), nm, in the order of time. lag: in frames.
    The projected frames have mean 0 and variance 1; signs are such that the largest entry of a
    vector is positive. Both directions of time count as one, as they should at equilibrium.
    """
    beads = series[0].shape[1]
    if not 0 < lag < max(map(len, series)):
        longest = max(map(len, series))
        raise ValueError(f"lag is {lag}, must be positive and shorter than a run of {longest}")
    pairs = np.stack(np.triu_indices(beads, apart), axis=1)
    if len(pairs) < dimensions:
        raise ValueError(f"{beads} beads have {len(pairs)} distances, fewer than {dimensions}")
    both = [(run[:-lag], run[lag:]) for run in series if len(run) > lag]
    count = sum(len(early) for early, _ in both)
    mean = sum(distances(each, pairs).sum(axis=0) for pair in both for each in pair) / (2 * count)
    now = np.zeros((len(pairs), len(pairs)))
    then = np.zeros_like(now)
    for early, late in both:
        first, second = (distances(each, pairs) - mean for each in (early, late))
        now += (first.T @ first + second.T @ second) / (2 * count)
        then += (first.T @ second + second.T @ first) / (2 * count)

    variances, axes = eigh(now)
    used = variances > _LEAST_VARIANCE * variances[-1]
    if used.sum() < dimensions:
        raise ValueError(f"fewer than {dimensions} independent distances vary")
    whitened = axes[:, used] / np.sqrt(variances[used])
    _, slow = eigh(whitened.T @ then @ whitened)
    vectors = whitened @ slow[:, ::-1][:, :dimensions]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(dimensions)]
    return Projection(pairs, np.asarray(mean), vectors * np.sign(largest))
