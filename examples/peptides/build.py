"""Makes what score-peptide-md simulates: a peptide, its force field, and forces to check it by.

    python build.py KS AA --output built
    python build.py cln025.pdb --solvent gbn2 --beads ca --name chignolin --output built

A peptide is a sequence of one-letter codes, built as an extended chain, or a PDB file. Its ends are
NH3+ and COO-, its protonation is that of pH 7 and is printed. The force field is amber14 with a
generalized Born model: OBC1, or GBn2 (GB-neck2), which folds small proteins. There is no cutoff and
there are no constraints; hydrogens are made heavier at the cost of what they are bonded to, which
changes no average over structures and allows steps of 2 fs.

Of each peptide four files are written: NAME.pdb, its minimised structure; NAME_system.xml, OpenMM's
System; NAME.system, the same as numbers; NAME.check, energies and forces of OpenMM at a few
structures.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import mdtraj
import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit
from openmmscore.base.files import naming, replace_file
from openmmscore.io.topologies import topology_to_json

from structures import Peptide, add_hydrogens, from_pdb, from_sequence, oddities, sequence_of_pdb
from system_numbers import Numbers, system_numbers

Array = NDArray[np.float64]

FORCE_FIELD = "amber14-all.xml"
SOLVENTS = {"obc1": "implicit/obc1.xml", "gbn2": "implicit/gbn2.xml"}
BEADS = {"backbone": ("N", "CA", "CB", "C", "O"), "ca": ("CA",)}
CARBOXYLATES = {"ASP": ("OD1", "OD2"), "GLU": ("OE1", "OE2")}
FORCE_TOLERANCE = 1.0  # of the minimisation, kJ/mol/nm

NOISE_NM = 0.005
CHECK_TEMPERATURE_K = 310.0
CHECK_FRAMES, CHECK_STEPS, CHECK_STEP_PS, CHECK_FRICTION_PER_PS = 3, 100, 0.001, 10.0
CHECK_SEED = 1


@dataclass(frozen=True)
class Settings:
    """solvent: of SOLVENTS. beads: of BEADS. protonation: residue (HIS2) to form (HIP)."""

    solvent: str = "obc1"
    beads: str = "backbone"
    hydrogen_mass: float = 3.0
    protonation: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Built:
    """One peptide, ready to be written. numbers, check: the text of the files."""

    peptide: Peptide
    system: openmm.System
    numbers: str
    check: str
    summary: str


# ---- The force field ----


def create_system(topology: app.Topology, solvent: str, hydrogen_mass: float) -> openmm.System:
    field = app.ForceField(FORCE_FIELD, SOLVENTS[solvent])
    system = field.createSystem(
        topology,
        nonbondedMethod=app.NoCutoff,
        constraints=None,
        removeCMMotion=False,
        hydrogenMass=hydrogen_mass * unit.amu,
    )
    for atom in topology.atoms():
        if system.getParticleMass(atom.index) <= 0 * unit.amu:
            raise ValueError(
                f"hydrogens of {hydrogen_mass:g} amu leave nothing for atom {atom.name} of "
                f"{atom.residue.name}{atom.residue.id}"
            )
    return system


def reference_context(system: openmm.System, seed: int = CHECK_SEED) -> openmm.Context:
    integrator = openmm.LangevinMiddleIntegrator(
        CHECK_TEMPERATURE_K, CHECK_FRICTION_PER_PS, CHECK_STEP_PS
    )
    integrator.setRandomNumberSeed(seed)
    return openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))


def minimised(system: openmm.System, positions: Array) -> Array:
    context = reference_context(system)
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, FORCE_TOLERANCE, 0)
    state = context.getState(positions=True, energy=True)
    if not np.isfinite(state.getPotentialEnergy()._value):
        raise ValueError("the energy is not finite: do atoms lie upon each other?")
    return np.asarray(state.getPositions(asNumpy=True)._value)


def check_structures(system: openmm.System, start: Array) -> list[Array]:
    """The start, the start with noise, and frames of a dynamics that has left it."""
    noise = np.random.default_rng(CHECK_SEED).normal(size=start.shape)
    structures = [start, start + NOISE_NM * noise]
    context = reference_context(system)
    context.setPositions(start)
    context.setVelocitiesToTemperature(CHECK_TEMPERATURE_K, CHECK_SEED)
    for _ in range(CHECK_FRAMES):
        context.getIntegrator().step(CHECK_STEPS)
        state = context.getState(positions=True)
        structures.append(np.asarray(state.getPositions(asNumpy=True)._value))
    return structures


# ---- The files ----


def bead_atoms(topology: app.Topology, names: Iterable[str]) -> list[int]:
    beads = []
    for residue in topology.residues():
        atoms = {atom.name: atom.index for atom in residue.atoms()}
        beads += [atoms[name] for name in names if name in atoms]
    return beads


def bead_topology(whole: mdtraj.Topology, beads: list[int]) -> mdtraj.Topology:
    """The beads in their own order, which MDTraj's subset would not keep."""
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    number = {}
    for residue in whole.residues:
        new = topology.add_residue(residue.name, chain, resSeq=residue.resSeq)
        for bead in (bead for bead in beads if whole.atom(bead).residue is residue):
            number[bead] = topology.add_atom(whole.atom(bead).name, whole.atom(bead).element, new)
    for first, second in whole.bonds:
        if first.index in number and second.index in number:
            topology.add_bond(number[first.index], number[second.index])
    return topology


