"""What a benchmark prints: where and when it was run, and its rows as Markdown and as CSV."""

from __future__ import annotations

import csv
import datetime
import importlib.metadata
import math
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PEERS = ("numpy", "jax", "jaxlib", "torch", "openmm")
Row = Mapping[str, str | int | float]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"


def header(cores: Sequence[int]) -> str:
    """One line: date, machine, cores in use, versions."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join([f"commit {_commit()}", *map(_version, PEERS)])
    return f"{now}; {_processor()}, {len(cores)} cores; {versions}"


def number(value: str | int | float) -> str:
    """Three significant digits, without an exponent; a missing number is a dash."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "-"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(digits, 6)}f}"


def markdown(rows: Sequence[Row], columns: Mapping[str, str]) -> str:
    """`columns`: from the key in a row to what is written above its column."""
    cells = [list(columns.values())]
    cells += [[number(row.get(key, math.nan)) for key in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join(lines)


def write_csv(path: Path, head: str, rows: Sequence[Row]) -> None:
    """All that is known of every row; the first line, after a #, is the header. A file of that name
    is replaced as a whole."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    part = path.with_name(f".{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {head}\n")
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    part.replace(path)
