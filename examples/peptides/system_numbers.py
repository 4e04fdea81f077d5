"""An OpenMM System as numbers, for a program that knows the few forces of a peptide in water.

Harmonic bonds and angles, periodic torsions, Coulomb and Lennard-Jones without a cutoff, and the
generalized Born models OBC1 and GBn2 as OpenMM itself writes them into a CustomGBForce. Whatever
else a System holds is refused by name: numbers that say less than the System would be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm.app.internal.customgbforces import GBSAGBn2Force, GBSAOBC1Force

__all__ = ["Born", "Neck", "Numbers", "system_numbers"]

Array = NDArray[np.float64]
NUMBER = r"([-+0-9.eE]+)"


@dataclass
class Neck:
    """The correction of GBn2 for the water that does not fit between two atoms.

    index: (atoms,), which of the distinct radii an atom has. d0, m0: (radii, radii), the first
    index that of the atom whose integral it is.
    """

    scale: float
    cutoff: float
    index: NDArray[np.int64]
    d0: Array
    m0: Array


@dataclass
class Born:
    """Generalized Born: 1/B = 1/or - tanh(alpha psi - beta psi^2 + gamma psi^3) / (or + offset).

    atoms: (atoms, 6), charge or sr alpha beta gamma. surface: the factor of
    (or + offset + 0.14)^2 ((or + offset) / B)^6, kJ/mol/nm^2, 0 without a surface term.
    """

    offset: float
    solute_dielectric: float
    solvent_dielectric: float
    surface: float
    atoms: Array
    neck: Neck | None


@dataclass
class Numbers:
    """Units nm, kJ/mol, rad, amu, elementary charge. Rows are atoms, then parameters.

    bonds: i j length k. angles: i j k angle k. torsions: i j k l periodicity phase k.
    exceptions: i j charge_product sigma epsilon.
    """

    mass: Array
    charge: Array
    sigma: Array
    epsilon: Array
    born: Born
    bonds: list[tuple[float, ...]] = field(default_factory=list)
    angles: list[tuple[float, ...]] = field(default_factory=list)
    torsions: list[tuple[float, ...]] = field(default_factory=list)
    exceptions: list[tuple[float, ...]] = field(default_factory=list)


def system_numbers(system: openmm.System) -> Numbers:
    """ValueError where the System holds something that the numbers can't say."""
    _refuse_what_is_not_a_force(system)
    forces: dict[str, list[openmm.Force]] = {}
    for force in system.getForces():
        forces.setdefault(type(force).__name__, []).append(force)
    for name in forces:
        if name not in READERS and name not in ("NonbondedForce", "CustomGBForce"):
            raise ValueError(f"the System has a {name}, which the numbers can't say")
    nonbonded = _only(forces, "NonbondedForce")
    charge, sigma, epsilon = _particles(nonbonded)
    numbers = Numbers(
        mass=np.array([_plain(system.getParticleMass(i)) for i in range(len(charge))]),
        charge=charge,
        sigma=sigma,
        epsilon=epsilon,
        born=_born(_only(forces, "CustomGBForce")),
        exceptions=list(_rows(nonbonded, "Exception")),
    )
    for name, read in READERS.items():
        for force in forces.get(name, []):
            if force.usesPeriodicBoundaryConditions():
                raise ValueError(f"the System's {name} is periodic")
            read(force, numbers)
    return numbers


def _refuse_what_is_not_a_force(system: openmm.System) -> None:
    if system.getNumConstraints() > 0:
        i, j, distance = system.getConstraintParameters(0)
        raise ValueError(
            f"the System has {system.getNumConstraints()} constraints, the first of atoms {i} "
            f"and {j} at {_plain(distance):g} nm: there must be none"
        )
    for i in range(system.getNumParticles()):
        if system.isVirtualSite(i):
            raise ValueError(f"atom {i} is a virtual site: there must be none")
        mass = _plain(system.getParticleMass(i))
        if not 0 < mass < np.inf:
            raise ValueError(f"atom {i} has mass {mass:g}, must be positive")


def _only(forces: dict[str, list[openmm.Force]], name: str) -> Any:
    found = forces.get(name, [])
    if len(found) != 1:
        raise ValueError(f"the System has {len(found)} of {name}, must have one")
    return found[0]


def _plain(value: Any) -> Any:
    return value._value if hasattr(value, "_value") else value


def _rows(force: Any, kind: str) -> Iterator[tuple[float, ...]]:
    """What get<kind>Parameters says of each, without units (OpenMM's own are ours)."""
    count = getattr(force, f"getNum{kind}s")()
    get = getattr(force, f"get{kind}Parameters")
    for k in range(count):
        yield tuple(_plain(value) for value in get(k))


# ---- Bonded forces ----


def _read_bonds(force: openmm.HarmonicBondForce, numbers: Numbers) -> None:
    numbers.bonds += _rows(force, "Bond")


def _read_angles(force: openmm.HarmonicAngleForce, numbers: Numbers) -> None:
    numbers.angles += _rows(force, "Angle")


def _read_torsions(force: openmm.PeriodicTorsionForce, numbers: Numbers) -> None:
    numbers.torsions += [row for row in _rows(force, "Torsion") if row[-1] != 0]


