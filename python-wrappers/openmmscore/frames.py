"""Frames in MDTraj's HDF5 trajectory layout, the format that score-train reads.

`mdtraj.load` reads these files, and `read_frames` reads what MDTraj writes. Data sets are added to
MDTraj's: `log_weights` (frames), float64, the natural logarithm of a frame's statistical weight up
to a constant (files without it have equal weights); and `copy` (frames), int32, the number of the
independent simulation that a frame comes from.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

try:
    import h5py
    import mdtraj
except ImportError as error:
    raise ImportError(f"{error}: {__name__} needs openmm-score[data]", name=error.name) from error

from .files import replace_file

__all__ = ["Frames", "read_frames", "write_frames"]

_FRAMES_PER_CHUNK = 1024


@dataclass
class Frames:
    """Frames of one molecule.

    positions: (frames, beads, 3), nm. log_weights: (frames,), natural logarithm, up to a constant.
    time_ps: (frames,). attributes: free text and numbers about where the frames came from.
    """

    positions: NDArray[np.float32]
    topology: mdtraj.Topology
    log_weights: NDArray[np.float64]
    time_ps: NDArray[np.float32]
    attributes: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(frames,), the weights, with sum 1."""
        weights = np.exp(self.log_weights - self.log_weights.max())
        return np.asarray(weights / weights.sum())

    def trajectory(self) -> mdtraj.Trajectory:
        """The frames as an MDTraj trajectory (which has no weights)."""
        return mdtraj.Trajectory(self.positions, self.topology, time=self.time_ps)


def write_frames(
    path: str | os.PathLike[str],
    positions: ArrayLike,
    topology: mdtraj.Topology,
    *,
    log_weights: ArrayLike | None = None,
    time_ps: ArrayLike | None = None,
    copy: ArrayLike | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Writes frames to `path`, which is replaced only when the new file is complete.

    positions: (frames, beads, 3), nm. log_weights: (frames,). time_ps: (frames,), by default the
    frame's number. copy: (frames,), integers. attributes: become attributes of the file's root.
    """
    frames = np.ascontiguousarray(positions, np.float32)
    if frames.ndim != 3 or frames.shape[1:] != (topology.n_atoms, 3):
        raise ValueError(
            f"positions have shape {frames.shape}, not (frames, {topology.n_atoms}, 3)"
        )
    times = np.arange(len(frames)) if time_ps is None else np.asarray(time_ps)
    columns: dict[str, NDArray[Any]] = {"time": np.asarray(times, np.float32)}
    if log_weights is not None:
        columns["log_weights"] = np.asarray(log_weights, np.float64)
    if copy is not None:
        columns["copy"] = np.asarray(copy, np.int32)
    for name, column in columns.items():
        if column.shape != (len(frames),):
            raise ValueError(f"{name} has shape {column.shape}, not ({len(frames)},)")
    for name, values in {"positions": frames, **columns}.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} has a value that is not finite")

    # HDF5 crashes where a disk is full, so it writes into memory.
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        _write(file, frames, columns, topology, dict(attributes or {}))
    replace_file(Path(path), lambda file: file.write(whole.getbuffer()))


def read_frames(path: str | os.PathLike[str]) -> Frames:
    """Reads a whole file of frames, as written by `write_frames` or by MDTraj."""
    with h5py.File(path, "r") as file:
        positions = np.asarray(file["coordinates"][:], np.float32)
        count = len(positions)
        log_weights = (
            np.asarray(file["log_weights"][:], np.float64)
            if "log_weights" in file
            else np.zeros(count)
        )
        time_ps = (
            np.asarray(file["time"][:], np.float32)
            if "time" in file
            else np.arange(count, dtype=np.float32)
        )
        topology = _topology_from_json(file["topology"][0])
        attributes = {name: _plain(value) for name, value in file.attrs.items()}
    return Frames(positions, topology, log_weights, time_ps, attributes)


def _write(
    file: h5py.File,
    frames: NDArray[np.float32],
    columns: Mapping[str, NDArray[Any]],
    topology: mdtraj.Topology,
    attributes: Mapping[str, Any],
) -> None:
    layout = {
        "conventions": "Pande",
        "conventionVersion": "1.1",
        "program": "openmmscore",
        "programVersion": "1",
    }
    for name, value in {**layout, **attributes}.items():
        file.attrs[name] = np.bytes_(value.encode()) if isinstance(value, str) else value
    units = {"coordinates": "nanometers", "time": "picoseconds", "log_weights": "natural logarithm"}
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
        if name in units:
            dataset.attrs["units"] = np.bytes_(units[name])
    file.create_dataset("topology", data=np.array([_topology_to_json(topology)]))


def _topology_to_json(topology: mdtraj.Topology) -> bytes:
    chains = [
        {
            "index": chain.index,
            "residues": [
                {
                    "index": residue.index,
                    "name": residue.name,
                    "resSeq": residue.resSeq,
                    "segmentID": residue.segment_id,
                    "atoms": [
                        {"index": atom.index, "name": atom.name, "element": atom.element.symbol}
                        for atom in residue.atoms
                    ],
                }
                for residue in chain.residues
            ],
        }
        for chain in topology.chains
    ]
    bonds = [[first.index, second.index] for first, second in topology.bonds]
    return json.dumps({"chains": chains, "bonds": bonds}).encode()


def _topology_from_json(text: bytes | str) -> mdtraj.Topology:
    description = json.loads(text)
    topology = mdtraj.Topology()
    for chain in sorted(description["chains"], key=lambda each: each["index"]):
        new_chain = topology.add_chain()
        for residue in sorted(chain["residues"], key=lambda each: each["index"]):
            new_residue = topology.add_residue(
                residue["name"],
                new_chain,
                resSeq=residue.get("resSeq"),
                segment_id=residue.get("segmentID", ""),
            )
            for atom in sorted(residue["atoms"], key=lambda each: each["index"]):
                topology.add_atom(atom["name"], _element(atom.get("element")), new_residue)
    atoms = list(topology.atoms)
    for first, second in description["bonds"]:
        topology.add_bond(atoms[first], atoms[second])
    return topology


def _element(symbol: Any) -> Any:
    """A virtual site where the symbol, of a coarse-grained bead say, is that of no element: as
    MDTraj reads it."""
    try:
        return mdtraj.element.Element.getBySymbol(symbol)
    except (AttributeError, KeyError):
        return mdtraj.element.virtual


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) and not isinstance(value, str) else value
