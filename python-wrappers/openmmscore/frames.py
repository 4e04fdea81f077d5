"""Frames in MDTraj's HDF5 trajectory layout, the format that score-train reads.

`mdtraj.load` reads these files, and `read_frames` reads what MDTraj writes. Data sets are added to
MDTraj's: `log_weights` (frames), float64, the natural logarithm of a frame's statistical weight up
to a constant (files without it have equal weights); and `copy` (frames), int32, the number of the
independent simulation that a frame comes from.

Like score-train, `read_frames` converts angstroms, makes molecules whole that a periodic box has
broken, and refuses other units, numbers of other kinds, and frames that were never written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import unit

try:
    import h5py
    import mdtraj
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

from ._values import as_copies, in_unit
from .files import UNFINISHED, naming, replace_file
from .frame_data import Frames
from .periodic import box_vectors, make_whole
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
_UNITS = {"coordinates": "nanometers", "time": "picoseconds", "log_weights": "natural logarithm"}
_LENGTHS = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "angstroms": 0.1, "angstrom": 0.1}
_TIMES = {
    **dict.fromkeys(("picoseconds", "picosecond", "ps"), 1.0),
    **dict.fromkeys(("nanoseconds", "nanosecond", "ns"), 1e3),
    **dict.fromkeys(("femtoseconds", "femtosecond", "fs"), 1e-3),
}
_ANGLES = {"degrees": 1.0, "degree": 1.0}
_FILTERS = {  # https://portal.hdfgroup.org/documentation/hdf5-docs/registered_filters.html
    305: "lzo", 307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle",
    32013: "zfp", 32015: "zstd", 32017: "sz", 32026: "blosc2",
}  # fmt: skip


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
        if not np.isfinite(values).all():
            raise ValueError(f"{name} has a value that is not finite")

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
        if isinstance(value, str):  # a path may have bytes that are no UTF-8
            value = np.bytes_(value.encode(errors="surrogateescape"))
        file.attrs[name] = value


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
    with open(path, "rb"):
        pass  # so the error says why it cannot be opened
    with naming(path), h5py.File(path, "r") as file:
        frames = _read(file)
        frames.check()
    return frames


def read_attributes(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Of the root of a file."""
    with naming(path), h5py.File(path, "r") as file:
        return {name: _plain(value) for name, value in file.attrs.items()}


def _read(file: h5py.File) -> Frames:
    positions = _column(file, "coordinates", "f", _LENGTHS)
    if positions.ndim == 3 and positions.shape[2] != 3:
        raise ValueError(f"positions have shape {positions.shape}, not (frames, beads, 3)")
    positions, count = positions.astype(np.float32, copy=False), len(positions)
    if "cell_lengths" in file and positions.ndim == 3 and count > 0:
        positions = _whole(file, positions)
    weights = np.zeros(count)
    if "log_weights" in file:
        weights = _column(file, "log_weights", "f").astype(np.float64)
    timed = "time" in file
    times = np.arange(count, dtype=np.float32)
    if timed:
        times = _column(file, "time", "fiu", _TIMES)
    copy = _column(file, "copy", "iu") if "copy" in file else None
    topology = topology_from_json(file["topology"][0]) if "topology" in file else None
    attributes = {name: _plain(value) for name, value in file.attrs.items()}
    return Frames(positions, topology, weights, times, attributes, copy, timed)


