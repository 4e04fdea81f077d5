"""Files of independent copies of a model's molecule: the structure they start from, and where their
frames go (`openmmscore.io.frame_file`).

A toy model in one or two dimensions has .npy files, (frames, beads, dimensions); a molecule has
either those or MDTraj's layout, .h5 (`openmmscore.io`), and may start from a PDB file.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base.files import naming_os_errors, target_of
from ..base.values import as_count
from ..io.frame_data import check_beads
from ..io.frame_file import check_sidecars
from ..io.frame_reader import read_any
from ..io.pdb_file import is_pdb, read_pdb
from ..model.model import Model

__all__ = ["check_output", "copies_of", "own_positions", "read_starts"]

_EACH = "each"
_MOST_COPIES = 1_000_000


def read_starts(word: str | os.PathLike[str], model: Model, copies: int) -> NDArray[np.float64]:
    """(copies, beads, 3), nm: frames of a file, zero along dimensions that the model does not use.

    word: FILE, for its first frame, or FILE:frame, where frames are counted from 0, and from the
    end if negative, for all copies; or FILE:each, for a frame a copy, again from the first one
    where there are fewer of them than copies. Of a PDB file with more atoms than the model has
    beads, those are taken that have their names and residues.
    """
    path, number = _file_and_frame(os.fspath(word))
    frames = _read(path, model)
    expected = (len(model.beads), model.dimensions)
    if frames.ndim != 3 or frames.shape[1:] != expected:
        beads, dimensions = expected
        raise ValueError(f"{path}: shape {frames.shape}, must be (frames, {beads}, {dimensions})")
    if number == _EACH and not 0 < len(frames) <= copies:
        raise ValueError(f"{path}: {len(frames)} frames for {copies} copies")
    each = number == _EACH
    chosen = np.arange(copies) % len(frames) if each else np.full(copies, _index(path, number))
    for k in np.unique(chosen):
        if not -len(frames) <= k < len(frames):
            raise ValueError(f"{path}: no frame {k}, it has {len(frames)}")
    starts = np.zeros((copies, len(model.beads), 3))
    starts[..., : model.dimensions] = frames[chosen]
    return starts


def _index(path: Path, number: str) -> int:
    if abs(int(number)) >= 2**62:
        raise ValueError(f"{path}: no frame {number}")
    return int(number)


def _file_and_frame(word: str) -> tuple[Path, str]:
    match = re.fullmatch(rf"(.+):(-?\d+|{_EACH})", word)
    return (Path(match[1]), match[2]) if match else (Path(word), "0")


def _read(path: Path, model: Model) -> NDArray[Any]:
    if is_pdb(path):
        return read_pdb(path, model.beads)
    frames = read_any(path)
    labels = [(bead.name, bead.residue) for bead in model.beads]
    check_beads(os.fspath(path), frames.labels, "the model", labels)
    return frames.positions


def copies_of(value: Any) -> int:
    """The number of copies that a run is asked for. ValueError where it is out of range."""
    copies = as_count("copies", value)
    if copies > _MOST_COPIES:
        raise ValueError(f"copies is {copies}, must be at most {_MOST_COPIES}")
    return copies


def check_output(path: Path, model: Model, start: str | None = None) -> None:
    """Raises what would be raised when the simulation is to write its frames. start: as
    `read_starts` has it, which must be another file."""
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    folder = target_of(path).parent
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    with naming_os_errors(path), tempfile.TemporaryFile(dir=folder):
        pass  # so files can be made there
    if start is not None:
        _check_other(path, start)
    if path.suffix == ".npy":
        check_sidecars(path)
    else:
        if model.dimensions < 3:
            raise ValueError(f"a model of {model.dimensions} dimensions writes .npy, not .h5")
        from ..io import hdf5_frames  # noqa: F401  # says which package is missing


def _check_other(path: Path, start: str) -> None:
    """A run must not replace what it starts from: it could not go on after that."""
    found = _file_and_frame(start)[0]
    if os.path.realpath(found) == os.path.realpath(path) or (
        path.exists() and found.exists() and os.path.samefile(path, found)
    ):
        raise ValueError(f"{path} would replace {start}, which the run starts from")


def own_positions(positions: NDArray[Any], model: Model) -> NDArray[Any]:
    """What a model's molecule is made of: the dimensions it uses, relative to its centre if it is
    centred. positions: (..., beads, 3); result: (..., beads, dimensions)."""
    used = positions[..., : model.dimensions]
    return used - used.mean(axis=-2, keepdims=True) if model.centred else used
