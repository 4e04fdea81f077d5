"""Basins of (phi, psi) of alanine dipeptide, and the structures that simulations start from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from openmmscore.frames import Frames

BEADS = ["C", "N", "CA", "C", "N"]
PHI, PSI = (0, 1, 2, 3), (1, 2, 3, 4)  # in beads

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def is_positive(angles: Array) -> Mask:
    """0 < phi <= 120 degrees, the left-handed side. angles: (..., 2), phi and psi, radians."""
    return np.asarray((angles[..., 0] > 0) & (angles[..., 0] <= np.radians(120)))


def is_alpha(angles: Array) -> Mask:
    """-120 < psi <= 70 degrees on the other side; both limits lie at minima of the data."""
    psi = np.degrees(angles[..., 1])
    return np.asarray(~is_positive(angles) & (psi > -120) & (psi <= 70))


def is_beta(angles: Array) -> Mask:
    """All the rest: beta and polyproline II, which exchange within a few picoseconds."""
    return ~is_positive(angles) & ~is_alpha(angles)


BASINS: dict[str, Callable[[Array], Mask]] = {
    "beta": is_beta,
    "alpha": is_alpha,
    "phi > 0": is_positive,
}


def typical_frame(positions: Array, angles: Array, weights: Array) -> int:
    """The index of the most typical of weighted frames.

    It is in the fullest bin, 10 degrees wide, of (phi, psi), and its distances between beads are
    nearest to the weighted mean of the frames in that bin.
    """
    bins = np.floor(np.degrees(angles) / 10).astype(int)
    keys, members = np.unique(bins, axis=0, return_inverse=True)
    members = members.ravel()
    fullest = np.bincount(members, weights, minlength=len(keys)).argmax()
    candidates = np.flatnonzero(members == fullest)
    first, second = np.triu_indices(positions.shape[1], k=1)
    difference = positions[candidates][:, first] - positions[candidates][:, second]
    distances = np.linalg.norm(difference, axis=2)
    mean = np.average(distances, axis=0, weights=weights[candidates])
    return int(candidates[((distances - mean) ** 2).sum(axis=1).argmin()])


def apportion(shares: list[float], copies: int) -> list[int]:
    """Whole numbers in proportion to `shares`, with sum `copies`, by largest remainders."""
    exact = np.array(shares) / np.sum(shares) * copies
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")[: copies - counts.sum()]
    counts[largest] += 1
    return [int(count) for count in counts]


def start_structures(data: Frames, angles: Array, copies: int) -> Array:
    """(copies, beads, 3), nm, centred: one structure a basin, in the data's proportions."""
    probabilities = data.probabilities
    names, shares, structures = [], [], []
    for name, belongs in BASINS.items():
        inside = np.flatnonzero(belongs(angles))
        if len(inside) == 0:
            continue
        positions = data.positions[inside].astype(float)
        typical = typical_frame(positions, angles[inside], probabilities[inside])
        names.append(name)
        shares.append(float(probabilities[inside].sum()))
        structures.append(positions[typical] - positions[typical].mean(axis=0))
    counts = apportion(shares, copies)
    parts = [f"{count} in {name}" for count, name in zip(counts, names, strict=True)]
    print(f"Start: {', '.join(parts)} (one structure a basin, in the data's proportions)")
    return np.repeat(np.array(structures), counts, axis=0)
