"""Units of HDF5 files of frames, by their names, in those that are used here."""

from __future__ import annotations

__all__ = ["ANGLES", "LENGTHS", "LOGARITHMS", "TIMES", "USUAL", "same_unit"]

LENGTHS = {"nanometers": 1.0, "nanometer": 1.0, "nm": 1.0, "angstroms": 0.1, "angstrom": 0.1}
TIMES = {
    **dict.fromkeys(("picoseconds", "picosecond", "ps"), 1.0),
    **dict.fromkeys(("nanoseconds", "nanosecond", "ns"), 1e3),
    **dict.fromkeys(("femtoseconds", "femtosecond", "fs"), 1e-3),
}
ANGLES = {"degrees": 1.0, "degree": 1.0}
LOGARITHMS = {"natural logarithm": 1.0, "dimensionless": 1.0}

USUAL = tuple(next(iter(table)) for table in (LENGTHS, TIMES, ANGLES, LOGARITHMS))
"""What is meant where a file does not say."""


def same_unit(name: str) -> str:
    """The first name of a unit that has several."""
    for table in (LENGTHS, TIMES, ANGLES, LOGARITHMS):
        if name in table:
            return next(each for each, factor in table.items() if factor == table[name])
    return name
