"""How far frames of CA beads are from a native structure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import mdtraj
import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmmscore.base.files import naming

__all__ = ["FOLDED_NM", "Native", "read_native"]

Array = NDArray[np.float64]

FOLDED_NM = 0.2  # frames with a smaller RMSD count as folded
CONTACT_NM = 0.8  # CA in the native structure
SEPARATION = 3  # residues between the two of a contact, at least
STRETCH = 1.2  # a contact is there up to this multiple of its native length


@dataclass(frozen=True)
class Native:
    """positions: (beads, 3), nm, one bead a residue."""

    positions: Array

    @property
    def contacts(self) -> NDArray[np.intp]:
        """(contacts, 2), pairs of beads."""
        first, second = np.triu_indices(len(self.positions), SEPARATION)
        lengths = np.linalg.norm(self.positions[first] - self.positions[second], axis=-1)
        return np.stack([first, second], axis=1)[lengths < CONTACT_NM]

    def fraction_of_contacts(self, positions: ArrayLike) -> Array:
        """(...), of the native contacts, how many are there. positions: (..., beads, 3), nm."""
        first, second = self.contacts.T
        native = np.linalg.norm(self.positions[first] - self.positions[second], axis=-1)
        frames = self._checked(positions)
        lengths = np.linalg.norm(frames[..., first, :] - frames[..., second, :], axis=-1)
        return np.asarray((lengths < STRETCH * native).mean(axis=-1), float)

    def rmsd(self, positions: ArrayLike) -> Array:
        """(...), nm, after the best superposition. positions: (..., beads, 3), nm."""
        frames = self._checked(positions)
        target = mdtraj.Trajectory(frames.reshape(-1, *frames.shape[-2:]), topology=None)
        native = mdtraj.Trajectory(self.positions[None], topology=None)
        return np.asarray(mdtraj.rmsd(target, native), float).reshape(frames.shape[:-2])

    def folded(self, positions: ArrayLike, limit_nm: float = FOLDED_NM) -> NDArray[np.bool_]:
        return self.rmsd(positions) < limit_nm

    def _checked(self, positions: ArrayLike) -> NDArray[np.float32]:
        frames = np.asarray(positions, np.float32)
        if frames.shape[-2:] != self.positions.shape:
            raise ValueError(
                f"frames of {frames.shape[-2]} beads, the native structure has "
                f"{len(self.positions)}"
            )
        return frames


def read_native(path: Path) -> Native:
    """The CA atoms of a PDB file's first model."""
    with naming(path):
        structure = mdtraj.load_pdb(str(path))
        beads = structure.topology.select("name CA and protein")
        native = Native(np.asarray(structure.xyz[0, beads], float))
        if len(native.contacts) == 0:
            raise ValueError(f"{len(beads)} CA atoms without a contact")
        return native
