"""PDB files that a simulation starts from."""

import gzip

import numpy as np
import pytest
from numpy.testing import assert_allclose
from openmmscore.io import pdb_file
from openmmscore.sampling.copies import read_starts

from .test_simulate import command

PDB_ATOMS = [  # name, residue, number, x in angstroms; more atoms than beads, in any order
    ("C", "ACE", 1, 1.0), ("CH3", "ACE", 1, 9.0), ("CB", "ALA", 2, 9.0), ("C", "ALA", 2, 4.0),
    ("N", "ALA", 2, 2.0), ("CA", "ALA", 2, 3.0), ("N", "NME", 3, 5.0),
]  # fmt: skip


def write_pdb(path, atoms, box=""):
    lines = [
        f"ATOM  {k:5d} {name:>4} {residue} A{number:4d}    {x:8.3f}{2 * x:8.3f}{0:8.3f}  1.00  0.00"
        f"           {name[0]}"
        for k, (name, residue, number, x) in enumerate(atoms, 1)
    ]
    path.write_text("\n".join([*([box] if box else []), *lines, "END", ""]))


def test_a_start_may_be_a_pdb_file(model_file, model, tmp_path, capsys):
    path = tmp_path / "start.pdb"
    expected = np.array([[0.1 * k, 0.2 * k, 0] for k in range(1, 6)])
    dummy = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1"
    for box in ("", dummy):
        write_pdb(path, PDB_ATOMS, box)
        starts = read_starts(path, model, 3)
        assert_allclose(starts, [expected] * 3, atol=1e-6)
        assert_allclose(read_starts(f"{path}:each", model, 3), starts)
    box = "CRYST1   20.000   20.000   20.000  90.00  90.00  90.00 P 1           1"
    broken = [(*atom[:3], atom[3] + (20 if atom[0] == "CA" else 0)) for atom in PDB_ATOMS]
    write_pdb(path, broken, box)
    assert_allclose(read_starts(path, model, 3), starts, atol=1e-6)
    for atoms, message in (
        (PDB_ATOMS[:-1], "has no atom N of residue NME (number 3), but 2 residues"),
        (PDB_ATOMS[:5] + PDB_ATOMS[6:], "has 0 atom CA of residue ALA (number 2)"),
        ([*PDB_ATOMS[:-1], ("N", "ALA", 3, 5.0)], "has 1 atom N of residue NME (number 3), which"),
    ):
        write_pdb(path, atoms)
        assert command(model_file, tmp_path / "run.npy", "--start", path) == 1
        assert f"{path}: {message}" in capsys.readouterr().err
    path.write_text("no structure")
    assert command(model_file, tmp_path / "run.npy", "--start", path) == 1
    assert f"{path}: has no atoms" in capsys.readouterr().err
    path.unlink()
    assert command(model_file, tmp_path / "run.npy", "--start", path) == 1
    assert f"{path}: no such file" in capsys.readouterr().err


EXPECTED = np.array([[0.1 * k, 0.2 * k, 0] for k in range(1, 6)])


def cryst1(a, b, c, *angles):
    alpha, beta, gamma = angles or (90.0, 90.0, 90.0)
    return f"CRYST1{a:9.3f}{b:9.3f}{c:9.3f}{alpha:7.2f}{beta:7.2f}{gamma:7.2f} P 1           1"


@pytest.mark.parametrize("name", ["A.PDB", "a.ent", "a.Ent", "a.pdb.gz", "a.ENT.GZ"])
def test_endings_of_pdb_files(model, tmp_path, name):
    path = tmp_path / name
    write_pdb(path, PDB_ATOMS)
    if name.lower().endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert_allclose(read_starts(path, model, 1), [EXPECTED], atol=1e-6)


@pytest.mark.parametrize("lengths", [(0, 0, 0), (1, 1, 1)])
@pytest.mark.parametrize("angle", [0, 90])
def test_boxes_of_what_is_no_crystal(model, tmp_path, lengths, angle):
    write_pdb(tmp_path / "a.pdb", PDB_ATOMS, cryst1(*lengths, angle, angle, angle))
    assert_allclose(read_starts(tmp_path / "a.pdb", model, 1), [EXPECTED], atol=1e-6)


def change(path, edit):
    """edit: of the lines of the atoms."""
    write_pdb(path, PDB_ATOMS)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(edit(lines[:-1])) + "\n")


