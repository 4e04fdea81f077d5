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

The kinetic temperature is the other sign of a time step that is too long. Its mean over a run, the
equilibration left out, may differ from the thermostat's by `SIGMAS` times its statistical error,
velocities being independent after the time 1/friction, and by the error of discretisation:
`DISCRETISATION`, 3 %, of itself. (That of alanine dipeptide is 1 % at 4 fs and 2 % at 5 fs.)
Velocities of the first 5/friction do not count. Checkpoints hold the sums, so that a run that is
resumed is judged as a whole.

Commands end with the exit status `STATUS`, 3, then; with --allow-broken they only say it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from openmm import unit

from .checkpoint import Member, Members, State
from .model import Model
from .progress import say

if TYPE_CHECKING:
    from .ensembles import Ensemble, Measurement

__all__ = ["FACTOR", "STATUS", "BrokenMoleculeError", "FrameCheck", "Reach", "Watch", "add_option"]

FACTOR = 2.0  # that of SCORE_RANGE_FACTOR in score/model.h
STATUS = 3
SIGMAS = 5.0
DISCRETISATION = 0.03
_SHARE = 1e-3  # of independent samples; fewer are told, but change no figure
_NOISE = 6.0  # standard deviations of it that are allowed
_SETTLED = 5.0  # 1/friction, after which velocities have forgotten how they started

Array: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.floating[Any]]


class BrokenMoleculeError(Exception):
    """A molecule has fallen apart, or its kinetic temperature is wrong. Not a ValueError: the
    commands' exit status is another."""


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


def add_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-broken",
        action="store_true",
        help="go on where a molecule has fallen apart (farther than "
        f"{FACTOR:g} times the range of the data) or the kinetic temperature is wrong, and only "
        f"say so (ends with exit status {STATUS})",
    )


@dataclass
class Watch:
    """Looks at the copies of a simulation, every now and then.

    model: of which the copies are. time: the diffusion time of its energy, where a state does not
    say another. allow: say it, and go on.
    """

    model: Model
    temperature_k: float
    friction_per_ps: float
    timestep_ps: float
    time: float = 1e-5
    allow: bool = False
    _told: set[str] = field(default_factory=set)
    _kinetic_k: float = 0.0  # the sum of so many looks, at steps from the first to the last
    _looks: int = 0
    _first: int = 0
    _last: int = 0
    _samples: int = 0  # velocities of a look

    def state(self) -> State:
        """What has been seen, for a checkpoint."""
        return {
            "kinetic_k": np.array(self._kinetic_k),
            "kinetic_steps": np.array((self._looks, self._first, self._last)),
            "kinetic_samples": np.array(self._samples),
        }

    def members(self, steps: int, copies: int) -> Members:
        """Of `state` after so many steps of so many copies, in all states."""
        return {
            "kinetic_k": Member("f8", (), 0),
            "kinetic_steps": Member("i8", (3,), 0, steps),
            "kinetic_samples": Member("i8", (), 0, 3 * len(self.model.masses) * copies),
        }

    def restore(self, state: State) -> None:
        self._kinetic_k = float(state["kinetic_k"])
        self._looks, self._first, self._last = state["kinetic_steps"].tolist()
        self._samples = int(state["kinetic_samples"])

    def positions(
        self, step: int, positions: Array, state: Mapping[str, float] | None = None
    ) -> None:
        """Of all copies after so many steps, (copies, beads, 3), nm.

        state: the parameters that the copies were simulated at, where they are not the defaults.
        """
        time = (state or {}).get("ScoreForceDiffusionTime", self.time)
        limit = Reach.of_model(self.model, time)
        if limit is None:
            return
        own = positions[..., : self.model.dimensions]
        broken = np.flatnonzero(limit.beyond(own, self.model.centred))
        if len(broken):
            where = "".join(f" at {name} {value:.4g}" for name, value in (state or {}).items())
            self._fail(
                "apart",
                f"copy {broken[0]}{where} has fallen apart at step {step}: "
                f"{limit.describe(own[broken[0]], self.model.centred)}, {FACTOR:g} times what the "
                "training data have; the time step may be too long, or the data know only folded "
                "what has unfolded",
            )

    def velocities(self, step: int, velocities: Array) -> None:
        """Of all copies after so many steps, (..., beads, 3), nm/ps."""
        if step * self.timestep_ps * self.friction_per_ps < _SETTLED:
            return
        masses = self.model.masses.value_in_unit(unit.dalton)
        kt = unit.MOLAR_GAS_CONSTANT_R.value_in_unit(unit.kilojoule_per_mole / unit.kelvin)
        copies = velocities.size // (3 * len(masses))
        moving = 3 * int(np.count_nonzero(masses)) * copies
        twice = float((masses[:, None] * velocities**2).sum())
        self._kinetic_k += twice / (moving * kt) if moving else self.temperature_k
        self._first = step if self._looks == 0 else self._first
        self._last = step
        self._looks += 1
        self._samples = moving

    def finish(self) -> None:
        """The mean kinetic temperature of the run, and its error."""
        if not self._looks or not self._samples:
            return
        spanned = (self._last - self._first) * self.timestep_ps * self.friction_per_ps
        independent = max(1.0, min(float(self._looks), spanned))
        mean = self._kinetic_k / self._looks
        error = self.temperature_k * math.sqrt(2 / (self._samples * independent))
        if (
            not abs(mean - self.temperature_k)
            <= SIGMAS * error + DISCRETISATION * self.temperature_k
        ):
            self._fail(
                "temperature",
                f"the kinetic temperature is {mean:.1f} K, with a statistical error of {error:.1f} "
                f"K, that of the thermostat {self.temperature_k:.1f} K; the time step may be too "
                "long",
            )

    def _fail(self, kind: str, text: str) -> None:
        if not self.allow:
            raise BrokenMoleculeError(f"{text} (--allow-broken goes on)")
        if kind not in self._told:
            say(f"warning: {text}", error=True)
        self._told.add(kind)


