"""In which coordinates distributions are compared: one or two numbers that describe a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .analysis import Array, dihedrals
from .projection import Projection, read_projection

__all__ = ["Coordinates"]

_DIHEDRALS = "dihedrals:"
_PROJECTION = "projection:"
_AXES = ("x", "xy")


@dataclass(frozen=True)
class Coordinates:
    """One or two numbers that describe a frame.

    quadruples: four beads each, of dihedral angles in radians. projection: of distances. Without
    either, the position of a single bead, in nm.
    """

    names: tuple[str, ...]
    quadruples: tuple[tuple[int, ...], ...] = ()
    projection: Projection | None = None

    @classmethod
    def parse(cls, text: str) -> Coordinates:
        """`x`, `xy`, `dihedrals:0-1-2-3,1-2-3-4`, or `projection:FILE.npz`."""
        if text in _AXES:
            return cls(tuple(text))
        if text.startswith(_PROJECTION):
            projection = read_projection(text.removeprefix(_PROJECTION))
            names = tuple(f"slow{k + 1}" for k in range(projection.vectors.shape[1]))
            return cls(names, projection=projection)
        if not re.fullmatch(_DIHEDRALS + r"\d+(-\d+){3}(,\d+(-\d+){3})?", text):
            raise ValueError(
                f"coordinates are {text!r}, must be x, xy, projection:FILE.npz, or "
                "dihedrals:0-1-2-3,1-2-3-4 (one or two dihedrals of four beads each)"
            )
        words = text.removeprefix(_DIHEDRALS).split(",")
        quadruples = tuple(tuple(int(bead) for bead in word.split("-")) for word in words)
        for beads, word in zip(quadruples, words, strict=True):
            if len(set(beads)) < 4:
                raise ValueError(f"dihedral {word} names a bead twice")
        return cls(("phi", "psi") if len(words) == 2 else (words[0],), quadruples)

    @property
    def periodic(self) -> bool:
        return bool(self.quadruples)

    @property
    def unit(self) -> str:
        """In which users see them; empty for numbers without one."""
        return "degrees" if self.quadruples else "" if self.projection else "nm"

    def column(self, name: str) -> int:
        """The column that a name or a number from 0 means."""
        if name in self.names:
            return self.names.index(name)
        if name.isdecimal() and int(name) < len(self.names):
            return int(name)
        raise ValueError(f"column {name!r}, must be one of {', '.join(self.names)}, or its number")

    def __call__(self, positions: NDArray[np.float32]) -> Array:
        """(frames, columns). positions: (frames, beads, dimensions), nm."""
        beads, dimensions = positions.shape[1:]
        if self.projection is not None:
            return self.projection(positions)
        if not self.quadruples:
            if beads != 1 or dimensions < len(self.names):
                raise ValueError(
                    f"coordinates {''.join(self.names)} of frames of {beads} beads in {dimensions} "
                    f"dimensions: must be 1 bead in at least {len(self.names)}"
                )
            return np.asarray(positions[:, 0, : len(self.names)], float)
        last = max(max(four) for four in self.quadruples)
        if dimensions != 3 or last >= beads:
            raise ValueError(
                f"a dihedral of bead {last} in frames of {beads} beads (from 0) in {dimensions} "
                "dimensions"
            )
        return dihedrals(positions, self.quadruples)
