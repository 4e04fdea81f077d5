"""Peptides with all their atoms: from one-letter codes, or from a PDB file.

The ends are NH3+ and COO-. Hydrogens are those of pH 7: ASP, GLU, LYS and ARG charged, HIS neutral
with its hydrogen on NE2 (HIE), unless another form is asked for.
"""

from __future__ import annotations

import io
import itertools
import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import openmm
import PeptideBuilder
from numpy.typing import NDArray
from openmm import app, unit
from openmmscore.base.files import naming
from PeptideBuilder.Geometry import geometry

__all__ = ["Peptide", "add_hydrogens", "from_pdb", "from_sequence", "oddities", "sequence_of_pdb"]

Array = NDArray[np.float64]

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
PHI, PSI = -80.0, 150.0  # of a chain that is built, degrees
HYDROGEN_SEED = 1  # OpenMM starts from random places of the hydrogens
LONGEST_PEPTIDE_BOND_NM = 0.2

FORMS = {  # the first is taken unless another is asked for
    "ASP": ("ASP", "ASH"),
    "GLU": ("GLU", "GLH"),
    "HIS": ("HIE", "HID", "HIP"),
    "LYS": ("LYS", "LYN"),
}
CHARGES = {"ARG": "+", "ASP": "-", "GLU": "-", "HIP": "+", "LYS": "+"}

# The second to fourth atom, seen from the first, span a positive volume.
CHIRAL_SIDE_CHAINS = {"ILE": ("CB", "CA", "CG1", "CG2"), "THR": ("CB", "CA", "OG1", "CG2")}


@dataclass
class Peptide:
    """positions: (atoms, 3), nm. remarks: what its maker has left out or wants to be known."""

    topology: app.Topology
    positions: Array
    remarks: list[str]


# ---- Heavy atoms ----


def from_sequence(sequence: str) -> Peptide:
    """The heavy atoms of an extended chain: all L, all peptide bonds trans."""
    for place, letter in enumerate(sequence, start=1):
        if letter not in LETTERS:
            raise ValueError(f"{sequence}: letter {place}, {letter!r}, is none of {LETTERS}")
    if len(sequence) < 2:
        raise ValueError(f"{sequence!r}: one residue is no peptide")
    geometries = [geometry(letter) for letter in sequence]
    for each in geometries:
        each.phi, each.psi_im1 = PHI, PSI
    structure = PeptideBuilder.make_structure_from_geos(geometries)
    PeptideBuilder.add_terminal_OXT(structure)
    topology = app.Topology()
    chain = topology.addChain()
    positions = []
    for residue in structure.get_residues():
        new = topology.addResidue(residue.get_resname(), chain)
        for atom in residue:
            topology.addAtom(atom.get_name(), app.Element.getBySymbol(atom.element), new)
            positions.append(atom.coord / 10)
    topology.createStandardBonds()
    return Peptide(topology, np.array(positions), [])


@cache
def _residues() -> dict[str, tuple[str, frozenset[str]]]:
    """Letter and heavy atoms, without OXT, of every residue name."""
    residues = {}
    for letter in LETTERS:
        (residue,) = PeptideBuilder.initialize_res(geometry(letter)).get_residues()
        residues[residue.get_resname()] = letter, frozenset(atom.get_name() for atom in residue)
    return residues


def from_pdb(path: Path, keep_hydrogens: bool = False) -> Peptide:
    """The file's first model, without water, and without hydrogens unless they are to be kept."""
    peptide = _read_pdb(path)
    with naming(path):
        _require_whole(peptide)
    if keep_hydrogens:
        return peptide
    modeller = app.Modeller(peptide.topology, peptide.positions * unit.nanometer)
    modeller.delete([atom for atom in peptide.topology.atoms() if _is_hydrogen(atom)])
    return Peptide(modeller.topology, _nanometers(modeller.positions), peptide.remarks)


def sequence_of_pdb(path: Path) -> str:
    residues = _residues()
    return "".join(residues[each.name][0] for each in _read_pdb(path).topology.residues())


def _read_pdb(path: Path) -> Peptide:
    """One chain of known residues."""
    with naming(path):
        text = io.StringIO(_first_model(path))
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            try:
                pdb = app.PDBFile(text)
            except UserWarning as warning:
                raise ValueError(str(warning).removeprefix("WARNING: ")) from warning
        waters = sum(residue.name == "HOH" for residue in pdb.topology.residues())
        modeller = app.Modeller(pdb.topology, pdb.positions)
        modeller.deleteWater()
        for residue in modeller.topology.residues():
            if residue.name not in _residues():
                raise ValueError(f"residue {_label(residue)} is none of the twenty amino acids")
        chains = [chain.id for chain in modeller.topology.chains()]
        if len(chains) != 1:
            raise ValueError(f"has {len(chains)} chains of residues {chains}, must have one")
        if modeller.topology.getNumResidues() < 2:
            raise ValueError("has one residue, which is no peptide")
    remarks = [f"{waters} water molecules left out"] if waters else []
    return Peptide(modeller.topology, _nanometers(modeller.positions), remarks)


def _first_model(path: Path) -> str:
    lines = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.startswith("ENDMDL"):
            break
        if line.startswith(("ATOM", "HETATM")) and line[16:17].strip() and "HOH" not in line[17:20]:
            raise ValueError(
                f"{path}:{number}: atom {line[12:16].strip()} of residue {line[17:20].strip()}"
                f"{line[22:27].strip()} has alternate locations (here {line[16]}): choose one"
            )
        lines.append(line)
    if not any(line.startswith(("ATOM", "HETATM")) for line in lines):
        raise ValueError("has no atoms")
    return "\n".join([*lines, "END", ""])


