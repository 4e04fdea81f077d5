"""Are independent samples and a simulation of a model distributed as the data? A table, a figure.

    score-evaluate --data data.h5 --samples samples.h5 --simulation run.h5 \\
        --coordinates dihedrals:0-1-2-3,1-2-3-4 --state "phi>0:phi:0:120" --output evaluation

The Jensen-Shannon divergence and the PMF error are those of arXiv 2506.17139. Neither is ever zero
between two finite sets of frames, so beside each stands its noise floor: what independent draws
from the data's distribution show, as many as the frames are worth. Errors are standard errors, by
bootstrap over copies, or over frames where there are none.

Files are .h5 in the layout of `openmmscore.io`, or .npy (frames, beads, dimensions) with the
number of each frame's copy in <stem>_copy.npy. Frames without copies are taken as independent, but
those of a simulation as one run, which is cut into pieces.

A simulation has two rows: all its frames, which are worth what the scatter between copies says; and
frames two autocorrelation times of the slowest coordinate apart, which are fewer and nearly
independent. If its copies are shorter than 10 of those times, or were equilibrated for less than 5,
it is an illustration: what it shows may still be where the copies started.

With --within only the frames in one state count, for all sets alike, and all figures are of these;
how much of each set lies in it is printed.

Frames of a molecule that has fallen apart, far beyond the range of the data, are named
(`openmmscore.model.reach`); of independent samples one in a thousand may be.

Exit status: 0; 1 where a bound is exceeded; 2 where something is wrong with the input; 3 where a
molecule has fallen apart, unless --allow-broken is given.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .base.command import run_command
from .base.files import naming
from .base.progress import say
from .evaluation.comparison import (
    BLOCKS,
    Population,
    Row,
    State,
    compare,
    length_of,
    population,
    within,
)
from .evaluation.coordinates import Coordinates
from .evaluation.ensembles import Density, Ensemble
from .evaluation.frame_check import FrameCheck
from .evaluation.metrics import Bins
from .evaluation.report import length_text, table, verdict, within_text, write_json
from .io.frame_data import check_beads
from .model.model import Model
from .options import add_allow_broken, program

__all__ = ["main"]

DENSITY, SAMPLES = "exp(-E)", "independent samples"
SIMULATION, THINNED = "simulation", "simulation, thinned"
ANGLE_BINS, OTHER_BINS, PMF_BINS = 64, 100, 64


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program("evaluate"),
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="frames to compare with")
    parser.add_argument("--samples", type=Path, help="independent samples of the model")
    parser.add_argument("--simulation", type=Path, help="frames of a simulation of the model")
    parser.add_argument(
        "--model", type=Path, help="of one particle in one or two dimensions: its exp(-E), exactly"
    )
    parser.add_argument(
        "--diffusion-time", type=float, default=1e-5, help="of the model's E (1e-5)"
    )
    parser.add_argument(
        "--coordinates",
        required=True,
        help="dihedrals:0-1-2-3,1-2-3-4 (beads from 0; one or two dihedrals), xy, x, or "
        "projection:FILE.npz (see openmmscore.projection)",
    )
    parser.add_argument(
        "--bins", type=int, help="of the JS divergence, a column (64 for dihedrals, else 100)"
    )
    parser.add_argument("--pmf-bins", type=int, default=PMF_BINS, help="of the PMF error (64)")
    parser.add_argument(
        "--limits",
        nargs="+",
        metavar="LOW:HIGH",
        help="of the PMF error's bins and of the figure, a column (-180:180, or the data's range)",
    )
    parser.add_argument(
        "--state",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME:COLUMN:LOW:HIGH",
        help="a state whose share is wanted; degrees for dihedrals, nm for x and y; a column is a "
        "number from 0 or one of phi, psi, x, y; of dihedrals, LOW > HIGH goes through 180",
    )
    parser.add_argument(
        "--within",
        metavar="NAME:COLUMN:LOW:HIGH",
        help="compare only the frames of all sets in such a state (shares of --state are then of "
        "it), for a simulation that hardly comes out of it; its limits should lie where frames "
        "are few",
    )
    parser.add_argument(
        "--equilibration-ps",
        type=float,
        help="what was discarded before the simulation's first frame (the file's own value)",
    )
    parser.add_argument(
        "--interval-ps",
        type=float,
        help="between the simulation's frames, where the file does not say",
    )
    parser.add_argument(
        "--bound",
        type=float,
        help="exit with 1 where a JS divergence exceeds so many times its floor by more than two "
        "standard errors",
    )
    parser.add_argument("--seed", type=int, default=0, help="of floors and bootstrap (0)")
    add_allow_broken(parser)
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for evaluation.json and evaluation.png"
    )
    options = parser.parse_args(words)
    if options.samples is None and options.simulation is None and options.model is None:
        parser.error("one of --samples, --simulation and --model is needed")
    if options.within is not None and options.model is not None:
        parser.error("--within is for frames, not for --model")
    for name in ("bins", "pmf_bins"):
        count = getattr(options, name)
        if count is not None and not 3 <= count <= 1000:
            parser.error(f"--{name.replace('_', '-')} is {count}, must be from 3 to 1000")
    for name, least in (("bound", 0.0), ("equilibration_ps", -1e-300), ("interval_ps", 0.0)):
        value = getattr(options, name)
        if value is not None and not least < value < math.inf:
            parser.error(f"--{name.replace('_', '-')} is {value:g}")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}, must not be negative")
    return options


def _number(text: str, whole: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text!r} in {whole!r} is no finite number")
    return value


def _state(option: str, text: str, coordinates: Coordinates) -> State:
    parts = text.split(":")
    if len(parts) != 4 or not parts[0]:
        raise ValueError(f"{option} {text!r}, must be NAME:COLUMN:LOW:HIGH")
    column = coordinates.column(parts[1])
    low, high = (_number(part, text) for part in parts[2:])
    if coordinates.periodic:
        if max(abs(low), abs(high)) > 180 or low == high:
            raise ValueError(f"{option} {text!r}: limits must differ, and be from -180 to 180")
        low, high = math.radians(low), math.radians(high)
    elif low >= high:
        raise ValueError(f"{option} {text!r}: {low:g} is not below {high:g}")
    return State(parts[0], column, low, high)


def _limits(
    words: Sequence[str] | None, coordinates: Coordinates, data: Ensemble
) -> list[tuple[float, float]]:
    """Of each column, in its own unit."""
    columns = len(coordinates.names)
    if words is None:
        if coordinates.periodic:
            return [(-math.pi, math.pi)] * columns
        counted = data.values[data.counted]
        extent = [counted.min(axis=0), counted.max(axis=0)]
        return [(float(low), float(high)) for low, high in zip(*extent, strict=True)]
    if len(words) != columns:
        raise ValueError(f"{len(words)} --limits for {columns} columns")
    found = []
    for word in words:
        parts = word.split(":")
        low, high = (_number(part, word) for part in parts) if len(parts) == 2 else (0.0, 0.0)
        if not low < high:
            raise ValueError(f"--limits {word!r}, must be LOW:HIGH")
        unit = math.radians(1) if coordinates.periodic else 1.0
        found.append((unit * low, unit * high))
    return found


def _in_region(path: Path, found: Ensemble, region: State | None) -> Ensemble:
    """All frames of a file, or those in the region."""
    if region is None:
        return found
    with naming(path):
        return within(found, region)


def _same_beads(
    options: argparse.Namespace, path: Path, found: Ensemble, data: Ensemble
) -> Ensemble:
    """Frames of a file, which must be of the data's beads, as far as both files name them."""
    if found.beads != data.beads:
        raise ValueError(f"{path}: {found.beads} beads, {options.data} has {data.beads}")
    check_beads(str(path), found.labels, str(options.data), data.labels)
    return found


