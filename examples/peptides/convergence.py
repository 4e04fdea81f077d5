"""How far the dipeptide runs are converged.

    python convergence.py                  writes dipeptides.csv, prints tables in Markdown

and dipeptides.npz, the references of the test runs: how many frames are in each of 64 x 64 bins of
phi2 and psi1 from -180 to 180 degrees, an array a sequence. Rows and arrays of runs that are not
there, made elsewhere or removed since, stay as they are.

Of every finished run in data/dipeptides/{train,test,biased}: how long phi2, psi1 and omega remember
(tau, the integrated autocorrelation time of their sine or cosine, whichever is longer); the shares
of the two slow states with errors from the scatter of copies, how often the first is entered, and
how many independent frames would know a share as well; how many independent frames the phi2/psi1
histogram is worth (openmmscore.evaluation.analysis.effective_number); the Jensen-Shannon divergence
of half the copies from the other half, mean of random halves, beside what as many independent
frames would show; the floor of 49,000 independent frames against as many; bonds; and whether
anything became D or cis. Histograms have 64 bins along each angle, over the range of the run. Runs
under the bias count with their weights, and their tau is that of the biased dynamics.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from openmmscore.base.files import naming, replace_file
from openmmscore.base.progress import Progress
from openmmscore.evaluation.analysis import (
    AutocorrelationTime,
    autocorrelation_time,
    bin_effective_numbers,
    bin_numbers,
    dihedrals,
    noise_floor,
    smoothed,
)
from openmmscore.evaluation.comparison import State, population
from openmmscore.evaluation.ensembles import Ensemble, read_ensemble
from openmmscore.evaluation.metrics import js_divergence, shared_edges
from openmmscore.io import Frames, read_frames

import program
from backbone import OMEGA, PHI2, PSI1, quadruple
from convergence_tables import print_tables

__all__ = ["Convergence", "bonds", "convergence_of", "half_divergence", "signed_volumes"]

Array = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
DATA = program.ROOT / "data"
SETS = ("train", "test", "biased")

BINS = 64
REFERENCE_FRAMES = 49_000
SPLITS = 20
REPEATS = 50  # of a noise floor

ANGLES = ("phi2", "psi1", "omega")
LEFT_HANDED = State("phi2 in 0..120", 0, 0.0, np.radians(120))
ALPHA = State("psi1 in -120..60", 1, np.radians(-120), np.radians(60))


@dataclass(frozen=True)
class Convergence:
    """What the table says of a run. Times in ps, lengths in pm, volumes in nm^3.

    A tau that is not reliable is a lower bound. left: frames with phi2 in 0..120 degrees; alpha:
    with psi1 in -120..60. d_frames, cis_frames: with a D residue, with a cis peptide bond.
    """

    set: str
    sequence: str
    frames: int
    copies: int
    total_ns: float
    kish: float
    tau_phi2: float
    tau_phi2_error: float
    tau_phi2_reliable: bool
    tau_psi1: float
    tau_psi1_error: float
    tau_psi1_reliable: bool
    tau_omega: float
    tau_omega_error: float
    tau_omega_reliable: bool
    left: float
    left_error: float
    left_entries: int
    left_number: float
    alpha: float
    alpha_error: float
    alpha_entries: int
    alpha_number: float
    effective_number: float
    js_halves: float
    js_halves_deviation: float
    js_halves_floor: float
    floor_49000: float
    d_frames: int
    smallest_volume: float
    cis_frames: int
    bond_means: dict[str, float]
    bond_deviations: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Of the CSV file."""
        values = asdict(self)
        means, deviations = values.pop("bond_means"), values.pop("bond_deviations")
        for name, mean in means.items():
            values |= {f"{name}_mean_pm": mean, f"{name}_deviation_pm": deviations[name]}
        return {
            name: f"{value:.6g}" if isinstance(value, float) else value
            for name, value in values.items()
        }

    @staticmethod
    def of_row(row: dict[str, str]) -> Convergence:
        """KeyError or ValueError where it is no such row."""
        values: dict[str, Any] = {}
        for name, kind in get_type_hints(Convergence).items():
            if kind is bool:
                values[name] = {"True": True, "False": False}[row[name]]
            elif kind in (int, float, str):
                values[name] = kind(row[name])
        for word in ("mean", "deviation"):
            end = f"_{word}_pm"
            values[f"bond_{word}s"] = {
                name.removesuffix(end): float(value)
                for name, value in row.items()
                if name.endswith(end) and value
            }
        return Convergence(**values)


