"""Replica exchange over diffusion time or energy scale, for modes that do not mix by themselves.

At diffusion time 1e-5 a simulation crosses a high barrier once in a very long time, or never; at a
larger time the noise has washed the barrier out, and at a smaller energy scale it is low (too small
a scale, and a molecule falls apart, which no larger time does to it). So every molecule is
simulated in several states at once, which differ in parameters of the Context only, and now and
then neighbouring states offer each other their configurations. A swap that costs the
reduced energy ::

    Delta = E_1(x_2) + E_2(x_1) - E_1(x_1) - E_2(x_2)

is accepted with the probability min(1, exp(-Delta)). That leaves the joint distribution of all
states as it is, so state 0, the target, keeps its own, exactly, and inherits the crossings of the
others. What a model adds to its energy at one diffusion time (log q_t is known up to a constant for
each t) cancels in Delta.

One Context a state holds all independent copies of the molecule, since ScoreForce evaluates many at
once far faster than one by one; each copy swaps on its own. OpenMM's own
`app.ReplicaExchangeSampler` (8.6) and openmmtools' multistate samplers (0.27, which works with
OpenMM 8.6.1 but brings numba, pandas, NetCDF and pymbar) handle such parameters too. They exchange
whole Systems: with many copies in a System all would have to swap together, which is never
accepted, and with one copy in each the batch is lost. For a single copy, or one large System, use
OpenMM's.

What must hold: copies do not interact; all particles of copy 0 come first, then those of copy 1,
and so on; there is no barostat. Forces beside the one that depends on the parameters are the same
in all states, so their energies cancel.

>>> states = [{"ScoreForceDiffusionTime": t} for t in (1e-5, 0.01, 0.03, 0.06, 0.1)]
>>> exchange = ReplicaExchange.from_model("model.xml.gz", states, copies=20)
>>> run = exchange.run(time=100, equilibration=20)
>>> extent, error = run.mean(lambda positions: positions.std(axis=(2, 3)))
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from ..base.files import naming
from ..base.values import as_array, as_count, as_number, as_positive, as_seed, as_steps
from ..model.force import ScoreForce
from ..model.model import Model
from ..model.system import create_system
from .checkpoint import TEXT, Member, State, from_json, to_json
from .context_state import context_state, restore_context
from .run import Run
from .run_output import RunOutput
from .swaps import ExchangeResult, Record, SwapAttempt, attempt_swaps
from .watch import Watch

__all__ = [
    "Energies",
    "ReplicaExchange",
    "frames_of",
    "model_energies",
]

Array = NDArray[np.float64]
Energies = Callable[[Array, Mapping[str, float]], ArrayLike]
"""(positions, parameters) -> reduced energies: positions (copies, particles, 3) in nm, the Context
parameters of one state, and (copies,) energies over kT, up to a constant for each state."""


def frames_of(
    time: float | unit.Quantity, interval: float | unit.Quantity, sweep_ps: float
) -> tuple[int, int]:
    """How many frames of each copy there are in a time, and how many sweeps apart."""
    keep = as_steps("time", time, sweep_ps)
    every = max(1, as_steps("interval", interval, sweep_ps))
    if keep < every:
        raise ValueError(f"a time of {time} has no frame at an interval of {interval}")
    return keep // every, every


class ReplicaExchange:
    """Independent copies of a molecule, each simulated in all states at once.

    Parameters
    ----------
    system : openmm.System
        the copies, one after the other; it is not changed
    states : sequence of mappings
        the Context parameters of every state, all with the same names; state 0 is the target
    energies : callable
        the reduced energies of copies in a state, see `Energies`. Their differences between states
        are compared with the Contexts' when positions are set.
    copies : int
        the number of copies in the System
    temperature : float or Quantity
        in K if without unit, the same in all states
    friction, timestep : float or Quantity
        of LangevinMiddleIntegrator, 1/ps and ps if without unit
    steps : int
        time steps between two attempts to swap; attempts take even and odd pairs in turn
    platform : str
        the name of an OpenMM platform
    seed : int
        of noise, velocities and swaps; the same seed on the same platform and number of threads
        gives the same run. (All Contexts of the Reference platform draw from one stream of random
        numbers: two samplers that run in turn there change each other's.)

    Raises
    ------
    ValueError
        where an argument has a wrong value
    openmm.OpenMMException
        where a Context cannot be created, or a parameter has a value that its force refuses
    """

    def __init__(
        self,
        system: openmm.System,
        states: Sequence[Mapping[str, float]],
        energies: Energies,
        copies: int,
        temperature: float | unit.Quantity,
        *,
        friction: float | unit.Quantity = 1.0,
        timestep: float | unit.Quantity = 0.002,
        steps: int = 50,
        platform: str = "CPU",
        seed: int = 1,
    ) -> None:
        self.states = _checked_states(states)
        self.copies = as_count("copies", copies)
        self.steps = as_count("steps", steps)
        self.temperature_k = as_positive("temperature", temperature, unit.kelvin)
        self.timestep_ps = as_positive("timestep", timestep, unit.picosecond)
        friction_per_ps = as_positive("friction", friction, unit.picosecond**-1)
        _check_system(system, self.copies)
        self.particles = system.getNumParticles() // self.copies
        self._energies = energies
        own, noise = np.random.SeedSequence(as_seed("seed", seed)).spawn(2)
        self._random = np.random.default_rng(own)
        self._contexts = []
        self._seeds = [int(word) >> 1 or 1 for word in noise.generate_state(2 * len(self.states))]
        for state, noise_seed in zip(self.states, self._seeds[::2], strict=True):
            integrator = openmm.LangevinMiddleIntegrator(
                self.temperature_k, friction_per_ps, self.timestep_ps
            )
            integrator.setRandomNumberSeed(noise_seed)
            context = openmm.Context(
                system, integrator, openmm.Platform.getPlatformByName(platform)
            )
            unknown = sorted(set(state) - set(context.getParameters()))
            if unknown:
                raise ValueError(
                    f"the System has no parameter {unknown[0]}, but {list(context.getParameters())}"
                )
            _set_parameters(context, state)
            self._contexts.append(context)
        self._parity = 0
        self._ready = False

    @classmethod
    def from_model(
        cls,
        model: Model | str | os.PathLike[str],
        states: Sequence[Mapping[str, float]],
        copies: int,
        *,
        temperature: float | unit.Quantity | None = None,
        **settings: Any,
    ) -> ReplicaExchange:
        """Copies of a model's molecule alone, all of them at the model's frame.

        states: of `ScoreForceDiffusionTime`, `ScoreForceScale` or both. temperature: by default
        the model's. settings: the other arguments of the class.
        """
        model = model if isinstance(model, Model) else Model(model)
        system, _, positions = create_system(model, copies=copies)
        at = model.temperature if temperature is None else temperature
        precision = "double" if settings.get("platform") == "Reference" else "single"
        energies = model_energies(model, temperature=at, precision=precision)
        exchange = cls(system, states, energies, copies, at, **settings)
        exchange.set_positions(positions)
        return exchange

    def set_positions(self, positions: ArrayLike | unit.Quantity) -> None:
        """Sets positions, the same in all states, and draws velocities.

        positions: (copies x particles, 3) or (copies, particles, 3), nm if without unit.
        """
        array = as_array("positions", positions, unit.nanometer)
        whole = (self.copies * self.particles, 3)
        if array.shape not in (whole, (self.copies, self.particles, 3)):
            raise ValueError(f"positions have the shape {array.shape}, must have {whole}")
        self._check_energies(array.reshape(self.copies, self.particles, 3))
        for context, velocity_seed in zip(self._contexts, self._seeds[1::2], strict=True):
            context.setPositions(array.reshape(whole))
            context.setVelocitiesToTemperature(self.temperature_k, velocity_seed)
        self._ready = True

    def run(
        self,
        time: float | unit.Quantity,
        equilibration: float | unit.Quantity = 0.0,
        interval: float | unit.Quantity = 0.0,
        *,
        exchange: bool = True,
        record_all: bool = False,
        title: str = "Replica exchange",
        watch: Watch | None = None,
        output: RunOutput | None = None,
    ) -> ExchangeResult:
        """Simulates, goes on where the last run ended, and returns what it recorded.

        time, equilibration, interval: ps if without unit; rounded up to whole sweeps of `steps`
        time steps each. interval: between frames, by default one sweep. exchange: False simulates
        the states without swaps, for comparison. record_all: frames of all states. title: of the
        progress line. watch: looks at all states after every sweep, at velocities when those of the
        equilibration are done. Ctrl-C ends the run after the present sweep; what was recorded is
        returned.

        output: open, for `frames` of them; the frames of the target go there, as a model's molecule
        has them, and a run that it has saved goes on from there.
        """
        if not self._ready:
            raise ValueError("set positions before a run")
        keep = self._sweeps("time", time)
        discard = self._sweeps("equilibration", equilibration)
        frames, every = self.frames(time, interval)
        in_memory = frames if output is None else 0
        interval_ps = every * self.steps * self.timestep_ps
        record = Record(
            len(self.states), self.copies, self.particles, in_memory, interval_ps, record_all, every
        )
        run = Run(title, discard + keep, watch=watch, output=output)
        self._restore(run, record, discard)
        with run.going(partial(self._state, run, record)):
            while run.done < run.total and not run.is_over():
                positions, attempts = self._sweep(exchange)
                number = run.done + 1 - discard
                self._look(watch, (run.done + 1) * self.steps, positions, number > 0)
                if number > 0:
                    record.count(attempts)
                    if number % every == 0:
                        if output is not None:
                            output.add(positions[0])
                        record.add(positions)
                run.did(1)
        return record.finish(run.interrupted)

    def frames(
        self, time: float | unit.Quantity, interval: float | unit.Quantity = 0.0
    ) -> tuple[int, int]:
        """How many frames of each copy a run of this time has, and how many sweeps apart."""
        return frames_of(time, interval, self.steps * self.timestep_ps)

    def _state(self, run: Run, record: Record) -> State:
        """For `_restore`."""
        state = {
            "sweeps": np.array(run.done),
            "parity": np.array(self._parity),
            "random": to_json(self._random.bit_generator.state),
            **record.state(),
        }
        for k, context in enumerate(self._contexts):
            state |= context_state(context, f".{k}")
        return state

    def _restore(self, run: Run, record: Record, discard: int) -> None:
        members = {
            "sweeps": Member("i8", (), 0, run.total),
            "parity": Member("i8", (), 0, 1),
            "random": TEXT,
            **record.members(),
        }
        replicas, output = len(self.states) * self.copies, run.output
        state = run.saved(members, run.total * self.steps, replicas)
        if state is None or output is None:
            return
        run.done, self._parity, path = int(state["sweeps"]), int(state["parity"]), output.checkpoint
        with naming(path):
            self._restore_random(from_json(state["random"]))
            record.restore(state, output.kept, max(0, run.done - discard))
        for k, (context, noise_seed) in enumerate(
            zip(self._contexts, self._seeds[::2], strict=True)
        ):
            words = np.random.SeedSequence([noise_seed, run.done]).generate_state(1)
            restore_context(path, context, state, int(words[0]) >> 1 or 1, f".{k}")

    def _restore_random(self, state: Any) -> None:
        generator = self._random.bit_generator
        try:
            generator.state = state
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"random is no state of random numbers: {error}") from error
        if generator.state != state or state["has_uint32"] not in (0, 1):
            raise ValueError("random is no state of random numbers")

    def _look(self, watch: Watch | None, step: int, positions: Array, counts: bool) -> None:
        if watch is None:
            return
        for state, copies in zip(self.states, positions, strict=True):
            watch.positions(step, copies, state)
        if counts:
            watch.velocities(step, self._velocities())

    def _sweeps(self, name: str, time: float | unit.Quantity) -> int:
        return as_steps(name, time, self.steps * self.timestep_ps)

    def _sweep(self, exchange: bool) -> tuple[Array, list[SwapAttempt]]:
        """Time steps in all states, then swaps. Returns the positions after them."""
        for context in self._contexts:
            context.getIntegrator().step(self.steps)
        positions = self._positions()
        if not exchange:
            return positions, []
        attempts = attempt_swaps(positions, self._reduced, self._parity, self._random)
        self._parity = 1 - self._parity
        if any(attempt.accepted.any() for attempt in attempts):
            velocities = self._velocities()
            for attempt in attempts:
                attempt.swap(positions)
                attempt.swap(velocities)
            self._scatter(attempts, positions, velocities)
        return positions, attempts

    def _positions(self) -> Array:
        """(states, copies, particles, 3), nm."""
        states = [context.getState(positions=True) for context in self._contexts]
        return self._stacked([state.getPositions(asNumpy=True)._value for state in states])

    def _velocities(self) -> Array:
        """(states, copies, particles, 3), nm/ps."""
        states = [context.getState(velocities=True) for context in self._contexts]
        return self._stacked([state.getVelocities(asNumpy=True)._value for state in states])

    def _stacked(self, values: list[Array]) -> Array:
        return np.array(values, float).reshape(-1, self.copies, self.particles, 3)

    def _scatter(
        self, attempts: Sequence[SwapAttempt], positions: Array, velocities: Array
    ) -> None:
        """To the Contexts that have something new."""
        for attempt in attempts:
            if attempt.accepted.any():
                for k in (attempt.lower, attempt.lower + 1):
                    self._contexts[k].setPositions(positions[k].reshape(-1, 3))
                    self._contexts[k].setVelocities(velocities[k].reshape(-1, 3))

    def _reduced(self, positions: Array, k: int) -> Array:
        values = np.asarray(self._energies(positions, self.states[k]), float)
        if values.shape != (self.copies,):
            raise ValueError(f"the energies have shape {values.shape}, not ({self.copies},)")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise ValueError(
                f"the energy of copy {wrong[0]} at {self.states[k]} is {values[wrong[0]]}"
            )
        return values

    def _check_energies(self, positions: Array) -> None:
        """Raises where swaps would go by other energies than the simulation does.

        What the states share cancels, so it is differences to state 0 that are compared. The bound
        catches a wrong parameter, unit or order, far above the rounding of a Context in float.
        """
        kt = unit.MOLAR_GAS_CONSTANT_R.value_in_unit(unit.kilojoule_per_mole / unit.kelvin)
        kt *= self.temperature_k
        own, contexts = [], []
        for k, context in enumerate(self._contexts):
            context.setPositions(positions.reshape(-1, 3))
            energy = context.getState(energy=True).getPotentialEnergy()
            contexts.append(energy.value_in_unit(unit.kilojoule_per_mole) / kt)
            own.append(float(self._reduced(positions, k).sum()))
        for k, state in enumerate(self.states):
            expected, found = contexts[k] - contexts[0], own[k] - own[0]
            bound = 1e-3 * self.copies + 1e-4 * (abs(contexts[k]) + abs(contexts[0]))
            if not abs(found - expected) <= bound:
                raise ValueError(
                    f"between {self.states[0]} and {state} the given energies of all copies change "
                    f"by {found:g} kT, those of the Context by {expected:g} kT"
                )


def model_energies(
    model: Model,
    *,
    temperature: float | unit.Quantity | None = None,
    precision: Any = "double",
    threads: int | None = None,
) -> Energies:
    """The reduced energies of a ScoreForce that has its parameters' default names and values.

    temperature: of the simulation, by default the model's. threads: by default as many as OpenMM's
    CPU platform takes.
    """
    force = ScoreForce(model)
    names = force.getDiffusionTimeParameterName(), force.getScaleParameterName()
    defaults = force.getDiffusionTime(), force.getScale()
    at = model.temperature if temperature is None else temperature
    over_kt = model.temperature._value / as_positive("temperature", at, unit.kelvin)
    workers = _default_threads() if threads is None else threads

    def energies(positions: Array, parameters: Mapping[str, float]) -> Array:
        time, scale = (parameters.get(*each) for each in zip(names, defaults, strict=True))
        used = positions[..., : model.dimensions]
        return model.energy_and_score(used, time, None, precision, workers)[0] * scale * over_kt

    return energies


def _default_threads() -> int:
    wanted = os.environ.get("OPENMM_CPU_THREADS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else len(os.sched_getaffinity(0))


def _checked_states(states: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    result = [{name: as_number(name, value) for name, value in each.items()} for each in states]
    if len(result) < 2:
        raise ValueError(f"{len(result)} states: exchange needs at least 2")
    for k, state in enumerate(result):
        if not state or set(state) != set(result[0]):
            raise ValueError(
                f"state {k} sets {sorted(state)}, state 0 {sorted(result[0])}: must be the same"
            )
        wrong = [name for name, value in state.items() if not math.isfinite(value)]
        if wrong:
            raise ValueError(f"{wrong[0]} of state {k} is {state[wrong[0]]}, must be finite")
    return result


def _check_system(system: openmm.System, copies: int) -> None:
    count = system.getNumParticles()
    if count == 0 or count % copies:
        raise ValueError(f"a System of {count} particles does not consist of {copies} copies")
    masses = np.array([system.getParticleMass(k)._value for k in range(count)])
    differing = np.flatnonzero((masses.reshape(copies, -1) != masses[: count // copies]).any(0))
    if len(differing):
        raise ValueError(f"the mass of particle {differing[0]} is not the same in all copies")
    for force in system.getForces():
        if "Barostat" in type(force).__name__:
            raise ValueError(f"the System has a {type(force).__name__}: all states share one box")


def _set_parameters(context: openmm.Context, state: Mapping[str, float]) -> None:
    for name, value in state.items():
        context.setParameter(name, value)
