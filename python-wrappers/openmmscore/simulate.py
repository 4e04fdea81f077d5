"""Simulates independent copies of a model's molecule from one structure, and writes their frames.

    python -m openmmscore.simulate model.xml.gz --copies 100 --time 200 --output run.h5

All copies run side by side in one System, by Langevin dynamics at the model's temperature. They
start at the same place (unless --start asks for more) with different velocities, and do not
interact. What they do during equilibration is discarded. Of the rest, a frame every --interval
steps is written: all frames of copy 0 first, then those of copy 1, and so on, with the number of
each frame's copy (see `openmmscore.copies`), as `python -m openmmscore.evaluate` reads them.
Positions are relative to the molecule's centre, unless the model is not `centred`.

The same command serves toy models in one or two dimensions, which write .npy. OpenMM's particles
have three dimensions all the same: along those that a model does not use there is no force, so a
particle drifts there, does not change what happens along the others, and is not recorded. Its
kinetic energy counts three dimensions.

The same seed on the same platform and number of threads gives the same file.

Frames go to `<output>.unfinished`, where all of them have their room from the start, as they are
made; it gets its name when it is complete. Every --checkpoint seconds `<output>.checkpoint` is
written, from which the same command with --resume goes on after whatever has ended the run: on the
Reference platform, and on CPU with the same number of threads, to the very same frames, elsewhere
to others as good. Ctrl-C, SIGTERM and the end of the terminal end a run with a checkpoint, and with
the frames that there are as a complete file, which --resume replaces at its end; the exit status is
then 130. A run that --time-limit ends is finished.

Where a copy has fallen apart, or the kinetic temperature is wrong (`openmmscore.intact`), the exit
status is 3, and the file stays unfinished, unless --allow-broken is given.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import unit

from ._values import as_array, as_count, as_positive, as_seed, as_steps
from .command import add_resuming, run_command
from .copies import check_output, own_positions, read_starts
from .force import ScoreForce
from .intact import Watch, add_option
from .interruption import Interruption
from .model import Model
from .progress import Progress, say
from .run_output import RunOutput, context_state, describe_array, describe_file, restore_context
from .system import create_system

__all__ = ["Run", "create_context", "main", "plan", "simulate"]

_STEPS_AT_ONCE = 10  # between looks at the clock and at Ctrl-C
_LEAST_FRAMES = 2  # that a limit on time leaves; it takes two to see anything
_EQUILIBRATION_SHARE = 0.3  # of the limit on time, at most
_MOST_THREADS = 1024  # OpenMM aborts where it cannot start them


@dataclass
class Run:
    """What a run recorded, equilibration left out.

    positions: (frames, copies, beads, dimensions), nm, those of `openmmscore.copies.own_positions`;
    no frames where they went to a file. time_ps: (frames,), from the end of equilibration.
    equilibration_ps: what was discarded. production_ps: from there to the last frame.
    steps_per_second: time steps of all copies together.
    interrupted, stopped_early: whether Ctrl-C or the limit on time ended it, or its equilibration,
    before all was done.
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
    if as_count("threads", threads) > _MOST_THREADS:
        raise ValueError(f"threads is {threads}, must be at most {_MOST_THREADS}")
    return platform, {"Threads": str(threads)}


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
) -> Run:
    """Goes on from where the Context is, and returns what it recorded.

    context: of copies of the model's molecule, one after the other, and nothing else. interval:
    time steps between frames. equilibration: time steps that are discarded first. time_limit_s:
    seconds after which the run ends in any case, but for its first two frames; equilibration ends
    when it has taken 3/10 of them. Ctrl-C ends it within 10 steps. watch: looks at every frame.

    output: where frames go to, open; a run that it has saved goes on from there. seed: of random
    numbers that a checkpoint of another number of threads does not have.
    """
    run = _Recording(context, model, frames, interval, equilibration, output, watch)
    if output is not None and output.saved is not None:
        run.restore(output.saved, seed)
    clock = _Clock(run, equilibration + frames * interval, time_limit_s, title)
    with Interruption() as interruption:
        run.go_on(clock, time_limit_s, interruption)
        if interruption.asked and output is not None and run.kept < frames:
            output.save(run.state())
    if watch is not None:
        watch.finish()
    timestep_ps = run.timestep_ps
    return Run(
        positions=run.positions[: run.kept],
        time_ps=np.arange(1, run.kept + 1) * interval * timestep_ps,
        equilibration_ps=run.discarded * timestep_ps,
        steps_per_second=clock.close(),
        interrupted=interruption.asked and run.kept < frames,
        stopped_early=run.discarded < equilibration or run.kept < frames,
    )


