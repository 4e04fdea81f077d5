"""Simulates alanine dipeptide with a trained model and compares it with the model's data.

Many molecules run side by side in one System. They start from one structure a basin of (phi, psi),
in the data's proportions, so that agreement with the data is the model's work and not the start's.
Equilibration is discarded, frames are thinned beyond the measured autocorrelation time, and the
Jensen-Shannon (JS) divergence of the (phi, psi) histograms is printed beside its noise floor: what
a perfect model would show with as many independent frames.

Crossing to phi > 0 takes far longer than such a run. The population of that side is therefore that
of the start structures; what the run tests is everything within the two sides.

Writes free_energy.png, result.json and frames.h5 (the thinned frames) to the output folder.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from openmmscore import create_system
from openmmscore.analysis import (
    autocorrelation_time,
    bootstrap_weights,
    dihedrals,
    histogram_2d,
    js_divergence,
    kish_number,
    noise_floor,
    shared_edges,
)
from openmmscore.frames import Frames, read_frames, write_frames
from openmmscore.progress import Progress

from free_energy_figure import Side, draw

HERE = Path(__file__).resolve().parent
BEADS = ["C", "N", "CA", "C", "N"]
PHI, PSI = (0, 1, 2, 3), (1, 2, 3, 4)
BINS = 64
MOST_OFFSETS = 10
SCALE_PARAMETER = "ScoreForceScale"

FRICTION_PER_PS = 1.0
TIME_STEP_PS = 0.002
STEPS_PER_FRAME = 50

# A run that falls short of one of these is called an illustration.
MEASUREMENT_FRAMES = 3000  # independent ones
MEASUREMENT_EQUILIBRATION = 5  # autocorrelation times

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


# ---- Basins and start structures ----


def is_positive(angles: Array) -> Mask:
    """0 < phi <= 120 degrees, the left-handed side. angles: (..., 2), phi and psi, radians."""
    return np.asarray((angles[..., 0] > 0) & (angles[..., 0] <= np.radians(120)))


def is_alpha(angles: Array) -> Mask:
    """-120 < psi <= 70 degrees on the other side; both limits lie at minima of the data."""
    psi = np.degrees(angles[..., 1])
    return np.asarray(~is_positive(angles) & (psi > -120) & (psi <= 70))


def is_beta(angles: Array) -> Mask:
    """All the rest: beta and polyproline II, which exchange within a few picoseconds."""
    return ~is_positive(angles) & ~is_alpha(angles)


BASINS: dict[str, Callable[[Array], Mask]] = {
    "beta": is_beta,
    "alpha": is_alpha,
    "phi > 0": is_positive,
}


def typical_frame(positions: Array, angles: Array, weights: Array) -> int:
    """The index of the most typical of weighted frames.

    It is in the fullest bin, 10 degrees wide, of (phi, psi), and its distances between beads are
    nearest to the weighted mean of the frames in that bin.
    """
    bins = np.floor(np.degrees(angles) / 10).astype(int)
    keys, members = np.unique(bins, axis=0, return_inverse=True)
    members = members.ravel()
    fullest = np.bincount(members, weights, minlength=len(keys)).argmax()
    candidates = np.flatnonzero(members == fullest)
    first, second = np.triu_indices(positions.shape[1], k=1)
    difference = positions[candidates][:, first] - positions[candidates][:, second]
    distances = np.linalg.norm(difference, axis=2)
    mean = np.average(distances, axis=0, weights=weights[candidates])
    return int(candidates[((distances - mean) ** 2).sum(axis=1).argmin()])


def apportion(shares: list[float], copies: int) -> list[int]:
    """Whole numbers in proportion to `shares`, with sum `copies`, by largest remainders."""
    exact = np.array(shares) / np.sum(shares) * copies
    counts = np.floor(exact).astype(int)
    largest = np.argsort(counts - exact, kind="stable")[: copies - counts.sum()]
    counts[largest] += 1
    return [int(count) for count in counts]


def start_structures(data: Frames, angles: Array, copies: int) -> Array:
    """(copies, beads, 3), nm, centred: one structure a basin, in the data's proportions."""
    probabilities = data.probabilities
    names, shares, structures = [], [], []
    for name, belongs in BASINS.items():
        inside = np.flatnonzero(belongs(angles))
        if len(inside) == 0:
            continue
        positions = data.positions[inside].astype(float)
        typical = typical_frame(positions, angles[inside], probabilities[inside])
        names.append(name)
        shares.append(float(probabilities[inside].sum()))
        structures.append(positions[typical] - positions[typical].mean(axis=0))
    counts = apportion(shares, copies)
    parts = [f"{count} in {name}" for count, name in zip(counts, names, strict=True)]
    print(f"Start: {', '.join(parts)} (one structure a basin, in the data's proportions)")
    return np.repeat(np.array(structures), counts, axis=0)


