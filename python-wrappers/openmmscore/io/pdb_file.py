"""Structures of PDB files (https://www.wwpdb.org/documentation/file-format), compressed or not, for
simulations to start from.

Every MODEL is a frame, and so is what stands before an END. Residues are told apart by chain,
number and insertion code. Lines end at line feeds. Of alternate locations the first counts. A
CRYST1 of lengths 0 or 1 says that there is no box.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..base.files import naming, require_file
from .periodic import make_frames_whole

__all__ = ["Atom", "is_pdb", "read_pdb"]

_ENDINGS = (".pdb", ".ent", ".pdb.gz", ".ent.gz")
_GZIP = b"\x1f\x8b"
_MOST_MIB = 256  # that a compressed file becomes
_NUMBERS_END = 54  # the last column of z, and of gamma
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
_MOST = 1e6  # angstroms
_NO_BOX = ([0.0] * 3, [1.0] * 3)  # of structures that are no crystals

Box = tuple[list[float], list[float]]
"""Lengths, nm, and angles, degrees."""


class Atom(Protocol):
    """What an atom is found by. residue_index: counts the residues from 0."""

    @property
    def name(self) -> str: ...
    @property
    def residue(self) -> str: ...
    @property
    def residue_index(self) -> int: ...


def is_pdb(path: Path) -> bool:
    return path.name.lower().endswith(_ENDINGS)


def read_pdb(path: Path, beads: Sequence[Atom]) -> NDArray[np.float32]:
    """(frames, beads, 3), nm: the atoms that have the names and the residues of these beads, in
    their order; residues are counted from the file's first. Molecules are made whole."""
    require_file(path)
    with naming(path):
        frames = _read(path)
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


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not packed:
            yield from (line.decode("latin-1") for line in file)
            return
        left = _MOST_MIB * 2**20
        with gzip.open(file) as unpacked:
            while line := unpacked.readline(left + 1):
                left -= len(line)
                if left < 0:
                    raise ValueError(f"becomes more than {_MOST_MIB} MiB when it is unpacked")
                yield line.decode("latin-1")


def _read(path: Path) -> list[_Frame]:
    frames: list[_Frame] = []
    box: Box | None = None
    key: tuple[str, ...] = ()
    is_open = False
    for number, line in enumerate(_lines(path), 1):
        record, where = line[:6].rstrip(), f"{path}:{number}"
        columns = len(line.rstrip("\r\n"))
        if record in ("CRYST1", "ATOM", "HETATM") and columns < _NUMBERS_END:
            raise ValueError(
                f"{where}: {record} ends at column {columns}, its numbers at {_NUMBERS_END}"
            )
        if record == "CRYST1":
            box = _box(where, line)
        elif record in ("MODEL", "ENDMDL", "END"):
            is_open = False
        elif record == "TER":
            key = ()
        elif record in ("ATOM", "HETATM"):
            if not is_open:
                frames.append(_Frame(box))
                is_open, key = True, ()
            key = _add(frames[-1], key, where, line)
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
    plain = word.strip(" ")
    if not _DECIMAL.fullmatch(plain) or abs(float(plain)) > _MOST:
        raise ValueError(
            f"{where}: {what} is {word!r}, must be a decimal number of at most {_MOST:.0f} in size"
        )
    return float(plain)


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


def _pick(frame: _Frame, number: int, count: int, beads: Sequence[Atom]) -> list[list[float]]:
    of = f"in model {number + 1} of {count} " if count > 1 else ""
    return [_position(frame, bead, of) for bead in beads]


def _position(frame: _Frame, bead: Atom, of: str) -> list[float]:
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
