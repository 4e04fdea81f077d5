"""Simulates a model under the frozen bias along phi that its data were made with.

Without a bias the molecule crosses to phi > 0 once in nanoseconds, and so few visits do not tell
how much that basin weighs. A ScoreForce stands in a System beside any other force of OpenMM: here a
PeriodicTorsionForce, which takes three quarters of the barriers away. All copies start in the
model's own frame and do not interact. The log-weight of a frame is U(phi) / kT, up to a constant;
`openmmscore.evaluate` takes it into account.

    python biased.py model.xml.gz --output biased.h5
    python -m openmmscore.evaluate --data reference.h5 --simulation biased.h5 --output biased \\
        --coordinates dihedrals:0-1-2-3,1-2-3-4 \\
        --state "phi>0:phi:0:120" --state "alpha:psi:-120:70"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from openmmscore import Model
from openmmscore.analysis import BOLTZMANN_KJ, dihedrals
from openmmscore.copies import check_output
from openmmscore.frames import write_frames
from openmmscore.simulate import Run, simulate
from openmmscore.system import create_system

from generate import FRICTION_PER_PS, HERE, PHI, Bias

TIME_STEP_PS = 0.002


def read_bias(path: Path) -> Bias:
    with h5py.File(path) as file:
        if "bias_cos_kj_mol" not in file.attrs:
            raise ValueError(f"{path} names no bias: it is not from generate.py")
        return Bias(*(file.attrs[f"bias_{part}_kj_mol"].tolist() for part in ("cos", "sin")))


def context_with(
    bias: Bias, model: Model, copies: int, seed: int
) -> tuple[openmm.Context, mdtraj.Topology]:
    """Copies of the model's molecule, each under the bias; and the topology of one."""
    system, _, positions = create_system(model, copies, spacing=0.0)
    for copy in range(copies):
        system.addForce(bias.force([copy * len(model.beads) + bead for bead in PHI]))
    integrator = openmm.LangevinMiddleIntegrator(
        model.temperature, FRICTION_PER_PS / unit.picosecond, TIME_STEP_PS * unit.picosecond
    )
    integrator.setRandomNumberSeed(seed)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"))
    context.setPositions(positions)
    context.setVelocitiesToTemperature(model.temperature, seed)
    return context, mdtraj.Topology.from_openmm(create_system(model)[1])


def log_weights(bias: Bias, model: Model, positions: NDArray[np.float32]) -> NDArray[np.float64]:
    """U(phi) / kT up to a constant. positions: (frames, beads, 3)."""
    angles = dihedrals(positions, [PHI]) * np.arange(1, len(bias.cosines) + 1)
    energies = np.cos(angles) @ bias.cosines + np.sin(angles) @ bias.sines
    kt = BOLTZMANN_KJ * model.temperature.value_in_unit(unit.kelvin)
    return np.asarray(energies / kt, np.float64)


def write(
    path: Path,
    topology: mdtraj.Topology,
    bias: Bias,
    model: Model,
    run: Run,
    interval_ps: float,
) -> None:
    frames, copies = run.positions.shape[:2]
    positions = run.positions.swapaxes(0, 1).reshape(frames * copies, *run.positions.shape[2:])
    write_frames(
        path,
        positions,
        topology,
        log_weights=log_weights(bias, model, positions),
        time_ps=np.tile(run.time_ps, copies),
        copy=np.repeat(np.arange(copies), frames),
        attributes={
            "title": "Simulation with a ScoreForce under a bias along phi",
            "temperature_k": model.temperature.value_in_unit(unit.kelvin),
            "equilibration_ps": run.equilibration_ps,
            "frame_interval_ps": interval_ps,
            "start": "the model's frame",
        },
    )


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
    parser.add_argument("--copies", type=int, default=64, help="(64)")
    parser.add_argument("--equilibration", type=float, default=100.0, help="discarded, ps (100)")
    parser.add_argument("--time", type=float, default=400.0, help="production, ps (400)")
    parser.add_argument("--interval", type=int, default=240, help="steps between frames (240)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _simulate(options: argparse.Namespace) -> None:
    bias, model = read_bias(options.data), Model(options.model)
    check_output(options.output, model)
    frames = round(options.time / TIME_STEP_PS) // options.interval
    if frames < 1:
        raise ValueError(f"--time {options.time:g} ps is shorter than {options.interval} steps")
    context, topology = context_with(bias, model, options.copies, options.seed)
    run = simulate(
        context,
        model,
        frames,
        interval=options.interval,
        equilibration=round(options.equilibration / TIME_STEP_PS),
    )
    if not len(run.positions):
        sys.exit("Interrupted before the first frame")
    interval_ps = options.interval * TIME_STEP_PS
    write(options.output, topology, bias, model, run, interval_ps)
    print(f"{options.output}: {len(run.positions)} frames of each of {options.copies} copies")


def main() -> None:
    options = arguments()
    try:
        _simulate(options)
    except (OSError, ValueError, openmm.OpenMMException) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
