"""Simulates independent copies of a model's molecule from one structure, and writes their frames.

    score-simulate model.xml.gz --copies 100 --time 200 --output run.h5

All copies run side by side in one System, by Langevin dynamics at the model's temperature. They
start at the same place (unless --start asks for more) with different velocities, and do not
interact. What they do during equilibration is discarded. Of the rest, a frame every --interval
steps is written: all frames of copy 0 first, then those of copy 1, and so on, with the number of
each frame's copy (see `openmmscore.sampling.copies`), as score-evaluate reads them. Positions are
relative to the molecule's centre, unless the model is not `centred`.

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
then 130. A run that --time-limit ends is finished: no checkpoint is left to go on from.

Where a copy has fallen apart, or the kinetic temperature is wrong (`openmmscore.model.reach`), the
exit status is 3, and the file stays unfinished, unless --allow-broken is given.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from openmm import unit

from .base.command import run_command
from .base.interruption import Interruption
from .base.progress import say
from .model.model import Model
from .options import add_simulation, program, watch_of
from .sampling.copies import check_output, copies_of, read_starts
from .sampling.dynamics import SimulationResult, create_context, plan, simulate
from .sampling.run_output import RunOutput, describe_array, describe_file

__all__ = ["main"]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program("simulate"),
        description="Simulates copies of a model's molecule, or of a toy model's particle, which "
        "all start in one structure, and writes their frames, all frames of copy 0 first.",
    )
    add_simulation(parser, copies=100, time_ps=200.0, equilibration_ps=50.0)
    parser.add_argument("--interval", type=int, default=50, help="time steps between frames (50)")
    parser.add_argument("--threads", type=int, help="of the CPU platform (OpenMM's choice)")
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
    return parser.parse_args(words)


def _command(options: argparse.Namespace) -> int:
    frames, equilibration = plan(
        options.time, options.equilibration, options.interval, options.timestep
    )
    if not options.time_limit > 0:  # infinite by default
        raise ValueError(f"--time-limit is {options.time_limit:g}, must be positive")
    model = Model(options.model)
    check_output(options.output, model, options.start)
    copies = copies_of(options.copies)
    start = None if options.start is None else read_starts(options.start, model, copies)
    settings = {
        name: getattr(options, name)
        for name in ("timestep", "friction", "platform", "seed", "scale", "diffusion_time")
    }
    identity = {
        "model": describe_file(options.model),
        "start": describe_array(start),
        "copies": copies,
        **{name: getattr(options, name) for name in ("time", "equilibration", "interval")},
        **settings,
    }
    output = RunOutput(
        options.output, identity, resume=options.resume, checkpoint_s=options.checkpoint
    )
    if output.finished:
        output.tell_finished(model, frames, copies)
        return 0
    context = create_context(model, copies, start=start, threads=options.threads, **settings)
    attributes = _attributes(
        options, model, equilibration * options.timestep, frames * options.interval
    )
    interval_ps = options.interval * options.timestep
    output.open(model, frames, copies, interval_ps, attributes)
    with Interruption(), closing(output):  # also where the file gets its end
        run = simulate(
            context,
            model,
            frames,
            interval=options.interval,
            equilibration=equilibration,
            time_limit_s=options.time_limit,
            watch=watch_of(options, model, options.diffusion_time),
            output=output,
            seed=options.seed,
        )
        steps = len(run.time_ps) * options.interval
        attributes = _attributes(options, model, run.equilibration_ps, steps)
        output.end(attributes, interrupted=run.interrupted)
    _report(options, run, output.is_saved)
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


def _report(options: argparse.Namespace, run: SimulationResult, goes_on: bool) -> None:
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
        then = "--resume goes on" if goes_on else "nothing is left of it"
        say(f"Interrupted before the first frame; {then}", error=True)
        return
    say(
        f"{options.output}: {frames} frames of each copy, "
        f"{options.interval * options.timestep:g} ps apart, after {run.equilibration_ps:g} ps of "
        "equilibration" + ("; --resume goes on from there" if goes_on else "")
    )


def main(words: Sequence[str] | None = None) -> int:
    options = _arguments(words)
    return run_command(lambda: _command(options))


if __name__ == "__main__":
    sys.exit(main())
