"""The numbers written of a peptide are OpenMM's System, and what they can't say is refused."""

from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import unit
from openmm.app.internal import customgbforces

ROOT = Path(__file__).resolve().parents[2]

import build  # noqa: E402
from peptide_reference import Numbers  # noqa: E402
from structures import Peptide, add_hydrogens, from_pdb, from_sequence  # noqa: E402
from system_numbers import system_numbers  # noqa: E402

REFERENCE = openmm.Platform.getPlatformByName("Reference")


def described(peptide: Peptide, solvent: str) -> tuple[Numbers, openmm.System]:
    """The same by both, the numbers after being written and read."""
    system = build.create_system(peptide.topology, solvent, 3.0)
    numbers = system_numbers(system)
    text = build.numbers_text("any", numbers, peptide.topology, peptide.positions, [0])
    return Numbers(text), system


def assert_same_energy(numbers: Numbers, system: openmm.System, positions: np.ndarray) -> None:
    context = build.reference_context(system)
    context.setPositions(positions)
    energy = context.getState(energy=True).getPotentialEnergy()
    expected, bound = numbers.energy(positions)
    assert bound < 1e-5
    assert abs(energy.value_in_unit(unit.kilojoules_per_mole) - expected) < bound


@pytest.mark.parametrize("solvent", build.SOLVENTS)
@pytest.mark.parametrize("sequence", ["KS", "HP", "WRDE", "GMCYQ", "AFILNTV"])
def test_numbers_have_the_energy_of_openmm(sequence, solvent):
    peptide, _ = add_hydrogens(from_sequence(sequence), {}, REFERENCE)
    numbers, system = described(peptide, solvent)
    assert (numbers.neck is None) == (solvent == "obc1")
    np.testing.assert_array_equal(numbers.positions, peptide.positions)
    noise = np.random.default_rng(1).normal(size=(2, *peptide.positions.shape))
    assert_same_energy(numbers, system, peptide.positions + 0.01 * noise[0])
    assert_same_energy(numbers, system, peptide.positions + 0.02 * noise[1])


def test_numbers_have_the_energy_of_openmm_for_a_folded_protein():
    heavy = from_pdb(ROOT / "examples" / "peptides" / "cln025.pdb")
    peptide, _ = add_hydrogens(heavy, {}, REFERENCE)
    numbers, system = described(peptide, "gbn2")
    assert_same_energy(numbers, system, peptide.positions)


def test_equivalent_atoms_are_exchanged_by_a_symmetry():
    """But for the one improper torsion that takes one of them before the other."""
    numbers, _ = described(add_hydrogens(from_sequence("DE"), {}, REFERENCE)[0], "gbn2")
    names = [f"{atom.residue.name} {atom.name}" for atom in numbers.atom_topology.atoms]
    pairs = [[names[i] for i in pair] for pair in numbers.equivalent]
    assert pairs == [["ASP OD1", "ASP OD2"], ["GLU OE1", "GLU OE2"], ["GLU O", "GLU OXT"]]
    for pair in numbers.equivalent:
        exchanged = np.arange(len(names))
        exchanged[pair] = exchanged[pair[::-1]]
        for values in (numbers.mass, numbers.charge, numbers.sigma, numbers.epsilon, numbers.born):
            np.testing.assert_array_equal(values, values[exchanged])
        for rows, size in ((numbers.bonds, 2), (numbers.angles, 3), (numbers.exceptions, 2)):
            assert terms_of(rows, size, exchanged) == terms_of(rows, size)
        improper = terms_of(numbers.torsions, 4) ^ terms_of(numbers.torsions, 4, exchanged)
        assert len(improper) == 2
        assert all(set(pair) < set(atoms) for atoms, _ in improper)


Terms = set[tuple[tuple[int, ...], tuple[float, ...]]]


def terms_of(rows: np.ndarray, size: int, exchanged: np.ndarray | None = None) -> Terms:
    """Which atoms, whichever end comes first, have which parameters."""
    terms = set()
    for row in rows:
        atoms = row[:size].astype(int)
        atoms = tuple((atoms if exchanged is None else exchanged[atoms]).tolist())
        terms.add((min(atoms, atoms[::-1]), tuple(row[size:].tolist())))
    return terms


# ---- What is refused ----


@cache
def two_alanines() -> openmm.System:
    peptide, _ = add_hydrogens(from_sequence("AA"), {}, REFERENCE)
    return build.create_system(peptide.topology, "obc1", 3.0)


def force_of(system: openmm.System, name: str) -> Any:
    (force,) = (each for each in system.getForces() if type(each).__name__ == name)
    return force


def remove_born(system: openmm.System) -> None:
    names = [type(each).__name__ for each in system.getForces()]
    system.removeForce(names.index("CustomGBForce"))


