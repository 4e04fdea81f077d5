"""Are independent samples and a simulation of a model distributed as the data? A table, a figure.

    python -m openmmscore.evaluate --data data.h5 --samples samples.h5 --simulation run.h5 \\
        --coordinates dihedrals:0-1-2-3,1-2-3-4 --state "phi>0:phi:0:120" --output evaluation

The Jensen-Shannon divergence and the PMF error are those of arXiv 2506.17139. Neither is ever zero
between two finite sets of frames, so beside each stands its noise floor: what independent draws
from the data's distribution show, as many as the frames are worth. Errors are standard errors, by
bootstrap over copies, or over frames where they are independent.

Files are .h5 in the layout of `openmmscore.frames`, or .npy (frames, beads, dimensions) with the
number of each frame's copy in <stem>_copy.npy. Frames without copies are taken as independent, but
those of a simulation as one run, which is cut into pieces. A simulation whose copies are shorter
than 10 autocorrelation times of its slowest coordinate, or that was equilibrated for less than 5,
is marked as an illustration: its divergence says little about its model.

Exit status: 0; 1 where a bound is exceeded; 2 where something is wrong with the input.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .comparison import (
    BLOCKS,
    Bins,
    Population,
    Row,
    State,
    compare,
    length_of,
    population,
)
from .ensembles import Coordinates, Ensemble, read_ensemble

__all__ = ["main"]

SAMPLES, SIMULATION = "independent samples", "simulation"
ANGLE_BINS, OTHER_BINS, PMF_BINS = 64, 100, 64


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m openmmscore.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="frames to compare with")
    parser.add_argument("--samples", type=Path, help="independent samples of the model")
    parser.add_argument("--simulation", type=Path, help="frames of a simulation of the model")
    parser.add_argument(
        "--coordinates",
        required=True,
        help="dihedrals:0-1-2-3,1-2-3-4 (beads from 0; one or two dihedrals), xy or x",
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
        help="a state whose share is wanted; degrees for dihedrals, nm otherwise; a column is a "
        "number from 0 or one of phi, psi, x, y; of dihedrals, LOW > HIGH goes through 180",
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
    parser.add_argument(
        "--output", type=Path, required=True, help="folder for evaluation.json and evaluation.png"
    )
    options = parser.parse_args(words)
    if options.samples is None and options.simulation is None:
        parser.error("one of --samples and --simulation is needed")
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


def _state(text: str, coordinates: Coordinates) -> State:
    parts = text.split(":")
    if len(parts) != 4 or not parts[0]:
        raise ValueError(f"--state {text!r}, must be NAME:COLUMN:LOW:HIGH")
    column = coordinates.column(parts[1])
    low, high = (_number(part, text) for part in parts[2:])
    if coordinates.periodic:
        if max(abs(low), abs(high)) > 180 or low == high:
            raise ValueError(f"--state {text!r}: limits must differ, and be from -180 to 180")
        low, high = math.radians(low), math.radians(high)
    elif low >= high:
        raise ValueError(f"--state {text!r}: {low:g} is not below {high:g}")
    return State(parts[0], column, low, high)


def _limits(
    words: Sequence[str] | None, coordinates: Coordinates, data: Ensemble
) -> list[tuple[float, float]]:
    """Of each column, in its own unit."""
    columns = len(coordinates.names)
    if words is None:
        if coordinates.periodic:
            return [(-math.pi, math.pi)] * columns
        extent = [data.values.min(axis=0), data.values.max(axis=0)]
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


def _simulation(options: argparse.Namespace, coordinates: Coordinates) -> Ensemble:
    """The simulation's frames, always with copies."""
    read = read_ensemble(options.simulation, coordinates)
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
    if found.copy is not None:
        return found
    try:
        return found.in_blocks(BLOCKS)
    except ValueError as error:
        raise ValueError(f"{options.simulation}: {error}") from error


def _evaluate(
    options: argparse.Namespace,
) -> tuple[Coordinates, dict[str, Ensemble], Bins, dict[str, Population], dict[str, Row]]:
    coordinates = Coordinates.parse(options.coordinates)
    states = [_state(text, coordinates) for text in options.state]
    names = [state.name for state in states]
    if len(set(names)) < len(names):
        raise ValueError(f"two states of one name: {', '.join(names)}")
    data = read_ensemble(options.data, coordinates)
    own = {state.name: population(data, state) for state in states}
    for name, each in own.items():
        if not each.share > 0:
            raise ValueError(f"no frame of {options.data} is in the state {name!r}")
    default = ANGLE_BINS if coordinates.periodic else OTHER_BINS
    bins = Bins(
        default if options.bins is None else options.bins,
        options.pmf_bins,
        _limits(options.limits, coordinates, data),
    )
    ensembles = {"data": data}
    rows = {}
    if options.samples is not None:
        ensembles[SAMPLES] = read_ensemble(options.samples, coordinates)
        rows[SAMPLES] = compare(data, ensembles[SAMPLES], bins, states, seed=options.seed)
    if options.simulation is not None:
        run = ensembles[SIMULATION] = _simulation(options, coordinates)
        length = length_of(run, coordinates, run.equilibration_ps)
        rows[SIMULATION] = compare(data, run, bins, states, length, options.seed)
    return coordinates, ensembles, bins, own, rows


