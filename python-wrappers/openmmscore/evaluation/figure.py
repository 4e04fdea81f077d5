"""Free energies of data, samples and simulation side by side, and their profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import replace_file
from .analysis import Array
from .coordinates import Coordinates
from .drawing import Figure, rc_context
from .ensembles import Density, Ensemble

__all__ = ["draw"]

BINS = 60
HIGHEST_KT = 10.0
CONTOUR_KT = 2.0
REPEATS = 100
# Okabe and Ito's blue, green and vermilion
COLOURS = {
    "data": "black",
    "independent samples": "#0072B2",
    "exp(-E)": "#009E73",
    "simulation": "#D55E00",
}


@dataclass(frozen=True)
class _Axis:
    """One coordinate as it is drawn."""

    label: str
    factor: float  # from the coordinate's unit to that of the axis
    limits: tuple[float, float]
    ticks: Array | None

    @property
    def edges(self) -> Array:
        return np.linspace(*self.limits, BINS + 1)

    @property
    def own_edges(self) -> Array:
        """In the coordinate's unit."""
        return self.edges / self.factor

    @property
    def centres(self) -> Array:
        return (self.edges[1:] + self.edges[:-1]) / 2


def draw(
    path: Path,
    coordinates: Coordinates,
    shown: Mapping[str, Ensemble | Density],
    limits: Sequence[tuple[float, float]],
    titles: Mapping[str, str],
) -> None:
    """Writes a PNG. The first of the ensembles is the data; titles: a second line for a panel.

    limits: of the axes, in the unit of the coordinates.
    """
    axes = [_axis(coordinates, k, limits[k]) for k in range(len(coordinates.names))]
    style: dict[Any, Any] = {"font.size": 9, "axes.titlesize": 9.5, "savefig.dpi": 160}
    with rc_context(style):
        figure = _maps(axes, shown, titles) if len(axes) == 2 else _single(axes[0], shown)
        replace_file(path, lambda file: figure.savefig(file, format="png"))


def _axis(coordinates: Coordinates, column: int, limits: tuple[float, float]) -> _Axis:
    name = coordinates.names[column]
    if not coordinates.periodic:
        label = f"{name} ({coordinates.unit})" if coordinates.unit else name
        return _Axis(label, 1.0, limits, None)
    symbol = rf"$\{name}$" if name in ("phi", "psi") else f"dihedral {name}"
    degrees = 180 / np.pi
    low, high = (round(degrees * limit, 9) for limit in limits)
    ticks = np.arange(-180.0, 181.0, 90.0)
    return _Axis(
        f"{symbol} (degrees)", degrees, (low, high), ticks[(ticks >= low) & (ticks <= high)]
    )


def _single(axis: _Axis, shown: Mapping[str, Ensemble | Density]) -> Figure:
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    panel = figure.subplots()
    _profile(panel, axis, 0, shown)
    panel.legend(frameon=False, fontsize=8)
    return figure


def _maps(
    axes: Sequence[_Axis], shown: Mapping[str, Ensemble | Density], titles: Mapping[str, str]
) -> Figure:
    names = list(shown)
    figure = Figure(figsize=(2.9 * len(names) + 3.9, 4.5), layout="constrained")
    panels: dict[str, Any] = figure.subplot_mosaic(
        [[*names, "first"], [*names, "second"]], width_ratios=[1.0] * len(names) + [1.05]
    )
    image: Any = None
    for name in names:
        image = _map(panels[name], axes, shown[name])
        panels[name].set_title(name + titles.get(name, "\n"))
        panels[name].tick_params(labelleft=name == names[0])
    panels[names[0]].set_ylabel(axes[1].label)
    below: dict[str, Any] = {"location": "bottom", "shrink": 0.6, "aspect": 40, "extend": "max"}
    bar = figure.colorbar(image, ax=[panels[name] for name in names], **below)
    bar.set_label("free energy (kT); white: no frames")
    for column, name in enumerate(("first", "second")):
        _profile(panels[name], axes[column], column, shown)
    panels["first"].legend(
        frameon=False, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(names)
    )
    return figure


def _map(panel: Any, axes: Sequence[_Axis], of: Ensemble | Density) -> Any:
    energy = _energy(of.histogram([axis.own_edges for axis in axes]))
    energy = energy - np.nanmin(energy)
    if isinstance(of, Density):  # is nowhere zero, but nowhere near what frames could show either
        energy[energy > HIGHEST_KT] = np.nan
    image = panel.pcolormesh(
        *(axis.edges for axis in axes), energy.T, vmin=0, vmax=HIGHEST_KT, cmap="viridis"
    )
    levels = np.arange(CONTOUR_KT, min(HIGHEST_KT, np.nanmax(energy)), CONTOUR_KT)
    if len(levels):
        panel.contour(
            *(axis.centres for axis in axes), energy.T, levels, colors="white", linewidths=0.4
        )
    panel.set(xlabel=axes[0].label, xlim=axes[0].limits, ylim=axes[1].limits)
    panel.set_box_aspect(1)
    for axis, side in zip(axes, (panel.xaxis, panel.yaxis), strict=True):
        if axis.ticks is not None:
            side.set_ticks(axis.ticks)
    return image


def _profile(panel: Any, axis: _Axis, column: int, shown: Mapping[str, Ensemble | Density]) -> None:
    """-log p along one coordinate; bands are one standard error. One zero, the data's lowest."""
    zero = None
    lowest = 0.0
    for name, of in shown.items():
        share, error = _marginal(of, column, axis.own_edges)
        energy, low, high = (
            _energy(each) for each in (share, share + error, np.maximum(share - error, 1e-12))
        )
        zero = np.nanmin(energy) if zero is None else zero
        lowest = min(lowest, float(np.nanmin(energy) - zero))
        low = np.where(share > 0, low, np.nan)
        panel.fill_between(
            axis.centres, low - zero, high - zero, color=COLOURS[name], alpha=0.25, linewidth=0
        )
        panel.plot(
            axis.centres,
            energy - zero,
            color=COLOURS[name],
            linewidth=1.2,
            linestyle=(0, (4, 1.5)) if name == "data" else "-",
            zorder=3 if name == "data" else 2,
            label=name,
        )
    panel.set(xlabel=axis.label, xlim=axis.limits, ylim=(lowest - 0.5, HIGHEST_KT))
    panel.set_ylabel("free energy (kT)")
    if axis.ticks is not None:
        panel.set_xticks(axis.ticks)


def _marginal(of: Ensemble | Density, column: int, edges: Array) -> tuple[Array, Array]:
    """(bins,), the share of each bin along one coordinate, and its standard error."""
    if isinstance(of, Density):
        share = of.marginal(column, edges)
        return share, np.zeros_like(share)
    single = of.column(column)
    draws = single.bootstrap([edges], REPEATS)
    error = (draws / draws.sum(axis=1, keepdims=True)).std(axis=0)
    return single.histogram([edges]), error


def _energy(share: Array) -> Array:
    """-log p; NaN in empty bins."""
    energy = np.full(share.shape, np.nan)
    np.log(share, out=energy, where=share > 0)
    return -energy