def _whole(file: h5py.File, positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Molecules made whole in the box that the file has. Lengths of 0 are no box."""
    lengths = _column(file, "cell_lengths", "f", _LENGTHS).astype(np.float64)
    angles = np.full(lengths.shape, 90.0)
    if "cell_angles" in file:
        angles = _column(file, "cell_angles", "f", _ANGLES).astype(np.float64)
    wanted: tuple[int, ...] = (len(positions), 3)
    if lengths.shape != wanted or angles.shape != wanted:
        raise ValueError(
            f"cell_lengths and cell_angles have shapes {lengths.shape} and {angles.shape}, not "
            f"{wanted}"
        )
    boxed = (lengths != 0).any(axis=1)
    if boxed.all():
        return make_whole(positions, box_vectors(lengths, angles))
    if boxed.any():
        raise ValueError(f"frame {int(np.argmin(boxed))} (from 0) has no box, and others have")
    return positions


def _column(
    file: h5py.File, name: str, kinds: str, units: Mapping[str, float] | None = None
) -> NDArray[Any]:
    """A data set of numbers of these kinds, in the first of the units."""
    if name not in file:
        raise ValueError(f"has no data set {name!r}")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{name} is no data set")
    if dataset.dtype.kind not in kinds:
        wanted = "integers" if "f" not in kinds else "floating-point numbers"
        raise ValueError(f"data set {name} holds {dataset.dtype}, must be {wanted}")
    if dataset.ndim == 0:
        raise ValueError(f"data set {name} is a single number")
    _check_filters(dataset, name)
    if dataset.size:
        _check_written(file, dataset, name)
    factor = 1.0 if units is None else _factor(dataset, name, units)
    values = np.asarray(dataset[()])
    if factor == 1:
        return values
    kept = values.dtype.newbyteorder("=") if values.dtype.kind == "f" else np.dtype(np.float64)
    return np.asarray(values.astype(np.float64) * factor, kept)


def _factor(dataset: h5py.Dataset, name: str, units: Mapping[str, float]) -> float:
    if "units" not in dataset.attrs:
        return 1.0
    found = _plain(dataset.attrs["units"])
    if isinstance(found, np.ndarray) and found.size == 1:
        found = _plain(found.ravel()[0])
    if not isinstance(found, str):
        raise ValueError(f"data set {name} has an attribute 'units' that is not a text")
    if found not in units:
        raise ValueError(f"{name} have units {found!r}, must be one of {', '.join(units)}")
    return units[found]


def _check_filters(dataset: h5py.Dataset, name: str) -> None:
    plan = dataset.id.get_create_plist()
    for k in range(plan.get_nfilters()):
        code, _, _, label = plan.get_filter(k)
        if not h5py.h5z.filter_avail(code):
            known = _FILTERS.get(code) or _plain(label) or "unknown"
            raise ValueError(
                f"data set {name} is compressed with {known} (filter {code}), which this HDF5 "
                "does not have: h5repack -f GZIP=5, where it has, makes a file that can be read"
            )


def _check_written(file: h5py.File, dataset: h5py.Dataset, name: str) -> None:
    """What was never written reads as zeros: a file of a few kB can claim any size."""
    written = True
    if dataset.is_virtual:
        _check_sources(file, dataset, name)
    elif dataset.chunks is not None:
        expected = 1
        for size, chunk in zip(dataset.shape, dataset.chunks, strict=True):
            expected *= -(-size // chunk)
        written = dataset.id.get_num_chunks() == expected
    elif (
        dataset.external is None
        and dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
    ):
        written = dataset.id.get_space_status() == h5py.h5d.SPACE_STATUS_ALLOCATED
    if not written:
        raise ValueError(f"data set {name} claims frames that were never written")


def _check_sources(file: h5py.File, dataset: h5py.Dataset, name: str) -> None:
    """Of a data set that is put together from others, which must be there, and fill it."""
    covered = 0
    for source in dataset.virtual_sources():
        covered += source.vspace.get_select_npoints()
        if source.file_name == ".":
            _check_source(file, source, name)
            continue
        beside = Path(file.filename).parent / source.file_name
        path = beside if beside.exists() else Path(source.file_name)
        if not path.is_file():
            raise ValueError(
                f"data set {name} is put together from others, and {source.file_name} is missing"
            )
        with h5py.File(path, "r") as origin:
            _check_source(origin, source, name)
    if covered < dataset.size:
        raise ValueError(f"data set {name} claims frames that were never written")


def _check_source(origin: h5py.File, source: Any, name: str) -> None:
    found = origin.get(source.dset_name)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(
            f"data set {name} is put together from others, and {source.dset_name} of "
            f"{source.file_name} is missing"
        )
    _check_written(origin, found, name)
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        enough = found.size == source.vspace.get_select_npoints()
    else:
        last = source.src_space.get_select_bounds()[1]
        enough = all(end < size for end, size in zip(last, found.shape, strict=True))
    if not enough:
        raise ValueError(
            f"data set {name} needs frames of {source.file_name} that were never written"
        )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape").rstrip("\0")
    return value.item() if isinstance(value, np.generic) and not isinstance(value, str) else value
