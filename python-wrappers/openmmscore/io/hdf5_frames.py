"""Frames in MDTraj's HDF5 trajectory layout, the format that score-train reads.

`mdtraj.load` reads these files, and `read_frames` reads what MDTraj writes. Data sets are added to
MDTraj's: `log_weights` (frames), float64, the natural logarithm of a frame's statistical weight up
to a constant (files without it have equal weights), its units, if any, `natural logarithm` or
`dimensionless`; and `copy` (frames), int32, the number of the independent simulation that a frame
comes from.

Like score-train, `read_frames` converts angstroms, makes molecules whole that a periodic box has
broken (all frames have one, or none; lengths of 0 are none), and refuses other units, numbers of
other kinds, and frames that were never written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

try:
    import h5py
    import mdtraj
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

from ..base.files import UNFINISHED, naming, replace_file, require_file
from ..base.values import as_copies, in_unit
from .frame_data import Frames
from .hdf5_columns import has, read_column, read_text, root_attributes
from .hdf5_links import check_links
from .hdf5_units import ANGLES, LENGTHS, LOGARITHMS, TIMES
from .periodic import make_frames_whole
from .rehearsal import rehearse_texts
from .topologies import topology_from_json, topology_to_json

__all__ = [
    "Frames",
    "Layout",
    "find_columns",
    "lay_out",
    "read_attributes",
    "read_frames",
    "write_frames",
]

_FRAMES_PER_CHUNK = 1024
_COLUMNS = ("coordinates", "time", "log_weights", "copy", "cell_lengths", "cell_angles")
_LONGEST_NAME = 255  # of an attribute, in bytes
_UNITS = {"coordinates": "nanometers", "time": "picoseconds", "log_weights": "natural logarithm"}


# Writing


def write_frames(
    path: str | os.PathLike[str],
    positions: ArrayLike | unit.Quantity,
    topology: mdtraj.Topology,
    *,
    log_weights: ArrayLike | None = None,
    time_ps: ArrayLike | unit.Quantity | None = None,
    copy: ArrayLike | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Writes frames to `path`, which is replaced only when the new file is complete.

    positions: (frames, beads, 3), nm if without unit. log_weights: (frames,). time_ps: (frames,),
    ps if without unit, by default the frame's number. copy: (frames,), integers of 32 bits.
    attributes: become attributes of the file's root.
    """
    frames = np.ascontiguousarray(in_unit("positions", positions, unit.nanometer), np.float32)
    if frames.ndim != 3 or frames.shape[1:] != (topology.n_atoms, 3):
        raise ValueError(
            f"positions have shape {frames.shape}, not (frames, {topology.n_atoms}, 3)"
        )
    times = np.arange(len(frames)) if time_ps is None else time_ps
    columns: dict[str, NDArray[Any]] = {
        "time": np.asarray(in_unit("time", times, unit.picosecond), np.float32)
    }
    if log_weights is not None:
        weights = in_unit("log_weights", log_weights, unit.dimensionless)
        columns["log_weights"] = np.asarray(weights, np.float64)
    if copy is not None:
        columns["copy"] = np.asarray(as_copies("copy", copy), np.int32)
    for name, column in columns.items():
        if column.shape != (len(frames),):
            raise ValueError(f"{name} has shape {column.shape}, not ({len(frames)},)")
    for name, values in {"positions": frames, **columns}.items():
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            index = tuple(int(k) for k in wrong[0])
            raise ValueError(
                f"{name} has a value that is not finite: {values[index]} at {list(index)}"
            )

    # HDF5 crashes where a disk is full, so it writes into memory.
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        _write_attributes(file, attributes or {})
        for name, values in {"coordinates": frames, **columns}.items():
            dataset = file.create_dataset(
                name,
                data=values,
                maxshape=(None, *values.shape[1:]),
                chunks=(_FRAMES_PER_CHUNK, *values.shape[1:]),
                compression="gzip",
                compression_opts=9,
                shuffle=True,
            )
            _write_unit(dataset, name)
        file.create_dataset("topology", data=np.array([topology_to_json(topology)]))
    replace_file(path, lambda file: file.write(whole.getbuffer()))