def _table(data: Ensemble, own: Mapping[str, Population], rows: Mapping[str, Row]) -> str:
    head = ["", "JS", "floor", "ratio", "PMF error", "floor", "frames", "effective"]
    lines = [head + [f"P({name})" for name in own]]
    for name, row in rows.items():
        lines.append(
            [
                name + (" (illustration)" if row.length and row.length.illustration else ""),
                f"{row.js.value:.4f} +- {row.js.error:.4f}",
                f"{row.js.floor:.4f}",
                f"{row.js.ratio:.2f}",
                f"{row.pmf.value:.3f} +- {row.pmf.error:.3f}",
                f"{row.pmf.floor:.3f}",
                str(row.frames),
                f"{row.effective_number:.0f}",
                *(_share(each) for each in row.populations.values()),
            ]
        )
    worth = f"{data.kish:.0f}"
    lines.append(
        [
            "data",
            "",
            "",
            "",
            "",
            "",
            str(len(data)),
            worth,
            *(_share(each) for each in own.values()),
        ]
    )
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            word.ljust(width) if k == 0 else word.rjust(width)
            for k, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _share(each: Population) -> str:
    return f"{each.share:.4f} +- {each.error:.4f}"


def _length_text(row: Row, interval_ps: float | None) -> str:
    length = row.length
    assert length is not None
    unit, factor = ("frames", 1.0) if interval_ps is None else ("ps", interval_ps)
    text = (
        f"Simulation: {length.copies} copies of {length.frames} frames, {length.frames * factor:g} "
        f"{unit}; autocorrelation time of the slowest coordinate "
        f"{'' if length.reliable else 'at least '}{length.autocorrelation * factor:.3g} {unit}"
    )
    if length.illustration:
        text += "\nAn illustration, not a measurement: " + "; ".join(length.shortcomings)
    return text


def _write_json(
    path: Path,
    options: argparse.Namespace,
    bins: Bins,
    data: Ensemble,
    own: Mapping[str, Population],
    rows: Mapping[str, Row],
) -> None:
    settings = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in vars(options).items()
    }
    document: dict[str, Any] = {
        "settings": settings,
        "bins": dataclasses.asdict(bins),
        "data": {
            "frames": len(data),
            "kish_number": data.kish,
            "populations": {name: dataclasses.asdict(each) for name, each in own.items()},
        },
    }
    for name, row in rows.items():
        entry = dataclasses.asdict(row)
        entry["js"]["ratio"], entry["pmf"]["ratio"] = row.js.ratio, row.pmf.ratio
        if row.length is not None:
            entry["length"]["illustration"] = row.length.illustration
        document[name.replace(" ", "_")] = entry
    handle, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(_plain(document), indent=2, allow_nan=False) + "\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _plain(value: Any) -> Any:
    """JSON has neither tuples nor infinity."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _check_bound(bound: float, rows: Mapping[str, Row]) -> bool:
    """Prints what is exceeded. True if nothing is."""
    passed = True
    for name, row in rows.items():
        if row.js.exceeds(bound):
            passed = False
            print(
                f"FAILED: the JS divergence of the {name} is {row.js.ratio:.2f} times its floor, "
                f"above {bound:g} by more than two standard errors"
            )
    if passed:
        print(f"Passed: no JS divergence is surely above {bound:g} times its floor")
    return passed


def _run(options: argparse.Namespace) -> int:
    from .evaluation_figure import draw

    coordinates, ensembles, bins, own, rows = _evaluate(options)
    print(_table(ensembles["data"], own, rows))
    if SIMULATION in rows:
        print(_length_text(rows[SIMULATION], ensembles[SIMULATION].interval_ps))
    options.output.mkdir(parents=True, exist_ok=True)
    report = options.output / "evaluation.json"
    _write_json(report, options, bins, ensembles["data"], own, rows)
    titles = {
        name: f"{', illustration' if row.length and row.length.illustration else ''}\n"
        f"JS {row.js.value:.4f}, floor {row.js.floor:.4f}"
        for name, row in rows.items()
    }
    figure = report.with_suffix(".png")
    draw(figure, coordinates, ensembles, bins.pmf_limits, titles)
    print(f"Wrote {report} and {figure}", flush=True)
    if options.bound is None:
        return 0
    return 0 if _check_bound(options.bound, rows) else 1


def main(words: Sequence[str] | None = None) -> int:
    try:
        return _run(_arguments(words))
    except (ImportError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
