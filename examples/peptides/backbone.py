"""Where the backbone's dihedrals are among the beads of a dipeptide (N CA CB C O of each residue).

Beads are (residue, name of the atom), residues counted from 0: of glycine there is no CB, so that
numbers alone would not do.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["OMEGA", "PHI2", "PSI1", "quadruple"]

Bead = tuple[int, str]

PHI2: tuple[Bead, ...] = ((0, "C"), (1, "N"), (1, "CA"), (1, "C"))
PSI1: tuple[Bead, ...] = ((0, "N"), (0, "CA"), (0, "C"), (1, "N"))
OMEGA: tuple[Bead, ...] = ((0, "CA"), (0, "C"), (1, "N"), (1, "CA"))


def quadruple(beads: Sequence[Bead], dihedral: Sequence[Bead]) -> list[int]:
    """The numbers of its four beads. ValueError where one of them is not there."""
    for residue, name in dihedral:
        if (residue, name) not in beads:
            raise ValueError(f"no bead {name} of residue {residue + 1}")
    return [list(beads).index(bead) for bead in dihedral]
