"""Where along diffusion time does a model lose the balance of its basins?

Noise moves no weight from one basin to another until they overlap, so the integral of q_t over the
part of x that stems from one basin, Z(t), is the same for all t. Of a model's exp(-E(x, t)) it is
not: between neighbouring times, ln Z changes by what Bennett's acceptance ratio
(J. Comput. Phys. 22, 245, 1976) finds from the energies, at both times, of noised frames of the
basin. Printed is ln Z(t) - ln Z(t_1) of a basin minus that of beta: what the logarithm of the
basin's weight gains between t_1 and t, which should be nothing. At t_1, by default .04, basins are
still apart; at .1 noised frames of phi > 0 are among those of the rest. No simulation is needed.
Frames are the data's own, so that a model that differs from them within basins too is not measured
exactly.

    python balance.py model.xml.gz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openmm import OpenMMException, unit
from openmmscore import Model
from openmmscore.evaluation.analysis import dihedrals
from openmmscore.io import read_frames
from openmmscore.sampling.ladders import geometric_times
from scipy.optimize import brentq
from scipy.special import expit

Array = NDArray[np.float64]

DATA = Path(__file__).resolve().parent / "alanine_dipeptide.h5"
FRAMES = 3000  # of each basin
TIMES = 24
BOND_VARIANCE = 1.5e-4  # in the model's units


def basins(positions: Array) -> dict[str, NDArray[np.bool_]]:
    phi, psi = np.degrees(dihedrals(positions, [(0, 1, 2, 3), (1, 2, 3, 4)])).T
    return {
        "beta": (phi < 0) & ((psi > 100) | (psi < -140)),
        "alpha": (phi < 0) & (psi > -100) & (psi < 50),
        "phi>0": (phi > 0) & (phi < 120),
    }


def bennett(forward: Array, backward: Array) -> float:
    """F_2 - F_1 over kT from E_2 - E_1 in equally many frames of 1, and E_1 - E_2 in those of 2."""

    def excess(difference: float) -> float:
        return float(expit(difference - forward).mean() - expit(-difference - backward).mean())

    return float(brentq(excess, -200, 200))


def log_weights(model: Model, frames: Array, times: list[float], noise: Array) -> Array:
    """ln Z at each time less that at the last. frames: centred, in the model's units."""
    nm = model.scale.value_in_unit(unit.nanometer)
    variances = [model.noise(t) ** 2 for t in times]
    noised = [np.sqrt(1 - square) * frames + np.sqrt(square) * noise for square in variances]

    def energies(x: int, t: int) -> Array:
        return model.energy_and_score(nm * noised[x], times[t], precision="single")[0]

    own = [energies(k, k) for k in range(len(times))]
    steps = [
        bennett(energies(k, k + 1) - own[k], energies(k + 1, k) - own[k + 1])
        for k in range(len(times) - 1)
    ]
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--last", type=float, default=0.04, help="t_1 (.04)")
    options = parser.parse_args()
    try:
        _print_balance(options)
    except (KeyError, OSError, ValueError, OpenMMException) as error:
        sys.exit(f"error: {error}")


def _print_balance(options: argparse.Namespace) -> None:
    model, data = Model(options.model), read_frames(options.data)
    times = geometric_times(model, TIMES, options.last, variance=BOND_VARIANCE)
    positions = np.asarray(data.positions, float) / model.scale.value_in_unit(unit.nanometer)
    random = np.random.default_rng(1)
    noise = random.standard_normal((FRAMES, *positions.shape[1:]))
    found = {}
    for name, inside in basins(positions).items():
        share = np.where(inside, data.probabilities, 0)
        if not share.sum() > 0:
            raise ValueError(f"{options.data}: no frame in {name}")
        drawn = random.choice(len(positions), FRAMES, p=share / share.sum())
        found[name] = log_weights(model, positions[drawn], times, noise)
    print("diffusion time", *(f"{name:>8}" for name in found if name != "beta"))
    for k, t in enumerate(times):
        relative = [found[name][k] - found["beta"][k] for name in found if name != "beta"]
        print(f"{t:14.3g}", *(f"{value:+8.2f}" for value in relative))


if __name__ == "__main__":
    main()
