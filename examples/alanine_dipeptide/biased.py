"""Simulates a model under the frozen bias along phi that its data were made with.

Without a bias the molecule crosses to phi > 0 once in tens of nanoseconds, and so few visits do not
tell how much that basin weighs. A ScoreForce stands in a System beside any other force of OpenMM:
here a PeriodicTorsionForce, which takes three quarters of the barriers away. All copies start in
the model's own frame and do not interact. The log-weight of a frame is U(phi) / kT, up to a
constant; `openmmscore.evaluate` takes it into account.

    python biased.py model.xml.gz --output biased.h5
    python -m openmmscore.evaluate --data reference.h5 --simulation biased.h5 --output biased \\
        --coordinates dihedrals:0-1-2-3,1-2-3-4 \\
        --state "phi>0:phi:0:120" --state "alpha:psi:-120:70"
"""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from openmmscore import Model
from openmmscore.base.command import run_command
from openmmscore.base.files import naming
from openmmscore.base.interruption import Interruption
from openmmscore.base.progress import say
from openmmscore.evaluation.analysis import BOLTZMANN_KJ, dihedrals
from openmmscore.options import add_resuming
from openmmscore.sampling.copies import check_output
from openmmscore.sampling.dynamics import create_context, plan, simulate
from openmmscore.sampling.run_output import RunOutput, describe_array, describe_file

from generate import FRICTION_PER_PS, HERE, PHI, Bias

TIME_STEP_PS = 0.002


def read_bias(path: Path, scale: float) -> Bias:
    """What the attributes of the data say, times `scale`."""
    names = ("bias_cos_kj_mol", "bias_sin_kj_mol")
    with naming(path), h5py.File(path) as file:
        if not set(names) <= set(file.attrs):
            raise ValueError("names no bias: it is not from generate.py")
        return Bias(*((scale * file.attrs[name]).tolist() for name in names))


def biased_context(
    bias: Bias, model: Model, copies: int, seed: int, diffusion_time: float
) -> openmm.Context:
    """Copies of the model's molecule, each under the bias."""
    beads = len(model.beads)
    force = bias.force([[m * beads + bead for bead in PHI] for m in range(copies)])
    return create_context(
        model,
        copies,
        timestep=TIME_STEP_PS,
        friction=FRICTION_PER_PS,
        seed=seed,
        diffusion_time=diffusion_time,
        forces=[force],
    )


def log_weights(bias: Bias, model: Model, positions: NDArray[np.float32]) -> NDArray[np.float64]:
    """U(phi) / kT up to a constant. positions: (..., beads, 3)."""
    frames = positions.reshape(-1, *positions.shape[-2:])
    angles = dihedrals(frames, [PHI]) * np.arange(1, len(bias.cosines) + 1)
    energies = np.cos(angles) @ bias.cosines + np.sin(angles) @ bias.sines
    kt = BOLTZMANN_KJ * model.temperature.value_in_unit(unit.kelvin)
    return np.asarray(energies / kt, np.float64).reshape(positions.shape[:-2])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="weighted frames, .h5")
    parser.add_argument(
        "--data",
        type=Path,
        default=HERE / "alanine_dipeptide.h5",
        help="the frames whose bias is used (those that the model was trained on)",
    )
    parser.add_argument("--bias-scale", type=float, default=1.0, help="factor of the bias (1)")
    parser.add_argument("--diffusion-time", type=float, default=1e-5, help="of the energy (1e-5)")
    parser.add_argument("--copies", type=int, default=64, help="(64)")
    parser.add_argument("--equilibration", type=float, default=100.0, help="discarded, ps (100)")
    parser.add_argument("--time", type=float, default=400.0, help="production, ps (400)")
    parser.add_argument("--interval", type=int, default=240, help="steps between frames (240)")
    parser.add_argument("--seed", type=int, default=1)
    add_resuming(parser)
    return parser.parse_args()


def attributes_of(
    options: argparse.Namespace, bias: Bias, model: Model, equilibration_ps: float
) -> dict[str, Any]:
    return {
        "title": "Simulation with a ScoreForce under a bias along phi",
        "model": str(options.model),
        "diffusion_time": options.diffusion_time,
        "start": "the model's frame",
        "bias_cos_kj_mol": np.array(bias.cosines),
        "bias_sin_kj_mol": np.array(bias.sines),
        "temperature_k": model.temperature.value_in_unit(unit.kelvin),
        "timestep_ps": TIME_STEP_PS,
        "friction_per_ps": FRICTION_PER_PS,
        "equilibration_ps": equilibration_ps,
        "frame_interval_ps": options.interval * TIME_STEP_PS,
        "seed": options.seed,
    }


def output_of(options: argparse.Namespace, bias: Bias) -> RunOutput:
    names = ("copies", "diffusion_time", "equilibration", "time", "interval", "seed")
    identity = {
        "model": describe_file(options.model),
        "bias": describe_array(np.array([bias.cosines, bias.sines])),
        **{name: getattr(options, name) for name in names},
    }
    return RunOutput(
        options.output, identity, resume=options.resume, checkpoint_s=options.checkpoint
    )


def biased_run(options: argparse.Namespace) -> int:
    if options.output.suffix != ".h5":
        raise ValueError(f"{options.output}: must end in .h5")
    if not 0 <= options.bias_scale < math.inf:
        raise ValueError(
            f"--bias-scale is {options.bias_scale:g}, must not be negative or infinite"
        )
    frames, equilibration = plan(
        options.time, options.equilibration, options.interval, TIME_STEP_PS
    )
    bias, model = read_bias(options.data, options.bias_scale), Model(options.model)
    check_output(options.output, model)
    output = output_of(options, bias)
    if output.finished:
        output.tell_finished(model, frames, options.copies)
        return 0
    context = biased_context(bias, model, options.copies, options.seed, options.diffusion_time)
    attributes = attributes_of(options, bias, model, equilibration * TIME_STEP_PS)
    interval_ps = options.interval * TIME_STEP_PS
    weights = partial(log_weights, bias, model)
    output.open(model, frames, options.copies, interval_ps, attributes, weights)
    with Interruption(), closing(output):
        run = simulate(
            context,
            model,
            frames,
            interval=options.interval,
            equilibration=equilibration,
            output=output,
            seed=options.seed,
        )
        output.end({}, interrupted=run.interrupted)
    say(
        f"{options.output}: {len(run.time_ps)} frames of each of {options.copies} copies"
        + (", interrupted" if run.interrupted else "")
        + ("; --resume goes on from there" if output.is_saved else "")
    )
    return 130 if run.interrupted else 0


def main() -> None:
    options = arguments()
    sys.exit(run_command(lambda: biased_run(options)))


if __name__ == "__main__":
    main()
