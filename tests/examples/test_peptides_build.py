"""Peptides are built as they should be, from sequences and from PDB files."""

import itertools
import subprocess
import sys
from pathlib import Path

import mdtraj
import numpy as np
import openmm
import pytest
from openmm import app

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "peptides"

import build  # noqa: E402
from peptide_reference import Numbers  # noqa: E402
from structures import (  # noqa: E402
    LETTERS,
    Peptide,
    add_hydrogens,
    from_pdb,
    from_sequence,
    oddities,
    sequence_of_pdb,
)
from system_numbers import system_numbers  # noqa: E402

CLN025 = EXAMPLE / "cln025.pdb"
REFERENCE = openmm.Platform.getPlatformByName("Reference")


def whole(sequence: str, **protonation: str) -> tuple[Peptide, list[str]]:
    return add_hydrogens(from_sequence(sequence), protonation, REFERENCE)


# ---- The files of the command ----


def command(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLE / "build.py"), *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What the command makes of two sequences, and what it says."""
    folder = tmp_path_factory.mktemp("peptides")
    run = command(folder, "EG", "GH", "--solvent", "gbn2", "--output", "made")
    assert run.returncode == 0, run.stderr
    return folder / "made", run.stdout


def read_check(path: Path) -> list[tuple[float, np.ndarray, np.ndarray]]:
    structures = []
    for part in path.read_text().split("structure ")[1:]:
        energy, *rows = part.splitlines()
        table = np.array([row.split() for row in rows], float)
        structures.append((float(energy), table[:, :3], table[:, 3:]))
    return structures


@pytest.mark.parametrize("name", ["EG", "GH"])
def test_files_agree_with_each_other(built, name):
    folder, _ = built
    numbers = Numbers((folder / f"{name}.system").read_text())
    system = openmm.XmlSerializer.deserialize((folder / f"{name}_system.xml").read_text())
    pdb = app.PDBFile(str(folder / f"{name}.pdb"))
    assert numbers.name == name
    context = build.reference_context(system)
    structures = read_check(folder / f"{name}.check")
    assert len(structures) == 5
    for energy, positions, forces in structures:
        context.setPositions(positions)
        state = context.getState(energy=True, forces=True)
        assert state.getPotentialEnergy()._value == energy
        np.testing.assert_array_equal(state.getForces(asNumpy=True)._value, forces)
        expected, bound = numbers.energy(positions)
        assert abs(energy - expected) < bound
    energies = [energy for energy, _, _ in structures]
    assert min(energies) == energies[0]
    assert len(set(energies)) == len(energies)
    np.testing.assert_array_equal(numbers.positions, structures[0][1])
    written = pdb.getPositions(asNumpy=True)._value
    np.testing.assert_allclose(written, numbers.positions, atol=0.51e-4)  # PDB has 0.001 A
    assert numbers.atom_topology == mdtraj.Topology.from_openmm(pdb.topology)
    masses = [system.getParticleMass(i)._value for i in range(system.getNumParticles())]
    assert masses == numbers.mass.tolist()


def test_beads_are_in_the_order_of_their_topology(built):
    folder, _ = built
    expected = ["N", "CA", "CB", "C", "O", "N", "CA", "C", "O"]
    numbers = Numbers((folder / "EG.system").read_text())
    beads = list(numbers.bead_topology.atoms)
    atoms = [numbers.atom_topology.atom(number) for number in numbers.beads]
    assert [bead.name for bead in beads] == [atom.name for atom in atoms] == expected
    assert [str(bead) for bead in beads] == [str(atom) for atom in atoms]
    assert numbers.bead_topology.n_bonds == 8


def test_hydrogens_are_heavy_at_the_cost_of_what_holds_them(built):
    numbers = Numbers((built[0] / "EG.system").read_text())
    names = [atom.name for atom in numbers.atom_topology.atoms]
    hydrogens = [name.startswith("H") for name in names]
    assert set(numbers.mass[hydrogens]) == {3.0}
    assert numbers.mass[names.index("CA")] == pytest.approx(12.01 - (3 - 1.008))
    true = build.create_system(whole("EG")[0].topology, "obc1", 1.008)
    total = sum(true.getParticleMass(number)._value for number in range(len(names)))
    assert numbers.mass.sum() == pytest.approx(total)


def test_the_command_says_what_it_has_built(built):
    first, second = built[1].splitlines()
    assert first.startswith("EG: 25 atoms, 9 beads, charge -1, NH3+ GLU1- COO-, gbn2, -")
    assert second.startswith("GH: 27 atoms, 9 beads, charge +0, NH3+ HIE2 COO-, gbn2, -")


# ---- What is built ----


def atoms_of(peptide: Peptide) -> list[dict[str, np.ndarray]]:
    return [
        {atom.name: peptide.positions[atom.index] for atom in residue.atoms()}
        for residue in peptide.topology.residues()
    ]


def dihedral(*points: np.ndarray) -> float:
    frames = np.array(points, np.float32)[None]
    trajectory = mdtraj.Trajectory(frames, None)
    return float(mdtraj.compute_dihedrals(trajectory, [[0, 1, 2, 3]])[0, 0])


def test_every_amino_acid_is_l_and_every_bond_trans():
    peptide, _ = whole(LETTERS)
    residues = atoms_of(peptide)
    for letter, atoms in zip(LETTERS, residues, strict=True):
        if letter != "G":  # CORN: seen from HA, CO, R and N go around clockwise
            axis = atoms["CA"] - atoms["HA"]
            around = [atoms[name] - atoms["CA"] for name in ("C", "CB", "N")]
            for first, second in itertools.pairwise([*around, around[0]]):
                assert np.dot(np.cross(first, second), axis) > 0, letter
    for before, after in itertools.pairwise(residues):
        assert abs(dihedral(before["CA"], before["C"], after["N"], after["CA"])) > np.radians(170)
    # (2S,3S)-isoleucine, (2S,3R)-threonine: chi1 of the two heavy branches of CB, IUPAC
    for letter, first, second in (("I", "CG1", "CG2"), ("T", "OG1", "CG2")):
        atoms = residues[LETTERS.index(letter)]
        chi = [dihedral(atoms["N"], atoms["CA"], atoms["CB"], atoms[n]) for n in (first, second)]
        turn = np.degrees(chi[1] - chi[0]) % 360
        assert turn == pytest.approx(240, abs=15), letter
    assert oddities(peptide) == []


@pytest.mark.parametrize(
    ("sequence", "protonation", "charge", "names"),
    [
        ("AA", {}, 0, "NH3+ COO-"),
        ("KR", {}, 2, "NH3+ LYS1+ ARG2+ COO-"),
        ("DE", {}, -2, "NH3+ ASP1- GLU2- COO-"),
        ("AHA", {}, 0, "NH3+ HIE2 COO-"),
        ("AHA", {"HIS2": "HID"}, 0, "NH3+ HID2 COO-"),
        ("AHA", {"HIS2": "HIP"}, 1, "NH3+ HIP2+ COO-"),
        ("ADA", {"ASP2": "ASH"}, 0, "NH3+ ASH2 COO-"),
        ("PEP", {"GLU2": "GLH"}, 0, "NH2+ GLH2 COO-"),
        ("AKA", {"LYS2": "LYN"}, 0, "NH3+ LYN2 COO-"),
    ],
)
def test_charge_is_that_of_the_protonation(sequence, protonation, charge, names):
    peptide, said = whole(sequence, **protonation)
    assert " ".join(said) == names
    numbers = system_numbers(build.create_system(peptide.topology, "obc1", 3.0))
    # the force field's charges have four digits, each residue's sum is whole
    assert numbers.charge.sum() == pytest.approx(charge, abs=1e-9)
    np.testing.assert_array_equal(numbers.charge, numbers.born.atoms[:, 0])


def test_hydrogens_of_histidine_and_of_the_ends():
    forms = {"HIE": {"HE2"}, "HID": {"HD1"}, "HIP": {"HD1", "HE2"}}
    for form, hydrogens in forms.items():
        first, second = atoms_of(whole("AH", HIS2=form)[0])
        assert {"HD1", "HE2"} & set(second) == hydrogens
        assert {"H", "H2", "H3"} <= set(first)
        assert {"O", "OXT"} <= set(second)
    assert not {"HO", "HXT"} & set(second)


def test_histidine_is_hie_where_openmm_would_choose_hid():
    assert all("HE2" in atoms_of(whole(f"A{x}HA")[0])[2] for x in "DENQ")


# ---- PDB files ----


def test_crystal_structure_keeps_its_heavy_atoms():
    assert sequence_of_pdb(CLN025) == "YYDPETGTWY"
    heavy = from_pdb(CLN025)
    assert heavy.remarks == ["12 water molecules left out"]
    peptide, names = add_hydrogens(heavy, {}, REFERENCE)
    assert names == ["NH3+", "ASP3-", "GLU5-", "COO-"]
    assert len(peptide.positions) == 166
    assert oddities(peptide) == []
    before, after = atoms_of(heavy), atoms_of(peptide)
    for old, new in zip(before, after, strict=True):
        for name, position in old.items():
            np.testing.assert_array_equal(position, new[name])


def pdb_text(peptide: Peptide) -> str:
    lines = []
    for atom in peptide.topology.atoms():
        x, y, z = 10 * peptide.positions[atom.index]
        lines.append(
            f"ATOM  {atom.index + 1:5d} {atom.name:<4s} {atom.residue.name} A"
            f"{atom.residue.index + 1:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00"
            f"          {atom.element.symbol:>2s}  "
        )
    return "\n".join([*lines, "TER", "END", ""])


def mirrored(peptide: Peptide) -> Peptide:
    return Peptide(peptide.topology, peptide.positions * [1, 1, -1], [])


def test_d_residues_are_named(tmp_path):
    path = tmp_path / "mirror.pdb"
    path.write_text(pdb_text(mirrored(from_sequence("AGIT"))))
    expected = ["ALA1 is D", "ILE3 is D", "ILE3 has a side chain of the wrong hand"]
    expected += ["THR4 is D", "THR4 has a side chain of the wrong hand"]
    assert oddities(from_pdb(path)) == expected
    run = command(tmp_path, path)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip().endswith("; ".join(expected))


def test_a_cis_bond_is_named():
    peptide = from_sequence("AG")
    residues = atoms_of(peptide)
    axis = residues[0]["C"] - residues[1]["N"]
    axis /= np.linalg.norm(axis)
    turned = peptide.positions.copy()
    for atom in list(peptide.topology.atoms()):
        if atom.residue.index == 0:  # half a turn about the bond
            arm = turned[atom.index] - residues[1]["N"]
            turned[atom.index] += 2 * (np.dot(arm, axis) * axis - arm)
    assert oddities(peptide) == []
    assert oddities(Peptide(peptide.topology, turned, [])) == [
        "the peptide bond before GLY2 is cis"
    ]


def test_only_the_first_model_counts(tmp_path):
    first, second = (pdb_text(from_sequence(sequence)) for sequence in ("AC", "GGG"))
    second = second.replace("CA   GLY", "CA  BGLY")  # which a first model must not have
    models = [text.replace("END\n", "ENDMDL\n") for text in (first, second)]
    path = tmp_path / "models.pdb"
    path.write_text(f"MODEL        1\n{models[0]}MODEL        2\n{models[1]}END\n")
    assert sequence_of_pdb(path) == "AC"
    np.testing.assert_allclose(
        from_pdb(path).positions, from_sequence("AC").positions, atol=0.51e-4
    )


def test_of_a_file_only_the_sequence_where_an_extended_chain_is_asked_for(tmp_path):
    path = tmp_path / "mirror.pdb"
    path.write_text(pdb_text(mirrored(from_sequence("GH"))))
    options = ["--beads", "ca", "--name", "other", "--protonation", "HIS2=HIP"]
    run = command(tmp_path, path, "--extended", *options)
    assert run.returncode == 0, run.stderr
    energy = run.stdout.split()[-2]
    said = f"other: 28 atoms, 2 beads, charge +1, NH3+ HIP2+ COO-, obc1, {energy} kJ/mol\n"
    assert run.stdout == said  # and not that it is D
    files = {f"other{ending}" for ending in (".pdb", "_system.xml", ".system", ".check")}
    assert {each.name for each in tmp_path.iterdir()} == {path.name, *files}


def test_hydrogens_of_a_file_are_kept_when_asked_for(tmp_path):
    path = tmp_path / "whole.pdb"
    original, _ = whole("SH", HIS2="HID")
    path.write_text(pdb_text(original))
    kept, _ = add_hydrogens(from_pdb(path, keep_hydrogens=True), {"HIS2": "HID"}, REFERENCE)
    np.testing.assert_allclose(kept.positions, original.positions, atol=0.51e-4)
    new, names = add_hydrogens(from_pdb(path), {}, REFERENCE)
    assert "HIE2" in names
    assert "HD1" not in atoms_of(new)[1]
    with pytest.raises(ValueError, match="HIS2 has HD1, which its form has not"):
        add_hydrogens(from_pdb(path, keep_hydrogens=True), {}, REFERENCE)


def test_a_disulfide_is_seen(tmp_path):
    chain = from_sequence("CGGC")
    residues = atoms_of(chain)
    close = chain.positions.copy()
    for atom in chain.topology.atoms():
        if atom.residue.index == 3 and atom.name == "SG":
            close[atom.index] = residues[0]["SG"] + [0, 0, 0.205]
    path = tmp_path / "bridge.pdb"
    path.write_text(pdb_text(Peptide(chain.topology, close, [])))
    peptide, names = add_hydrogens(from_pdb(path), {}, REFERENCE)
    assert names == ["NH3+", "CYX1", "CYX4", "COO-"]
    assert "HG" not in atoms_of(peptide)[0]


# ---- What is refused ----


GOOD = pdb_text(from_sequence("AS")).splitlines()


def without(words: str) -> list[str]:
    return [line for line in GOOD if words not in line]


def changed(words: str, start: int, text: str) -> list[str]:
    """The lines of the words have the text at that column, counted from 0."""
    return [
        line[:start] + text + line[start + len(text) :] if words in line else line for line in GOOD
    ]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (changed("CB   ALA", 16, "B"), "bad.pdb:5: atom CB of residue ALA1 has alternate"),
        (changed("SER", 17, "SEP"), "bad.pdb: residue SEP2 is none of the twenty"),
        (without("OG   SER"), "bad.pdb: residue SER2 lacks OG"),
        (without("OXT  SER"), "bad.pdb: residue SER2 lacks OXT"),
        (changed("OXT  SER", 12, "OXX"), "bad.pdb: residue SER2 lacks OXT"),
        (changed("OXT  SER", 17, "ALA A   1"), "bad.pdb: "),
        ([*GOOD[:6], GOOD[5].replace("N ", "NX"), *GOOD[6:]], "bad.pdb: residue SER2 has NX"),
        (changed("SER", 21, "B"), "bad.pdb: has 2 chains of residues ['A', 'B'], must have one"),
        (changed("SER", 30, " 999.000"), "bad.pdb: the chain is broken between ALA1 and SER2: 9"),
        (GOOD[:5] + GOOD[4:], "bad.pdb: duplicate atom"),
        (GOOD[5:], "bad.pdb: has one residue"),
        ([], "bad.pdb: has no atoms"),
        (changed("OG ", 30, "     abc"), "bad.pdb: could not convert string to float"),
        (changed("OG ", 30, "     nan"), "bad.pdb: residue SER2: no position of OG"),
    ],
)
def test_bad_pdb_files_are_named(tmp_path, lines, message):
    path = tmp_path / "bad.pdb"
    path.write_text("\n".join([*lines, ""]))
    with pytest.raises(ValueError) as caught:
        from_pdb(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["KX"], "KX: letter 2, 'X', is none of ACDEF"),
        (["kS"], "kS: letter 1, 'k', is none of ACDEF"),
        (["K"], "'K': one residue is no peptide"),
        ([""], "'': one residue is no peptide"),
        (["none.pdb"], "none.pdb"),
        (["KS", "KS"], "two peptides have the name KS"),
        (["KS", "AA", "--name", "a"], "--name names one peptide"),
        (["KS", "--name", "a/b"], "'a/b' is no name for files"),
        (["KS", "--solvent", "water"], "invalid choice: 'water'"),
        (["KS", "--protonation", "HIS1=HIP"], "KS: there is no residue HIS1"),
        (["AH", "--protonation", "HIS2=HIN"], "AH: residue HIS2 can't be HIN, only HIE, HID, HIP"),
        (["AH", "--protonation", "ALA1=ALB"], "AH: residue ALA1 can't be ALB: it has one form"),
        (["AH", "--protonation", "HIP"], "'HIP' is not like HIS2=HIP"),
        (["AH", "--protonation", "HIS2=HIP", "HIS2=HID"], "names a residue twice"),
        (["AD", "--protonation", "ASP2=ASH"], "AD: No template found for residue"),
        (["KS", "--hydrogen-mass", "8"], "hydrogens of 8 amu leave nothing for atom"),
        (["KS", "--hydrogen-mass", "nan"], "--hydrogen-mass is nan, must be positive"),
        (["KS", "--extended", "--keep-hydrogens"], "--extended takes no atom"),
    ],
)
def test_the_command_says_what_is_wrong_before_it_writes(
    tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["build.py", *words])
    with pytest.raises(SystemExit) as caught:
        build.main()
    code = caught.value.code  # a text, or 2 after argparse has said it
    assert message in (code if isinstance(code, str) else capsys.readouterr().err)
    assert not list(tmp_path.iterdir())
