"""What `openmmscore.evaluate` prints and writes as text: table, verdict, JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import replace_file
from .comparison import Length, Population, Row
from .ensembles import Ensemble
from .metrics import METRICS, Bins, Metric

__all__ = ["length_text", "table", "verdict", "within_text", "write_json"]


def table(data: Ensemble, own: Mapping[str, Population], rows: Mapping[str, Row]) -> str:
    """own: shares of the states in the data."""
    metrics = [word for metric in METRICS for word in _titles(metric)]
    lines = [["", *metrics, "frames", "effective", *(f"P({name})" for name in own)]]
    for name, row in rows.items():
        lines.append(
            [
                name + (" (illustration)" if row.illustration else ""),
                *(word for metric in METRICS for word in _words(metric, row)),
                "" if row.frames is None else str(row.frames),
                "exact" if math.isinf(row.effective_number) else f"{row.effective_number:.0f}",
                *(_share(each) for each in row.populations.values()),
            ]
        )
    shares = [_share(each) for each in own.values()]
    worth = f"{next(iter(rows.values())).data_effective_number:.0f}"
    lines.append(["data", *[""] * len(metrics), str(data.counted_frames), worth, *shares])
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            word.ljust(width) if k == 0 else word.rjust(width)
            for k, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _titles(metric: Metric) -> list[str]:
    return [metric.title, "floor", *(["ratio"] if metric.has_ratio else [])]


def _words(metric: Metric, row: Row) -> list[str]:
    """Below the titles."""
    found, digits = row.divergences[metric.name], metric.digits
    words = [f"{found.value:.{digits}f} +- {found.error:.{digits}f}", f"{found.floor:.{digits}f}"]
    return [*words, *([f"{found.ratio:.2f}"] if metric.has_ratio else [])]


def _share(each: Population) -> str:
    digits = ".1e" if 0 < each.share < 1e-3 else ".4f"
    return f"{each.share:{digits}} +- {each.error:{digits}}"


def within_text(state: str, inside: Mapping[str, float]) -> str:
    """inside: of each set, how much of it lies in the state."""
    shares = ", ".join(f"{share:.4f} of {name}" for name, share in inside.items())
    return f"Within {state} alone: {shares}"


def length_text(length: Length, stride: int, interval_ps: float | None) -> str:
    """stride: between frames of the thinned row."""
    unit, factor = ("frames", 1.0) if interval_ps is None else ("ps", interval_ps)
    text = (
        f"Simulation: {length.copies} copies of {length.frames} frames, "
        f"{length.frames * factor:.4g} {unit}; autocorrelation time of the slowest coordinate "
        f"{'' if length.reliable else 'at least '}{length.autocorrelation * factor:.3g} {unit}"
    )
    if stride > 1:
        text += f"; thinned to frames {stride * factor:.4g} {unit} apart"
    if length.illustration:
        text += "\nAn illustration, not a measurement: " + "; ".join(length.shortcomings)
    return text


def verdict(bound: float, rows: Mapping[str, Row]) -> tuple[bool, str]:
    """Is no JS divergence surely above `bound` times its floor? And a text that says so."""
    failures = [
        f"FAILED: the JS divergence of {name} is {row.js.ratio:.2f} times its floor, above "
        f"{bound:g} by more than two standard errors"
        for name, row in rows.items()
        if row.js.exceeds(bound)
    ]
    if failures:
        return False, "\n".join(failures)
    text = f"Passed: no JS divergence is surely above {bound:g} times its floor"
    if any(row.illustration for row in rows.values()):
        text += ", but the simulation is too short to be a measurement"
    return True, text


def write_json(
    path: Path,
    settings: Mapping[str, Any],
    bins: Bins,
    data: Ensemble,
    own: Mapping[str, Population],
    rows: Mapping[str, Row],
    inside: Mapping[str, float],
) -> None:
    """inside: as `within_text` has it. The file is replaced only when the new one is complete."""
    document: dict[str, Any] = {
        "settings": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in settings.items()
        },
        "bins": dataclasses.asdict(bins),
        "data": {
            "frames": data.counted_frames,
            "populations": {name: dataclasses.asdict(each) for name, each in own.items()},
        },
        "rows": {name: _row(row) for name, row in rows.items()},
        **({"inside": dict(inside)} if inside else {}),
    }
    text = json.dumps(_plain(document), indent=2, allow_nan=False) + "\n"
    replace_file(path, lambda file: file.write(text.encode()))


def _row(row: Row) -> dict[str, Any]:
    entry = dataclasses.asdict(row)
    divergences = {
        name: {**entry["divergences"][name], "ratio": found.ratio}
        for name, found in row.divergences.items()
    }
    del entry["divergences"]
    return {**divergences, **entry, "illustration": row.illustration}


def _plain(value: Any) -> Any:
    """JSON has neither tuples nor infinity."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