def equivalent_atoms(topology: app.Topology) -> list[tuple[int, int]]:
    """The two oxygens of every carboxylate. Exchanged they leave the energy as it is, but for one
    improper torsion, which takes one of them first: its change is a tenth of kT."""
    hydrogens = {atom for bond in topology.bonds() for atom in bond if _has_hydrogen(bond)}
    pairs = []
    for residue in topology.residues():
        atoms = {atom.name: atom for atom in residue.atoms()}
        for names in (CARBOXYLATES.get(residue.name), ("O", "OXT")):
            if names and all(name in atoms and atoms[name] not in hydrogens for name in names):
                pairs.append((atoms[names[0]].index, atoms[names[1]].index))
    return pairs


def _has_hydrogen(bond: app.topology.Bond) -> bool:
    return any(atom.element is app.element.hydrogen for atom in bond)


def numbers_text(
    name: str, numbers: Numbers, topology: app.Topology, positions: Array, beads: list[int]
) -> str:
    born = numbers.born
    whole = mdtraj.Topology.from_openmm(topology)
    columns = (numbers.charge, numbers.sigma, numbers.epsilon)
    header = (born.offset, born.solute_dielectric, born.solvent_dielectric, born.surface)
    lines = ["score-peptide-md 1", f"name {name}", f"atoms {len(positions)}"]
    lines += _table(np.column_stack([numbers.mass, positions, *columns]))
    for what in ("bonds", "angles", "torsions", "exceptions"):
        rows = getattr(numbers, what)
        lines += [f"{what} {len(rows)}", *_table(rows)]
    lines += [f"born {_words(header)}", *_table(born.atoms)]
    if born.neck is not None:
        neck = born.neck
        lines += [f"neck {len(neck.d0)} {_words((neck.scale, neck.cutoff))}"]
        lines += [*map(str, neck.index), *_table(neck.d0), *_table(neck.m0)]
    pairs = equivalent_atoms(topology)
    lines += [f"beads {len(beads)}", " ".join(map(str, beads))]
    lines += [f"bead_topology {topology_to_json(bead_topology(whole, beads)).decode()}"]
    lines += [f"atom_topology {topology_to_json(whole).decode()}"]
    lines += [f"equivalent {len(pairs)}", *_table(pairs), "end", ""]
    return "\n".join(lines)


def check_text(system: openmm.System, structures: Iterable[Array]) -> str:
    context = reference_context(system)
    lines = []
    for positions in structures:
        context.setPositions(positions)
        state = context.getState(energy=True, forces=True)
        forces = state.getForces(asNumpy=True)._value
        lines += [f"structure {float(state.getPotentialEnergy()._value)!r}"]
        lines += _table(np.hstack([positions, forces]))
    return "\n".join([*lines, ""])


def _table(rows: Iterable[Iterable[float]]) -> list[str]:
    return [_words(row) for row in rows]


def _words(row: Iterable[float]) -> str:
    """With all their digits: read again they are the same numbers."""
    return " ".join(str(value) if isinstance(value, int) else repr(float(value)) for value in row)


