"""The free energy in (phi, psi), data beside simulation, and its profiles along each angle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from openmmscore.analysis import BOLTZMANN_KJ, bootstrap_weights, free_energy_2d, histogram_2d

Array = NDArray[np.float64]

BINS = 60
HIGHEST_KJ = 25.0
CONTOUR_KJ = 5.0
DATA_COLOUR, SIMULATION_COLOUR = "black", "#D55E00"  # Okabe and Ito's vermilion
TICKS = np.arange(-180, 181, 90)
EDGES = np.linspace(-180, 180, BINS + 1)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2


@dataclass(frozen=True)
class Side:
    """One of the two things compared. angles: (frames, 2), radians; weights: (frames,) or None."""

    title: str
    angles: Array
    weights: Array | None


def draw(
    path: Path,
    data: Side,
    simulation: Side,
    copies: Array,
    temperature_k: float,
    caption: str,
) -> None:
    """copies: (copies, frames, 2), the simulation's angles copy by copy, for the error bands."""
    style: dict[Any, Any] = {
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.linewidth": 0.8,
        "savefig.dpi": 200,
    }
    with rc_context(style):
        figure = Figure(figsize=(11, 4.1), layout="constrained")
        axes: dict[str, Any] = figure.subplot_mosaic(
            [["data", "simulation", "phi"], ["data", "simulation", "psi"]],
            width_ratios=[1, 1, 0.95],
        )
        image = _map(axes["data"], data, temperature_k)
        _map(axes["simulation"], simulation, temperature_k)
        axes["data"].set_ylabel(r"$\psi$ (degrees)")
        axes["simulation"].tick_params(labelleft=False)
        bar = figure.colorbar(
            image, ax=[axes["data"], axes["simulation"]], pad=0.02, fraction=0.05, extend="max"
        )
        bar.set_label("free energy (kJ/mol)")
        for column, name in enumerate(("phi", "psi")):
            _profile(axes[name], data, copies, column, temperature_k)
            axes[name].set_xlabel(rf"$\{name}$ (degrees)")
        axes["psi"].legend(frameon=False, fontsize=8, loc="upper right")
        figure.suptitle(caption, fontsize=10)
        figure.savefig(path)


def _map(axis: Any, side: Side, temperature_k: float) -> Any:
    probabilities = histogram_2d(np.degrees(side.angles), [EDGES, EDGES], side.weights)
    energy = free_energy_2d(probabilities, temperature_k)
    image = axis.pcolormesh(EDGES, EDGES, energy.T, vmin=0, vmax=HIGHEST_KJ, cmap="viridis")
    image.set_rasterized(True)
    levels = np.arange(CONTOUR_KJ, HIGHEST_KJ, CONTOUR_KJ)
    axis.contour(CENTRES, CENTRES, energy.T, levels, colors="white", linewidths=0.4)
    axis.set(title=side.title, xlabel=r"$\phi$ (degrees)", xticks=TICKS, yticks=TICKS)
    axis.set_aspect("equal")
    return image


def _profile(axis: Any, data: Side, copies: Array, column: int, temperature_k: float) -> None:
    """-kT log p along one angle; the band is one standard error over copies."""
    reference = np.histogram(np.degrees(data.angles[:, column]), EDGES, weights=data.weights)[0]
    counts = np.array([np.histogram(np.degrees(copy[:, column]), EDGES)[0] for copy in copies])
    mean = counts.mean(axis=0) / counts.mean(axis=0).sum()
    error = (bootstrap_weights(len(copies)) @ (counts / counts.sum(axis=1).mean())).std(axis=0)

    # Both curves on one zero, the data's lowest point, so that a shift of population shows.
    reference = reference / reference.sum()
    unit = reference.max()
    energy = _energy(mean, unit, temperature_k)
    low = _energy(mean + error, unit, temperature_k)
    high = _energy(np.maximum(mean - error, 1e-12), unit, temperature_k)
    axis.fill_between(CENTRES, low, high, color=SIMULATION_COLOUR, alpha=0.3, linewidth=0)
    axis.plot(CENTRES, energy, color=SIMULATION_COLOUR, linewidth=1.4, label="simulation")
    axis.plot(
        CENTRES,
        _energy(reference, unit, temperature_k),
        color=DATA_COLOUR,
        linewidth=1.2,
        linestyle=(0, (4, 1.5)),
        label="data",
    )
    axis.set(xlim=(-180, 180), ylim=(-1, HIGHEST_KJ), xticks=TICKS, ylabel="free energy (kJ/mol)")


def _energy(probabilities: Array, unit: float, temperature_k: float) -> Array:
    ratio = np.full(probabilities.shape, np.nan)
    np.divide(probabilities, unit, out=ratio, where=probabilities > 0)
    return -BOLTZMANN_KJ * temperature_k * np.log(ratio)
