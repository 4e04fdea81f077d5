"""Replica-exchange runs made small for the repository, with the state that they go on from.

A packed part holds, of every frame, positions in int16 with a step of 1 pm relative to the frame's
mean (so they are within half a picometre), the potential energy in int32 with a step of 0.01 kJ/mol
and the number of its temperature; and the bytes of the part's checkpoint and of the file of numbers
that the run is made from, without which it can't go on. Orders and copies are regular and follow
from the attributes.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from openmmscore.base.files import naming, replace_file

from mbar import state_numbers

__all__ = ["pack", "unpack"]

POSITION_NM = 1e-3
ENERGY_KJ = 0.01


def pack(part: Path, checkpoint: Path, system: Path, packed: Path) -> None:
    """part: a file of score-peptide-md with a ladder. ValueError where it can't be packed."""
    with naming(part), h5py.File(part, "r") as file:
        positions = np.asarray(file["coordinates"][:], float)
        attributes = dict(file.attrs)
        ladder = np.asarray(attributes["ladder_k"], float)
        copies = int(attributes["copies"])
        time = np.asarray(file["time"][:], np.float32)
        if len(positions) == 0 or len(positions) % copies:
            raise ValueError(f"{len(positions)} frames of {copies} copies")
        if not (file["copy"][:].reshape(-1, copies) == np.arange(copies)).all():
            raise ValueError("frames are not in the order of time, and of copies at each time")
        if not (time.reshape(-1, copies) == time[::copies, None]).all():
            raise ValueError("the copies of a frame have different times")
        columns = {
            "positions_pm": _rounded(_centred(positions) / POSITION_NM, np.int16, "a position"),
            "energies_cj": _rounded(file["potential_energy"][:] / ENERGY_KJ, np.int32, "an energy"),
            "states": state_numbers(file["temperature"][:], ladder.tolist()).astype(np.uint8),
            "time": time[::copies],
            "checkpoint": np.frombuffer(checkpoint.read_bytes(), np.uint8),
            "system": np.frombuffer(system.read_bytes(), np.uint8),
        }
        topology = file["topology"][:]
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        for name, values in columns.items():
            file.create_dataset(
                name, data=values, chunks=True, compression="gzip", compression_opts=9, shuffle=True
            )
        file.create_dataset("topology", data=topology)
    _write(packed, whole.getbuffer())


def unpack(packed: Path, part: Path, checkpoint: Path, system: Path) -> None:
    """Writes the frames in the layout of score-peptide-md, the checkpoint and the numbers."""
    with naming(packed), h5py.File(packed, "r") as file:
        states = np.asarray(file["states"][:], np.intp)
        ladder, copies = np.asarray(file.attrs["ladder_k"], float), int(file.attrs["copies"])
        columns = {
            "coordinates": (file["positions_pm"][:] * POSITION_NM).astype(np.float32),
            "time": np.repeat(np.asarray(file["time"][:], np.float32), copies),
            "copy": np.tile(np.arange(copies, dtype=np.int32), len(states) // copies),
            "potential_energy": file["energies_cj"][:] * ENERGY_KJ,
            "temperature": ladder[states].astype(np.float32),
            "topology": file["topology"][:],
        }
        attributes = dict(file.attrs)
        files = {
            checkpoint: file["checkpoint"][:].tobytes(),
            system: file["system"][:].tobytes(),
        }
    whole = io.BytesIO()
    with h5py.File(whole, "w") as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        for name, values in columns.items():
            file.create_dataset(name, data=values)
    for path, content in files.items():
        _write(path, content)
    _write(part, whole.getbuffer())


def _write(path: Path, content: bytes | memoryview) -> None:
    replace_file(path, lambda file: file.write(content))


def _centred(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(positions - positions.mean(axis=1, keepdims=True))


def _rounded(values: NDArray[np.float64], kind: type[np.signedinteger], what: str) -> NDArray[Any]:
    limit = np.iinfo(kind).max
    if not (np.abs(values) <= limit).all():  # NaN is not either
        raise ValueError(f"{what} is not finite or beyond {limit} steps")
    return np.rint(values).astype(kind)
