"""The files of numbers that runs start from, made where they are not there."""

from __future__ import annotations

from pathlib import Path

import build
from structures import Peptide, from_pdb, from_sequence, sequence_of_pdb

__all__ = ["CHIGNOLIN", "STARTS", "chignolin_system", "dipeptide_system"]

CHIGNOLIN = Path(__file__).resolve().parent / "cln025.pdb"
STARTS = ("native", "extended")


def dipeptide_system(sequence: str, folder: Path) -> Path:
    """With OBC1; the beads are N CA CB C O of each residue."""
    path = folder / f"{sequence}.system"
    if not path.is_file():
        _make(sequence, from_sequence(sequence), folder, "obc1", "backbone")
    return path


def chignolin_system(start: str, folder: Path) -> Path:
    """CLN025 with GBn2, from its crystal structure or as an extended chain; the beads are CA."""
    if start not in STARTS:
        raise ValueError(f"start is {start!r}, must be one of {', '.join(STARTS)}")
    path = folder / f"{start}.system"
    if not path.is_file():
        extended = start == "extended"
        heavy = from_sequence(sequence_of_pdb(CHIGNOLIN)) if extended else from_pdb(CHIGNOLIN)
        _make(start, heavy, folder, "gbn2", "ca")
    return path


def _make(name: str, heavy: Peptide, folder: Path, solvent: str, beads: str) -> None:
    built = build.build(name, heavy, build.Settings(solvent=solvent, beads=beads))
    build.write(folder, name, built)
    print(built.summary, flush=True)
