"""Frames of one molecule in memory, wherever they come from, and what must hold of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.values import as_copies

__all__ = ["Frames", "Label", "check_beads"]

Label = tuple[str, str]
"""The name of a bead, and that of its residue, empty where it is not known."""


@dataclass
class Frames:
    """Frames of one molecule.

    positions: (frames, beads, dimensions), nm; three dimensions, unless they come from .npy.
    topology: None where the file has none. log_weights: (frames,), natural logarithm, up to a
    constant. time_ps: (frames,), the frame's number where the file has none; `timed`: whether it
    has. attributes: free text and numbers about where the frames came from. copy: (frames,), the
    number of the independent simulation that a frame comes from, or None.
    """

    positions: NDArray[np.float32]
    topology: Any
    log_weights: NDArray[np.float64]
    time_ps: NDArray[Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    copy: NDArray[np.int64] | None = None
    timed: bool = False

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def labels(self) -> list[Label] | None:
        """Of the beads, where they are known."""
        if self.topology is None:
            return None
        return [(atom.name, atom.residue.name or "") for atom in self.topology.atoms]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(frames,), the weights, with sum 1."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        return np.asarray(weights / weights.sum())

    def trajectory(self) -> Any:
        """The frames as an MDTraj trajectory (which has no weights)."""
        import mdtraj

        return mdtraj.Trajectory(self.positions, self.topology, time=self.time_ps)

    def check(self) -> None:
        """ValueError where something is not as it must be."""
        shape = self.positions.shape
        if len(shape) == 3 and shape[0] == 0:
            raise ValueError("has no frames")
        if len(shape) != 3 or 0 in shape:
            raise ValueError(f"positions have shape {shape}, must be (frames, beads, dimensions)")
        count = shape[0]
        labels = self.labels
        if labels is not None and len(labels) != shape[1]:
            raise ValueError(f"frames of {shape[1]} beads with a topology of {len(labels)} atoms")
        columns = {"log_weights": self.log_weights, "time": self.time_ps, "copy": self.copy}
        for name, column in columns.items():
            if column is not None and column.shape != (count,):
                raise ValueError(f"{name} has shape {column.shape}, not ({count},)")
        with np.errstate(over="ignore"):
            infinite = ~np.isfinite(self.positions.astype(np.float32)).all(axis=(1, 2))
        if infinite.any():
            frame = int(np.argmax(infinite))
            raise ValueError(f"frame {frame} (from 0) has a position that is not finite")
        wrong = np.isnan(self.log_weights) | (self.log_weights == np.inf)
        if wrong.any():
            frame = int(np.argmax(wrong))
            raise ValueError(f"frame {frame} (from 0) has log-weight {self.log_weights[frame]}")
        if (self.log_weights == -np.inf).all():
            raise ValueError(f"all {count} frames have weight 0")
        if self.copy is not None:
            self.copy = as_copies("copy", self.copy)
        if shape[1] > 1 and shape[2] > 0:
            self._check_extent()

    def _check_extent(self) -> None:
        """Frames that were never written are zeros."""
        point = (self.positions == self.positions[:, :1]).all(axis=(1, 2))
        if point.any():
            frame = int(np.argmax(point))
            raise ValueError(f"frame {frame} (from 0) has all its beads in one point")


def check_beads(
    name: str, found: Sequence[Label] | None, other: str, expected: Sequence[Label] | None
) -> None:
    """ValueError where two lists of beads, if both are known, differ in a name or in a residue.
    name: of what has `found`; other: of what has `expected`, in words that "has" can follow."""
    if found is None or expected is None:
        return
    if len(found) != len(expected):
        raise ValueError(f"{name}: {len(found)} beads, {other} has {len(expected)}")
    for k, (one, two) in enumerate(zip(found, expected, strict=True)):
        if one[0] != two[0]:
            raise ValueError(f"{name}: bead {k} is {one[0]}, {other}'s is {two[0]}")
        if one[1] and two[1] and one[1] != two[1]:
            raise ValueError(
                f"{name}: bead {k}, {one[0]}, is of residue {one[1]}, {other}'s is of {two[1]}"
            )