def write(folder: Path, name: str, built: Built) -> None:
    pdb = io.StringIO()
    positions = built.peptide.positions * unit.nanometer
    app.PDBFile.writeModel(built.peptide.topology, positions, pdb, keepIds=True)
    app.PDBFile.writeFooter(built.peptide.topology, pdb)
    files = {
        f"{name}.pdb": pdb.getvalue(),
        f"{name}_system.xml": openmm.XmlSerializer.serialize(built.system),
        f"{name}.check": built.check,
        f"{name}.system": built.numbers,  # the last: where it is, all are
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, text in files.items():
        _replace(folder / file_name, text)


def _replace(path: Path, text: str) -> None:
    replace_file(path, lambda file: file.write(text.encode()))


# ---- One peptide after another ----


def build(name: str, heavy: Peptide, settings: Settings) -> Built:
    platform = openmm.Platform.getPlatformByName("Reference")
    peptide, protonation = add_hydrogens(heavy, settings.protonation, platform)
    system = create_system(peptide.topology, settings.solvent, settings.hydrogen_mass)
    numbers = system_numbers(system)
    peptide.positions = minimised(system, peptide.positions)
    beads = bead_atoms(peptide.topology, BEADS[settings.beads])
    check = check_text(system, check_structures(system, peptide.positions))
    text = numbers_text(name, numbers, peptide.topology, peptide.positions, beads)
    charge, energy = round(numbers.charge.sum()), float(check.split()[1])
    summary = (
        f"{name}: {len(numbers.mass)} atoms, {len(beads)} beads, charge {charge:+d}, "
        f"{' '.join(protonation)}, {settings.solvent}, {energy:.1f} kJ/mol"
    )
    summary = "; ".join([summary, *peptide.remarks, *oddities(peptide)])
    return Built(peptide, system, text, check, summary)


def heavy_atoms(source: str, options: argparse.Namespace) -> tuple[str, Peptide]:
    """Name and heavy atoms of what the command line names."""
    path = Path(source)
    if path.suffix.lower() != ".pdb":
        return source, from_sequence(source)
    if options.extended:
        return path.stem, from_sequence(sequence_of_pdb(path))
    return path.stem, from_pdb(path, options.keep_hydrogens)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peptides", nargs="+", metavar="SEQUENCE|FILE.pdb")
    parser.add_argument("--output", type=Path, default=Path(), help="folder of the files (.)")
    parser.add_argument("--name", help="of the files; by default the sequence or the file's name")
    parser.add_argument("--solvent", choices=SOLVENTS, default="obc1", help="(obc1)")
    parser.add_argument("--beads", choices=BEADS, default="backbone", help="(backbone)")
    parser.add_argument(
        "--hydrogen-mass", type=float, default=3.0, metavar="AMU", help="(3; 1.008 is the true one)"
    )
    parser.add_argument(
        "--protonation",
        type=_protonation,
        nargs="+",
        default=[],
        metavar="RESIDUE=FORM",
        help="other forms than those of pH 7, for example HIS2=HIP ASP3=ASH",
    )
    parser.add_argument("--extended", action="store_true", help="of a file, only its sequence")
    parser.add_argument("--keep-hydrogens", action="store_true", help="those of the file stay")
    options = parser.parse_args()
    if options.name is not None and len(options.peptides) > 1:
        parser.error("--name names one peptide, not several")
    residues = [residue for residue, _ in options.protonation]
    if len(set(residues)) < len(residues):
        parser.error("--protonation names a residue twice")
    if not 0 < options.hydrogen_mass < float("inf"):
        parser.error(f"--hydrogen-mass is {options.hydrogen_mass:g}, must be positive")
    if options.extended and options.keep_hydrogens:
        parser.error("--extended takes no atom from the file: there is nothing to keep")
    return options


def _protonation(text: str) -> tuple[str, str]:
    residue, equals, form = text.partition("=")
    if not (residue and equals and form):
        raise argparse.ArgumentTypeError(f"{text!r} is not like HIS2=HIP")
    return residue, form


def main() -> None:
    options = arguments()
    settings = Settings(
        options.solvent, options.beads, options.hydrogen_mass, dict(options.protonation)
    )
    try:
        sources = [heavy_atoms(source, options) for source in options.peptides]
        names = [options.name or name for name, _ in sources]
        for name in names:
            if not name or set(name) & set("/ \t\n"):
                raise ValueError(f"{name!r} is no name for files; give one by --name")
            if names.count(name) > 1:
                raise ValueError(f"two peptides have the name {name}")
        for source, name, (_, heavy) in zip(options.peptides, names, sources, strict=True):
            with naming(Path(source)):
                built = build(name, heavy, settings)
            write(options.output, name, built)
            print(built.summary)
    except (OSError, ValueError) as error:
        sys.exit(f"build.py: {error}")


if __name__ == "__main__":
    main()
