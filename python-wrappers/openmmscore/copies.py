"""Files of independent copies of a model's molecule: the structure they start from, their frames.

A toy model in one or two dimensions has .npy files, (frames, beads, dimensions); a molecule has
either those or MDTraj's layout, .h5 (`openmmscore.frames`). Written frames are in the order of the
copies, all of copy 0 first, and the number of each frame's copy stands in the data set `copy`, or
in `<stem>_copy.npy`. How they were made stands in attributes of the file, or in `<stem>_run.json`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .files import naming, read_npy, replace_file
from .model import Model
from .system import create_system

__all__ = ["check_output", "own_positions", "read_starts", "write_copies"]

_EACH = "each"


def read_starts(word: str | os.PathLike[str], model: Model, copies: int) -> NDArray[np.float64]:
    """(copies, beads, 3), nm: frames of a file, zero along dimensions that the model does not use.

    word: FILE, for its first frame, or FILE:frame, where frames are counted from 0, and from the
    end if negative, for all copies; or FILE:each, for a frame a copy, again from the first one
    where there are fewer of them than copies.
    """
    path, number = _file_and_frame(os.fspath(word))
    with naming(path):
        frames, names = _read(path)
    expected = (len(model.beads), model.dimensions)
    if frames.ndim != 3 or frames.shape[1:] != expected:
        beads, dimensions = expected
        raise ValueError(f"{path}: shape {frames.shape}, must be (frames, {beads}, {dimensions})")
    for k, (name, own) in enumerate(zip(names or model.names, model.names, strict=True)):
        if name != own:
            raise ValueError(f"{path}: bead {k} is {name}, the model's is {own}")
    if number == _EACH and not 0 < len(frames) <= copies:
        raise ValueError(f"{path}: {len(frames)} frames for {copies} copies")
    each = number == _EACH
    chosen = np.arange(copies) % len(frames) if each else np.full(copies, int(number))
    for k in np.unique(chosen):
        if not -len(frames) <= k < len(frames):
            raise ValueError(f"{path}: no frame {k}, it has {len(frames)}")
        if not np.isfinite(frames[k]).all():
            raise ValueError(f"{path}: frame {k} has a value that is not finite")
    starts = np.zeros((copies, len(model.beads), 3))
    starts[..., : model.dimensions] = frames[chosen]
    return starts


def _file_and_frame(word: str) -> tuple[Path, str]:
    match = re.fullmatch(rf"(.+):(-?\d+|{_EACH})", word)
    return (Path(match[1]), match[2]) if match else (Path(word), "0")


def _read(path: Path) -> tuple[NDArray[Any], list[str] | None]:
    """Positions, and the names of the beads where the file has them."""
    if path.suffix == ".npy":
        return read_npy(path), None
    from .frames import read_frames

    frames = read_frames(path)
    return frames.positions, [atom.name for atom in frames.topology.atoms]


def check_output(path: Path, model: Model) -> None:
    """Raises what `write_copies` would raise after the simulation."""
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent} is no folder")
    with tempfile.TemporaryFile(dir=path.parent):
        pass  # so files can be made there
    for file in (path, _beside(path, "_copy.npy"), _beside(path, "_run.json")):
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
    log_weights: NDArray[Any] | None = None,
) -> None:
    """Writes frames, each file replaced only when the new one is complete.

    positions: (frames, copies, beads, dimensions), nm. time_ps: (frames,). attributes: numbers,
    text and lists, of an .h5 file or in the file beside .npy. log_weights: (frames, copies), of an
    .h5 file alone.
    """
    frames, copies = positions.shape[:2]
    in_order = positions.swapaxes(0, 1).reshape(-1, *positions.shape[2:])
    copy = np.repeat(np.arange(copies), frames)
    if path.suffix == ".npy" and log_weights is not None:
        raise ValueError(f"{path}: must end in .h5, frames have weights")
    if path.suffix == ".npy":
        text = json.dumps(dict(attributes), indent=2, default=np.ndarray.tolist) + "\n"
        replace_file(path, lambda file: np.save(file, in_order))
        replace_file(_beside(path, "_copy.npy"), lambda file: np.save(file, copy))
        replace_file(_beside(path, "_run.json"), lambda file: file.write(text.encode()))
        return
    import mdtraj

    from .frames import write_frames

    topology = mdtraj.Topology.from_openmm(create_system(model)[1])
    times = np.tile(time_ps, copies)
    weights = None if log_weights is None else log_weights.T.ravel()
    write_frames(
        path,
        in_order,
        topology,
        log_weights=weights,
        time_ps=times,
        copy=copy,
        attributes=attributes,
    )


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.stem + end)