READERS: dict[str, Callable[[Any, Numbers], None]] = {
    "HarmonicBondForce": _read_bonds,
    "HarmonicAngleForce": _read_angles,
    "PeriodicTorsionForce": _read_torsions,
}


# ---- Coulomb and Lennard-Jones ----


def _particles(force: openmm.NonbondedForce) -> tuple[Array, Array, Array]:
    """Charges, sigmas, epsilons."""
    if force.getNonbondedMethod() != openmm.NonbondedForce.NoCutoff:
        raise ValueError("the System's NonbondedForce has a cutoff: it must have none")
    if force.getUseSwitchingFunction():
        raise ValueError("the System's NonbondedForce has a switching function")
    for kind in ("ParticleParameterOffset", "ExceptionParameterOffset", "GlobalParameter"):
        if getattr(force, f"getNum{kind}s")() > 0:
            raise ValueError(f"the System's NonbondedForce has a {kind}: there must be none")
    charge, sigma, epsilon = np.array(list(_rows(force, "Particle"))).T
    return charge, sigma, epsilon


# ---- Generalized Born ----

MODELS = {  # by the parameters of an atom
    ("charge", "or", "sr"): GBSAOBC1Force,
    ("charge", "or", "sr", "alpha", "beta", "gamma", "radindex"): GBSAGBn2Force,
}


def _born(force: openmm.CustomGBForce) -> Born:
    if force.getNonbondedMethod() != openmm.CustomGBForce.NoCutoff:
        raise ValueError("the System's CustomGBForce has a cutoff: it must have none")
    content = _content(force)
    names = content["per-atom parameters"]
    model = MODELS.get(tuple(names))
    if model is None:
        raise ValueError(f"the System's CustomGBForce is neither OBC1 nor GBn2: it has {names}")
    terms = content["energy terms"]
    solute = _constant(terms, r"soluteDielectric=" + NUMBER)
    solvent = _constant(terms, r"solventDielectric=" + NUMBER)
    surface = _constant(terms, NUMBER + r"\*\(radius\+0\.14\)", absent=0.0)
    expected = _content(
        _example(model, soluteDielectric=solute, solventDielectric=solvent, surface=surface != 0)
    )
    for what, values in content.items():
        if values != expected[what]:
            raise ValueError(
                f"the {what} of the System's CustomGBForce are not those of OpenMM's "
                f"{model.__name__} without salt and cutoff: {values}, must be {expected[what]}"
            )
    atoms = np.array(list(_rows(force, "Particle")))
    values = content["computed values"]
    offset = _constant(values, "offset=" + NUMBER)
    if model is GBSAOBC1Force:
        alpha = _constant(values, r"tanh\(" + NUMBER + r"\*psi")
        gamma = _constant(values, NUMBER + r"\*psi\^3")
        columns = np.broadcast_to([alpha, 0.0, gamma], (len(atoms), 3))
        return Born(offset, solute, solvent, surface, np.hstack([atoms, columns]), None)
    neck = Neck(
        scale=_constant(values, "neckScale=" + NUMBER),
        cutoff=_constant(values, "neckCut=" + NUMBER),
        index=atoms[:, 6].astype(np.int64),
        d0=_table(force, 0),
        m0=_table(force, 1),
    )
    return Born(offset, solute, solvent, surface, atoms[:, :6], neck)


def _content(force: openmm.CustomGBForce) -> dict[str, list[Any]]:
    """All that makes the force what it is, but for the atoms and the tables' entries."""
    return {
        "per-atom parameters": [
            force.getPerParticleParameterName(k) for k in range(force.getNumPerParticleParameters())
        ],
        "global parameters": [
            force.getGlobalParameterName(k) for k in range(force.getNumGlobalParameters())
        ],
        "tables": [
            (force.getTabulatedFunctionName(k), type(force.getTabulatedFunction(k)).__name__)
            for k in range(force.getNumTabulatedFunctions())
        ],
        "computed values": list(_rows(force, "ComputedValue")),
        "energy terms": list(_rows(force, "EnergyTerm")),
    }


def _example(model: type, *, surface: bool, **dielectrics: float) -> openmm.CustomGBForce:
    """OpenMM's own force, of one atom of any radius."""
    force = model(SA="ACE" if surface else None, **dielectrics)
    force.addParticle([0.0, 0.15, 0.8, *([1.0] * 3 if model is GBSAGBn2Force else [])])
    force.finalize()
    return force


def _constant(rows: list[Any], pattern: str, absent: float | None = None) -> float:
    """The number that the pattern finds in the expressions, the same wherever it finds one."""
    found = {float(text) for row in rows for value in row for text in _find(pattern, value)}
    if not found and absent is not None:
        return absent
    if len(found) != 1:
        raise ValueError(
            f"the System's CustomGBForce is none of OpenMM's: {sorted(found)} found for {pattern}"
        )
    return found.pop()


def _find(pattern: str, value: Any) -> list[str]:
    return re.findall(pattern, value) if isinstance(value, str) else []


def _table(force: openmm.CustomGBForce, number: int) -> Array:
    columns, rows, values = force.getTabulatedFunction(number).getFunctionParameters()
    return np.array(values).reshape(rows, columns).T
