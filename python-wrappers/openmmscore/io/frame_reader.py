"""Frames from a file of either kind: .h5 (`openmmscore.io.hdf5_frames`) or .npy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import naming, read_npy, require_file
from .frame_data import Frames
from .frame_file import IDENTITY, beside, read_json

__all__ = ["read_any"]

_KINDS = (np.dtype("<f4"), np.dtype("<f8"))  # those of score-train


def read_any(path: str | os.PathLike[str]) -> Frames:
    """Frames of .h5, or of .npy, (frames, beads, dimensions) in nm, with the number of each frame's
    copy in `<stem>_copy.npy`, and how they were made in `<stem>_run.json`, where there are such
    files. Errors name the file."""
    path = Path(path)
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    require_file(path)
    if path.suffix == ".npy":
        return _read_npy(path)
    from .hdf5_frames import read_frames

    return read_frames(path)


def _read_npy(path: Path) -> Frames:
    positions, copies = read_npy(path), beside(path, "_copy.npy")
    attributes = read_json(beside(path, "_run.json"))
    if _copies_in(attributes) > 1:
        require_file(copies)  # what belongs together is not taken for independent frames
    copy = read_npy(copies) if copies.exists() else None
    with naming(path):
        if positions.dtype not in _KINDS or not positions.flags.c_contiguous:
            order = "C" if positions.flags.c_contiguous else "Fortran"
            raise ValueError(
                f"holds {positions.dtype} in {order} order, must be float32 or float64, "
                "little-endian, in C order"
            )
        count = positions.shape[0] if positions.ndim else 0
        frames = Frames(positions, None, np.zeros(count), np.arange(count), attributes, copy)
        frames.check()
    return frames


def _copies_in(attributes: dict[str, Any]) -> int:
    """How many copies a run had, as it says; 0 where it does not."""
    identity = attributes.get(IDENTITY)
    said = identity.get("copies") if isinstance(identity, dict) else attributes.get("copies")
    return said if isinstance(said, int) else 0
