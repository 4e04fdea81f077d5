"""How fast score-peptide-md is beside OpenMM: ns a day of one core, in one run.

    python speed.py --output speed.csv

All simulate the same System with the same integrator and steps of 2 fs, without cutoff and
constraints: score-peptide-md 16 copies, OpenMM's CPU platform (one thread) and its Reference
platform one. Rounds go through all of them by turns; the fastest round counts, beside the median.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import openmm
from openmm import app
from openmmscore.base.files import replace_file

from program import PROGRAM, find_program
from systems import chignolin_system, dipeptide_system

SEQUENCES = ("AA", "KS", "LW", "chignolin")
TIMESTEP_PS, TEMPERATURE_K, FRICTION_PER_PS = 0.002, 310.0, 0.3
WARM_UP_STEPS = 20


def generator(program: Path, system: Path, folder: Path, seconds: float) -> float:
    """ns a day of all 16 copies together."""
    steps = 500
    while True:
        output = folder / "run.h5"
        words = [program, system, "--output", output, "--threads", "1", "--equilibration", "0"]
        words += ["--time", f"{steps * TIMESTEP_PS:g}", "--interval", f"{steps}"]
        output.unlink(missing_ok=True)
        begin = time.perf_counter()
        said = subprocess.run([str(word) for word in words], check=True, capture_output=True)
        if time.perf_counter() - begin >= seconds / 2:
            match = re.search(rb"ns/day a copy, (\S+) in all", said.stdout)
            assert match is not None
            return float(match[1])
        steps *= 2


def openmm_rate(
    system: openmm.System, positions: object, platform: str, seconds: float
) -> Callable[[], float]:
    """A function that simulates for about so long and returns ns a day."""
    integrator = openmm.LangevinMiddleIntegrator(TEMPERATURE_K, FRICTION_PER_PS, TIMESTEP_PS)
    integrator.setRandomNumberSeed(1)
    properties = {"Threads": "1"} if platform == "CPU" else {}
    context = openmm.Context(
        system, integrator, openmm.Platform.getPlatformByName(platform), properties
    )
    context.setPositions(positions)
    context.setVelocitiesToTemperature(TEMPERATURE_K, 1)
    integrator.step(WARM_UP_STEPS)

    def rate() -> float:
        dynamics = context.getIntegrator()  # alive as long as its Context is
        steps, begin = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < seconds:
            dynamics.step(WARM_UP_STEPS)
            steps += WARM_UP_STEPS
        return steps * TIMESTEP_PS * 86.4 / elapsed

    return rate


def measure(name: str, program: Path, folder: Path, rounds: int, seconds: float) -> dict[str, str]:
    is_protein = name == "chignolin"
    path = chignolin_system("native", folder) if is_protein else dipeptide_system(name, folder)
    stem = path.stem
    system = openmm.XmlSerializer.deserialize((folder / f"{stem}_system.xml").read_text())
    pdb = app.PDBFile(str(folder / f"{stem}.pdb"))
    rates: dict[str, Callable[[], float]] = {
        "score-peptide-md": lambda: generator(program, path, folder, seconds),
        "CPU": openmm_rate(system, pdb.positions, "CPU", seconds),
        "Reference": openmm_rate(system, pdb.positions, "Reference", seconds),
    }
    found: dict[str, list[float]] = {who: [] for who in rates}
    for _ in range(rounds):
        for who, rate in rates.items():
            found[who].append(rate())
    ours = np.array(found["score-peptide-md"])
    row = {"system": name, "atoms": f"{system.getNumParticles()}"}
    for who, values in found.items():
        row[f"{who} ns/day"] = f"{max(values):.4g}"
        row[f"{who} median"] = f"{median(values):.4g}"
    for who in ("CPU", "Reference"):
        row[f"times {who}"] = f"{ours.max() / max(found[who]):.3g}"
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="table, .csv")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="score-peptide-md")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement (2)")
    options = parser.parse_args()
    program = find_program(options.program)
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            measure(name, program, Path(folder), options.rounds, options.seconds)
            for name in SEQUENCES
        ]
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    replace_file(options.output, lambda file: file.write(text.getvalue().encode()))
    print(text.getvalue(), end="")


if __name__ == "__main__":
    main()