def test_insertion_codes_tell_residues_apart(model, tmp_path):
    def edit(lines):  # residues 1, 1A, 1B
        return [line[:22] + f"   1{'_ AB'[int(line[25])]}" + line[27:] for line in lines]

    change(tmp_path / "a.pdb", edit)
    assert_allclose(read_starts(tmp_path / "a.pdb", model, 1), [EXPECTED], atol=1e-6)


def test_alternate_locations(model, tmp_path):
    """The first counts, also where another residue may be in its place."""

    def edit(lines):
        def at(line, location, residue, x):
            return line[:16] + location + residue + line[20:30] + f"{x:8.3f}" + line[38:]

        return [
            other
            for line in lines
            for other in (
                [at(line, "A", "ALA", float(line[30:38])), at(line, "B", "SER", 77.0)]
                if "ALA" in line and " N " not in line
                else [line]
            )
        ]

    change(tmp_path / "a.pdb", edit)
    assert_allclose(read_starts(tmp_path / "a.pdb", model, 1), [EXPECTED], atol=1e-6)


@pytest.mark.parametrize("end", ["ENDMDL", "END"])
def test_models_are_frames(model, tmp_path, capsys, model_file, end):
    path = tmp_path / "a.pdb"

    def edit(lines):
        moved = [line[:30] + f"{float(line[30:38]) + 1:8.3f}" + line[38:] for line in lines]
        start = ["MODEL"] if end == "ENDMDL" else []
        return [*start, *lines, end, *start, *moved, end]

    change(path, edit)
    assert_allclose(read_starts(path, model, 1), [EXPECTED], atol=1e-6)
    assert_allclose(
        read_starts(f"{path}:1", model, 1), [EXPECTED + np.array([0.1, 0, 0])], atol=1e-6
    )
    change(path, lambda lines: edit(lines)[:-2])
    assert command(model_file, tmp_path / "run.npy", "--start", path) == 1
    assert f"{path}: has in model 2 of 2 no atom N of residue NME" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (cryst1(20, 20, 20).replace("20.000", "??????", 1), r":1: the box's a is '   \?"),
        (cryst1(20, 20, 20, 0, 90, 90), ": frame 0 .from 0. has a box of lengths"),
        (cryst1(6, 20, 20), ": frame 0 .from 0. has beads 0 and 1 as far apart as nearly half"),
        ("ATOM      1    C ACE A   1       1.000   *****   0.000", r":1: y is '   \*\*\*\*\*'"),
        ("ATOM      1    C ACE A   1       1.000     nan   0.000", r":1: y is '     nan'"),
        ("ATOM      1    C ACE A   1       1_000   0.000   0.000", r":1: x is '   1_000'"),
        ("ATOM      1    C ACE A   1       1e300   0.000   0.000", r":1: x is '   1e300'"),
        ("ATOM      1    C ACE A   1    -2000000   0.000   0.000", r":1: x is '-2000000'"),
        ("ATOM      1    C ACE A   1       1.000   0.000   0.0", ":1: ATOM ends at column 52"),
        (cryst1(20, 20, 20)[:53], ":1: CRYST1 ends at column 53, its numbers at 54"),
        ("REMARK \x85 \x0c\nHETATM    1    C ACE A", ":2: HETATM ends at column 22"),
    ],
)
def test_what_is_wrong_is_named(model, tmp_path, line, message):
    path = tmp_path / "a.pdb"
    write_pdb(path, [(*atom[:3], 2 * atom[3]) for atom in PDB_ATOMS], line)
    with pytest.raises(ValueError, match=r"a\.pdb" + message):
        read_starts(path, model, 1)


@pytest.mark.parametrize("content", [b"", b"END\n", b"\x1f\x8b", bytes(range(256)) * 9])
def test_what_is_no_structure_is_named(model, tmp_path, content):
    path = tmp_path / "a.pdb"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.pdb: ."):
        read_starts(path, model, 1)


def test_compressed_files_have_a_limit(model, tmp_path, monkeypatch):
    monkeypatch.setattr(pdb_file, "_MOST_MIB", 1)
    path = tmp_path / "a.pdb.gz"
    for size in (2**20 - 2**14, 2**20):
        write_pdb(tmp_path / "a.pdb", PDB_ATOMS)
        whole = (tmp_path / "a.pdb").read_bytes() + b"x" * size
        path.write_bytes(gzip.compress(whole))
        if size < 2**20:
            assert len(read_starts(path, model, 1)) == 1
        else:
            with pytest.raises(ValueError, match=r"a\.pdb\.gz: becomes more than 1 MiB"):
                read_starts(path, model, 1)
