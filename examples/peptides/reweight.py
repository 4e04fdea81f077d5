"""Frames of replica-exchange runs as one weighted ensemble at a temperature of one's choice.

    python reweight.py --run native-001.h5 native-002.h5 --run extended-001.h5 \\
        --temperature 340 --output frames.h5 --native cln025.pdb

Each --run names the parts of one run, in order. Every frame of every temperature gets its weight in
the ensemble of the target temperature by MBAR, written as log_weights in the layout that
score-train and openmmscore.evaluate read; copies of different runs have different numbers.

All frames count for the weights. Errors are those of independent frames times the square root of
the statistical inefficiency: twice the autocorrelation time along copies, of being folded where a
native structure is named, else of the energy relative to the mean of its temperature; the largest
of all runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openmmscore.evaluation.analysis import autocorrelation_time, kish_number
from openmmscore.io import write_frames

from exchange import ExchangeRun, join, read_part, solve
from folding import FOLDED_NM, read_native
from mbar import Mbar, reduced_energies
from melting import weighted

__all__ = ["main", "most_weight", "write_weighted"]

Array = NDArray[np.float64]

WINDOWS = 10


def energy_inefficiency(runs: Sequence[ExchangeRun]) -> tuple[float, bool]:
    """The largest of all runs, and whether each is well known."""
    times = []
    for run in runs:
        counts = np.bincount(run.states.ravel())
        sums = np.bincount(run.states.ravel(), run.energies.ravel())
        means = sums / np.maximum(counts, 1)
        times.append(autocorrelation_time((run.energies - means[run.states]).T))
    return max(1.0, *(each.inefficiency for each in times)), all(each.reliable for each in times)


def most_weight(log_weights: Array, left_out: float) -> NDArray[np.bool_]:
    """(frames,), the fewest frames that have all but this share of the weight."""
    if left_out == 0:
        return np.ones(len(log_weights), bool)
    order = np.argsort(log_weights, kind="stable")
    weights = np.exp(log_weights[order] - log_weights.max())
    below = np.cumsum(weights) / weights.sum()
    kept = np.zeros(len(log_weights), bool)
    kept[order] = below > left_out
    return kept


def write_weighted(
    path: Path,
    runs: Sequence[ExchangeRun],
    log_weights: Array,
    temperature_k: float,
    left_out: float = 0.0,
) -> int:
    """Writes the frames, all of one copy after all of another, and returns how many they are.

    log_weights: (frames of all runs,), run after run, frame after frame.
    """
    kept = most_weight(log_weights, left_out)
    positions, weights, times, copies, first, copy = [], [], [], [], 0, 0
    for run in runs:
        shape = (run.frames, run.copies)
        own = slice(first, first + run.frames * run.copies)
        first = own.stop
        chosen = kept[own].reshape(shape).T
        positions.append(run.positions.swapaxes(0, 1)[chosen])
        weights.append(log_weights[own].reshape(shape).T[chosen])
        times.append(np.broadcast_to(1000 * run.time_ns, shape[::-1])[chosen])
        copies.append(np.broadcast_to(copy + np.arange(run.copies)[:, None], shape[::-1])[chosen])
        copy += run.copies
    write_frames(
        path,
        np.concatenate(positions),
        runs[0].topology,
        log_weights=np.concatenate(weights),
        time_ps=np.concatenate(times),
        copy=np.concatenate(copies),
        attributes={
            "temperature_k": temperature_k,
            "ladder_k": np.array(runs[0].ladder_k),
            "weights": "MBAR over replica exchange",
            "weight_left_out": left_out,
        },
    )
    return int(np.count_nonzero(kept))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--run", type=Path, nargs="+", action="append", required=True, metavar="PART.h5"
    )
    parser.add_argument("--temperature", type=float, required=True, help="target, K")
    parser.add_argument("--output", type=Path, help="frames with log_weights; none without it")
    parser.add_argument(
        "--discard", type=float, default=0.0, metavar="NS", help="from the start of each run (0)"
    )
    parser.add_argument(
        "--leave-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the weight, in the frames that have least of it (0: every frame is written)",
    )
    parser.add_argument("--native", type=Path, help="PDB file of the native structure")
    options = parser.parse_args()
    if not 0 < options.temperature < float("inf"):
        parser.error(f"--temperature is {options.temperature:g}, must be positive")
    if not 0 <= options.leave_out < 1:
        parser.error(f"--leave-out is {options.leave_out:g}, must be a share below 1")
    if not 0 <= options.discard < float("inf"):
        parser.error(f"--discard is {options.discard:g}, must not be negative")
    if options.output is not None and options.output.suffix != ".h5":
        parser.error(f"--output is {options.output}, must end in .h5")
    return options


def main() -> None:
    options = arguments()
    try:
        _reweight(options)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def _reweight(options: argparse.Namespace) -> None:
    runs = [
        join([read_part(path) for path in paths], paths[0].stem).after(options.discard)
        for paths in options.run
    ]
    ladder = runs[0].ladder_k
    if not ladder[0] <= options.temperature <= ladder[-1]:
        raise ValueError(
            f"--temperature {options.temperature:g} K is outside of the ladder, {ladder[0]:g} to "
            f"{ladder[-1]:g} K"
        )
    number, reliable = energy_inefficiency(runs)
    if options.native is not None:
        native = read_native(options.native)
        analysis = weighted(runs, [native.folded(run.positions) for run in runs])
        number, reliable, mbar = analysis.inefficiency, analysis.reliable, analysis.mbar
        share, error = analysis.share(options.temperature)
        print(
            f"Folded (CA RMSD below {FOLDED_NM:g} nm) at {options.temperature:g} K: "
            f"{share:.3f} ± {error:.3f}"
        )
        series = analysis.by_time(options.temperature, WINDOWS)
        for run, (ends, shares) in zip(runs, series, strict=True):
            text = ", ".join(f"{e:.3g} ns {s:.2f}" for e, s in zip(ends, shares, strict=True))
            rmsd, contacts = native.rmsd(run.positions), native.fraction_of_contacts(run.positions)
            print(f"  {run.name}: {text}; mean Q {contacts.mean():.2f}, RMSD {rmsd.mean():.2f} nm")
    else:
        mbar = solve(runs, number)
    _print_free_energies(mbar, ladder, number, reliable)
    energies = np.concatenate([run.energies.ravel() for run in runs])
    weights = mbar.log_weights(reduced_energies(energies, options.temperature))
    kish = kish_number(np.exp(weights))
    print(
        f"Effective (Kish) number at {options.temperature:g} K: {kish:.0f} of {len(weights)} "
        f"frames; divided by the inefficiency {kish / number:.0f}"
    )
    if options.output is not None:
        count = write_weighted(
            options.output, runs, weights, options.temperature, options.leave_out
        )
        print(f"{options.output}: {count} frames")


def _print_free_energies(
    mbar: Mbar, ladder: Sequence[float], inefficiency: float, reliable: bool
) -> None:
    print(
        f"Statistical inefficiency {inefficiency:.1f} frames of a copy"
        + ("" if reliable else ", at least: the runs are too short to measure it")
    )
    print("T (K) and reduced free energy -ln Z relative to the lowest:")
    for temperature, value, error in zip(ladder, mbar.free_energies, mbar.errors, strict=True):
        print(f"  {temperature:7g}  {value:12.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
