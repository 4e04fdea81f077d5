"""Simulates a model with replica exchange (`openmmscore.sampling.replicas`).

    score-exchange model.xml.gz --copies 20 --time 100 --output run.h5

The command writes its frames as they are made, and goes on with --resume after whatever has ended
it, as `openmmscore.simulate` does. It ends with status 3 where a copy has fallen apart in any of
its states, or the kinetic temperature is wrong, and its file stays unfinished, unless
--allow-broken is given (`openmmscore.model.reach`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base.command import run_command
from .base.interruption import Interruption
from .base.progress import say
from .base.values import as_count
from .model.model import Model
from .options import add_simulation, program, watch_of
from .sampling.checkpoint import Member
from .sampling.copies import check_output, copies_of, read_starts
from .sampling.ladders import (
    check_acceptance,
    energy_range,
    geometric_times,
)
from .sampling.pilot import ACCEPTANCE, choose_ladder
from .sampling.replicas import ReplicaExchange, frames_of
from .sampling.run_output import RunOutput, describe_array, describe_file
from .sampling.swaps import ExchangeResult

__all__ = ["main"]

PARAMETERS = {"time": "ScoreForceDiffusionTime", "scale": "ScoreForceScale"}

_PILOT_STATES = 12
_PILOT_VARIANCE = 7e-4  # of the narrowest data, in the model's units; it only spaces the pilot
_LEAST_SCALE = 0.4  # at much lower scales a molecule falls apart


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program("replica_exchange"),
        description="Simulates a model with replica exchange and writes the frames of the target "
        "state, all frames of copy 0 first.",
    )
    add_simulation(parser, copies=20, time_ps=100.0, equilibration_ps=20.0)
    parser.add_argument(
        "--parameter",
        choices=PARAMETERS,
        default="time",
        help="what differs between the states: diffusion time, or the factor of the energy (time)",
    )
    parser.add_argument(
        "--ladder",
        default="auto",
        help="values of the parameter, separated by commas, the target's first; or auto, from a "
        "short pilot run (auto)",
    )
    parser.add_argument(
        "--end",
        type=float,
        help="last value of an automatic ladder (where the model's energy ends; of the scale: .4)",
    )
    parser.add_argument("--states", type=int, help="number of states of an automatic ladder")
    parser.add_argument(
        "--acceptance",
        type=float,
        help="of swaps, from which an automatic ladder has its number of states (.3)",
    )
    parser.add_argument("--steps", type=int, default=50, help="time steps between swaps (50)")
    parser.add_argument(
        "--interval",
        type=int,
        help="time steps between frames, rounded up to a multiple of --steps (as many)",
    )
    return parser.parse_args(words)


def _given_ladder(options: argparse.Namespace) -> list[float]:
    for name in ("end", "states", "acceptance"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} is for an automatic ladder, and --ladder gives one")
    try:
        values = [float(word) for word in options.ladder.split(",")]
    except ValueError:
        raise ValueError(f"--ladder is {options.ladder!r}, must be auto or numbers") from None
    if options.parameter == "scale" and not min(values) > 0:
        raise ValueError(f"--ladder is {options.ladder!r}: an energy scale must be positive")
    return values


def _ladder(options: argparse.Namespace, model: Model, settings: dict[str, Any]) -> list[float]:
    """The values of the parameter, those asked for or chosen by a pilot run."""
    if options.ladder != "auto":
        return _given_ladder(options)
    acceptance = ACCEPTANCE if options.acceptance is None else options.acceptance
    check_acceptance("--acceptance", acceptance)
    if options.states is not None and options.states < 2:
        raise ValueError(f"--states is {options.states}, must be at least 2")
    if options.parameter == "scale":
        end = _LEAST_SCALE if options.end is None else options.end
        if not 0 < end < 1:
            raise ValueError(f"--end is {end:g}, must be between 0 and 1")
        pilot = np.geomspace(1, end, _PILOT_STATES).tolist()
    else:
        end = energy_range(model)[1] if options.end is None else options.end
        pilot = geometric_times(model, _PILOT_STATES, end, variance=_PILOT_VARIANCE)
    return choose_ladder(
        model,
        PARAMETERS[options.parameter],
        pilot,
        acceptance=acceptance,
        count=options.states,
        watch=watch_of(options, model),
        **settings,
    )


def _saved_ladder(options: argparse.Namespace, output: RunOutput) -> list[float]:
    """The values of the run that goes on."""
    given = None if options.ladder == "auto" else _given_ladder(options)
    count = options.states if given is None else len(given)
    values: list[float] = output.members({"ladder": Member("f8", (count,))})["ladder"].tolist()
    steps = np.diff(values)
    if given not in (None, values) or not len(steps) or not (steps * steps[0] > 0).all():
        raise ValueError(f"{output.checkpoint}: ladder is {values}, must be that of this run")
    return values


def _simulate(options: argparse.Namespace) -> int:
    model = Model(options.model)
    check_output(options.output, model, options.start)
    settings = {
        name: getattr(options, name)
        for name in ("timestep", "friction", "steps", "platform", "seed")
    }
    copies = copies_of(options.copies)
    interval = 0 if options.interval is None else as_count("interval", options.interval)
    start = None if options.start is None else read_starts(options.start, model, copies)
    identity = _identity(options, start)
    output = RunOutput(
        options.output, identity, resume=options.resume, checkpoint_s=options.checkpoint
    )
    if output.finished:
        sweep_ps = options.steps * options.timestep
        frames, _ = frames_of(options.time, interval * options.timestep, sweep_ps)
        output.tell_finished(model, frames, copies)
        return 0
    name = PARAMETERS[options.parameter]
    if output.saved is None:
        values = _ladder(options, model, settings)
    else:
        values = _saved_ladder(options, output)
    say(f"{name}: {', '.join(f'{value:.4g}' for value in values)}")

    states = [{name: value} for value in values]
    exchange = ReplicaExchange.from_model(model, states, options.copies, **settings)
    if start is not None:
        exchange.set_positions(start)
    frames, every = exchange.frames(options.time, interval * options.timestep)
    interval_ps = every * options.steps * options.timestep
    attributes = {
        "temperature_k": exchange.temperature_k,
        "seed": options.seed,
        "ladder": values,
        "equilibration_ps": options.equilibration,
        "frame_interval_ps": interval_ps,
    }
    output.always = {"ladder": np.array(values)}
    output.open(model, frames, copies, interval_ps, attributes)
    with Interruption(), closing(output):  # also where the file gets its end
        run = exchange.run(
            options.time,
            options.equilibration,
            interval * options.timestep,
            watch=watch_of(options, model),
            output=output,
        )
        output.end({}, interrupted=run.interrupted)
    _report(options, run, output.is_saved)
    return 130 if run.interrupted else 0


def _identity(options: argparse.Namespace, start: NDArray[Any] | None) -> dict[str, Any]:
    """What makes two runs the same one."""
    elsewhere = {"allow_broken", "checkpoint", "model", "output", "resume", "start"}
    settings = {name: value for name, value in vars(options).items() if name not in elsewhere}
    return {"model": describe_file(options.model), "start": describe_array(start), **settings}


def _report(options: argparse.Namespace, run: ExchangeResult, goes_on: bool) -> None:
    frames = len(run.time_ps)
    if frames == 0:
        then = "--resume goes on" if goes_on else "nothing is left of it"
        say(f"Interrupted before the first frame; {then}", error=True)
        return
    say(
        f"Acceptance: {', '.join(f'{share:.2f}' for share in run.acceptance)}\n"
        f"Round trips: {run.round_trips.sum()} of all {options.copies} copies, in "
        f"{run.time_ps[-1]:g} ps; the least of a copy {run.round_trips.min()}\n"
        f"{options.output}: {frames} frames of each copy"
        + (", interrupted" if run.interrupted else "")
        + ("; --resume goes on from there" if goes_on else "")
    )


def main(words: Sequence[str] | None = None) -> int:
    options = _arguments(words)
    return run_command(lambda: _simulate(options))


if __name__ == "__main__":
    sys.exit(main())
