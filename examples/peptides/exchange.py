"""Runs of replica exchange over temperature: their files, in parts, and what their history says.

A run is one file, or several where each part continues the one before. A copy keeps its
configuration and changes its temperature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import h5py
import mdtraj
import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmmscore.base.files import naming
from openmmscore.io import read_frames

from mbar import Mbar, initial_free_energies, reduced_energies, state_numbers

__all__ = ["ExchangeRun", "join", "read_part", "round_trips", "solve"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ExchangeRun:
    """positions: (frames, copies, beads, 3), nm. energies: (frames, copies), kJ/mol. states:
    (frames, copies), where on the ladder each copy is. ladder_k: rising temperatures, K.
    first_frame: its number, where parts before hold others."""

    positions: NDArray[np.float32]
    energies: Array
    states: NDArray[np.int64]
    ladder_k: tuple[float, ...]
    interval_ps: float
    topology: mdtraj.Topology
    name: str = ""
    first_frame: int = 0

    @property
    def frames(self) -> int:
        return len(self.states)

    @property
    def copies(self) -> int:
        return self.states.shape[1]

    @property
    def time_ns(self) -> Array:
        """(frames,), since the first part began."""
        numbers = self.first_frame + np.arange(1, self.frames + 1)
        return np.asarray(self.interval_ps / 1000 * numbers, float)

    def after(self, discarded_ns: float) -> ExchangeRun:
        """Without the frames up to that time. ValueError where nothing is left."""
        first = int(np.searchsorted(self.time_ns, discarded_ns * (1 + 1e-9), side="right"))
        if first >= self.frames:
            raise ValueError(f"{self.name}: no frame after {discarded_ns:g} ns")
        return replace(
            self,
            positions=self.positions[first:],
            energies=self.energies[first:],
            states=self.states[first:],
            first_frame=self.first_frame + first,
        )


def read_part(path: Path) -> ExchangeRun:
    """A file as score-peptide-md writes it with --ladder: frame 0 of all copies, frame 1, ..."""
    with naming(path):
        frames = read_frames(path)
        attributes = frames.attributes
        with h5py.File(path, "r") as file:
            columns = {
                name: np.asarray(file[name][:])
                for name in ("copy", "potential_energy", "temperature")
            }
        ladder = tuple(np.asarray(attributes["ladder_k"], float).tolist())
        copies = int(attributes["copies"])
        if len(frames) == 0 or len(frames) % copies:
            raise ValueError(f"{len(frames)} frames of {copies} copies")
        if not (columns["copy"].reshape(-1, copies) == np.arange(copies)).all():
            raise ValueError("frames are not in the order of time, and of copies at each time")
        if len(ladder) < 2 or not (np.diff(ladder) > 0).all():
            raise ValueError(f"ladder_k is {list(ladder)}, must be rising temperatures")
        shape = (len(frames) // copies, copies)
        return ExchangeRun(
            frames.positions.reshape(*shape, -1, 3),
            np.asarray(columns["potential_energy"], float).reshape(shape),
            state_numbers(columns["temperature"], ladder).reshape(shape),
            ladder,
            float(attributes["frame_interval_ps"]),
            frames.topology,
            path.name,
            int(attributes["first_frame"]),
        )


def join(parts: Sequence[ExchangeRun], name: str = "") -> ExchangeRun:
    """One run of parts that follow each other."""
    first = parts[0]
    for before, part in pairwise(parts):
        for what in ("ladder_k", "copies", "interval_ps", "topology"):
            if getattr(part, what) != getattr(first, what):
                raise ValueError(f"{part.name} and {first.name} differ in {what}")
        if part.first_frame != before.first_frame + before.frames:
            raise ValueError(
                f"{part.name} begins with frame {part.first_frame}, {before.name} ends before "
                f"frame {before.first_frame + before.frames}"
            )
    return replace(
        first,
        positions=np.concatenate([part.positions for part in parts]),
        energies=np.concatenate([part.energies for part in parts]),
        states=np.concatenate([part.states for part in parts]),
        name=name or first.name,
    )


def round_trips(states: ArrayLike, top: int) -> NDArray[np.int64]:
    """(copies,), how often each went from the lowest temperature to the highest and back.

    states: (frames, copies). top: the number of the highest. What happened between frames is not
    known, so these are the least.
    """
    history = np.asarray(states)
    completed = np.zeros(history.shape[1], np.int64)
    for copy, visited in enumerate(history.T):
        ends = visited[(visited == 0) | (visited == top)]
        turns = ends[np.concatenate([[True], np.diff(ends) != 0])] if len(ends) else ends
        begun = len(turns) - int(len(turns) > 0 and turns[0] != 0)
        completed[copy] = max(0, (begun - 1) // 2)
    return completed


def solve(runs: Sequence[ExchangeRun], inefficiency: float = 1.0) -> Mbar:
    """MBAR over all frames of all runs, which must share their ladder; run after run, and in each
    frame after frame, all copies of it together."""
    ladder = runs[0].ladder_k
    for run in runs[1:]:
        if run.ladder_k != ladder:
            raise ValueError(f"{run.name} and {runs[0].name} have different ladders")
    energies = np.concatenate([run.energies.ravel() for run in runs])
    states = np.concatenate([run.states.ravel() for run in runs])
    return Mbar(
        reduced_energies(energies, ladder),
        np.bincount(states, minlength=len(ladder)),
        inefficiency=inefficiency,
        initial=initial_free_energies(energies, states, ladder),
    )
