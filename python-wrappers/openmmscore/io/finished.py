"""Is a file of frames that has its name what its run has made?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import naming, require_file
from .frame_file import beside, read_copies

__all__ = ["check_finished"]


def check_finished(
    path: Path, each: tuple[int, int], frames: int, copies: int, *, is_short: bool = False
) -> None:
    """ValueError, or OSError, with the name of the file that is missing, cut or another one.

    each: beads and dimensions of a frame. frames: of each copy; is_short: or fewer, where the run
    came to an early end. Frames themselves are not read.
    """
    require_file(path)
    with naming(path):
        shape, kind, labels = _of_npy(path) if path.suffix == ".npy" else _of_hdf5(path)
        rows = shape[0] if shape else 0
        kept = rows // copies
        fits = rows == kept * copies and (0 < kept <= frames if is_short else kept == frames)
        if not fits or shape != (rows, *each) or kind != np.dtype("<f4"):
            raise ValueError(
                f"holds {kind} of shape {shape}, the run has float32 of shape "
                f"{(frames * copies, *each)}"
            )
    numbered = beside(path, "_copy.npy") if path.suffix == ".npy" else path
    if labels != (rows,):
        raise ValueError(f"{numbered}: numbers the copies of {labels} frames, must be of {rows}")


def _of_npy(path: Path) -> tuple[tuple[int, ...], Any, tuple[int, ...]]:
    """The shape of the frames, their type, and the shape of the labels."""
    found = np.load(path, mmap_mode="r")
    if not isinstance(found, np.memmap):
        raise ValueError("holds several arrays, must be one")
    if os.path.getsize(path) != found.offset + found.nbytes:
        raise ValueError("has more bytes than its header claims")
    copies = beside(path, "_copy.npy")
    return found.shape, found.dtype, read_copies(copies).shape


def _of_hdf5(path: Path) -> tuple[tuple[int, ...], Any, tuple[int, ...]]:
    import h5py

    with h5py.File(path, "r") as file:
        return file["coordinates"].shape, file["coordinates"].dtype, file["copy"].shape