# ---- Simulation ----


@dataclass
class Run:
    """positions: (copies, frames, beads, 3), nm, from production only."""

    positions: NDArray[np.float32]
    equilibration_ps: float
    production_ps: float
    steps_per_second: float
    stopped_early: bool


def simulate(options: argparse.Namespace, data: Frames, angles: Array) -> Run:
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

    frame_ps = STEPS_PER_FRAME * TIME_STEP_PS
    discarded = math.ceil(options.equilibration / frame_ps)
    kept = math.ceil(options.time / frame_ps)
    positions = np.empty((kept, options.copies, len(BEADS), 3), np.float32)
    progress = Progress("Simulation", discarded + kept)
    started = time.perf_counter()
    done = 0
    for done in range(1, discarded + kept + 1):
        integrator.step(STEPS_PER_FRAME)
        if done > discarded:
            state = context.getState(positions=True)
            frame = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
            frame = frame.reshape(options.copies, len(BEADS), 3)
            positions[done - discarded - 1] = frame - frame.mean(axis=1, keepdims=True)
        elapsed = time.perf_counter() - started
        progress.update(done, f"{done * STEPS_PER_FRAME / elapsed:.0f} steps/s")
        if done > discarded + 1 and elapsed > options.time_limit:
            break
    progress.close(done)
    kept_now = done - discarded
    return Run(
        positions=positions[:kept_now].swapaxes(0, 1),
        equilibration_ps=discarded * frame_ps,
        production_ps=kept_now * frame_ps,
        steps_per_second=done * STEPS_PER_FRAME / (time.perf_counter() - started),
        stopped_early=kept_now < kept,
    )


# ---- Comparison ----


@dataclass
class Result:
    """What is printed and written to result.json. Errors are standard errors."""

    js: float  # mean over the offsets of the thinning
    js_error: float
    floor: float
    excess: float  # js - floor: about what a longer run would converge to
    floor_deviation: float
    frames: int
    effective_number: float
    data_effective_number: float
    autocorrelation_ps: float
    thinning_ps: float
    positive: float
    positive_error: float
    data_positive: float
    crossings: int
    copies: int
    equilibration_ps: float
    production_ps: float
    steps_per_second: float
    ns_per_day: float
    shortcomings: list[str]


def slowest_time(angles: Array) -> tuple[float, bool]:
    """Autocorrelation time of the slowest of sin and cos of phi and psi, in frames; is it reliable.

    angles: (copies, frames, 2). Copies on the two sides of phi are never in exchange, so their
    means are taken apart.
    """
    side = is_positive(angles[:, 0])
    times = [
        autocorrelation_time(function(angles[:, :, k]), side)
        for k in range(2)
        for function in (np.sin, np.cos)
    ]
    slowest = max(times, key=lambda each: each.tau)
    return slowest.tau, all(each.reliable for each in times)


def thinned_divergence(
    angles: Array, stride: int, reference: Array, edges: list[Array]
) -> tuple[float, float]:
    """JS divergence of every `stride`-th frame to the reference, and its standard error.

    The mean over several offsets of the thinning, each of which leaves as many frames. The error is
    that of a bootstrap over copies.
    """
    frames = angles.shape[1] // stride
    weights = bootstrap_weights(angles.shape[0])
    values, errors = [], []
    for offset in np.unique(np.linspace(0, stride - 1, MOST_OFFSETS).astype(int)):
        kept = angles[:, offset::stride][:, :frames]
        each = np.array([histogram_2d(copy, edges).ravel() for copy in kept])
        values.append(js_divergence(reference.ravel(), each.mean(axis=0)))
        draws = weights @ each
        errors.append(np.std([js_divergence(reference.ravel(), draw) for draw in draws], ddof=1))
    return float(np.mean(values)), float(np.mean(errors))