class _Recording:
    """How far a run is, and its frames, in memory or in a file.

    steps: done. discarded: of them, for equilibration, whose end is `is_equilibrated`. kept:
    frames.
    """

    def __init__(
        self,
        context: openmm.Context,
        model: Model,
        frames: int,
        interval: int,
        equilibration: int,
        output: RunOutput | None,
        watch: Watch | None,
    ) -> None:
        self.context, self.model, self.output, self.watch = context, model, output, watch
        self.frames, self.interval, self.equilibration = frames, interval, equilibration
        self.steps = self.discarded = self.kept = 0
        self.is_equilibrated = self.is_resumed = False
        self.timestep_ps = context.getIntegrator().getStepSize().value_in_unit(unit.picosecond)
        self.copies = context.getSystem().getNumParticles() // len(model.beads)
        in_memory = frames if output is None else 0
        shape = (in_memory, self.copies, len(model.beads), model.dimensions)
        self.positions = np.empty(shape, np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        numbers = (self.steps, self.discarded, self.kept, self.is_equilibrated)
        return {"numbers": np.array(numbers, np.int64), **context_state(self.context)}

    def restore(self, state: dict[str, NDArray[Any]], seed: int) -> None:
        self.steps, self.discarded, self.kept, equilibrated = state["numbers"].tolist()
        self.is_equilibrated, self.is_resumed = bool(equilibrated), True
        if self.output is not None and self.is_equilibrated:
            self.output.file.attributes |= self._equilibration()
        restore_context(self.context, state, _seeds(seed, self.steps)[0])

    def _equilibration(self) -> dict[str, float]:
        return {"equilibration_ps": self.discarded * self.timestep_ps}

    def go_on(self, clock: _Clock, limit_s: float, interruption: Interruption) -> None:
        """To the end, or until it is stopped."""
        if not self.is_equilibrated:
            end = self.equilibration
            clock.advance(end - self.steps, _EQUILIBRATION_SHARE * limit_s, interruption)
            self.discarded = self.steps
            if interruption.asked and self.steps < end:
                return
            self.is_equilibrated = True
            if self.output is not None and (self.discarded < end or self.is_resumed):
                self.output.describe(self._equilibration())
        while self.kept < self.frames:
            limit = math.inf if self.kept < _LEAST_FRAMES else limit_s
            end = self.discarded + (self.kept + 1) * self.interval
            if not clock.advance(end - self.steps, limit, interruption):
                break
            self._record()

    def _record(self) -> None:
        state = self.context.getState(positions=True, velocities=self.watch is not None)
        frame = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        frame = frame.reshape(self.copies, len(self.model.beads), 3)
        _check_finite(frame, self.steps)
        if self.watch is not None:
            self.watch.positions(self.steps, frame)
            self.watch.velocities(self.steps, _velocities(state).reshape(frame.shape))
        if self.output is None:
            self.positions[self.kept] = own_positions(frame, self.model)
        else:
            self.output.add(self.kept, frame)
        self.kept += 1


class _Clock:
    """Advances a run a few steps at a time, shows how far it is, and saves it now and then."""

    def __init__(self, run: _Recording, total: int, limit_s: float, title: str) -> None:
        self.run = run
        self.integrator = run.context.getIntegrator()
        self.first = run.steps
        limit = limit_s if limit_s < math.inf else None
        self.progress = Progress(title, total, self.first, limit_s=limit)
        self.started = time.perf_counter()

    def elapsed(self) -> float:
        return time.perf_counter() - self.started

    def advance(self, steps: int, limit_s: float, interruption: Interruption) -> bool:
        """Whether all the steps were done before `limit_s` seconds from the start, and Ctrl-C."""
        end = self.run.steps + steps
        while self.run.steps < end:
            if interruption.asked or self.elapsed() >= limit_s:
                return False
            number = min(_STEPS_AT_ONCE, end - self.run.steps)
            self.integrator.step(number)
            self.run.steps += number
            self.progress.update(self.run.steps)
            if self.run.output is not None:
                self.run.output.save_if_due(self.run.state)
        return True

    def close(self) -> float:
        """Steps per second."""
        speed = (self.run.steps - self.first) / self.elapsed()
        self.progress.close()
        return speed


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


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m openmmscore.simulate",
        description="Simulates copies of a model's molecule, or of a toy model's particle, which "
        "all start in one structure, and writes their frames, all frames of copy 0 first.",
    )
    parser.add_argument("model", type=Path, help="model file, .xml or .xml.gz")
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="frames to write, .h5; or .npy (frames, beads, dimensions), with <stem>_copy.npy",
    )
    parser.add_argument("--copies", type=int, default=100, help="independent copies (100)")
    parser.add_argument("--time", type=float, default=200.0, help="production, ps (200)")
    parser.add_argument("--equilibration", type=float, default=50.0, help="discarded, ps (50)")
    parser.add_argument("--timestep", type=float, default=0.002, help="ps (.002)")
    parser.add_argument("--friction", type=float, default=1.0, help="1/ps (1)")
    parser.add_argument("--interval", type=int, default=50, help="time steps between frames (50)")
    parser.add_argument(
        "--start",
        metavar="FILE[:frame]",
        help="structure of all copies, .h5 or .npy; its first frame, or the frame of that number; "
        "FILE:each starts every copy from a frame of its own, in turn (the model's own frame)",
    )
    parser.add_argument("--platform", default="CPU", help="OpenMM platform (CPU)")
    parser.add_argument("--threads", type=int, help="of the CPU platform (OpenMM's choice)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the model's energy (1)")
    parser.add_argument(
        "--diffusion-time", type=float, default=1e-5, help="of the model's energy (1e-5)"
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=math.inf,
        help="stop after so many seconds; equilibration after 3/10 of them",
    )
    add_option(parser)
    add_resuming(parser)
    return parser.parse_args(words)


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


