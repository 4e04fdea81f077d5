"""The dipeptides' convergence in words: a table of the test sequences, a summary of the rest."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from convergence import Convergence

__all__ = ["print_tables", "summary", "table"]

HEADER = (
    "sequence",
    "tau phi2 (ps)",
    "tau psi1 (ps)",
    "tau omega (ps)",
    "P(phi2 in 0..120)",
    "entries",
    "same, biased",
    "P(psi1 in -120..60)",
    "worth (frames)",
    "JS of halves",
    "floor",
    "floor 49,000",
)


def print_tables(found: Sequence[Convergence]) -> None:
    sets = {name: [each for each in found if each.set == name] for name in ("train", "test")}
    biased = {each.sequence: each for each in found if each.set == "biased"}
    if sets["test"] or biased:
        print("\n".join(table(sets["test"], biased)))
        print()
    if sets["train"]:
        print("\n".join(summary(sets["train"])))
    print(_unphysical(found))


def table(test: Sequence[Convergence], biased: dict[str, Convergence]) -> list[str]:
    """Of the test sequences, in their order; a biased run beside the plain one."""
    lines = ["| " + " | ".join(HEADER) + " |", "|" + "---|" * len(HEADER)]
    plain = {each.sequence: each for each in test}
    for sequence in dict.fromkeys([*plain, *biased]):
        cells = [sequence, *(_plain_cells(plain[sequence]) if sequence in plain else ["-"] * 10)]
        other = biased.get(sequence)
        cells.insert(6, "-" if other is None else f"{other.left:.4f} ± {other.left_error:.4f}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _plain_cells(run: Convergence) -> list[str]:
    return [
        _time(run.tau_phi2, run.tau_phi2_error, run.tau_phi2_reliable),
        _time(run.tau_psi1, run.tau_psi1_error, run.tau_psi1_reliable),
        _time(run.tau_omega, run.tau_omega_error, run.tau_omega_reliable),
        f"{run.left:.4f} ± {run.left_error:.4f}",
        f"{run.left_entries}",
        f"{run.alpha:.4f} ± {run.alpha_error:.4f}",
        f"{run.effective_number:,.0f}",
        f"{run.js_halves:.4f} ± {run.js_halves_deviation:.4f}",
        f"{run.js_halves_floor:.4f}",
        f"{run.floor_49000:.4f}",
    ]


def _time(tau: float, error: float, reliable: bool) -> str:
    """A lower bound where it is not reliable."""
    return f"{tau:.3g} ± {error:.1g}" if reliable else f"> {tau:.3g}"


def summary(train: Sequence[Convergence]) -> list[str]:
    """Medians and extremes, and whose they are."""
    measures: dict[str, Callable[[Convergence], float]] = {
        "tau phi2 (ps)": lambda run: run.tau_phi2,
        "tau psi1 (ps)": lambda run: run.tau_psi1,
        "tau omega (ps)": lambda run: run.tau_omega,
        "P(phi2 in 0..120)": lambda run: run.left,
        "its error": lambda run: run.left_error,
        "entries": lambda run: run.left_entries,
        "P(psi1 in -120..60)": lambda run: run.alpha,
        "its error ": lambda run: run.alpha_error,
        "worth (frames)": lambda run: run.effective_number,
        "JS of halves": lambda run: run.js_halves,
        "JS of halves over its floor": lambda run: run.js_halves / run.js_halves_floor,
        "floor 49,000": lambda run: run.floor_49000,
    }
    unsure = sum(not run.tau_phi2_reliable for run in train)
    lines = [
        f"{len(train)} training sequences, {sum(run.frames for run in train):,} frames, "
        f"{sum(run.total_ns for run in train):,.0f} ns; tau phi2 is a lower bound in {unsure}.",
        "",
        "| | least | median | most |",
        "|---|---|---|---|",
    ]
    for name, measure in measures.items():
        values = np.array([measure(run) for run in train])
        least, most = (train[int(k)].sequence for k in (values.argmin(), values.argmax()))
        lines.append(
            f"| {name.strip()} | {values.min():.4g} ({least}) | {np.median(values):.4g} | "
            f"{values.max():.4g} ({most}) |"
        )
    return [*lines, ""]


def _unphysical(found: Iterable[Convergence]) -> str:
    runs = list(found)
    smallest = min((run.smallest_volume for run in runs), default=math.nan)
    return (
        f"D: {sum(run.d_frames for run in runs)} frames (smallest volume {smallest:.2g} nm^3); "
        f"cis: {sum(run.cis_frames for run in runs)} frames, of {sum(run.frames for run in runs):,}"
    )