def compare(run: Run, angles: Array, data: Frames, data_angles: Array) -> Result:
    """angles: (copies, frames, 2), the run's phi and psi; data_angles: (data frames, 2)."""
    frame_ps = STEPS_PER_FRAME * TIME_STEP_PS
    tau, reliable = slowest_time(angles)
    stride = min(math.ceil(2 * tau), angles.shape[1])
    copies, frames = angles.shape[0], angles.shape[1] // stride
    # What is left of an exponential correlation of time tau, frames being `stride` apart.
    left = math.exp(-stride / tau)
    effective = copies * frames * (1 - left) / (1 + left)

    edges = shared_edges(data_angles, angles.reshape(-1, 2), BINS)
    probabilities = data.probabilities
    reference = histogram_2d(data_angles, edges, probabilities)
    data_number = kish_number(probabilities)
    floor = noise_floor(reference, effective, data_number)
    js, js_error = thinned_divergence(angles, stride, reference, edges)
    positive = is_positive(angles).mean(axis=1)

    shortcomings = []
    if not reliable:
        shortcomings.append("the run is too short to measure its autocorrelation time")
    if run.equilibration_ps < MEASUREMENT_EQUILIBRATION * tau * frame_ps:
        shortcomings.append(
            f"the equilibration is shorter than {MEASUREMENT_EQUILIBRATION} autocorrelation times"
        )
    if effective < MEASUREMENT_FRAMES:
        shortcomings.append(f"the effective number is below {MEASUREMENT_FRAMES}")
    return Result(
        js=js,
        js_error=js_error,
        floor=floor.mean,
        excess=js - floor.mean,
        floor_deviation=floor.deviation,
        frames=copies * frames,
        effective_number=effective,
        data_effective_number=data_number,
        autocorrelation_ps=tau * frame_ps,
        thinning_ps=stride * frame_ps,
        positive=float(positive.mean()),
        positive_error=float(positive.std(ddof=1) / math.sqrt(copies)) if copies > 1 else math.nan,
        data_positive=float(probabilities[is_positive(data_angles)].sum()),
        crossings=int(np.count_nonzero(np.diff(is_positive(angles), axis=1))),
        copies=copies,
        equilibration_ps=run.equilibration_ps,
        production_ps=run.production_ps,
        steps_per_second=run.steps_per_second,
        ns_per_day=run.steps_per_second * TIME_STEP_PS * 86400 / 1000,
        shortcomings=shortcomings,
    )


def report(result: Result) -> None:
    per_day = result.ns_per_day
    print(
        f"Speed: {result.steps_per_second:.0f} steps/s of {result.copies} molecules, "
        f"{per_day:.1f} ns/day each, {result.copies * per_day / 1000:.2f} us/day in all\n"
        f"Run: {result.copies} copies of {result.production_ps:.1f} ps, after "
        f"{result.equilibration_ps:.1f} ps of equilibration\n"
        f"Autocorrelation time: {result.autocorrelation_ps:.2f} ps; {result.frames} frames, "
        f"{result.thinning_ps:.1f} ps apart, count as {result.effective_number:.0f} independent\n"
        f"JS divergence to the data: {result.js:.4f} +- {result.js_error:.4f}\n"
        f"Noise floor: {result.floor:.4f} +- {result.floor_deviation:.4f} (independent draws of "
        f"{result.effective_number:.0f} and {result.data_effective_number:.0f})\n"
        f"Excess over the floor: {result.excess:.4f}\n"
        f"P(phi > 0): {result.positive:.4f} +- {result.positive_error:.4f} in the simulation, "
        f"{result.data_positive:.4f} in the data; {result.crossings} crossings"
    )
    if result.shortcomings:
        print(f"This is an illustration, not a measurement: {'; '.join(result.shortcomings)}.")
    else:
        print("Long enough for a measurement.")


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
        "--time-limit", type=float, default=math.inf, help="stop after so many seconds"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the model's energy (1)")
    parser.add_argument(
        "--bound",
        type=float,
        default=math.inf,
        help="exit with 1 if the JS divergence exceeds its noise floor by more than this",
    )
    options = parser.parse_args()
    if options.copies < 1 or options.time < 2 * STEPS_PER_FRAME * TIME_STEP_PS:
        parser.error("--copies must be positive and --time hold at least two frames")
    if not 0 <= options.equilibration < math.inf:
        parser.error("--equilibration must not be negative")
    if options.seed == 0:
        parser.error("--seed 0 lets OpenMM choose a seed by chance; choose another")
    return options


def main() -> int:
    options = arguments()
    data = read_frames(options.data)
    data_angles = dihedrals(data.positions, [PHI, PSI])
    run = simulate(options, data, data_angles)
    if run.stopped_early:
        print(f"Stopped after {run.production_ps:.1f} ps, at the limit of time")
    angles = dihedrals(run.positions, [PHI, PSI])
    result = compare(run, angles, data, data_angles)
    report(result)

    options.output.mkdir(parents=True, exist_ok=True)
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(options).items()
        if value != math.inf
    }
    document = {"settings": settings, "result": asdict(result)}
    (options.output / "result.json").write_text(json.dumps(document, indent=2) + "\n")
    stride = round(result.thinning_ps / (STEPS_PER_FRAME * TIME_STEP_PS))
    write_frames(
        options.output / "frames.h5",
        run.positions[:, ::stride].reshape(-1, len(BEADS), 3),
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
        f"JS divergence {result.js:.3f}, noise floor {result.floor:.3f}"
        + (" (illustration: a short run)" if result.shortcomings else ""),
    )
    print(f"Figure: {figure}")
    if not result.excess <= options.bound:
        print(
            f"FAILED: the JS divergence exceeds its noise floor by {result.excess:.4f}, more than "
            f"the bound {options.bound}",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
