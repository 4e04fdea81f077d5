"""Copies of a model's molecule that all start in one structure, by Langevin dynamics: what
score-simulate does."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from ..base.values import as_array, as_count, as_positive, as_seed, as_steps, as_threads
from ..model.force import ScoreForce
from ..model.model import Model
from ..model.system import create_system
from .checkpoint import Member, State
from .context_state import context_state, restore_context
from .copies import own_positions
from .run import Run
from .run_output import RunOutput
from .watch import Watch

__all__ = ["SimulationResult", "create_context", "plan", "simulate"]

_STEPS_AT_ONCE = 10  # between looks at the clock and at Ctrl-C
_LEAST_FRAMES = 2  # that a limit on time leaves; it takes two to see anything
_EQUILIBRATION_SHARE = 0.3  # of the limit on time, at most


@dataclass
class SimulationResult:
    """What a run recorded, equilibration left out.

    positions: (frames, copies, beads, dimensions), nm, those of
    `openmmscore.sampling.copies.own_positions`; no frames where they went to a file. time_ps:
    (frames,), from the end of equilibration. equilibration_ps: what was discarded. production_ps:
    from there to the last frame. steps_per_second: time steps of all copies together. interrupted,
    stopped_early: whether Ctrl-C or the limit on time ended it, or its equilibration, before all
    was done.
    """

    positions: NDArray[np.float32]
    time_ps: NDArray[np.float64]
    equilibration_ps: float
    steps_per_second: float
    interrupted: bool
    stopped_early: bool

    @property
    def production_ps(self) -> float:
        return float(self.time_ps[-1]) if len(self.time_ps) else 0.0


def plan(
    time_ps: float, equilibration_ps: float, interval: int, timestep_ps: float
) -> tuple[int, int]:
    """The numbers of frames and of steps of equilibration. interval: steps between frames.

    ValueError, with name and value, where one is out of range or there would be no frame.
    """
    step_ps = as_positive("timestep", timestep_ps)
    equilibration = as_steps("equilibration", equilibration_ps, step_ps)
    steps = as_steps("time", time_ps, step_ps)
    if as_count("interval", interval) > steps:
        raise ValueError(
            f"interval is {interval} steps, longer than the {steps} steps of time {time_ps:g}"
        )
    return steps // interval, equilibration


def create_context(
    model: Model,
    copies: int,
    *,
    start: ArrayLike | unit.Quantity | None = None,
    temperature: float | unit.Quantity | None = None,
    timestep: float | unit.Quantity = 0.002,
    friction: float | unit.Quantity = 1.0,
    platform: str = "CPU",
    threads: int | None = None,
    seed: int = 1,
    scale: float = 1.0,
    diffusion_time: float = 1e-5,
    forces: Iterable[openmm.Force] = (),
) -> openmm.Context:
    """A Context with all copies in one structure, and velocities drawn for each.

    start: (beads, 3) in nm, by default the model's frame; or (copies, beads, 3). temperature: in K,
    by default the model's. timestep, friction: ps and 1/ps. threads: of the CPU platform. scale,
    diffusion_time: those of `ScoreForce`. forces: others beside it, on the particles of all copies,
    one copy after the other; the System takes them. Quantities have units of their own.

    Raises ValueError or openmm.OpenMMException where a value is wrong, also where the energy of
    the structure is not finite.
    """
    system, _, positions = create_system(model, copies, spacing=0.0)
    force = ScoreForce.cast(system.getForce(0))
    force.setDiffusionTime(diffusion_time)
    force.setScale(scale)
    for other in forces:
        system.addForce(other)
    if start is not None:
        structure, each = as_array("start", start, unit.nanometer), (len(model.beads), 3)
        if structure.shape not in (each, (copies, *each)):
            raise ValueError(
                f"start has shape {structure.shape}, neither {each} nor {(copies, *each)}"
            )
        positions = np.broadcast_to(structure, (copies, *each)).reshape(-1, 3)
    at_k = as_positive(
        "temperature", model.temperature if temperature is None else temperature, unit.kelvin
    )
    integrator = openmm.LangevinMiddleIntegrator(
        at_k,
        as_positive("friction", friction, unit.picosecond**-1),
        as_positive("timestep", timestep, unit.picosecond),
    )
    noise_seed, velocity_seed = _seeds(seed)
    integrator.setRandomNumberSeed(noise_seed)
    context = openmm.Context(system, integrator, *_platform(platform, threads))
    context.setPositions(positions)
    context.getState(energy=True)  # raises where the structure has none
    context.setVelocitiesToTemperature(at_k, velocity_seed)
    return context


def _seeds(seed: int, step: int = 0) -> tuple[int, int]:
    """Of noise and velocities, never 0, which lets OpenMM choose one by chance. step: where other
    noise than from the start is wanted."""
    words = [as_seed("seed", seed), *([step] if step else [])]
    sequence = np.random.SeedSequence(words if step else words[0])
    noise, velocities = sequence.generate_state(2)
    return int(noise) >> 1 or 1, int(velocities) >> 1 or 1


def _platform(name: str, threads: int | None) -> tuple[openmm.Platform, dict[str, str]]:
    platform = openmm.Platform.getPlatformByName(name)
    if threads is None:
        return platform, {}
    if "Threads" not in platform.getPropertyNames():
        raise ValueError(f"threads is {threads}, but the {name} platform has no such setting")
    return platform, {"Threads": str(as_threads("threads", threads))}


def simulate(
    context: openmm.Context,
    model: Model,
    frames: int,
    *,
    interval: int = 50,
    equilibration: int = 0,
    time_limit_s: float = math.inf,
    title: str = "Simulation",
    watch: Watch | None = None,
    output: RunOutput | None = None,
    seed: int = 1,
) -> SimulationResult:
    """Goes on from where the Context is, and returns what it recorded.

    context: of copies of the model's molecule, one after the other, and nothing else. interval:
    time steps between frames. equilibration: time steps that are discarded first. time_limit_s:
    seconds after which the run ends in any case, but for its first two frames; equilibration ends
    when it has taken 3/10 of them. Ctrl-C ends it within 10 steps. watch: looks at every frame, and
    as often at the positions of the equilibration.

    output: where frames go to, open; a run that it has saved goes on from there. seed: of random
    numbers that a checkpoint of another number of threads does not have.
    """
    total = equilibration + frames * interval
    run = Run(title, total, watch=watch, output=output, time_limit_s=time_limit_s)
    recording = _Recording(context, model, run, frames, interval, equilibration)
    recording.restore(seed)
    with run.going(recording.state):
        recording.go_on()
    timestep_ps, kept = recording.timestep_ps, recording.kept
    discarded = recording.discarded if recording.is_equilibrated else run.done
    return SimulationResult(
        positions=recording.positions[:kept],
        time_ps=np.arange(1, kept + 1) * interval * timestep_ps,
        equilibration_ps=discarded * timestep_ps,
        steps_per_second=run.steps_per_second,
        interrupted=run.interrupted,
        stopped_early=not recording.is_equilibrated or discarded < equilibration or kept < frames,
    )


class _Recording:
    """How far a run is, and its frames, in memory or in a file.

    discarded: steps for equilibration, whose end is `is_equilibrated`. kept: frames.
    """

    def __init__(
        self,
        context: openmm.Context,
        model: Model,
        run: Run,
        frames: int,
        interval: int,
        equilibration: int,
    ) -> None:
        self.context, self.model, self.run = context, model, run
        self.frames, self.interval, self.equilibration = frames, interval, equilibration
        self.discarded = self.kept = 0
        self.is_equilibrated = self.is_resumed = False
        self.integrator = context.getIntegrator()
        self.timestep_ps = self.integrator.getStepSize().value_in_unit(unit.picosecond)
        self.copies = context.getSystem().getNumParticles() // len(model.beads)
        in_memory = frames if run.output is None else 0
        shape = (in_memory, self.copies, len(model.beads), model.dimensions)
        self.positions = np.empty(shape, np.float32)

    def state(self) -> State:
        numbers = {
            "steps": np.array(self.run.done),
            "discarded": np.array(self.discarded),
            "is_equilibrated": np.array(self.is_equilibrated),
        }
        return {**numbers, **context_state(self.context)}

    def restore(self, seed: int) -> None:
        members = {
            "steps": Member("i8", (), 0, self.run.total),
            "discarded": Member("i8", (), 0, self.equilibration),
            "is_equilibrated": Member("?"),
        }
        state, output = self.run.saved(members, self.run.total, self.copies), self.run.output
        if state is None or output is None:
            return
        self.run.done, self.discarded = int(state["steps"]), int(state["discarded"])
        self.is_equilibrated, self.is_resumed = bool(state["is_equilibrated"]), True
        self.kept = output.kept
        self._check_steps(output.checkpoint)
        if self.is_equilibrated:
            output.file.attributes |= self._equilibration()
            self.run.total = self.discarded + self.frames * self.interval
        restore_context(output.checkpoint, self.context, state, _seeds(seed, self.run.done)[0])

    def _check_steps(self, path: Path) -> None:
        """A frame is recorded at its step, or just after a checkpoint there."""
        produced = self.run.done - self.discarded
        if self.is_equilibrated:
            good = 0 <= produced - self.kept * self.interval <= self.interval
        else:
            good = self.run.done <= self.equilibration and self.discarded == self.kept == 0
        if not good:
            raise ValueError(
                f"{path}: steps are {self.run.done}, of which {self.discarded} are discarded, and "
                f"frames {self.kept}: no run comes there"
            )

    def _equilibration(self) -> dict[str, float]:
        return {"equilibration_ps": self.discarded * self.timestep_ps}

    def go_on(self) -> None:
        """To the end, or until it is stopped."""
        if not self.is_equilibrated:
            self._equilibrate(_EQUILIBRATION_SHARE * self.run.time_limit_s)
            if self.run.interrupted and self.run.done < self.equilibration:
                return
            self.discarded, self.is_equilibrated = self.run.done, True
            self.run.total = self.discarded + self.frames * self.interval
            if self.run.output is not None and (
                self.discarded < self.equilibration or self.is_resumed
            ):
                self.run.output.describe(self._equilibration())
        while self.kept < self.frames:
            limit = math.inf if self.kept < _LEAST_FRAMES else self.run.time_limit_s
            end = self.discarded + (self.kept + 1) * self.interval
            if not self._advance(end - self.run.done, limit):
                break
            self._record()

    def _advance(self, steps: int, limit_s: float) -> bool:
        """Whether all the steps were done before `limit_s` seconds from the start, and Ctrl-C."""
        end = self.run.done + steps
        while self.run.done < end:
            if self.run.is_over(limit_s):
                return False
            number = min(_STEPS_AT_ONCE, end - self.run.done)
            self.integrator.step(number)
            self.run.did(number)
        return True

    def _equilibrate(self, limit_s: float) -> None:
        while self.run.done < self.equilibration:
            left = self.interval - self.run.done % self.interval
            if not self._advance(min(left, self.equilibration - self.run.done), limit_s):
                return
            if self.run.watch is not None:
                self._look(self.context.getState(positions=True))

    def _look(self, state: openmm.State) -> NDArray[np.float64]:
        """Positions, (copies, beads, 3), nm."""
        frame: NDArray[np.float64] = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        frame = frame.reshape(self.copies, len(self.model.beads), 3)
        _check_finite(frame, self.run.done)
        if self.run.watch is not None:
            self.run.watch.positions(self.run.done, frame)
        return frame

    def _record(self) -> None:
        watch, output = self.run.watch, self.run.output
        state = self.context.getState(positions=True, velocities=watch is not None)
        frame = self._look(state)
        if watch is not None:
            watch.velocities(self.run.done, _velocities(state).reshape(frame.shape))
        if output is None:
            self.positions[self.kept] = own_positions(frame, self.model)
        else:
            output.add(frame)
        self.kept += 1


def _velocities(state: openmm.State) -> NDArray[np.float64]:
    """nm/ps."""
    velocities = state.getVelocities(asNumpy=True)
    found: NDArray[np.float64] = velocities.value_in_unit(unit.nanometer / unit.picosecond)
    return found


def _check_finite(frame: NDArray[np.float64], step: int) -> None:
    wrong = np.flatnonzero(~np.isfinite(frame).all(axis=(1, 2)))
    if len(wrong):
        raise ValueError(
            f"copy {wrong[0]} has a position that is not finite at step {step}: "
            "the time step may be too long"
        )
