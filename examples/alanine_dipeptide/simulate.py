"""Simulates alanine dipeptide with a trained model and compares it with the model's data.

Many molecules run side by side in one System. They start from one structure a basin of (phi, psi),
in the data's proportions, so that agreement with the data is the model's work and not the start's.
Equilibration is discarded, and the Jensen-Shannon (JS) divergence of the (phi, psi) histograms is
printed beside its noise floor, for frames that are further apart than the measured autocorrelation
time and for all frames (comparison.py says how).

The exchange with phi > 0, over a high barrier, is not sampled by such a run: the population of that
side is that of the start structures, or of what left them. The run tests the rest.

The command fails where the divergence of all frames exceeds its floor by more than --bound, beyond
two standard errors.

Writes free_energy.png, result.json and frames.h5 (the thinned frames) to the output folder.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from openmmscore import Model, create_system
from openmmscore.analysis import dihedrals
from openmmscore.frames import Frames, read_frames, write_frames
from openmmscore.simulate import Run, simulate

from basins import BEADS, PHI, PSI, start_structures
from comparison import Comparison, compare
from free_energy_figure import Side, draw

HERE = Path(__file__).resolve().parent
SCALE_PARAMETER = "ScoreForceScale"

FRICTION_PER_PS = 1.0
TIME_STEP_PS = 0.002
STEPS_PER_FRAME = 50
FRAME_PS = STEPS_PER_FRAME * TIME_STEP_PS
LEAST_FRAMES = 2

Array = NDArray[np.float64]


def prepare(options: argparse.Namespace, data: Frames, angles: Array) -> openmm.Context:
    """A Context with all copies at their start structures. angles: (frames, 2), the data's."""
    system, topology, grid = create_system(options.model, copies=options.copies)
    names = [atom.name for atom in topology.atoms()]
    if names != BEADS * options.copies:
        raise SystemExit(f"the model's beads are {names[: len(names) // options.copies]}")
    places = np.asarray(grid.value_in_unit(unit.nanometer)).reshape(options.copies, -1, 3)
    start = start_structures(data, angles, options.copies) + places.mean(axis=1, keepdims=True)

    temperature = float(data.attributes["temperature_k"])
    integrator = openmm.LangevinMiddleIntegrator(temperature, FRICTION_PER_PS, TIME_STEP_PS)
    integrator.setRandomNumberSeed(options.seed)
    platform = openmm.Platform.getPlatformByName(options.platform)
    context = openmm.Context(system, integrator, platform)
    context.setParameter(SCALE_PARAMETER, options.scale)
    context.setPositions(start.reshape(-1, 3))
    context.setVelocitiesToTemperature(temperature, options.seed)
    return context


def run_copies(options: argparse.Namespace, context: openmm.Context) -> Run:
    """Equilibration, then production, until both are done or the limit on time is reached."""
    return simulate(
        context,
        Model(options.model),
        math.ceil(options.time / FRAME_PS),
        interval=STEPS_PER_FRAME,
        equilibration=STEPS_PER_FRAME * math.ceil(options.equilibration / FRAME_PS),
        time_limit_s=options.time_limit,
    )


def ns_per_day(run: Run) -> float:
    """Of each molecule."""
    return run.steps_per_second * TIME_STEP_PS * 86400 / 1000


def report(run: Run, comparison: Comparison) -> None:
    copies = run.positions.shape[1]
    each = ns_per_day(run)
    print(
        f"Speed: {run.steps_per_second:.0f} steps/s of {copies} molecules, "
        f"{each:.1f} ns/day each, {copies * each / 1000:.2f} us/day in all\n"
        f"Run: {copies} copies of {run.production_ps:.1f} ps, after {run.equilibration_ps:.1f} ps "
        f"of equilibration\n"
        f"{comparison.describe()}"
    )


def save(path: Path, options: argparse.Namespace, run: Run, comparison: Comparison) -> None:
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if value != math.inf
    }
    document = {
        "settings": settings,
        "copies": run.positions.shape[1],
        "equilibration_ps": run.equilibration_ps,
        "production_ps": run.production_ps,
        "steps_per_second": run.steps_per_second,
        "ns_per_day": ns_per_day(run),
        "excess": comparison.all_frames.excess,
        **asdict(comparison),
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="model file, .xml or .xml.gz")
    parser.add_argument(
        "--data", type=Path, default=HERE / "alanine_dipeptide.h5", help="frames to compare with"
    )
    parser.add_argument("--output", type=Path, default=Path("simulation"), help="folder to write")
    parser.add_argument("--platform", default="CPU", help="OpenMM platform (CPU)")
    parser.add_argument("--copies", type=int, default=100, help="molecules side by side (100)")
    parser.add_argument("--time", type=float, default=200.0, help="production, ps (200)")
    parser.add_argument("--equilibration", type=float, default=50.0, help="discarded, ps (50)")
    parser.add_argument(
        "--time-limit", type=float, default=math.inf, help="stop simulating after so many seconds"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the model's energy (1)")
    parser.add_argument(
        "--bound",
        type=float,
        default=0.04,
        help="exit with 1 if the excess of the JS divergence over its floor, all frames, is larger "
        "by more than two standard errors (0.04)",
    )
    options = parser.parse_args()
    least = LEAST_FRAMES * FRAME_PS
    if options.copies < 2 or not least <= options.time < math.inf or not options.time_limit > 0:
        parser.error(f"needs at least 2 copies, {least:g} ps and a positive limit")
    if not 0 <= options.equilibration < math.inf:
        parser.error("--equilibration must not be negative")
    if options.seed == 0:
        parser.error("--seed 0 lets OpenMM choose a seed by chance; choose another")
    return options


def main() -> int:
    options = arguments()
    data = read_frames(options.data)
    data_angles = dihedrals(data.positions, [PHI, PSI])
    run = run_copies(options, prepare(options, data, data_angles))
    if len(run.positions) < LEAST_FRAMES:
        print(f"Interrupted before {LEAST_FRAMES} frames", file=sys.stderr)
        return 130
    if run.stopped_early:
        limit = f"at the limit of {options.time_limit:g} s"
        print(f"Stopped {'by Ctrl-C' if run.interrupted else limit}, short of what was asked for")
    positions = run.positions.swapaxes(0, 1)
    angles = dihedrals(positions, [PHI, PSI])
    result = compare(angles, FRAME_PS, run.equilibration_ps, data_angles, data.probabilities)
    report(run, result)

    options.output.mkdir(parents=True, exist_ok=True)
    save(options.output / "result.json", options, run, result)
    stride = round(result.thinning_ps / FRAME_PS)
    write_frames(
        options.output / "frames.h5",
        positions[:, ::stride].reshape(-1, len(BEADS), 3),
        data.topology,
        attributes={"title": "Alanine dipeptide, simulated with a model", "seed": options.seed},
    )
    figure = options.output / "free_energy.png"
    draw(
        figure,
        Side("Data", data_angles, data.probabilities),
        Side("Simulation", angles.reshape(-1, 2), None),
        angles,
        float(data.attributes["temperature_k"]),
        f"JS divergence {result.all_frames.js:.3f}, noise floor {result.all_frames.floor:.3f}"
        + (" (illustration: a short run)" if result.shortcomings else ""),
    )
    print(f"Figure: {figure}")
    certain = result.all_frames.excess - 2 * result.all_frames.js_error
    if not certain <= options.bound:
        print(
            f"FAILED: the excess over the floor is above the bound of {options.bound}, "
            "by more than two standard errors"
        )
        return 1
    print(
        f"Passed: the excess over the floor is within the bound of {options.bound}, "
        "or not above it by two standard errors"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