def _require_whole(peptide: Peptide) -> None:
    residues = list(peptide.topology.residues())
    for residue in residues:
        _, expected = _residues()[residue.name]
        if residue is residues[-1]:
            expected = expected | {"OXT"}
        found = {atom.name for atom in residue.atoms() if not _is_hydrogen(atom)}
        if expected - found:
            raise ValueError(
                f"residue {_label(residue)} lacks {', '.join(sorted(expected - found))}"
            )
        if found - expected:
            foreign = ", ".join(sorted(found - expected))
            raise ValueError(
                f"residue {_label(residue)} has {foreign}, which does not belong there"
            )
        for atom in residue.atoms():
            if not np.isfinite(peptide.positions[atom.index]).all():
                raise ValueError(f"residue {_label(residue)}: no position of {atom.name}")
    for before, after in itertools.pairwise(residues):
        length = np.linalg.norm(_at(peptide, before, "C") - _at(peptide, after, "N"))
        if length > LONGEST_PEPTIDE_BOND_NM:
            raise ValueError(
                f"the chain is broken between {_label(before)} and {_label(after)}: "
                f"{length:.3f} nm from C to N"
            )


# ---- Hydrogens ----


def add_hydrogens(
    peptide: Peptide, protonation: Mapping[str, str], platform: openmm.Platform
) -> tuple[Peptide, list[str]]:
    """The peptide with its missing hydrogens, and the names of what has a choice of them.

    protonation: forms (HIP) of residues (HIS2) that are not to be those of pH 7.
    """
    residues = list(peptide.topology.residues())
    unknown = set(protonation) - {_label(residue) for residue in residues}
    if unknown:
        raise ValueError(f"there is no residue {', '.join(sorted(unknown))} to protonate")
    variants = [_form(residue, protonation.get(_label(residue))) for residue in residues]
    modeller = app.Modeller(peptide.topology, peptide.positions * unit.nanometer)
    random.seed(HYDROGEN_SEED)
    modeller.addHydrogens(pH=7.0, variants=variants, platform=platform)
    _require_kept(residues, list(modeller.topology.residues()))
    whole = Peptide(modeller.topology, _nanometers(modeller.positions), peptide.remarks)
    return whole, _names(whole, variants)


def _form(residue: app.topology.Residue, wanted: str | None) -> str | None:
    forms = FORMS.get(residue.name, ())
    if wanted is not None and wanted not in forms:
        raise ValueError(
            f"residue {_label(residue)} can't be {wanted}"
            + (f", only {', '.join(forms)}" if forms else ": it has one form")
        )
    return wanted or (forms[0] if forms else None)


def _require_kept(
    before: Sequence[app.topology.Residue], after: Sequence[app.topology.Residue]
) -> None:
    for old, new in zip(before, after, strict=True):
        lost = {atom.name for atom in old.atoms()} - {atom.name for atom in new.atoms()}
        if lost:
            raise ValueError(
                f"residue {_label(old)} has {', '.join(sorted(lost))}, which its form has not: "
                "ask for another form, or don't keep the hydrogens"
            )


def _names(peptide: Peptide, variants: Sequence[str | None]) -> list[str]:
    residues = list(peptide.topology.residues())
    names = ["NH2+" if residues[0].name == "PRO" else "NH3+"]
    for residue, variant in zip(residues, variants, strict=True):
        form = variant or residue.name
        if form == "CYS" and all(atom.name != "HG" for atom in residue.atoms()):
            form = "CYX"
        if variant or form in ("ARG", "CYX"):
            names.append(f"{form}{_number(residue)}{CHARGES.get(form, '')}")
    return [*names, "COO-"]


# ---- Handedness ----


def oddities(peptide: Peptide) -> list[str]:
    """D residues, side chains of the wrong hand and peptide bonds that are not trans, by name."""
    found = []
    residues = list(peptide.topology.residues())
    for residue in residues:
        if residue.name != "GLY" and _volume(peptide, residue, "CA", "N", "C", "CB") < 0:
            found.append(f"{_label(residue)} is D")
        side_chain = CHIRAL_SIDE_CHAINS.get(residue.name)
        if side_chain and _volume(peptide, residue, *side_chain) < 0:
            found.append(f"{_label(residue)} has a side chain of the wrong hand")
    for before, after in itertools.pairwise(residues):
        atoms = [(before, "CA"), (before, "C"), (after, "N"), (after, "CA")]
        a, b, c, d = (_at(peptide, *each) for each in atoms)
        if np.dot(np.cross(b - a, c - b), np.cross(c - b, d - c)) > 0:
            found.append(f"the peptide bond before {_label(after)} is cis")
    return found


def _volume(peptide: Peptide, residue: app.topology.Residue, *names: str) -> float:
    center, *others = (_at(peptide, residue, name) for name in names)
    a, b, c = (other - center for other in others)
    return float(np.dot(np.cross(a, b), c))


# ---- Small things ----


def _at(peptide: Peptide, residue: app.topology.Residue, name: str) -> Array:
    (index,) = (atom.index for atom in residue.atoms() if atom.name == name)
    return np.asarray(peptide.positions[index])


def _is_hydrogen(atom: app.topology.Atom) -> bool:
    return atom.element is not None and atom.element.atomic_number == 1


def _number(residue: app.topology.Residue) -> str:
    return f"{residue.id}{residue.insertionCode.strip()}"


def _label(residue: app.topology.Residue) -> str:
    return f"{residue.name}{_number(residue)}"


def _nanometers(positions: unit.Quantity) -> Array:
    return np.asarray(positions.value_in_unit(unit.nanometer), np.float64)
