"""Files that a simulation starts from: converted or refused as score-train does."""

import json
import os

import numpy as np
import pytest
from numpy.testing import assert_allclose
from openmmscore.sampling.copies import read_starts

from .test_resume import MAINS, RUNS, words
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


def test_a_start_is_of_the_model_s_residues(model_file, tmp_path, capsys):
    h5py = pytest.importorskip("h5py")
    start = tmp_path / "start.h5"
    assert command(model_file, start) == 0
    with h5py.File(start, "r+") as file:
        document = json.loads(file["topology"][0])
        document["chains"][0]["residues"][1]["name"] = "VAL"
        del file["topology"]
        file["topology"] = np.array([json.dumps(document).encode()])
    assert command(model_file, tmp_path / "run.npy", "--start", start) == 1
    assert (
        "start.h5: bead 1, N, is of residue VAL, the model's is of ALA" in capsys.readouterr().err
    )


@pytest.mark.parametrize("name", ["start.h5", "start.npy", "start.pdb"])
def test_a_start_is_a_file(model_file, tmp_path, capsys, name):
    """Nothing waits for a pipe, and control characters do not reach the terminal."""
    pytest.importorskip("h5py")
    start = tmp_path / f"a\n\x1b{name}"
    os.mkfifo(start)
    assert command(model_file, tmp_path / "run.npy", "--start", start) == 1
    shown = f"error: {tmp_path}/a??{name}: is no regular file, but a pipe or a device\n"
    assert capsys.readouterr().err == shown
    start.unlink()
    start.mkdir()
    assert command(model_file, tmp_path / "run.npy", "--start", start) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/a??{name}: is a folder\n"


def test_a_model_is_a_file(tmp_path, capsys):
    pipe = tmp_path / "model.xml"
    os.mkfifo(pipe)
    assert command(pipe, tmp_path / "run.npy") == 1
    assert f"{pipe}: is no regular file" in capsys.readouterr().err
    assert command(tmp_path, tmp_path / "run.npy") == 1
    assert f"{tmp_path}: cannot be opened: Is a directory" in capsys.readouterr().err


@RUNS
def test_a_start_is_not_the_output(run, model_file, tmp_path, capsys):
    """By whatever name: the run would replace it, and could not go on after that."""
    output, link, twin = (tmp_path / name for name in ("run.h5", "link.h5", "twin.h5"))
    assert MAINS[run](words(run, model_file, output)) == 0
    before = output.read_bytes()
    link.symlink_to("run.h5")
    os.link(output, twin)
    for start in (output, f"{output}:-1", link, twin):
        assert MAINS[run](words(run, model_file, output, "--start", start)) == 1
        error = capsys.readouterr().err
        assert f"{output} would replace {start}, which the run starts from" in error
    assert output.read_bytes() == before
