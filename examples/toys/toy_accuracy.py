"""Compares trained models of a toy system with its exact distribution.

    python examples/toys/toy_accuracy.py mueller_brown model.xml.gz

At every diffusion time the difference of E to the exact energy, less its mean weighted by the exact
density, as two root mean squares: weighted by that density, and plain over where the exact energy
is less than 5 kT above its lowest. At the time of simulations also the Jensen-Shannon divergence
(natural logarithm) of exp(-E) to the exact density, and the shares of the wells. All on a grid.

More than 15 kT above the lowest energy there are no data, and a network's energy is a guess. What
exp(-E) has there is stated as its share outside, and left out of divergence and wells.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from openmm import OpenMMException
from openmmscore import Model
from openmmscore.evaluation.metrics import js_divergence

from toys import TOYS, Array, Toy, grid, points, well_weights

TIMES = (1e-5, 1e-3, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0)
CELLS = {1: 2000, 2: 300}  # of the grid, along a dimension
LOW_KT = 5.0
INSIDE_KT = 15.0  # exp(-15) = 3e-7


@dataclass(frozen=True)
class Accuracy:
    """How well a model's energy agrees with the exact one at one diffusion time.

    rms_kt : of the difference, weighted by the exact density
    low_rms_kt : plain, where the exact energy is less than 5 kT above its lowest
    js : Jensen-Shannon divergence of exp(-E) to the exact density
    outside : the share of exp(-E) where the exact energy is more than 15 kT above its lowest
    wells : the share of exp(-E) in each well; exact_wells : the true one
    """

    rms_kt: float
    low_rms_kt: float
    js: float
    outside: float
    wells: Array
    exact_wells: Array


def shares(energies: Array) -> Array:
    """The share of exp(-E) in each cell of a grid."""
    probabilities = np.exp(energies.min() - energies)
    return probabilities / probabilities.sum()


def errors(exact: Array, energies: Array) -> Array:
    """Energies less exact ones, less the mean that the exact density gives this difference."""
    probabilities = shares(exact)
    difference = energies - exact
    return np.asarray(difference - (probabilities * difference).sum())


def compare(toy: Toy, axes: Sequence[Array], energies: Array, t: float) -> Accuracy:
    """`energies` in kT, up to a constant, on the grid of `axes`."""
    exact = toy.energies(axes, t)
    probabilities = shares(exact)
    difference = errors(exact, energies)
    low = exact < exact.min() + LOW_KT
    outside = exact > exact.min() + INSIDE_KT
    inside = np.where(outside, np.inf, energies)
    return Accuracy(
        float(np.sqrt((probabilities * difference**2).sum())),
        float(np.sqrt((difference[low] ** 2).mean())),
        js_divergence(shares(inside), np.where(outside, 0, probabilities)),
        float(shares(energies)[outside].sum()),
        well_weights(toy, axes, inside),
        well_weights(toy, axes, exact),
    )


def model_energies(model: Model, axes: Sequence[Array], t: float) -> Array:
    """E in kT on the grid of `axes`."""
    energies, _ = model.energy_and_score(points(axes)[..., None, :], t)  # one bead
    return np.asarray(energies)


def accuracy(toy: Toy, model: Model, t: float) -> Accuracy:
    axes, _ = grid(toy, t, CELLS[len(toy.bounds_nm)])
    return compare(toy, axes, model_energies(model, axes, t), t)


def has_energy(model: Model, t: float) -> bool:
    owners = [e for e in model.experts if e.t_begin <= t <= e.t_end]
    return bool(owners) and all(e.output == "energy" for e in owners)


def row(toy: Toy, file: str) -> dict[str, Any]:
    """One model's figures, by the names of their columns."""
    model = Model(file)
    if model.dimensions != len(toy.bounds_nm) or len(model.beads) != 1:
        raise ValueError(f"{file} has {len(model.beads)} beads in {model.dimensions} dimensions")
    first = accuracy(toy, model, TIMES[0])
    result: dict[str, Any] = {"model": file, "training": model.notes.get("training", "")}
    result["rms_kT"] = first.rms_kt
    result["rms_below_5_kT"] = first.low_rms_kt
    result["js"] = first.js
    result["outside"] = first.outside
    for well, (share, exact) in enumerate(zip(first.wells, first.exact_wells, strict=True)):
        result[f"well_{well}"] = share
        result[f"well_{well}_exact"] = exact
    for t in TIMES[1:]:
        result[f"rms_kT_t_{t:g}"] = accuracy(toy, model, t).rms_kt if has_energy(model, t) else ""
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("toy", choices=TOYS)
    parser.add_argument("models", nargs="+", metavar="model.xml.gz")
    parser.add_argument("--csv", action="store_true", help="a line a model, instead of a list")
    options = parser.parse_args()
    try:
        rows = [row(TOYS[options.toy], file) for file in options.models]
    except (OSError, ValueError, OpenMMException) as error:
        sys.exit(f"error: {error}")
    if options.csv:
        writer = csv.DictWriter(sys.stdout, rows[0])
        writer.writeheader()
        writer.writerows({name: _short(value) for name, value in r.items()} for r in rows)
        return
    for figures in rows:
        for name, value in figures.items():
            print(f"{name:>20}  {_short(value)}")
        print()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