def bead_names(frames: Frames) -> list[tuple[int, str]]:
    return [(atom.residue.index, atom.name) for atom in frames.topology.atoms]


def signed_volumes(frames: Frames) -> Array:
    """(frames, residues with CB), nm^3, of N, C and CB seen from CA: positive for L."""
    beads = bead_names(frames)
    found = []
    for residue in sorted({residue for residue, name in beads if name == "CB"}):
        places = [beads.index((residue, name)) for name in ("N", "CA", "C", "CB")]
        n, ca, c, cb = frames.positions[:, places].astype(float).swapaxes(0, 1)
        found.append(np.einsum("fd,fd->f", np.cross(n - ca, c - ca), cb - ca))
    if not found:
        raise ValueError("no residue has a CB bead")
    return np.stack(found, axis=1)


def bonds(frames: Frames) -> dict[str, Array]:
    """(frames,), pm, of every bond between beads, residues counted from 1."""
    beads = bead_names(frames)
    pairs = []
    for residue in sorted({residue for residue, _ in beads}):
        within = (("N", "CA"), ("CA", "CB"), ("CA", "C"), ("C", "O"))
        pairs += [((residue, one), (residue, other)) for one, other in within]
        pairs.append(((residue, "C"), (residue + 1, "N")))
    found = {}
    for first, second in pairs:
        if first in beads and second in beads:
            ends = frames.positions[:, [beads.index(first), beads.index(second)]].astype(float)
            name = f"{first[1]}{first[0] + 1}-{second[1]}{second[0] + 1}"
            found[name] = 1000 * np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    return found


def angle_time(series: Array) -> AutocorrelationTime:
    """Of an angle, (copies, frames): its sine's or its cosine's, the longer one."""
    times = [autocorrelation_time(function(series)) for function in (np.sin, np.cos)]
    return max(times, key=lambda time: time.tau)


def entries(inside: NDArray[np.bool_]) -> int:
    """How often copies enter a state. inside: (copies, frames)."""
    return int(np.count_nonzero(~inside[:, :-1] & inside[:, 1:]))


