"""Looks at the copies of a simulation: has a molecule fallen apart (`openmmscore.model.reach`), is
the kinetic temperature that of the thermostat?

The kinetic temperature is the other sign of a time step that is too long. Its mean over a run, the
equilibration left out, may differ from the thermostat's by `SIGMAS` times its statistical error,
velocities being independent after the time 1/friction, and by the error of discretisation:
`DISCRETISATION`, 3 %, of itself. (That of alanine dipeptide is 1 % at 4 fs and 2 % at 5 fs.)
Velocities of the first 5/friction do not count. Checkpoints hold the sums, so that a run that is
resumed is judged as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from openmm import unit

from ..base.progress import say
from ..model.model import Model
from ..model.reach import FACTOR, BrokenMoleculeError, Reach
from .checkpoint import Member, Members, State

__all__ = ["Watch"]

SIGMAS = 5.0
DISCRETISATION = 0.03
_SETTLED = 5.0  # 1/friction, after which velocities have forgotten how they started

Array: TypeAlias = NDArray[np.float64]


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