def _simulation(options: argparse.Namespace, found: Ensemble, data: Ensemble) -> Ensemble:
    """The simulation's frames, always with copies."""
    read = _same_beads(options, options.simulation, found, data)
    found = dataclasses.replace(
        read,
        interval_ps=read.interval_ps if options.interval_ps is None else options.interval_ps,
        equilibration_ps=(
            read.equilibration_ps if options.equilibration_ps is None else options.equilibration_ps
        ),
    )
    if found.interval_ps is None and options.equilibration_ps is not None:
        raise ValueError(
            f"{options.simulation} does not say how far its frames are apart: --equilibration-ps "
            "needs --interval-ps"
        )
    with naming(options.simulation):
        if found.copy is None:
            found = found.in_blocks(BLOCKS)
        if found.series().shape[1] < 2:
            kind = "copies" if read.copy is not None else "pieces"
            raise ValueError(f"has {kind} of 1 frame, must have 2 frames or more of each")
    return found


def _density(options: argparse.Namespace, coordinates: Coordinates, data: Ensemble) -> Density:
    """Looked at where the data are, and half their extent beyond."""
    model = Model(options.model)
    if coordinates.unit != "nm" or len(model.beads) != 1:
        raise ValueError(f"{options.model}: --model is for toy models, with coordinates x or xy")
    if model.dimensions != len(coordinates.names):
        raise ValueError(
            f"{options.model} has {model.dimensions} dimensions, and the coordinates are "
            f"{''.join(coordinates.names)}"
        )
    low, high = data.values.min(axis=0), data.values.max(axis=0)
    margin = (high - low) / 2
    support = zip((low - margin).tolist(), (high + margin).tolist(), strict=True)
    return Density(model, options.diffusion_time, tuple(support))


