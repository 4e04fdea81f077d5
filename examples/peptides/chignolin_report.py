"""Says how far the replica exchange of CLN025 is: folding, melting, agreement of its two starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmmscore.base.files import replace_file
from openmmscore.evaluation.analysis import kish_number

from exchange import ExchangeRun, round_trips
from folding import FOLDED_NM, Native, read_native
from melting import Weighted, weighted

__all__ = ["melting_point", "report"]

Array = NDArray[np.float64]

DISCARDED_SHARE = 0.2
WINDOWS = 20
GRID = 111
AGREEMENT = 0.05


def report(
    runs: Mapping[str, ExchangeRun],
    native_pdb: Path,
    figure: Path,
    temperature_k: float | None = None,
    discard_ns: float | None = None,
) -> None:
    """runs: by their starts. temperature_k: by default where half is folded. discard_ns: of each
    run; by default a share of it."""
    native = read_native(native_pdb)
    kept = {
        start: run.after(DISCARDED_SHARE * run.time_ns[-1] if discard_ns is None else discard_ns)
        for start, run in runs.items()
    }
    each = {start: _weighted([run], native) for start, run in kept.items()}
    together = _weighted(list(kept.values()), native)
    for start, run in runs.items():
        print(_run_line(start, run, kept[start], each[start]))
    melting = melting_point(together)
    target = temperature_k or melting or float(np.median(together.runs[0].ladder_k))
    print(
        f"Half is folded (CA RMSD below {FOLDED_NM:g} nm) at "
        + ("no temperature of the ladder" if melting is None else f"{melting:.1f} K")
    )
    print()
    print("\n".join(_melting_table(each, together)))
    print()
    print("\n".join(_target_lines(each, together, target, native)))
    print()
    print("\n".join(_time_table(runs, native, target)))
    _draw(figure, each, together, runs, native, target)
    print(f"Figure: {figure}")


def _weighted(runs: list[ExchangeRun], native: Native) -> Weighted:
    return weighted(runs, [native.folded(run.positions) for run in runs])


def melting_point(together: Weighted) -> float | None:
    """K, where half of it is folded, within the ladder."""
    ladder = together.runs[0].ladder_k
    grid = np.linspace(ladder[0], ladder[-1], GRID)
    shares = together.shares(grid)
    crossings = np.nonzero((shares[:-1] >= 0.5) & (shares[1:] < 0.5))[0]
    if len(crossings) == 0:
        return None
    k = int(crossings[-1])
    part = (shares[k] - 0.5) / (shares[k] - shares[k + 1])
    return float(grid[k] + part * (grid[k + 1] - grid[k]))


def _run_line(start: str, run: ExchangeRun, kept: ExchangeRun, analysis: Weighted) -> str:
    trips = round_trips(run.states, len(run.ladder_k) - 1)
    copy_ns = run.time_ns[-1]
    tau = analysis.inefficiency / 2 * run.interval_ps / 1000
    bound = "" if analysis.reliable else ", at least (it is too long to be measured)"
    return (
        f"{start}: {run.copies} copies x {copy_ns:g} ns, of which {kept.frames} frames after "
        f"{copy_ns - kept.frames * run.interval_ps / 1000:g} ns count; round trips seen "
        f"{trips.sum()} ({trips.min()} to {trips.max()} a copy); autocorrelation time of folding "
        f"along a copy {tau:.2g} ns{bound}"
    )


def _melting_table(each: Mapping[str, Weighted], together: Weighted) -> list[str]:
    """Folded fractions: of MBAR over each start's frames; and plain ones, of those at T alone."""
    starts = list(each)
    lines = [
        "| T (K) | " + " | ".join(f"{start} | plain" for start in starts) + " | together |",
        "|" + "---|" * (2 + 2 * len(starts)),
    ]
    for k, temperature in enumerate(together.runs[0].ladder_k):
        cells = []
        for start in starts:
            states, inside = each[start].runs[0].states, each[start].inside[0]
            share, error = each[start].share(temperature)
            cells += [f"{share:.3f} ± {error:.3f}", f"{inside[states == k].mean():.3f}"]
        share, error = together.share(temperature)
        lines.append(
            f"| {temperature:g} | " + " | ".join(cells) + f" | {share:.3f} ± {error:.3f} |"
        )
    return lines