def _write_attributes(file: h5py.File, attributes: Mapping[str, Any]) -> None:
    layout = {
        "conventions": "Pande",
        "conventionVersion": "1.1",
        "program": "openmmscore",
        "programVersion": "1",
    }
    for name, value in {**layout, **attributes}.items():
        _check_name(name)
        if isinstance(value, str):  # a path may have bytes that are no UTF-8
            text = value.encode(errors="surrogateescape")
            value = np.bytes_(text) if text else h5py.Empty("S1")
        try:
            file.attrs[name] = value
        except (KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            shown = repr(value)
            shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
            raise kind(f"attribute {name!r} is {shown}, cannot be written: {error}") from error


def _check_name(name: Any) -> None:
    """Of an attribute."""
    if not isinstance(name, str):
        raise TypeError(f"attribute {name!r} must have a text as its name")
    size = len(name.encode(errors="surrogatepass"))
    if not name or "\0" in name or size > _LONGEST_NAME:
        shown = repr(name) if size <= _LONGEST_NAME else f"{name[:40]!r}..."
        raise ValueError(
            f"attribute {shown} must have a name of 1 to {_LONGEST_NAME} bytes, without NUL"
        )


def _write_unit(dataset: h5py.Dataset, name: str) -> None:
    if name in _UNITS:
        dataset.attrs["units"] = np.bytes_(_UNITS[name])


Layout = Mapping[str, tuple[Any, tuple[int, ...]]]
"""Of data sets: the type of their numbers, little-endian, and their shape."""


def lay_out(
    layout: Layout, topology: mdtraj.Topology, attributes: Mapping[str, Any]
) -> tuple[int, list[tuple[int, bytes]]]:
    """An HDF5 file whose data sets each lie in one piece, and are still to be filled.

    Returns its size, and where which bytes must be before that; HDF5 itself never sees the disk.
    """
    pieces = _Pieces()
    with h5py.File(pieces, "w") as file:
        _write_attributes(file, attributes)
        file.create_dataset("topology", data=np.array([topology_to_json(topology)]))
        for name, (kind, shape) in layout.items():
            plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plan.set_layout(h5py.h5d.CONTIGUOUS)
            plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
            plan.set_obj_track_times(False)
            space, number = h5py.h5s.create_simple(shape), h5py.h5t.py_create(np.dtype(kind))
            created = h5py.h5d.create(file.id, name.encode(), number, space, plan)
            _write_unit(h5py.Dataset(created), name)
    return pieces.size, [(at, pieces.final(at, len(values))) for at, values in pieces.written]


class _Pieces(io.RawIOBase):
    """A file of which only what was written is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[int, bytes]] = []
        self.size = self.at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        self.at = start + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def truncate(self, size: int | None = None, /) -> int:
        self.size = self.at if size is None else size
        return self.size

    def write(self, values: Any, /) -> int:
        self.written.append((self.at, bytes(values)))
        self.at += len(self.written[-1][1])
        self.size = max(self.size, self.at)
        return len(self.written[-1][1])

    def final(self, at: int, size: int) -> bytes:
        """What is there in the end, also where it was written twice."""
        room = bytearray(size)
        self.seek(at)
        self.readinto(room)
        return bytes(room)

    def readinto(self, room: Any, /) -> int:
        first, last = self.at, min(self.at + len(room), self.size)
        room[: last - first] = bytes(last - first)
        for at, values in self.written:
            begin, end = max(at, first), min(at + len(values), last)
            if begin < end:
                room[begin - first : end - first] = values[begin - at : end - at]
        self.at = last
        return last - first


def find_columns(path: str | os.PathLike[str], layout: Layout) -> dict[str, int]:
    """Where the data sets of a file by `lay_out` begin. ValueError where it is another file."""
    with naming(path), h5py.File(path, "r") as file:
        for name, (kind, shape) in layout.items():
            dataset = file[name]
            if dataset.shape != shape or dataset.dtype != kind or dataset.id.get_offset() is None:
                raise ValueError("is not the file of this run")
        return {name: int(file[name].id.get_offset()) for name in layout}


# Reading


def read_frames(path: str | os.PathLike[str]) -> Frames:
    """Reads a whole file of frames, as written by `write_frames` or by MDTraj.

    ValueError, with the file's name, where it holds something else; OSError where it cannot be
    opened.
    """
    if os.fspath(path).endswith(UNFINISHED):
        raise ValueError(f"{path} is not finished: go on with its run by --resume")
    require_file(path)
    with naming(path), h5py.File(path, "r") as file:
        frames = _read(file)
        frames.check()
    return frames


def read_attributes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Of the root of a file."""
    require_file(path)
    with naming(path), h5py.File(path, "r") as file:
        rehearse_texts(file, ())
        return root_attributes(file)


def _read(file: h5py.File) -> Frames:
    for name in (*_COLUMNS, "topology"):
        check_links(file, name)
    rehearse_texts(file, (*_COLUMNS, "topology"))
    positions = read_column(file, "coordinates", "f", LENGTHS)
    if positions.ndim == 3 and positions.shape[2] != 3:
        raise ValueError(f"positions have shape {positions.shape}, not (frames, beads, 3)")
    with np.errstate(over="ignore"):  # what is too large has an error of its own
        positions = positions.astype(np.float32, copy=False)
    count = len(positions)
    if has(file, "cell_lengths") and positions.ndim == 3 and count > 0:
        positions = _whole(file, positions)
    weights = np.zeros(count)
    if has(file, "log_weights"):
        weights = read_column(file, "log_weights", "f", LOGARITHMS).astype(np.float64)
    timed = has(file, "time")
    times = np.arange(count, dtype=np.float32)
    if timed:
        times = read_column(file, "time", "fiu", TIMES)
    copy = read_column(file, "copy", "iu") if has(file, "copy") else None
    topology = None
    if has(file, "topology"):
        topology = topology_from_json(read_text(file, "topology"))
    return Frames(positions, topology, weights, times, root_attributes(file), copy, timed)


def _whole(file: h5py.File, positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Molecules made whole in the box that the file has. Lengths of 0 are no box."""
    lengths = read_column(file, "cell_lengths", "f", LENGTHS).astype(np.float64)
    angles = np.full(lengths.shape, 90.0)
    if has(file, "cell_angles"):
        angles = read_column(file, "cell_angles", "f", ANGLES).astype(np.float64)
    wanted: tuple[int, ...] = (len(positions), 3)
    if lengths.shape != wanted or angles.shape != wanted:
        raise ValueError(
            f"cell_lengths and cell_angles have shapes {lengths.shape} and {angles.shape}, not "
            f"{wanted}"
        )
    boxed = (lengths != 0).any(axis=1)
    if (boxed != boxed[0]).any():
        frame = int(np.argmax(boxed != boxed[0]))
        here, first = ("no", "one") if boxed[0] else ("a", "none")
        raise ValueError(f"frame {frame} (from 0) has {here} box, and frame 0 has {first}")
    return make_frames_whole(positions, lengths, angles) if boxed[0] else positions
