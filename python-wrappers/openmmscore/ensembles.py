"""What is compared: coordinates of frames, their weights, and the copy that each comes from.

Frames are read from .h5 files in this project's layout (`openmmscore.frames`; the data sets `copy`,
`time` and `log_weights` are used where they are there), or from .npy files (frames, beads,
dimensions), with the number of each frame's copy in `<stem>_copy.npy` where there is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .analysis import Array, bin_numbers, dihedrals, kish_number

try:
    import h5py
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

from .frames import read_frames

__all__ = ["Coordinates", "Ensemble", "read_ensemble"]

_DIHEDRALS = "dihedrals:"
_AXES = {"x": 1, "xy": 2}


@dataclass(frozen=True)
class Coordinates:
    """One or two numbers that describe a frame.

    quadruples: four beads each, of dihedral angles in radians; empty for the position of a single
    bead, in nm.
    """

    names: tuple[str, ...]
    quadruples: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Coordinates:
        """`x`, `xy`, or `dihedrals:0-1-2-3,1-2-3-4`."""
        if text in _AXES:
            return cls(tuple(text))
        if not re.fullmatch(_DIHEDRALS + r"\d+(-\d+){3}(,\d+(-\d+){3})?", text):
            raise ValueError(
                f"coordinates are {text!r}, must be x, xy, or dihedrals:0-1-2-3,1-2-3-4 (one or "
                "two dihedrals of four beads each)"
            )
        words = text.removeprefix(_DIHEDRALS).split(",")
        quadruples = tuple(tuple(int(bead) for bead in word.split("-")) for word in words)
        for beads, word in zip(quadruples, words, strict=True):
            if len(set(beads)) < 4:
                raise ValueError(f"dihedral {word} names a bead twice")
        return cls(("phi", "psi")[: len(words)] if len(words) == 2 else (words[0],), quadruples)

    @property
    def periodic(self) -> bool:
        return bool(self.quadruples)

    def column(self, name: str) -> int:
        """The column that a name or a number from 0 means."""
        if name in self.names:
            return self.names.index(name)
        if name.isdecimal() and int(name) < len(self.names):
            return int(name)
        raise ValueError(f"column {name!r}, must be one of {', '.join(self.names)}, or its number")

    def __call__(self, positions: NDArray[np.float32]) -> Array:
        """(frames, columns). positions: (frames, beads, dimensions), nm."""
        beads, dimensions = positions.shape[1:]
        if not self.quadruples:
            if beads != 1 or dimensions < len(self.names):
                raise ValueError(
                    f"coordinates {''.join(self.names)} of frames of {beads} beads in {dimensions} "
                    f"dimensions: must be 1 bead in at least {len(self.names)}"
                )
            return np.asarray(positions[:, 0, : len(self.names)], float)
        last = max(max(four) for four in self.quadruples)
        if dimensions != 3 or last >= beads:
            raise ValueError(
                f"a dihedral of bead {last} in frames of {beads} beads (from 0) in {dimensions} "
                "dimensions"
            )
        return dihedrals(positions, self.quadruples)


@dataclass(frozen=True)
class Ensemble:
    """Frames of one distribution.

    values: (frames, columns). weights: (frames,), sum 1. copy: (frames,), a label, or None where
    frames are independent. interval_ps: between frames of a copy, None if unknown.
    equilibration_ps: what was discarded before the first frame, None if unknown.
    """

    values: Array
    weights: Array
    copy: NDArray[np.int64] | None = None
    interval_ps: float | None = None
    equilibration_ps: float | None = None
    temperature_k: float | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kish(self) -> float:
        return kish_number(self.weights)

    def series(self) -> Array:
        """(copies, frames, columns). Copies must have equally many frames, each in its order."""
        if self.copy is None:
            return self.values[None]
        labels, counts = np.unique(self.copy, return_counts=True)
        if counts.min() != counts.max():
            few, many = labels[counts.argmin()], labels[counts.argmax()]
            raise ValueError(
                f"copy {few} has {counts.min()} frames and copy {many} has {counts.max()}"
            )
        order = np.argsort(self.copy, kind="stable")
        return self.values[order].reshape(len(labels), counts[0], -1)

    def in_blocks(self, blocks: int) -> Ensemble:
        """A single run, cut into pieces of equal length that count as copies."""
        length = len(self) // blocks
        if length == 0:
            raise ValueError(f"{len(self)} frames are too few to be cut into {blocks} pieces")
        kept = slice(0, length * blocks)
        return Ensemble(
            self.values[kept],
            self.weights[kept] / self.weights[kept].sum(),
            np.repeat(np.arange(blocks), length),
            self.interval_ps,
            self.equilibration_ps,
            self.temperature_k,
        )

    def histograms(self, edges: Sequence[Array]) -> Array:
        """(copies, bins), weights of each copy in each bin; a copy a row. Needs copies."""
        if self.copy is None:
            raise ValueError("frames without copies")
        labels, row = np.unique(self.copy, return_inverse=True)
        numbers = bin_numbers(self.values, edges)
        bins = int(np.prod([len(edge) - 1 for edge in edges]))
        inside = numbers >= 0
        places = row[inside] * bins + numbers[inside]
        counts = np.bincount(places, self.weights[inside], len(labels) * bins)
        return np.asarray(counts, float).reshape(len(labels), bins)


def read_ensemble(path: str | os.PathLike[str], coordinates: Coordinates) -> Ensemble:
    """Reads frames from .h5 or .npy. Errors name the file."""
    path = Path(path)
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        return (_read_h5 if path.suffix == ".h5" else _read_npy)(path, coordinates)
    except (KeyError, OSError, ValueError) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        raise ValueError(text if str(path) in text else f"{path}: {text}") from error


def _read_h5(path: Path, coordinates: Coordinates) -> Ensemble:
    frames = read_frames(path)
    with h5py.File(path, "r") as file:
        copy = np.asarray(file["copy"][:], np.int64) if "copy" in file else None
        timed = "time" in file
    interval = None
    if timed and len(frames) > 1:
        interval = _interval(np.asarray(frames.time_ps, float), copy)
    attributes = frames.attributes
    if interval is None and "frame_interval_ps" in attributes:
        interval = float(attributes["frame_interval_ps"])
    known = {
        name: float(attributes[name])
        for name in ("equilibration_ps", "temperature_k")
        if name in attributes
    }
    return _ensemble(coordinates, frames.positions, frames.log_weights, copy, interval, **known)


def _interval(time_ps: Array, copy: NDArray[np.int64] | None) -> float | None:
    """Between frames of a copy; None where the times are not those of regular frames."""
    if copy is not None and copy.shape == time_ps.shape:
        order = np.argsort(copy, kind="stable")
        gaps = np.diff(time_ps[order])[np.diff(copy[order]) == 0]
    else:
        gaps = np.diff(time_ps)
    if copy is not None and gaps.size and gaps.min() <= 0:
        raise ValueError("the time of the frames of a copy does not increase")
    if not gaps.size:
        return None
    interval = float(np.median(gaps))
    # times are float32, a frame's time may be rounded by 1e-7 of a long run's length
    regular = np.abs(gaps - interval).max() <= 1e-2 * interval
    return interval if regular and interval > 0 else None


def _read_npy(path: Path, coordinates: Coordinates) -> Ensemble:
    positions = np.load(path)
    beside = path.with_name(path.stem + "_copy.npy")
    copy = np.load(beside) if beside.is_file() else None
    if copy is not None and not np.issubdtype(copy.dtype, np.integer):
        raise ValueError(f"{beside}: {copy.dtype} is no kind of integers")
    return _ensemble(coordinates, positions, np.zeros(len(positions)), copy, None)


def _ensemble(
    coordinates: Coordinates,
    positions: NDArray[np.float32],
    log_weights: Array,
    copy: NDArray[np.int64] | None,
    interval_ps: float | None,
    equilibration_ps: float | None = None,
    temperature_k: float | None = None,
) -> Ensemble:
    if positions.ndim != 3 or len(positions) < 2:
        raise ValueError(
            f"positions have shape {positions.shape}, not (frames, beads, dimensions), or fewer "
            "than two frames"
        )
    if not np.isfinite(positions).all():
        frame = int(np.argmin(np.isfinite(positions).all(axis=(1, 2))))
        raise ValueError(f"frame {frame} (from 0) has a position that is not finite")
    weights = np.exp(log_weights - log_weights.max())
    if weights.shape != (len(positions),) or not np.isfinite(weights).all():
        raise ValueError(
            f"log_weights have shape {weights.shape}, not ({len(positions)},), or are not finite"
        )
    if copy is not None:
        if copy.shape != (len(positions),):
            raise ValueError(f"copy has shape {copy.shape}, not ({len(positions)},)")
        copy = np.asarray(copy, np.int64) if len(np.unique(copy)) > 1 else None
    return Ensemble(
        coordinates(positions),
        weights / weights.sum(),
        copy,
        interval_ps,
        equilibration_ps,
        temperature_k,
    )