def other_born(system: openmm.System, name: str, **options: Any) -> None:
    """Another generalized Born model of OpenMM for the same atoms."""
    model = getattr(customgbforces, name)
    force = model(**options)
    shape = [1.0] * 3 if model is customgbforces.GBSAGBn2Force else []
    for _ in range(system.getNumParticles()):
        force.addParticle([0.0, 0.15, 0.8, *shape])
    force.finalize()
    remove_born(system)
    system.addForce(force)


def other_tanh(system: openmm.System) -> None:
    force = force_of(system, "CustomGBForce")
    name, expression, kind = force.getComputedValueParameters(1)
    force.setComputedValueParameters(1, name, expression.replace("0.8*psi", "1*psi"), kind)


def other_surface(system: openmm.System) -> None:
    force = force_of(system, "CustomGBForce")
    expression, kind = force.getEnergyTermParameters(1)
    force.setEnergyTermParameters(1, expression.replace("28.39", "25.39"), kind)


def global_parameter(system: openmm.System) -> None:
    force_of(system, "CustomGBForce").addGlobalParameter("scale", 1.0)


def cutoff(system: openmm.System, name: str) -> None:
    force = force_of(system, name)
    force.setNonbondedMethod(force.CutoffNonPeriodic)


def switching(system: openmm.System) -> None:
    force_of(system, "NonbondedForce").setUseSwitchingFunction(True)


def offset(system: openmm.System, kind: str) -> None:
    force = force_of(system, "NonbondedForce")
    force.addGlobalParameter("scale", 0.0)
    getattr(force, f"add{kind}ParameterOffset")("scale", 0, 1.0, 0.0, 0.0)


def periodic(system: openmm.System) -> None:
    force_of(system, "HarmonicBondForce").setUsesPeriodicBoundaryConditions(True)


def virtual_site(system: openmm.System) -> None:
    system.setParticleMass(1, 0.0)
    system.setVirtualSite(1, openmm.TwoParticleAverageSite(0, 2, 0.5, 0.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.addForce(openmm.CMMotionRemover()), "the System has a CMMotionRemover"),
        (lambda s: s.addForce(openmm.CustomBondForce("r")), "the System has a CustomBondForce"),
        (lambda s: s.addForce(openmm.NonbondedForce()), "the System has 2 of NonbondedForce"),
        (remove_born, "the System has 0 of CustomGBForce"),
        (lambda s: s.addConstraint(2, 5, 0.1), "1 constraints, the first of atoms 2 and 5 at 0.1"),
        (virtual_site, "atom 1 is a virtual site"),
        (lambda s: s.setParticleMass(3, 0.0), "atom 3 has mass 0, must be positive"),
        (periodic, "the System's HarmonicBondForce is periodic"),
        (lambda s: cutoff(s, "NonbondedForce"), "the System's NonbondedForce has a cutoff"),
        (lambda s: cutoff(s, "CustomGBForce"), "the System's CustomGBForce has a cutoff"),
        (switching, "the System's NonbondedForce has a switching function"),
        (lambda s: offset(s, "Particle"), "NonbondedForce has a ParticleParameterOffset"),
        (lambda s: offset(s, "Exception"), "NonbondedForce has a ExceptionParameterOffset"),
        (other_tanh, "the computed values of the System's CustomGBForce are not those of"),
        (other_surface, "the energy terms of the System's CustomGBForce are not those of"),
        (global_parameter, "the global parameters of the System's CustomGBForce are not those of"),
        (lambda s: other_born(s, "GBSAHCTForce"), "the computed values of the System's CustomGB"),
        (lambda s: other_born(s, "GBSAOBC2Force"), "the computed values of the System's CustomGB"),
        (lambda s: other_born(s, "GBSAGBnForce"), "is neither OBC1 nor GBn2"),
        (lambda s: other_born(s, "GBSAOBC1Force", kappa=1.0), "the energy terms of the System's"),
        (lambda s: other_born(s, "GBSAOBC1Force", cutoff=2.0), "without salt and cutoff"),
        (lambda s: other_born(s, "GBSAGBn2Force", kappa=1.0), "GBSAGBn2Force without salt"),
    ],
)
def test_what_numbers_can_t_say_is_refused_by_name(
    change: Callable[[openmm.System], object], message: str
) -> None:
    system = deepcopy(two_alanines())
    assert system_numbers(system).born.surface > 0
    change(system)
    with pytest.raises(ValueError) as caught:
        system_numbers(system)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["GBSAOBC1Force", "GBSAGBn2Force"])
def test_dielectrics_and_the_surface_term_are_read_from_the_force(name):
    system = deepcopy(two_alanines())
    other_born(system, name, soluteDielectric=2.5, solventDielectric=60.0)
    born = system_numbers(system).born
    assert (born.solute_dielectric, born.solvent_dielectric, born.surface) == (2.5, 60.0, 0.0)
