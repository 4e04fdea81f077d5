"""Files of independent copies of a model's molecule: the structure they start from, their frames.

A toy model in one or two dimensions has .npy files, (frames, beads, dimensions); a molecule has
either those or MDTraj's layout, .h5 (`openmmscore.frames`). Written frames are in the order of the
copies, all of copy 0 first, and the number of each frame's copy stands in the data set `copy`, or
in `<stem>_copy.npy`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .model import Model
from .system import create_system

__all__ = ["check_output", "own_positions", "read_start", "write_copies"]


def read_start(word: str | os.PathLike[str], model: Model) -> NDArray[np.float64]:
    """(beads, 3), nm: a frame of a file, zero along dimensions that the model does not use.

    word: FILE, for its first frame, or FILE:frame, where frames are counted from 0, and from the
    end if negative.
    """
    path, number = _file_and_frame(os.fspath(word))
    try:
        frames, names = _read(path)
    except (EOFError, KeyError, OSError, ValueError) as error:
        text = str(error)
        raise ValueError(text if str(path) in text else f"{path}: {text}") from error
    expected = (len(model.beads), model.dimensions)
    if frames.ndim != 3 or frames.shape[1:] != expected:
        beads, dimensions = expected
        raise ValueError(f"{path}: shape {frames.shape}, must be (frames, {beads}, {dimensions})")
    for k, (name, own) in enumerate(zip(names or model.names, model.names, strict=True)):
        if name != own:
            raise ValueError(f"{path}: bead {k} is {name}, the model's is {own}")
    if not -len(frames) <= number < len(frames):
        raise ValueError(f"{path}: no frame {number}, it has {len(frames)}")
    if not np.isfinite(frames[number]).all():
        raise ValueError(f"{path}: frame {number} has a value that is not finite")
    start = np.zeros((len(model.beads), 3))
    start[:, : model.dimensions] = frames[number]
    return start


def _file_and_frame(word: str) -> tuple[Path, int]:
    match = re.fullmatch(r"(.+):(-?\d+)", word)
    return (Path(match[1]), int(match[2])) if match else (Path(word), 0)


def _read(path: Path) -> tuple[NDArray[Any], list[str] | None]:
    """Positions, and the names of the beads where the file has them."""
    if path.suffix == ".npy":
        return np.load(path), None
    from .frames import read_frames

    frames = read_frames(path)
    return frames.positions, [atom.name for atom in frames.topology.atoms]


def check_output(path: Path, model: Model) -> None:
    """Raises what `write_copies` would raise after the simulation."""
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is no folder")
    for file in (path, _copy_file(path)):
        if file.is_dir():
            raise ValueError(f"{file} is a folder")
    if path.suffix == ".h5":
        if model.dimensions < 3:
            raise ValueError(f"a model of {model.dimensions} dimensions writes .npy, not .h5")
        from . import frames  # noqa: F401  # says which package is missing


def own_positions(positions: NDArray[Any], model: Model) -> NDArray[Any]:
    """What a model's molecule is made of: the dimensions it uses, relative to its centre if it is
    centred. positions: (..., beads, 3); result: (..., beads, dimensions)."""
    used = positions[..., : model.dimensions]
    return used - used.mean(axis=-2, keepdims=True) if model.centred else used


def write_copies(
    path: Path,
    model: Model,
    positions: NDArray[Any],
    time_ps: ArrayLike,
    attributes: Mapping[str, Any],
) -> None:
    """Writes frames, each file replaced only when the new one is complete.

    positions: (frames, copies, beads, dimensions), nm. time_ps: (frames,). attributes: of an .h5
    file; .npy has none.
    """
    frames, copies = positions.shape[:2]
    in_order = positions.swapaxes(0, 1).reshape(-1, *positions.shape[2:])
    copy = np.repeat(np.arange(copies), frames)
    if path.suffix == ".npy":
        _save(path, in_order)
        _save(_copy_file(path), copy)
        return
    import mdtraj

    from .frames import write_frames

    topology = mdtraj.Topology.from_openmm(create_system(model)[1])
    times = np.tile(time_ps, copies)
    write_frames(path, in_order, topology, time_ps=times, copy=copy, attributes=attributes)


def _copy_file(path: Path) -> Path:
    return path.with_name(path.stem + "_copy.npy")


def _save(path: Path, array: ArrayLike) -> None:
    """numpy.save that replaces the file only when the new one is complete."""
    handle, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, array)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
