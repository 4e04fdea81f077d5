"""Files that a simulation starts from: converted or refused as score-train does, or a PDB file."""

import gc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from openmmscore.copies import read_starts

from .test_simulate import command


def test_a_start_is_converted_or_refused(model_file, model, rng, tmp_path, capsys):
    """What evaluate and score-train read or refuse, --start does, too."""
    h5py = pytest.importorskip("h5py")
    output = tmp_path / "start.h5"
    assert command(model_file, output) == 0
    frames = model.frame._value + 0.01 * rng.standard_normal((12, 5, 3))
    for units, factor in (("angstroms", 10), ("nanometers", 1)):
        with h5py.File(output, "r+") as file:
            file["coordinates"][:] = factor * frames
            file["coordinates"].attrs["units"] = units
        starts = read_starts(f"{output}:each", model, 12)
        assert_allclose(starts, frames, rtol=1e-5, atol=1e-7)
    with h5py.File(output, "r+") as file:
        file["coordinates"].attrs["units"] = "bohr"
    assert command(model_file, tmp_path / "run.npy", "--start", output) == 1
    assert f"{output}: coordinates have units 'bohr'" in capsys.readouterr().err
    assert command(model_file, tmp_path / "run.npy", "--start", tmp_path / "start.xtc") == 1
    assert "start.xtc: must end in .h5 or .npy" in capsys.readouterr().err
    np.save(tmp_path / "a.npy", frames)
    assert (
        command(model_file, tmp_path / "run.npy", "--start", f"{tmp_path / 'a.npy'}:{'9' * 30}")
        == 1
    )
    assert "no frame 999" in capsys.readouterr().err


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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # MDTraj's file
def test_a_start_may_be_a_pdb_file(model_file, model, tmp_path, capsys):
    pytest.importorskip("mdtraj")
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
    gc.collect()
    assert f"{path}: " in capsys.readouterr().err
    path.unlink()
    assert command(model_file, tmp_path / "run.npy", "--start", path) == 1
    assert f"{path}: no such file" in capsys.readouterr().err
