"""Draws the energy of a trained model of a toy system beside the exact one.

    python examples/toys/toy_figure.py mueller_brown model.xml.gz energy.png

At the diffusion time of simulations, in kT, both with their lowest value as zero and the model's
mean difference removed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from openmm import OpenMMException
from openmmscore import Model
from openmmscore.evaluation.drawing import Figure, rc_context

from toy_accuracy import TIMES, accuracy, errors, model_energies
from toys import TOYS, Array, Toy

HIGHEST_KT = 10.0
DIFFERENCE_KT = 0.3
CELLS = {1: 1000, 2: 250}
MODEL_COLOUR = "#D55E00"  # Okabe and Ito's vermilion
STYLE: dict[Any, Any] = {"font.size": 9, "axes.titlesize": 10, "savefig.dpi": 150}


def visible_axes(toy: Toy) -> list[Array]:
    """Midpoints of cells over where the exact energy is below HIGHEST_KT."""
    axes = [np.linspace(low, high, 400) for low, high in toy.bounds_nm]
    exact = toy.energies(axes, TIMES[0])
    low = exact < exact.min() + HIGHEST_KT
    edges = []
    for k, axis in enumerate(axes):
        within = axis[low.any(axis=tuple(j for j in range(low.ndim) if j != k))]
        edges.append((within[0], within[-1]))
    return [np.linspace(first, last, CELLS[len(axes)]) for first, last in edges]


def draw(path: Path, toy: Toy, model: Model) -> None:
    axes = visible_axes(toy)
    exact = toy.energies(axes, TIMES[0])
    difference = errors(exact, model_energies(model, axes, TIMES[0]))
    exact = exact - exact.min()
    learned = exact + difference
    rms = accuracy(toy, model, TIMES[0]).rms_kt
    with rc_context(STYLE):
        figure = _lines(axes, exact, learned) if len(axes) == 1 else _maps(axes, exact, learned)
        figure.suptitle(f"rms difference, weighted by the density: {rms:.3f} kT", fontsize=10)
        figure.savefig(path)


def _lines(axes: list[Array], exact: Array, learned: Array) -> Figure:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.plot(axes[0], learned, color=MODEL_COLOUR, linewidth=2.5, label="model")
    upper.plot(axes[0], exact, color="black", linewidth=1, linestyle=(0, (4, 2)), label="exact")
    upper.set(ylabel="E (kT)", ylim=(-0.5, HIGHEST_KT + 2))
    upper.legend(frameon=False)
    lower.plot(axes[0], learned - exact, color=MODEL_COLOUR)
    lower.axhline(0, color="black", linewidth=0.6)
    lower.set(xlabel="x (nm)", ylabel="difference (kT)", ylim=(-DIFFERENCE_KT, DIFFERENCE_KT))
    return figure


def _maps(axes: list[Array], exact: Array, learned: Array) -> Figure:
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    for axis, title, values in zip(panels, ("exact", "model"), (exact, learned), strict=False):
        shown = np.ma.masked_greater(values, HIGHEST_KT)
        image = axis.pcolormesh(*axes, shown.T, vmin=0, vmax=HIGHEST_KT, rasterized=True)
        axis.contour(*axes, values.T, np.arange(1, HIGHEST_KT), colors="white", linewidths=0.4)
        axis.set(title=title, xlabel="x (nm)")
    figure.colorbar(image, ax=panels[:2], label="E (kT)", location="bottom", aspect=40)
    difference = np.ma.masked_where(exact > HIGHEST_KT, learned - exact)
    limits: dict[str, Any] = {"vmin": -DIFFERENCE_KT, "vmax": DIFFERENCE_KT, "cmap": "RdBu_r"}
    image = panels[2].pcolormesh(*axes, difference.T, rasterized=True, **limits)
    panels[2].set(title="model - exact", xlabel="x (nm)")
    figure.colorbar(
        image, ax=panels[2], label="difference of E (kT)", extend="both", location="bottom"
    )
    panels[0].set_ylabel("y (nm)")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("toy", choices=TOYS)
    parser.add_argument("model", metavar="model.xml.gz")
    parser.add_argument("figure", type=Path, metavar="energy.png")
    options = parser.parse_args()
    try:
        draw(options.figure, TOYS[options.toy], Model(options.model))
    except (OSError, ValueError, OpenMMException) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
