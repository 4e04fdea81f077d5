"""Where the frames of copies lie in a file that is laid out before there are any: .h5 as
`openmmscore.io.hdf5_frames` has it, or .npy.

Frames are in the order of the copies, all of copy 0 first. Times and the numbers of the copies are
written with the layout. Of this the first bytes, which tell of which kind a file is, come last: a
file without them holds nothing, as its run was killed at once.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app

from ..base.files import UnfinishedFile

__all__ = ["FrameTable", "Shape", "is_laid_out", "npy_header", "write_copies"]

_ROWS_AT_ONCE = 1 << 16
_SIGNATURE = 8  # bytes of both kinds, none of them 0


@dataclass(frozen=True)
class Shape:
    """frames: of each of so many copies, interval_ps apart; the first is at interval_ps. topology:
    of one copy, as OpenMM has it. weighted: whether frames have log-weights."""

    beads: int
    dimensions: int
    topology: app.Topology
    frames: int
    copies: int
    interval_ps: float
    weighted: bool = False


def is_laid_out(file: UnfinishedFile) -> bool:
    return file.size >= _SIGNATURE and file.read(0, _SIGNATURE)[0] != 0


def npy_header(kind: str, shape: tuple[int, ...]) -> bytes:
    """Of one array in NumPy's format."""
    header = io.BytesIO()
    fields = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    return header.getvalue()


def write_copies(file: UnfinishedFile, frames: int, copies: int) -> int:
    """The number of each frame's copy, in NumPy's format, into a file that has room. Returns its
    size."""
    header = npy_header("<i8", (frames * copies,))
    at = len(header)
    for copy in range(copies):
        for count in _counts(frames):
            file.write(at, np.full(count, copy, "<i8"))
            at += 8 * count
    file.write(0, header)
    return at


def _counts(rows: int) -> Iterator[int]:
    for first in range(0, rows, _ROWS_AT_ONCE):
        yield min(_ROWS_AT_ONCE, rows - first)


class FrameTable:
    """The data sets of one file. is_npy: it has one array, and no attributes."""

    def __init__(self, file: UnfinishedFile, shape: Shape, *, is_npy: bool) -> None:
        self._file, self.shape, self._is_npy = file, shape, is_npy
        rows = shape.frames * shape.copies
        each = (shape.beads, shape.dimensions)
        self._row = 4 * shape.beads * shape.dimensions
        self._layout: dict[str, tuple[Any, tuple[int, ...]]] = {
            "coordinates": ("<f4", (rows, *each))
        }
        if not is_npy:
            self._layout |= {"time": ("<f4", (rows,)), "copy": ("<i4", (rows,))}
        if shape.weighted:
            self._layout["log_weights"] = ("<f8", (rows,))
        self._offsets: dict[str, int] = {}

    def plan(self, attributes: Mapping[str, Any]) -> tuple[int, list[tuple[int, bytes]]]:
        """The size of the file, and what stands where before there are frames."""
        if self._is_npy:
            header = npy_header(*self._layout["coordinates"])
            return len(header) + self._row * self.shape.frames * self.shape.copies, [(0, header)]
        import mdtraj

        from .hdf5_frames import lay_out

        topology = mdtraj.Topology.from_openmm(self.shape.topology)
        return lay_out(self._layout, topology, attributes)

    def lay_out(self, pieces: list[tuple[int, bytes]]) -> None:
        """Into a file that has room, and is empty."""
        signature = next(values for at, values in pieces if at == 0)[:_SIGNATURE]
        for at, values in pieces:
            hidden = min(len(values), max(0, _SIGNATURE - at))
            self._file.write(at, bytes(hidden) + values[hidden:])
        self._file.sync()
        self._file.write(0, signature)
        self.find()
        if not self._is_npy:
            self._write_labels()

    def write_attributes(self, pieces: list[tuple[int, bytes]]) -> None:
        """Others than before, of the same sizes."""
        if not self._is_npy:
            for at, values in pieces:
                self._file.write(at, values)

    def find(self) -> None:
        """The data sets of a file that is laid out. ValueError where they are others."""
        if self._is_npy:
            header = npy_header(*self._layout["coordinates"])
            if self._file.read(0, len(header)) != header:
                raise ValueError(f"{self._file.name}: is not the file of this run")
            self._offsets = {"coordinates": len(header)}
            return
        from .hdf5_frames import find_columns

        self._offsets = find_columns(self._file.name, self._layout)

    def _write_labels(self) -> None:
        shape, first = self.shape, 0
        for count in _counts(shape.frames):
            times = (np.arange(first + 1, first + count + 1) * shape.interval_ps).astype("<f4")
            for copy in range(shape.copies):
                at = 4 * (copy * shape.frames + first)
                self._file.write(self._offsets["time"] + at, times)
                labels = np.full(count, copy, dtype="<i4")
                self._file.write(self._offsets["copy"] + at, labels)
            first += count

    def write(
        self, number: int, positions: NDArray[Any], log_weights: NDArray[Any] | None = None
    ) -> None:
        """Frame `number` of every copy, from 0. positions: (copies, beads, dimensions), nm;
        log_weights: (copies,)."""
        rows = np.ascontiguousarray(positions, "<f4")
        if rows.shape != (self.shape.copies, *self._layout["coordinates"][1][1:]) or not (
            0 <= number < self.shape.frames
        ):
            raise ValueError(f"frame {number} of shape {rows.shape}: the file has no such place")
        for copy, row in enumerate(rows):
            place = copy * self.shape.frames + number
            self._file.write(self._offsets["coordinates"] + place * self._row, row)
            if log_weights is not None:
                weight = np.array([log_weights[copy]], "<f8")
                self._file.write(self._offsets["log_weights"] + 8 * place, weight)

    def digest(self, number: int) -> bytes:
        """SHA-256 of frame `number` of every copy, as it is in the file."""
        found = hashlib.sha256()
        for copy in range(self.shape.copies):
            place = copy * self.shape.frames + number
            found.update(
                self._file.read(self._offsets["coordinates"] + place * self._row, self._row)
            )
        return found.digest()

    def copy_first(self, to: FrameTable) -> None:
        """The first frames of each copy, as many as the other one has."""
        widths = {"coordinates": self._row, **({"log_weights": 8} if self.shape.weighted else {})}
        for name, width in widths.items():
            for copy in range(self.shape.copies):
                at = self._offsets[name] + width * copy * self.shape.frames
                place = to._offsets[name] + width * copy * to.shape.frames
                for count in _counts(to.shape.frames):
                    to._file.write(place, self._file.read(at, width * count))
                    at, place = at + width * count, place + width * count