def _target_lines(
    each: Mapping[str, Weighted], together: Weighted, target: float, native: Native
) -> list[str]:
    lines = [f"At {target:.1f} K:"]
    shares = {start: analysis.share(target) for start, analysis in each.items()}
    for start, (share, error) in shares.items():
        lines.append(f"  folded from {start}: {share:.3f} ± {error:.3f}")
    if len(shares) == 2:
        (first, error), (second, other) = shares.values()
        verdict = "within" if abs(first - second) <= AGREEMENT else "NOT within"
        lines.append(
            f"  the starts differ by {first - second:+.3f} ± {np.hypot(error, other):.3f}: "
            f"{verdict} {AGREEMENT}"
        )
    weights = np.exp(together.log_weights(target))
    contacts = np.concatenate(
        [native.fraction_of_contacts(run.positions).ravel() for run in together.runs]
    )
    rmsd = np.concatenate([native.rmsd(run.positions).ravel() for run in together.runs])
    lines += [
        f"  effective (Kish) number of MBAR's weights {kish_number(weights):.0f} of "
        f"{weights.size} frames; divided by the inefficiency "
        f"{together.inefficiency:.0f}: {kish_number(weights) / together.inefficiency:.0f}",
        f"  mean fraction of native contacts {weights @ contacts:.3f}, "
        f"mean RMSD {weights @ rmsd:.3f} nm, free energy of folding "
        f"{together.free_energy_difference(target):+.2f} kJ/mol",
    ]
    return lines


def _by_time(
    runs: Mapping[str, ExchangeRun], native: Native, target: float
) -> dict[str, tuple[Array, Array]]:
    """Of all frames, those that are discarded elsewhere too."""
    return {
        start: _weighted([run], native).by_time(target, WINDOWS)[0] for start, run in runs.items()
    }


def _time_table(runs: Mapping[str, ExchangeRun], native: Native, target: float) -> list[str]:
    lines = [f"Folded at {target:.1f} K, up to each time since the last:"]
    for start, (ends, shares) in _by_time(runs, native, target).items():
        text = ", ".join(
            f"{end:.3g} ns {share:.2f}" for end, share in zip(ends, shares, strict=True)
        )
        lines.append(f"  {start}: {text}")
    return lines


def _draw(
    path: Path,
    each: Mapping[str, Weighted],
    together: Weighted,
    runs: Mapping[str, ExchangeRun],
    native: Native,
    target: float,
) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    ladder = np.asarray(together.runs[0].ladder_k)
    grid = np.linspace(ladder[0], ladder[-1], GRID)
    series = _by_time(runs, native, target)
    for number, (start, analysis) in enumerate(each.items()):
        color = f"C{number}"
        points = np.array([analysis.share(temperature) for temperature in ladder])
        left.errorbar(ladder, *points.T, fmt="o", ms=3, capsize=2, color=color, label=start)
        left.plot(grid, analysis.shares(grid), color=color, lw=1)
        right.step(*_steps(*series[start]), where="post", color=color, label=f"from {start}")
    left.axvline(target, color="0.7", lw=0.8, zorder=0)
    _finish(left, "temperature (K)", "folded fraction", "Melting curve (MBAR)")
    _finish(right, "time of each copy (ns)", "folded fraction", f"Both starts, at {target:.0f} K")
    replace_file(path, lambda file: figure.savefig(file, format="png", dpi=150))
    pyplot.close(figure)


def _steps(ends: Array, shares: Array) -> tuple[Array, Array]:
    return np.concatenate([[0.0], ends]), np.concatenate([shares, shares[-1:]])


def _finish(axes: Any, x: str, y: str, title: str) -> None:
    axes.set(xlabel=x, ylabel=y, ylim=(-0.03, 1.03), title=title)
    axes.legend(frameon=False)
