"""Has a molecule fallen apart? A network's energy is bounded far from its data, so nothing pulls
back what a time step that is too long has torn apart, and neither energy nor position is ever
infinite.

A model file states how far its training data reach (`Model.range`): the largest distance of
neighbouring beads, and of a bead from the centre. A molecule has fallen apart where one of them is
beyond `FACTOR`, 2, times the data's. Good frames stay far below: of alanine dipeptide 50,000
independent frames of the reference reach 1.003 times as far as the training data, 38,400 of a
simulation .998 times. No bond becomes twice as long. What is torn apart goes on without end: the
one torn sample of 20,000 is at 72 times. So the factor's value hardly matters to data that have
seen the molecule unfolded. Those that know a chain only folded say nothing of how long it is, and
one that unfolds, as it may at an energy scale below 1, can reach beyond twice their distance from
the centre with every bond whole: then --allow-broken is right. At a diffusion time beyond 1e-5 the
noise of that time comes on top.

Commands end with the exit status of `BrokenMoleculeError`, 3, then; with --allow-broken they only
say it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from openmm import unit

from ..base.command import CommandError
from .model import Model

__all__ = ["FACTOR", "BrokenMoleculeError", "Positions", "Reach"]

FACTOR = 2.0  # that of SCORE_RANGE_FACTOR in score/model.h
_NOISE = 6.0  # standard deviations of it that are allowed

Array: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.floating[Any]]


class BrokenMoleculeError(CommandError):
    """A molecule has fallen apart, or its kinetic temperature is wrong."""

    status = 3


@dataclass(frozen=True)
class Reach:
    """Distances in nm: of neighbouring beads, and of beads from the centre; at most, or found."""

    neighbours: float
    centre: float

    @classmethod
    def of_model(cls, model: Model, time: float = 1e-5) -> Reach | None:
        """The most that is allowed at a diffusion time, or None where the model does not say."""
        if model.range is None:
            return None
        margin = _NOISE * model.noise(time) * model.scale.value_in_unit(unit.nanometer)
        return cls(
            FACTOR * model.range.neighbours.value_in_unit(unit.nanometer) + math.sqrt(2) * margin,
            FACTOR * model.range.centre.value_in_unit(unit.nanometer) + margin,
        )

    @classmethod
    def of_frames(cls, positions: Positions, centred: bool) -> Reach:
        """The largest of all frames, (frames, beads, dimensions)."""
        neighbours, centre = _distances(positions, centred)
        return cls(float(neighbours.max(initial=0.0)), float(centre.max(initial=0.0)))

    def times(self, factor: float) -> Reach:
        return Reach(factor * self.neighbours, factor * self.centre)

    def beyond(self, positions: Positions, centred: bool) -> NDArray[np.bool_]:
        """Which of the structures, (..., beads, dimensions), reach further."""
        neighbours, centre = _distances(positions, centred)
        found = (neighbours > self.neighbours).any(axis=-1) | (centre > self.centre).any(axis=-1)
        return np.asarray(found, np.bool_)

    def describe(self, structure: Positions, centred: bool) -> str:
        """What reaches too far in one structure, (beads, dimensions)."""
        neighbours, centre = _distances(structure, centred)
        if (neighbours > self.neighbours).any():
            k = int(neighbours.argmax())
            return (
                f"beads {k} and {k + 1} are {neighbours[k]:.4g} nm apart, "
                f"the limit is {self.neighbours:.4g} nm"
            )
        k = int(centre.argmax())
        return (
            f"bead {k} is {centre[k]:.4g} nm from the {'centre' if centred else 'origin'}, "
            f"the limit is {self.centre:.4g} nm"
        )


def _distances(positions: Positions, centred: bool) -> tuple[Array, Array]:
    """Of structures (..., beads, dimensions): (..., beads - 1) and (..., beads), nm."""
    x = np.asarray(positions, np.float64)
    from_centre = x - x.mean(axis=-2, keepdims=True) if centred else x
    neighbours: Array = np.linalg.norm(np.diff(x, axis=-2), axis=-1)
    centre: Array = np.linalg.norm(from_centre, axis=-1)
    return neighbours, centre
