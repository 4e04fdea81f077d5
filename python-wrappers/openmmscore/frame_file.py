"""Frames of copies, written while they are made: .h5 as `openmmscore.frames` has it, or .npy.

Its size is known from the start, so the file is laid out once, with all its room on the disk, and
frames then go to their places. A full disk is found before the work, nothing is kept in memory, and
after a kill at any moment what was written is there. Until it is complete its name is
`<path>.unfinished`.

Frames are in the order of the copies, all of copy 0 first, and the number of each frame's copy
stands in the data set `copy`, or in `<stem>_copy.npy`. How they were made stands in attributes of
the file, or in `<stem>_run.json`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import UNFINISHED, UnfinishedFile, naming, replace_file, require_file
from .model import Model
from .system import create_system

__all__ = ["FrameFile", "attributes_of", "beside", "plain", "read_json"]

_ROWS_AT_ONCE = 1 << 16
SHORTER = ".shorter.tmp"  # what ends early, while it is made


class FrameFile:
    """The frames of one run.

    frames: of each copy, interval_ps apart; the first is at interval_ps. attributes: numbers, text
    and lists. weighted: whether frames have log-weights (of .h5 alone). anew: begins the file, or
    goes on with the one that was begun, which must be of this layout.
    """

    def __init__(
        self,
        path: Path,
        model: Model,
        frames: int,
        copies: int,
        interval_ps: float,
        attributes: Mapping[str, Any],
        *,
        weighted: bool = False,
        anew: bool = True,
        ending: str = UNFINISHED,
    ) -> None:
        self.path, self.model = path, model
        self.frames, self.copies, self.interval_ps = frames, copies, interval_ps
        self.weighted = weighted
        if path.suffix == ".npy" and weighted:
            raise ValueError(f"{path}: must end in .h5, frames have weights")
        rows, each = frames * copies, (len(model.beads), model.dimensions)
        self._row = 4 * each[0] * each[1]
        self._layout: dict[str, tuple[Any, tuple[int, ...]]] = {
            "coordinates": ("<f4", (rows, *each))
        }
        if path.suffix == ".h5":
            self._layout |= {"time": ("<f4", (rows,)), "copy": ("<i4", (rows,))}
        if weighted:
            self._layout["log_weights"] = ("<f8", (rows,))
        self._file = UnfinishedFile(path, anew=anew, ending=ending)
        try:
            if anew:
                self.lay_out(attributes)
            else:
                self.attributes = dict(attributes)
                self._offsets = self._found()
        except BaseException:
            self.close()
            raise

    def lay_out(self, attributes: Mapping[str, Any]) -> None:
        """Begins the file anew."""
        self.attributes = dict(attributes)
        if self.path.suffix == ".npy":
            header = self._npy_header()
            size, pieces = len(header) + self._row * self.frames * self.copies, [(0, header)]
        else:
            from .frames import lay_out

            size, pieces = lay_out(self._layout, _topology(self.model), self.attributes)
        self._file.reserve(size)
        for at, values in pieces:
            self._file.write(at, values)
        self._offsets = self._found()
        if self.path.suffix == ".h5":
            self._write_labels()

    def _npy_header(self) -> bytes:
        kind, shape = self._layout["coordinates"]
        header = io.BytesIO()
        fields = {"descr": kind, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, fields)
        return header.getvalue()

    def _found(self) -> dict[str, int]:
        """Where the columns begin."""
        if self.path.suffix == ".npy":
            header = self._npy_header()
            if self._file.read(0, len(header)) != header:
                raise ValueError(f"{self._file.name}: is not the file of this run")
            return {"coordinates": len(header)}
        from .frames import find_columns

        return find_columns(self._file.name, self._layout)

    def _write_labels(self) -> None:
        """Times and copies are known before there is any frame."""
        for first in range(0, self.frames, _ROWS_AT_ONCE):
            last = min(first + _ROWS_AT_ONCE, self.frames)
            times = (np.arange(first + 1, last + 1) * self.interval_ps).astype("<f4")
            for copy in range(self.copies):
                at = 4 * (copy * self.frames + first)
                self._file.write(self._offsets["time"] + at, times)
                self._file.write(
                    self._offsets["copy"] + at, np.full(last - first, copy, dtype="<i4")
                )

    def write(
        self,
        number: int,
        positions: NDArray[Any],
        log_weights: NDArray[Any] | None = None,
    ) -> None:
        """Frame `number` of every copy, from 0. positions: (copies, beads, dimensions), nm;
        log_weights: (copies,)."""
        rows = np.ascontiguousarray(positions, "<f4")
        if rows.shape != (self.copies, *self._layout["coordinates"][1][1:]) or not (
            0 <= number < self.frames
        ):
            raise ValueError(f"frame {number} of shape {rows.shape}: the file has no such place")
        for copy, row in enumerate(rows):
            place = copy * self.frames + number
            self._file.write(self._offsets["coordinates"] + place * self._row, row)
            if log_weights is not None:
                weight = np.array([log_weights[copy]], "<f8")
                self._file.write(self._offsets["log_weights"] + 8 * place, weight)

    def sync(self) -> None:
        """What has been written survives a loss of power."""
        self._file.sync()

    def finish(self) -> None:
        """Gives the file its name."""
        if self.path.suffix == ".npy":
            copy = np.repeat(np.arange(self.copies), self.frames)
            text = json.dumps(plain(self.attributes), indent=2) + "\n"
            replace_file(beside(self.path, "_copy.npy"), lambda file: np.save(file, copy))
            replace_file(beside(self.path, "_run.json"), lambda file: file.write(text.encode()))
        self._file.finish()

    def finish_early(self, kept: int, attributes: Mapping[str, Any]) -> None:
        """Writes the first `kept` frames of each copy as a file that is complete. This one stays
        as it is."""
        shorter = FrameFile(
            self.path,
            self.model,
            kept,
            self.copies,
            self.interval_ps,
            attributes,
            weighted=self.weighted,
            ending=SHORTER,
        )
        try:
            widths = {"coordinates": self._row, **({"log_weights": 8} if self.weighted else {})}
            for name, width in widths.items():
                for copy in range(self.copies):
                    self._copy_rows(shorter, name, width, copy)
            shorter.finish()
        except BaseException:
            shorter.abandon()
            raise

    def _copy_rows(self, to: FrameFile, name: str, width: int, copy: int) -> None:
        for first in range(0, to.frames, _ROWS_AT_ONCE):
            count = min(_ROWS_AT_ONCE, to.frames - first)
            at = self._offsets[name] + width * (copy * self.frames + first)
            place = to._offsets[name] + width * (copy * to.frames + first)
            to._file.write(place, self._file.read(at, width * count))

    def abandon(self) -> None:
        """Removes it."""
        self._file.abandon()

    def close(self) -> None:
        """Leaves it unfinished, if it is."""
        self._file.close()


def _topology(model: Model) -> Any:
    import mdtraj

    return mdtraj.Topology.from_openmm(create_system(model)[1])


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.stem + end)


def plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def read_json(path: Path) -> dict[str, Any]:
    """How frames were made; empty without such a file."""
    if not path.exists():
        return {}
    require_file(path)
    with naming(path):
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise ValueError(f"holds {type(found).__name__}, must be attributes in braces")
    return found


def attributes_of(path: Path) -> dict[str, Any]:
    """How the frames of a file were made; what it does not say is not there."""
    if path.suffix == ".npy":
        return read_json(beside(path, "_run.json"))
    from .frames import read_attributes

    return dict(plain(read_attributes(path)))