class FrameCheck:
    """Frames of files against those of the data, which are the first that are read.

    Stands in for the measurement that `openmmscore.ensembles.read_ensemble` makes of positions.
    """

    def __init__(self, allow: bool) -> None:
        self.allow = allow
        self._limit: Reach | None = None
        self._told: list[str] = []
        self._refused: list[str] = []

    def read(
        self,
        path: Path,
        coordinates: Measurement,
        independent: bool = False,
    ) -> Ensemble:
        """Reads a file and checks its frames, which `finish` tells. independent: samples, of which
        a few may be broken."""
        kept: list[NDArray[np.float32]] = []

        def measure(positions: NDArray[np.float32]) -> Array:
            kept.append(positions)
            return coordinates(positions)

        from .ensembles import read_ensemble

        found = read_ensemble(path, measure)
        positions = kept.pop()
        if self._limit is None:
            counted = positions[found.counted]
            self._limit = Reach.of_frames(counted, _is_centred(counted)).times(FACTOR)
        else:
            self._check(path, positions, found.copy, independent)
        return found

    def _check(
        self,
        path: Path,
        positions: NDArray[np.float32],
        copy: NDArray[np.int64] | None,
        independent: bool,
    ) -> None:
        assert self._limit is not None
        centred = _is_centred(positions)
        broken = np.flatnonzero(self._limit.beyond(positions, centred))
        if not len(broken):
            return
        first = int(broken[0])
        whose = "" if copy is None else f" of copy {copy[first]}"
        text = (
            f"{path}: {len(broken)} of {len(positions)} frames are of a molecule that has fallen "
            f"apart, the first is frame {first}{whose}: "
            f"{self._limit.describe(positions[first], centred)}, {FACTOR:g} times what the data "
            "have"
        )
        few = independent and len(broken) <= _SHARE * len(positions)
        (self._told if self.allow or few else self._refused).append(text)

    def finish(self) -> None:
        """Says what was found; raises where it is too much."""
        for text in self._told:
            say(f"warning: {text}", error=True)
        if self._refused:
            raise BrokenMoleculeError(f"{self._refused[0]} (--allow-broken goes on)")


def _is_centred(positions: NDArray[np.float32]) -> bool:
    """A file does not say it: a single particle's place counts, a molecule's does not."""
    return positions.shape[1] > 1