def _command(options: argparse.Namespace) -> int:
    frames, equilibration = plan(
        options.time, options.equilibration, options.interval, options.timestep
    )
    if not options.time_limit > 0:  # infinite by default
        raise ValueError(f"--time-limit is {options.time_limit:g}, must be positive")
    model = Model(options.model)
    check_output(options.output, model)
    copies = as_count("copies", options.copies)
    start = None if options.start is None else read_starts(options.start, model, copies)
    settings = {
        name: getattr(options, name)
        for name in ("timestep", "friction", "platform", "seed", "scale", "diffusion_time")
    }
    planned = {"frames": frames, "equilibration": equilibration, "interval": options.interval}
    identity = {
        "model": describe_file(options.model),
        "start": describe_array(start),
        "copies": copies,
        **settings,
        **planned,
    }
    output = RunOutput(
        options.output, identity, resume=options.resume, checkpoint_s=options.checkpoint
    )
    context = create_context(model, copies, start=start, threads=options.threads, **settings)
    watch = Watch(
        model,
        model.temperature.value_in_unit(unit.kelvin),
        options.friction,
        options.timestep,
        options.diffusion_time,
        options.allow_broken,
    )
    attributes = _attributes(
        options, model, equilibration * options.timestep, frames * options.interval
    )
    interval_ps = options.interval * options.timestep
    if not output.open(model, frames, copies, interval_ps, attributes):
        say(f"{options.output}: finished already")
        return 0
    with Interruption():  # also where the file gets its end
        try:
            run = simulate(
                context,
                model,
                frames,
                interval=options.interval,
                equilibration=equilibration,
                time_limit_s=options.time_limit,
                watch=watch,
                output=output,
                seed=options.seed,
            )
            steps = len(run.time_ps) * options.interval
            attributes = _attributes(options, model, run.equilibration_ps, steps)
            output.end(len(run.time_ps), attributes, to_be_resumed=run.interrupted)
        finally:
            output.close()
    _report(options, run)
    return 130 if run.interrupted else 0


def _attributes(
    options: argparse.Namespace, model: Model, equilibration_ps: float, steps: int
) -> dict[str, Any]:
    """steps: of production."""
    return {
        "title": "Simulation with a ScoreForce",
        "model": os.fspath(options.model),
        "start": options.start or "the model's frame",
        "copies": options.copies,
        "temperature_k": model.temperature.value_in_unit(unit.kelvin),
        "scale": options.scale,
        "diffusion_time": options.diffusion_time,
        "timestep_ps": options.timestep,
        "friction_per_ps": options.friction,
        "equilibration_ps": equilibration_ps,
        "production_ps": steps * options.timestep,
        "frame_interval_ps": options.interval * options.timestep,
        "platform": options.platform,
        "seed": options.seed,
    }


def _report(options: argparse.Namespace, run: Run) -> None:
    ns_per_day = run.steps_per_second * options.timestep * 86400 / 1000
    if run.interrupted:
        say("Interrupted")
    elif run.stopped_early:
        say(f"Stopped at the limit of {options.time_limit:g} s, short of what was asked for")
    say(
        f"Speed: {run.steps_per_second:.0f} steps/s of {options.copies} copies, "
        f"{ns_per_day:.3g} ns/day each"
    )
    frames = len(run.time_ps)
    if frames == 0:
        say("Interrupted before the first frame; --resume goes on", error=True)
        return
    say(
        f"{options.output}: {frames} frames of each copy, "
        f"{options.interval * options.timestep:g} ps apart, after {run.equilibration_ps:g} ps of "
        "equilibration" + ("; --resume goes on from there" if run.interrupted else "")
    )


def main(words: Sequence[str] | None = None) -> int:
    options = _arguments(words)
    return run_command(lambda: _command(options))


if __name__ == "__main__":
    sys.exit(main())
