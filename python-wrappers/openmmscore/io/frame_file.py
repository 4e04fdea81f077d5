"""Frames of copies, written while they are made: .h5 as `openmmscore.io.hdf5_frames` has it, or
.npy.

Its size is known from the start, so the file is laid out once, with all its room on the disk, and
frames then go to their places. A full disk is found before the work, nothing is kept in memory, and
after a kill at any moment what was written is there. Until it is complete its name is
`<path>.unfinished`. As much room again, `<path>.shorter.tmp`, is for the file of a run that ends
early, which must not fail then either.

The number of each frame's copy stands in the data set `copy`, or in `<stem>_copy.npy`. How they
were made stands in attributes of the file, or in `<stem>_run.json`; `identity` is one of them.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.files import UNFINISHED, UnfinishedFile, naming, read_npy, require_file, target_of
from .frame_table import FrameTable, Shape, is_laid_out, write_copies

__all__ = [
    "IDENTITY",
    "FrameFile",
    "Shape",
    "attributes_of",
    "beside",
    "check_sidecars",
    "plain",
    "read_copies",
    "read_json",
    "remove_reserved",
]

IDENTITY = "identity"
SHORTER = ".shorter.tmp"

_COPY, _RUN = "_copy.npy", "_run.json"
_MORE = 4096  # bytes by which attributes may get longer


class FrameFile:
    """The frames of one run. attributes: numbers, text and lists. `begin` or `go_on` comes next.

    OSError, ValueError: where it cannot be made (`openmmscore.base.files.UnfinishedFile`).
    """

    def __init__(self, path: Path, shape: Shape, attributes: Mapping[str, Any]) -> None:
        self.path, self.shape, self.attributes = path, shape, dict(attributes)
        self._is_npy = path.suffix == ".npy"
        if self._is_npy and shape.weighted:
            raise ValueError(f"{path}: must end in .h5, frames have weights")
        self._open: list[UnfinishedFile] = []
        self._file = self._opened(path)
        try:
            self._early = self._opened(path, SHORTER)
            if self._is_npy:
                self._copies = self._opened(beside(path, _COPY))
                self._run = self._opened(beside(path, _RUN))
        except BaseException:
            self.close()
            raise
        self._table = FrameTable(self._file, shape, is_npy=self._is_npy)

    def _opened(self, path: Path, ending: str = UNFINISHED) -> UnfinishedFile:
        self._open.append(UnfinishedFile(path, ending=ending))
        return self._open[-1]

    @property
    def is_begun(self) -> bool:
        """Whether frames may be in it."""
        return is_laid_out(self._file)

    def begin(self) -> None:
        """Lays it out, in the place of what was begun before, which stays where there is no room.
        Else it leaves nothing where it fails."""
        was_begun = self.is_begun
        try:
            size, pieces = self._plan(self._table, self.attributes)
            self._file.extend(size)
            self._reserve_the_rest(size)
            self._file.reserve(size)
            self._table.lay_out(pieces)
        except BaseException:
            if was_begun:
                self.close()
            else:
                self.abandon()
            raise

    def go_on(self) -> None:
        """Goes on with what was begun. ValueError where it is of another layout."""
        self._table.find()
        if not self._is_npy:
            self._keep_texts()
        self._reserve_the_rest(self._plan(self._table, self.attributes)[0])

    def _keep_texts(self) -> None:
        """Those that the file was begun with, as others, like another path of the same model, would
        have other sizes."""
        found = _of_hdf5(self._file.name)
        for name, value in self.attributes.items():
            if isinstance(value, str) and isinstance(found.get(name), str):
                self.attributes[name] = found[name]

    def _plan(
        self, table: FrameTable, attributes: Mapping[str, Any]
    ) -> tuple[int, list[tuple[int, bytes]]]:
        texts = {
            name: json.dumps(value) if isinstance(value, Mapping) else value
            for name, value in attributes.items()
        }
        return table.plan(texts)

    def _reserve_the_rest(self, size: int) -> None:
        self._early.reserve(size + _MORE)
        if self._is_npy:
            self._copies.reserve(_MORE + 8 * self.shape.frames * self.shape.copies)
            self._run.extend(len(self._text()) + _MORE)
            self._write_text()

    def _text(self) -> bytes:
        return (json.dumps(plain(self.attributes), indent=2) + "\n").encode()

    def _write_text(self) -> None:
        """At once over what was there: the file is never without its identity."""
        self._run.write(0, self._text().ljust(self._run.size, b"\0"))

    def describe(self, attributes: Mapping[str, Any]) -> None:
        """Other attributes than those that were expected, of the same sizes, before the first
        frame."""
        self.attributes |= attributes
        self._table.write_attributes(self._plan(self._table, self.attributes)[1])

    def identity(self, *, also_finished: bool = False) -> Any:
        """What the unfinished file says of the run that began it; None: nothing. also_finished: a
        sidecar may have its name already, where its run was killed at its end."""
        if not self._is_npy:
            return _of_hdf5(self._file.name).get(IDENTITY)
        found = read_json(self._run.name)
        if not found and also_finished:
            found = read_json(self._run.path)
        return found.get(IDENTITY)

    def write(
        self,
        number: int,
        positions: NDArray[Any],
        log_weights: NDArray[Any] | None = None,
    ) -> None:
        """Frame `number` of every copy, from 0. positions: (copies, beads, dimensions), nm;
        log_weights: (copies,)."""
        self._table.write(number, positions, log_weights)

    def digest(self, number: int) -> bytes:
        """Of frame `number` of every copy: what a checkpoint knows it by."""
        return self._table.digest(number)

    def sync(self) -> None:
        """What has been written survives a loss of power."""
        self._file.sync()

    def finish(self) -> None:
        """Gives the file its name."""
        self._finish_sidecars(self.shape.frames, self.attributes)
        self._file.finish()
        self.abandon()

    def finish_early(self, kept: int, attributes: Mapping[str, Any]) -> None:
        """Writes the first `kept` frames of each copy as a file that is complete. This one stays
        as it is."""
        shape = dataclasses.replace(self.shape, frames=kept)
        shorter = FrameTable(self._early, shape, is_npy=self._is_npy)
        size, pieces = self._plan(shorter, {**self.attributes, **attributes})
        shorter.lay_out(pieces)
        self._table.copy_first(shorter)
        self._early.cut(size)
        self._finish_sidecars(kept, {**self.attributes, **attributes})
        self._early.finish()

    def _finish_sidecars(self, frames: int, attributes: Mapping[str, Any]) -> None:
        if not self._is_npy:
            return
        self._copies.cut(write_copies(self._copies, frames, self.shape.copies))
        self._copies.finish()
        self.attributes = dict(attributes)
        self._write_text()
        self._run.cut(len(self._text()))
        self._run.finish()

    def abandon(self) -> None:
        """Removes what has not got its name."""
        for file in self._open:
            file.abandon()

    def close(self) -> None:
        """Leaves it unfinished, if it is, with what tells of it."""
        told = [self._file, *([self._run] if self._is_npy and len(self._open) == 4 else [])]
        for file in self._open:
            if file in told and file.descriptor >= 0 and file.size > 0:
                file.close()
            else:
                file.abandon()


def check_sidecars(path: Path) -> None:
    """What has the name of a sidecar of an .npy file must be one, or be nothing: it is replaced."""
    if path.stem.endswith(_COPY.removesuffix(".npy")):
        raise ValueError(f"{path}: {_COPY} is the end of files that number the copies of others")
    copies, run = (beside(path, end) for end in (_COPY, _RUN))
    for sidecar in (copies, run):
        target_of(sidecar)
    for sidecar, read in ((copies, read_copies), (run, read_json)):
        try:
            if sidecar.exists():
                read(sidecar)
        except ValueError as error:
            raise ValueError(f"{error}; {path} would replace it") from error


def read_copies(path: Path) -> NDArray[Any]:
    """The numbers of copies. ValueError, with the name, where the file holds something else."""
    found = read_npy(path)
    with naming(path):
        if found.ndim != 1 or found.dtype.kind not in "iu":
            raise ValueError(
                f"holds {found.dtype} of shape {found.shape}, must be integers, one a frame"
            )
    return found


def remove_reserved(path: Path) -> None:
    """What a killed run has left beside a file that is finished."""
    leftovers = [Path(f"{target_of(path)}{SHORTER}")]
    if path.suffix == ".npy":
        leftovers += [Path(f"{target_of(beside(path, end))}{UNFINISHED}") for end in (_COPY, _RUN)]
    for name in leftovers:
        name.unlink(missing_ok=True)


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
    """How frames were made; empty without such a file. Behind its text there may be room."""
    if not os.path.lexists(path):
        return {}
    require_file(path)
    with naming(path):
        text = path.read_bytes().rstrip(b"\0")
        found = json.loads(text) if text else {}
        if not isinstance(found, dict):
            raise ValueError(f"holds {type(found).__name__}, must be attributes in braces")
    return found


def attributes_of(path: Path) -> dict[str, Any]:
    """How the frames of a file were made; what it does not say is not there."""
    return read_json(beside(path, _RUN)) if path.suffix == ".npy" else _of_hdf5(path)


def _of_hdf5(path: Path) -> dict[str, Any]:
    from .hdf5_frames import read_attributes

    found = dict(plain(read_attributes(path)))
    with naming(path):
        if isinstance(found.get(IDENTITY), str):
            found[IDENTITY] = json.loads(found[IDENTITY])
    return found
