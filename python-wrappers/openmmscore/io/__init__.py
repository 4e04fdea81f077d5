"""Frames of one molecule: reading and writing them, whatever the kind of file.

`read_frames` and `write_frames` are for .h5, MDTraj's layout with weights, and need
openmm-score[data]; `read_any` reads .npy too.
"""

from typing import TYPE_CHECKING, Any

from .frame_data import Frames
from .frame_reader import read_any

if TYPE_CHECKING:
    from .hdf5_frames import read_frames, write_frames

__all__ = ["Frames", "read_any", "read_frames", "write_frames"]


def __getattr__(name: str) -> Any:
    """Simulations of toy models must do without h5py."""
    if name not in ("read_frames", "write_frames"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import hdf5_frames

    return getattr(hdf5_frames, name)
