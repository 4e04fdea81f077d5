"""Frames from a file of any kind: .h5 (`openmmscore.frames`), .npy, or .pdb."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import naming, read_npy
from .frame_data import Frames
from .frame_file import beside
from .model import Bead

__all__ = ["read_any", "read_pdb"]


def read_any(path: str | os.PathLike[str]) -> Frames:
    """Frames of .h5, or of .npy, (frames, beads, dimensions) in nm, with the number of each frame's
    copy in `<stem>_copy.npy`, and how they were made in `<stem>_run.json`, where there are such
    files. Errors name the file."""
    path = Path(path)
    if path.suffix not in (".h5", ".npy"):
        raise ValueError(f"{path}: must end in .h5 or .npy")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".npy":
        return _read_npy(path)
    from .frames import read_frames

    return read_frames(path)


def _read_npy(path: Path) -> Frames:
    with naming(path):
        positions = read_npy(path)
        count = positions.shape[0] if positions.ndim else 0
        copies = beside(path, "_copy.npy")
        frames = Frames(
            positions,
            None,
            np.zeros(count),
            np.arange(count),
            _attributes(beside(path, "_run.json")),
            read_npy(copies) if copies.is_file() else None,
        )
        frames.check()
    return frames


def _attributes(path: Path) -> dict[str, Any]:
    """How frames were made; empty without such a file."""
    if not path.is_file():
        return {}
    with naming(path):
        found = json.loads(path.read_text())
        if not isinstance(found, dict):
            raise ValueError("holds no attributes")
    return found


def read_pdb(path: Path, beads: Sequence[Bead]) -> NDArray[np.float32]:
    """(frames, beads, 3), nm: the atoms of a PDB file that have the names and the residues of these
    beads, in their order; residues are counted from the file's first. Molecules are made whole."""
    try:
        import mdtraj
    except ImportError as error:
        raise ImportError(f"{error}: a PDB file needs openmm-score[data]") from error
    from .periodic import box_vectors, make_whole

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    with naming(path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a box that PDB files without one have is dropped
            loaded = mdtraj.load_pdb(os.fspath(path), standard_names=False)
        chosen = [_atom_of(loaded.topology, bead) for bead in beads]
        positions = np.asarray(loaded.xyz[:, chosen], np.float32)
        lengths, angles = loaded.unitcell_lengths, loaded.unitcell_angles
        if lengths is not None:
            box = box_vectors(np.asarray(lengths, float), np.asarray(angles, float))
            positions = make_whole(positions, box)
    return positions


def _atom_of(topology: Any, bead: Bead) -> int:
    residues = list(topology.residues)
    where = f"atom {bead.name} of residue {bead.residue} (number {bead.residue_index + 1})"
    if bead.residue_index >= len(residues):
        raise ValueError(f"has no {where}, but {len(residues)} residues")
    residue = residues[bead.residue_index]
    found = [atom.index for atom in residue.atoms if atom.name == bead.name]
    if residue.name != bead.residue or len(found) != 1:
        raise ValueError(
            f"has {len(found)} {where}, which is {residue.name} "
            f"{', '.join(atom.name for atom in residue.atoms)}"
        )
    return int(found[0])