@dataclass(frozen=True)
class _Evaluation:
    """shown: what the figure shows. own: shares of the states in the data.

    stride: between frames of the thinned row; 1 if there is none.
    """

    data: Ensemble
    coordinates: Coordinates
    bins: Bins
    own: dict[str, Population]
    shown: dict[str, Ensemble | Density]
    rows: dict[str, Row]
    stride: int = 1


def _evaluate(options: argparse.Namespace) -> _Evaluation:
    coordinates = Coordinates.parse(options.coordinates)
    states = [_state("--state", text, coordinates) for text in options.state]
    names = [state.name for state in states]
    if len(set(names)) < len(names):
        raise ValueError(f"two states of one name: {', '.join(names)}")
    region = None if options.within is None else _state("--within", options.within, coordinates)
    check = FrameCheck(options.allow_broken)
    data = _in_region(options.data, check.read(options.data, coordinates), region)
    own = {state.name: population(data, state) for state in states}
    for name, each in own.items():
        if not each.share > 0:
            where = "" if region is None else f", within {region.name!r}"
            raise ValueError(f"no frame of {options.data} is in the state {name!r}{where}")
    default = ANGLE_BINS if coordinates.periodic else OTHER_BINS
    bins = Bins(
        default if options.bins is None else options.bins,
        options.pmf_bins,
        _limits(options.limits, coordinates, data),
    )
    shown: dict[str, Ensemble | Density] = {"data": data}
    if options.model is not None:
        shown[DENSITY] = _density(options, coordinates, data)
    if options.samples is not None:
        found = check.read(options.samples, coordinates, independent=True)
        samples = _same_beads(options, options.samples, found, data)
        shown[SAMPLES] = _in_region(options.samples, samples, region)
    rows = {
        name: compare(data, other, bins, states, seed=options.seed)
        for name, other in shown.items()
        if other is not data
    }
    stride = 1
    if options.simulation is not None:
        found = check.read(options.simulation, coordinates)
        run = _in_region(options.simulation, _simulation(options, found, data), region)
        shown[SIMULATION] = run
        length = length_of(run, coordinates, run.equilibration_ps)
        rows[SIMULATION] = compare(data, run, bins, states, length, options.seed)
        stride = min(math.ceil(2 * length.autocorrelation), length.frames)
        few = run.thinned(stride)
        if few.is_sparse():
            stride = 1  # no such row
        if stride > 1:
            rows[THINNED] = compare(data, few, bins, states, length, options.seed)
    check.finish()
    return _Evaluation(data, coordinates, bins, own, shown, rows, stride)


def _run(options: argparse.Namespace) -> int:
    from .evaluation.figure import draw

    found = _evaluate(options)
    inside = {}
    if options.within is not None:
        sets = found.shown.items()
        inside = {name: each.inside for name, each in sets if isinstance(each, Ensemble)}
        say(within_text(options.within, inside))
    say(table(found.data, found.own, found.rows))
    if options.simulation is not None:
        run, length = found.shown[SIMULATION], found.rows[SIMULATION].length
        assert isinstance(run, Ensemble)
        assert length is not None
        say(length_text(length, found.stride, run.interval_ps))
    options.output.mkdir(parents=True, exist_ok=True)
    report = options.output / "evaluation.json"
    write_json(report, vars(options), found.bins, found.data, found.own, found.rows, inside)
    titles = {
        name: f"{', illustration' if row.illustration else ''}\n"
        f"JS {row.js.value:.4f}, floor {row.js.floor:.4f}"
        for name, row in found.rows.items()
    }
    figure = report.with_suffix(".png")
    draw(figure, found.coordinates, found.shown, found.bins.pmf_limits, titles)
    say(f"Wrote {report} and {figure}")
    if options.bound is None:
        return 0
    passed, text = verdict(options.bound, found.rows)
    say(text)
    return 0 if passed else 1


def main(words: Sequence[str] | None = None) -> int:
    options = _arguments(words)
    return run_command(lambda: _run(options), failed=2)


if __name__ == "__main__":
    sys.exit(main())
