"""Molecules that a periodic box has broken are made whole: every bead at the image that is nearest
to the bead before it, as ScoreForce does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["box_vectors", "make_frames_whole", "make_whole"]

Array = NDArray[np.float64]

_MOST_LAYERS = 100  # no molecule's box is so flat
_MOST_STEP = 0.45
"""Of the least height of a box: no two images of a bead are nearer to each other than that."""


def box_vectors(lengths: Array, angles_degrees: Array) -> Array:
    """(frames, 3, 3), rows a, b, c, of lengths and angles (frames, 3); angles alpha, beta, gamma.

    a is along x, b in the plane of x and y, as OpenMM has them. ValueError, with the frame, where
    they are those of no box.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        cosine = np.cos(np.radians(angles_degrees))
        cosine[angles_degrees == 90] = 0  # exactly: boxes are seldom anything else
        alpha, beta, gamma = cosine.T
        a, b, c = lengths.T
        sine = np.sqrt(1 - gamma**2)
        across = (alpha - beta * gamma) / sine
        height = np.sqrt(1 - beta**2 - across**2)
        zero = np.zeros_like(a)
        box = np.stack(
            [a, zero, zero, b * gamma, b * sine, zero, c * beta, c * across, c * height], axis=-1
        ).reshape(-1, 3, 3)
    good = np.isfinite(box).all(axis=(1, 2)) & (np.diagonal(box, axis1=1, axis2=2) > 0).all(axis=1)
    if not good.all():
        frame = int(np.argmin(good))
        raise ValueError(
            f"frame {frame} (from 0) has a box of lengths {lengths[frame].tolist()} and angles "
            f"{angles_degrees[frame].tolist()}"
        )
    return _reduced(box)


def _reduced(box: Array) -> Array:
    """The same lattice, no vector of which leans by more than half of another."""
    for later, earlier in ((1, 0), (2, 1), (2, 0)):
        turns = np.round(box[:, later, earlier] / box[:, earlier, earlier])
        box[:, later] -= turns[:, None] * box[:, earlier]
    return box


def make_frames_whole(
    positions: NDArray[np.float32], lengths: Array, angles_degrees: Array
) -> NDArray[np.float32]:
    """As `make_whole`, with boxes as `box_vectors` takes them. ValueError, with the frame, where
    beads that follow each other are nearly half of the box apart, so that nobody knows which of
    their images belong together."""
    box = box_vectors(lengths, angles_degrees)
    whole = make_whole(positions, box)
    steps = np.linalg.norm(np.diff(whole.astype(np.float64), axis=1), axis=-1)
    least = np.diagonal(box, axis1=1, axis2=2).min(axis=1)
    far = np.argwhere(steps > _MOST_STEP * least[:, None])
    if len(far):
        frame, bead = (int(k) for k in far[0])
        raise ValueError(
            f"frame {frame} (from 0) has beads {bead} and {bead + 1} as far apart as nearly half "
            f"of its box of lengths {lengths[frame].tolist()}: which of their images belong "
            "together is not known"
        )
    return whole


def make_whole(positions: NDArray[np.float32], box: Array) -> NDArray[np.float32]:
    """positions: (frames, beads, 3), which are returned as they are where nothing is broken; box:
    (frames, 3, 3), rows a, b, c, of the form that `box_vectors` gives."""
    steps = np.diff(positions.astype(np.float64), axis=1)
    shifts = _nearest(steps, box) - steps
    moved = np.abs(shifts) > 1e-6 * np.abs(box).max(axis=(1, 2))[:, None, None]
    broken = moved.any(axis=(1, 2))
    if not broken.any():
        return positions
    whole = positions.copy()
    total = np.cumsum(np.where(moved, shifts, 0), axis=1)
    whole[broken, 1:] = (positions[broken, 1:] + total[broken]).astype(np.float32)
    return whole


def _nearest(steps: Array, box: Array) -> Array:
    """The shortest of all vectors that differ from steps (frames, n, 3) by box vectors."""
    edges = box[:, None]
    image = steps.copy()
    for k in (2, 1, 0):
        image -= edges[..., k, :] * np.round(image[..., k] / edges[..., k, k])[..., None]
    if not np.any(box[:, [1, 2, 2], [0, 0, 1]]):
        return image
    # In a box that leans another may be shorter: all that could be are tried, by their components
    # along z, then y; the best along x is then known.
    best = image
    radius = np.linalg.norm(np.diagonal(box, axis1=1, axis2=2), axis=1) / 2
    layers, rows = (
        min(_MOST_LAYERS, int(np.ceil((radius / box[:, k, k]).max() + more)))
        for k, more in ((2, 0.5), (1, 1.0))
    )
    for k in range(-layers, layers + 1):
        layer = image - k * edges[..., 2, :]
        across = np.round(k * box[:, 2, 1] / box[:, 1, 1])[:, None, None]
        for j in range(-rows, rows + 1):
            other = layer - (j - across) * edges[..., 1, :]
            other = other - np.round(other[..., :1] / edges[..., :1, 0]) * edges[..., 0, :]
            nearer = (other**2).sum(axis=-1) < (best**2).sum(axis=-1)
            best = np.where(nearer[..., None], other, best)
    return best
