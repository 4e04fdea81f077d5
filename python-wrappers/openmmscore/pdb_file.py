"""Structures of PDB files (https://www.wwpdb.org/documentation/file-format), compressed or not, for
simulations to start from.

Every MODEL is a frame, and so is what stands before an END. Residues are told apart by chain,
number and insertion code. Of alternate locations the first counts. A CRYST1 of lengths 0 or 1 says
that there is no box.
"""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .files import naming, require_file
from .model import Bead
from .periodic import make_frames_whole

__all__ = ["is_pdb", "read_pdb"]

_ENDINGS = (".pdb", ".ent", ".pdb.gz", ".ent.gz")
_GZIP = b"\x1f\x8b"
_NO_BOX = ([0.0] * 3, [1.0] * 3)  # of structures that are no crystals

Box = tuple[list[float], list[float]]
"""Lengths, nm, and angles, degrees."""


def is_pdb(path: Path) -> bool:
    return path.name.lower().endswith(_ENDINGS)


def read_pdb(path: Path, beads: Sequence[Bead]) -> NDArray[np.float32]:
    """(frames, beads, 3), nm: the atoms that have the names and the residues of these beads, in
    their order; residues are counted from the file's first. Molecules are made whole."""
    require_file(path)
    with naming(path):
        content = path.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
        frames = _read(os.fspath(path), content.decode("latin-1"))
        if not frames:
            raise ValueError("has no atoms")
        found = [_pick(frame, k, len(frames), beads) for k, frame in enumerate(frames)]
        positions = np.array(found, np.float32)
        boxes = {k: frame.box for k, frame in enumerate(frames) if frame.box is not None}
        if boxes:
            lengths, angles = (np.array(part) for part in zip(*boxes.values(), strict=True))
            boxed = list(boxes)
            positions[boxed] = make_frames_whole(positions[boxed], lengths, angles)
    return positions


@dataclass
class _Residue:
    """atoms: the positions of all that have a name. location: that which counts of several."""

    name: str
    location: str
    atoms: dict[str, list[tuple[str, list[float]]]] = field(default_factory=dict)


@dataclass
class _Frame:
    box: Box | None
    residues: list[_Residue] = field(default_factory=list)


def _read(path: str, text: str) -> list[_Frame]:
    frames: list[_Frame] = []
    box: Box | None = None
    key: tuple[str, ...] = ()
    is_open = False
    for number, line in enumerate(text.splitlines(), 1):
        record = line[:6].rstrip()
        if record == "CRYST1":
            box = _box(f"{path}:{number}", line)
        elif record in ("MODEL", "ENDMDL", "END"):
            is_open = False
        elif record == "TER":
            key = ()
        elif record in ("ATOM", "HETATM"):
            if not is_open:
                frames.append(_Frame(box))
                is_open, key = True, ()
            key = _add(frames[-1], key, f"{path}:{number}", line)
    return frames


def _box(where: str, line: str) -> Box | None:
    numbers = [
        _number(where, f"the box's {name}", line[begin:end])
        for name, begin, end in (
            ("a", 6, 15), ("b", 15, 24), ("c", 24, 33),
            ("alpha", 33, 40), ("beta", 40, 47), ("gamma", 47, 54),
        )
    ]  # fmt: skip
    if numbers[:3] in _NO_BOX:
        return None
    return [0.1 * each for each in numbers[:3]], numbers[3:]


def _number(where: str, what: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{where}: {what} is {word!r}, must be a number")
    return value


def _add(frame: _Frame, before: tuple[str, ...], where: str, line: str) -> tuple[str, ...]:
    """Adds an atom, and returns what tells its residue from others. before: of the last atom."""
    name, location, residue = line[12:16].strip(), line[16:17].strip(), line[17:21].strip()
    key = (line[21:22], line[22:26], line[26:27], line[72:76].strip())
    position = [
        0.1 * _number(where, axis, line[begin : begin + 8])
        for axis, begin in (("x", 30), ("y", 38), ("z", 46))
    ]
    same = key == before and (location or frame.residues[-1].name == residue)
    if not same:
        frame.residues.append(_Residue(residue, location))
    last = frame.residues[-1]
    last.location = last.location or location
    if last.name == residue:  # or it is what else may be in its place
        last.atoms.setdefault(name, []).append((location, position))
    return key


def _pick(frame: _Frame, number: int, count: int, beads: Sequence[Bead]) -> list[list[float]]:
    of = f"in model {number + 1} of {count} " if count > 1 else ""
    return [_position(frame, bead, of) for bead in beads]


def _position(frame: _Frame, bead: Bead, of: str) -> list[float]:
    where = f"atom {bead.name} of residue {bead.residue} (number {bead.residue_index + 1})"
    if bead.residue_index >= len(frame.residues):
        raise ValueError(f"has {of}no {where}, but {len(frame.residues)} residues")
    residue = frame.residues[bead.residue_index]
    found = residue.atoms.get(bead.name, [])
    others = {location for location, _ in found}
    if len(others) == len(found) > 1:
        found = [each for each in found if each[0] == residue.location] or found[:1]
    if residue.name != bead.residue or len(found) != 1:
        raise ValueError(
            f"has {of}{len(found)} {where}, which is {residue.name} {', '.join(residue.atoms)}"
        )
    return found[0][1]