def half_divergence(histograms: Array, splits: int = SPLITS, seed: int = 0) -> tuple[float, float]:
    """Mean and deviation of the JS divergence of random halves. histograms: (copies, bins)."""
    copies = len(histograms)
    if copies < 2:
        raise ValueError("one copy has no halves")
    random = np.random.default_rng(seed)
    values = []
    for _ in range(splits):
        order = random.permutation(copies)
        first, second = order[: copies // 2], order[copies // 2 : 2 * (copies // 2)]
        values.append(js_divergence(histograms[first].sum(axis=0), histograms[second].sum(axis=0)))
    return float(np.mean(values)), float(np.std(values))


def convergence_of(path: Path, set_name: str) -> Convergence:
    """Errors name the file."""
    with naming(path):
        frames = read_frames(path)
        beads = bead_names(frames)
        quadruples = [quadruple(beads, each) for each in (PHI2, PSI1, OMEGA)]
        ensemble = read_ensemble(path, lambda positions: dihedrals(positions, quadruples))
        return _convergence(set_name, path.stem, frames, ensemble)


def _convergence(name: str, sequence: str, frames: Frames, ensemble: Ensemble) -> Convergence:
    series, interval = ensemble.series(), ensemble.interval_ps
    if interval is None or len(series) < 2:
        raise ValueError("must be of several copies, with frames at regular times")
    times = {angle: angle_time(series[:, :, k]) for k, angle in enumerate(ANGLES)}
    values: dict[str, Any] = {}
    for angle, time in times.items():
        values |= {
            f"tau_{angle}": time.tau * interval,
            f"tau_{angle}_error": time.error * interval,
            f"tau_{angle}_reliable": time.reliable,
        }
    for word, state in (("left", LEFT_HANDED), ("alpha", ALPHA)):
        found = population(ensemble, state)
        inside = state.contains(series.reshape(-1, series.shape[2])).reshape(series.shape[:2])
        variance = found.share * (1 - found.share)
        values |= {
            word: found.share,
            f"{word}_error": found.error,
            f"{word}_entries": entries(inside),
            f"{word}_number": variance / found.error**2 if found.error > 0 else np.nan,
        }
    volumes = signed_volumes(frames)
    lengths = bonds(frames)
    return Convergence(
        set=name,
        sequence=sequence,
        frames=len(frames),
        copies=len(series),
        total_ns=series.shape[0] * series.shape[1] * interval / 1000,
        kish=ensemble.kish,
        **values,
        **_divergences(ensemble),
        d_frames=int(np.count_nonzero((volumes <= 0).any(axis=1))),
        smallest_volume=float(volumes.min()),
        cis_frames=int(np.count_nonzero(np.abs(ensemble.values[:, 2]) < np.pi / 2)),
        bond_means={each: float(length.mean()) for each, length in lengths.items()},
        bond_deviations={each: float(length.std()) for each, length in lengths.items()},
    )


def _divergences(ensemble: Ensemble) -> dict[str, Any]:
    """Of the histogram along phi2 and psi1."""
    plane = Ensemble(ensemble.values[:, :2], ensemble.weights, ensemble.copy)
    edges = shared_edges(plane.values, plane.values, BINS)
    worth, number = plane.worth(edges)
    share = plane.histogram(edges)
    source = smoothed(share, worth.reshape(share.shape) if worth.ndim else worth)
    if np.ptp(plane.weights) == 0:
        independent = np.asarray(float(len(plane)))
    else:
        numbers = bin_numbers(plane.values, edges)
        independent = bin_effective_numbers(numbers, plane.weights, share.size)
    mean, deviation = half_divergence(plane.histograms(edges))
    halves = noise_floor(source, independent / 2, independent / 2, repeats=REPEATS)
    reference = noise_floor(source, REFERENCE_FRAMES, REFERENCE_FRAMES, repeats=REPEATS)
    return {
        "effective_number": number,
        "js_halves": mean,
        "js_halves_deviation": deviation,
        "js_halves_floor": halves.mean,
        "floor_49000": reference.mean,
    }


def write_csv(path: Path, found: Sequence[Convergence]) -> None:
    rows = [each.row() for each in found]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    replace_file(path, lambda file: file.write(text.getvalue().encode()))


def read_csv(path: Path) -> list[Convergence]:
    """Empty where there is none yet."""
    if not path.exists():
        return []
    with naming(path), path.open(newline="") as file:
        rows = csv.DictReader(file)
        found = []
        for row in rows:
            try:
                found.append(Convergence.of_row(row))
            except (KeyError, ValueError) as error:
                raise ValueError(f"line {rows.line_num}: {error} is not what a run has") from error
    return found


def with_earlier(found: Sequence[Convergence], path: Path) -> list[Convergence]:
    """Also the rows of a CSV file that are of other runs, all in order."""
    here = {(each.set, each.sequence) for each in found}
    earlier = [each for each in read_csv(path) if (each.set, each.sequence) not in here]
    if earlier:
        print(f"{len(earlier)} runs as {path} has them", file=sys.stderr)
    return sorted([*found, *earlier], key=lambda each: (SETS.index(each.set), each.sequence))


def reference_of(path: Path) -> Array:
    """Frames of a run in the bins of phi2 and psi1."""
    frames = read_frames(path)
    beads = bead_names(frames)
    angles = dihedrals(frames.positions, [quadruple(beads, PHI2), quadruple(beads, PSI1)])
    edges = [np.linspace(-np.pi, np.pi, BINS + 1)] * 2
    return np.histogramdd(angles, edges)[0]


def write_references(path: Path, found: dict[str, Array]) -> None:
    """With those of the file that are of other sequences."""
    earlier: dict[str, Array] = {}
    if path.exists():
        with naming(path), np.load(path) as file:
            earlier = {name: file[name] for name in file.files}
    counts: dict[str, Any] = {
        name: value.astype(np.uint32) for name, value in sorted((earlier | found).items())
    }
    replace_file(path, lambda file: np.savez_compressed(file, **counts))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of all made data")
    parser.add_argument("--output", type=Path, default=HERE / "dipeptides.csv")
    options = parser.parse_args()
    try:
        files = [
            (name, path)
            for name in SETS
            for path in sorted((options.data / "dipeptides" / name).glob("*.h5"))
        ]
        if not files:
            raise ValueError(f"{options.data / 'dipeptides'}: no finished run")
        progress = Progress("Runs", len(files))
        found = []
        for name, path in files:
            found.append(convergence_of(path, name))
            progress.update(len(found))
        progress.close()
        found = with_earlier(found, options.output)
        write_csv(options.output, found)
        references = {path.stem: reference_of(path) for name, path in files if name == "test"}
        write_references(options.output.with_suffix(".npz"), references)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print_tables(found)


if __name__ == "__main__":
    main()
