"""Fits the frozen bias along phi2 of dipeptides, and writes it for score-peptide-md.

    python phi2_bias.py AA.h5

Turns of phi2 = C1 N2 CA2 C2 to positive angles take a dipeptide nanoseconds to tens of them. The
bias U(phi2), six Fourier terms, divides the barriers along phi2 by 4: it is the least-squares fit
of -3/4 of the free energy profile of alanine-alanine, from one or more of its runs (a run under a
bias counts with its weights). The same bias serves all sequences. Every frame made under it carries
the log-weight U(phi2) / kT, which undoes it, whatever the profile was.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmmscore.base.files import naming, replace_file
from openmmscore.evaluation.analysis import BOLTZMANN_KJ, dihedrals
from openmmscore.io import read_frames

from backbone import PHI2, quadruple

__all__ = ["COEFFICIENTS", "Bias", "fit", "read_bias", "write_bias_of"]

Array = NDArray[np.float64]

COEFFICIENTS = Path(__file__).resolve().parent / "phi2_bias.txt"
ORDER = 6
BARRIER_DIVISOR = 4.0
BINS = 60
HIGHEST_KJ = 25.0  # the profile is cut here: a run without bias says little about what is above
UNVISITED = 0.2  # an empty bin counts as this share of the lightest frame


@dataclass(frozen=True)
class Bias:
    """U(phi) = sum over n of cosines[n - 1] cos(n phi) + sines[n - 1] sin(n phi), kJ/mol."""

    cosines: Array
    sines: Array

    def energy(self, phi: ArrayLike) -> Array:
        """kJ/mol, of the shape of phi, in radians."""
        angles = np.asarray(phi, float)[..., None] * np.arange(1, len(self.cosines) + 1)
        return np.asarray(np.cos(angles) @ self.cosines + np.sin(angles) @ self.sines)


def fit(phi: ArrayLike, weights: ArrayLike, temperature_k: float) -> tuple[Bias, float]:
    """The bias, and the root mean square of what the fit leaves, kJ/mol.

    phi: (frames,), radians. weights: (frames,), of any normalisation.
    """
    angles, share = np.asarray(phi, float), np.asarray(weights, float)
    edges = np.linspace(-np.pi, np.pi, BINS + 1)
    counts, _ = np.histogram(angles, edges, weights=share)
    least = share[share > 0].min()
    energy = -BOLTZMANN_KJ * temperature_k * np.log(np.maximum(counts, UNVISITED * least))
    profile = np.minimum(energy - energy.min(), HIGHEST_KJ)
    middles = (edges[1:] + edges[:-1]) / 2
    multiples = np.outer(middles, np.arange(1, ORDER + 1))
    basis = np.hstack([np.ones((BINS, 1)), np.cos(multiples), np.sin(multiples)])
    target = -(1 - 1 / BARRIER_DIVISOR) * profile
    solution = np.linalg.lstsq(basis, target, rcond=None)[0]
    misfit = float(np.sqrt(np.mean((basis @ solution - target) ** 2)))
    return Bias(solution[1 : ORDER + 1], solution[ORDER + 1 :]), misfit


def read_bias(path: Path = COEFFICIENTS) -> Bias:
    """A file of lines `cos sin`, kJ/mol, n = 1, 2, ...; # begins a comment line."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            cosine, sine = map(float, line.split())
        except ValueError:
            raise ValueError(f"{path}:{number}: '{line}' is not two numbers") from None
        if not np.isfinite([cosine, sine]).all():
            raise ValueError(f"{path}:{number}: '{line}' is not finite")
        rows.append((cosine, sine))
    if not rows:
        raise ValueError(f"{path}: no term of a bias")
    return Bias(*np.array(rows).T)


def write_bias(path: Path, bias: Bias, source: str) -> None:
    lines = [
        f"# {source}",
        "# U(phi2) = sum over n = 1, 2, ... of cos_n cos(n phi2) + sin_n sin(n phi2), kJ/mol, with",
        "# phi2 = C1 N2 CA2 C2 (IUPAC). A line a term: cos_n sin_n.",
        *(
            f"{cosine:.6f} {sine:.6f}"
            for cosine, sine in zip(bias.cosines, bias.sines, strict=True)
        ),
    ]
    _replace(path, lines)


def write_bias_of(path: Path, bias: Bias, system: Path) -> None:
    """The bias file of one molecule, whose atoms are those of a file of numbers."""
    atoms = [_beads(system)[bead] for bead in quadruple(_bead_topology(system), PHI2)]
    lines = [
        "bias " + " ".join(map(str, atoms)) + f" {len(bias.cosines)}",
        *(
            f"{cosine:.6f} {sine:.6f}"
            for cosine, sine in zip(bias.cosines, bias.sines, strict=True)
        ),
    ]
    _replace(path, lines)


def _replace(path: Path, lines: Sequence[str]) -> None:
    replace_file(path, lambda file: file.write(("\n".join(lines) + "\n").encode()))


def _line_after(system: Path, word: str) -> tuple[str, str]:
    """The rest of the line that begins with this word, and the line after it."""
    lines = system.read_text().splitlines()
    for number, line in enumerate(lines):
        if line.split(maxsplit=1)[:1] == [word]:
            return line[len(word) :].strip(), lines[number + 1] if number + 1 < len(lines) else ""
    raise ValueError(f"{system}: no line '{word} ...'")


def _beads(system: Path) -> list[int]:
    return [int(word) for word in _line_after(system, "beads")[1].split()]


def _bead_topology(system: Path) -> list[tuple[int, str]]:
    """(residue, atom name) of every bead, residues counted from 0."""
    chains = json.loads(_line_after(system, "bead_topology")[0])["chains"]
    residues = [residue for chain in chains for residue in chain["residues"]]
    atoms = [
        (atom["index"], number, atom["name"])
        for number, residue in enumerate(residues)
        for atom in residue["atoms"]
    ]
    return [(number, name) for _, number, name in sorted(atoms)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN.h5")
    parser.add_argument("--output", type=Path, default=COEFFICIENTS)
    options = parser.parse_args()
    try:
        _fit_runs(options.runs, options.output)
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def _fit_runs(runs: Sequence[Path], output: Path) -> None:
    angles, weights, temperatures, names = [], [], set(), []
    for path in runs:
        with naming(path):
            frames = read_frames(path)
            beads = [(atom.residue.index, atom.name) for atom in frames.topology.atoms]
            angles.append(dihedrals(frames.positions, [quadruple(beads, PHI2)])[:, 0])
            weights.append(len(frames) * frames.probabilities)
            temperatures.add(float(frames.attributes["temperature_k"]))
            names.append(f"{path.name} ({len(frames)} frames)")
    if len(temperatures) > 1:
        raise ValueError(f"runs at different temperatures: {sorted(temperatures)} K")
    (temperature,) = temperatures
    bias, misfit = fit(np.concatenate(angles), np.concatenate(weights), temperature)
    grid = bias.energy(np.linspace(-np.pi, np.pi, 721))
    print(f"Bias along phi2: {np.ptp(grid):.1f} kJ/mol deep, fitted to {misfit:.2f}: {output}")
    source = f"The frozen bias along phi2, fitted to {', '.join(names)} at {temperature:g} K."
    write_bias(output, bias, source)


if __name__ == "__main__":
    main()
