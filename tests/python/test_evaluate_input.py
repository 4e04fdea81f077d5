"""python -m openmmscore.evaluate: bad input is named, and nothing is written."""

import h5py
import mdtraj
import numpy as np
import pytest
from openmmscore.evaluation.coordinates import Coordinates
from openmmscore.evaluation.ensembles import read_ensemble
from openmmscore.io import write_frames

from .double_well import evaluate, save


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data.npy", np.linspace(-2, 2, 1000))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "missing.npy"], "missing.npy: no such file"),
        (["--samples", "text.txt"], "text.txt: must end in .h5 or .npy"),
        (["--samples", "broken.h5"], "broken.h5"),
        (["--samples", "broken.npy"], "broken.npy"),
        (["--samples", "words.npy"], "words.npy: holds <U5, must be numbers"),
        (["--samples", "complex.npy"], "complex.npy: holds complex128, must be numbers"),
        (["--samples", "number.npy"], "number.npy: positions have shape ()"),
        (["--samples", "archive.npy"], "archive.npy: holds several arrays"),
        (["--samples", "group.h5"], "group.h5: "),
        (["--samples", "flat.npy"], "flat.npy: positions have shape (5, 3)"),
        (["--samples", "nan.npy"], "nan.npy: frame 2 (from 0)"),
        (["--samples", "two.npy"], "two.npy: coordinates x of frames of 2 beads"),
        (["--samples", "point.npy"], "point.npy: frame 0 (from 0) has all its beads in one point"),
        (["--simulation", "copies.npy"], "copies.npy: copy has shape (3,), not (6,)"),
        (["--simulation", "own.npy"], "own.npy: has copies of 1 frame, must have 2"),
        (["--simulation", "twenty.npy"], "twenty.npy: has pieces of 1 frame, must have 2"),
        (["--simulation", "uneven.npy"], "uneven.npy: copy 1 has 2 frames and copy 0 has 4"),
        (["--simulation", "few.npy"], "few.npy: 4 frames are too few"),
        (["--simulation", "few.npy", "--equilibration-ps", "5"], "needs --interval-ps"),
        (["--samples", "data.npy", "--state", "far:x:5:6"], "state 'far'"),
        (["--samples", "data.npy", "--state", "a:y:0:1"], "column 'y'"),
        (["--samples", "data.npy", "--state", "a:1:0:1"], "column '1'"),
        (["--samples", "data.npy", "--state", "a:x:1:0"], "1 is not below 0"),
        (["--samples", "data.npy", "--state", "a:x:1"], "NAME:COLUMN:LOW:HIGH"),
        (["--samples", "data.npy", "--state", "a:x:0:nan"], "'nan'"),
        (["--samples", "data.npy", "--state", "a:x:0:1", "a:x:1:2"], "two states of one name"),
        (
            ["--samples", "data.npy", "--within", "far:x:5:6"],
            "data.npy: only 0 of 1000 frames are ever in 'far'",
        ),
        (
            ["--samples", "few.npy", "--within", "right:x:1:2"],
            "few.npy: only 0 of 4 frames are ever in 'right'",
        ),
        (["--samples", "data.npy", "--within", "a:x:1"], "--within 'a:x:1', must be NAME:COLUMN"),
        (
            ["--samples", "data.npy", "--within", "left:x:-3:0", "--state", "right:x:1:2"],
            "the state 'right', within 'left'",
        ),
        (
            ["--simulation", "nine.npy", "--within", "a:x:-1:1"],
            "nine.npy: only 9 of 20 copies are ever in 'a'",
        ),
        (["--samples", "data.npy", "--limits", "0:1", "0:1"], "2 --limits for 1 columns"),
        (["--samples", "data.npy", "--limits", "1:0"], "'1:0'"),
    ],
)
def test_bad_input_is_named(data, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("text.txt", "broken.h5", "broken.npy"):
        (tmp_path / name).write_text("no frames")
    np.save("flat.npy", np.zeros((5, 3)))
    np.save("words.npy", np.array([[["three"]]]))
    np.save("complex.npy", np.zeros((5, 1, 1), complex))
    np.save("number.npy", np.array(1.0))
    with open("archive.npy", "wb") as archive:
        np.savez(archive, np.zeros((5, 1, 1)))
    with h5py.File("group.h5", "w") as file:
        file.create_group("coordinates")
    np.save("nan.npy", np.array([0, 1, np.nan, 3]).reshape(4, 1, 1))
    np.save("two.npy", np.arange(30.0).reshape(5, 2, 3))
    np.save("point.npy", np.zeros((5, 2, 3)))
    save(tmp_path / "few.npy", np.zeros(4))
    save(tmp_path / "nine.npy", np.where(np.arange(60) < 27, 0, 2))  # 20 pieces of 3
    save(tmp_path / "copies.npy", np.zeros(6), np.array([0, 1, 2]))
    save(tmp_path / "own.npy", np.arange(30), np.arange(30))
    save(tmp_path / "twenty.npy", np.arange(20))
    save(tmp_path / "uneven.npy", np.arange(6), np.array([0, 0, 0, 0, 1, 1]))
    assert evaluate(data, tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "text", ["z", "xyz", "dihedrals:", "dihedrals:0-1-2", "dihedrals:0-1-2-2", "dihedrals:a-b-c-d"]
)
def test_coordinates_that_are_none(data, tmp_path, capsys, text):
    assert evaluate(data, tmp_path, "--samples", data, coordinates=text) == 2
    assert "dihedral" in capsys.readouterr().err


def test_dihedrals_of_beads_that_are_not_there(data, tmp_path, capsys):
    words = ["--samples", data]
    assert evaluate(data, tmp_path, *words, coordinates="dihedrals:0-1-2-7") == 2
    assert "a dihedral of bead 7 in frames of 1 beads" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], ["--samples", "a", "--bins", "2"], ["--samples", "a", "--bound", "nan"],
     ["--samples", "a", "--equilibration-ps", "-1"], ["--samples", "a", "--seed", "-1"],
     ["--model", "a", "--within", "left:x:-3:0"]],
)  # fmt: skip
def test_options_out_of_range_end_with_2(tmp_path, words):
    with pytest.raises(SystemExit) as ended:
        evaluate("data.npy", tmp_path, *words)
    assert ended.value.code == 2


def frames_of(path, names, count=40, residue="X", **datasets):
    """Random frames of beads of these names."""
    topology = mdtraj.Topology()
    residue = topology.add_residue(residue, topology.add_chain())
    for name in names:
        topology.add_atom(name, mdtraj.element.carbon, residue)
    positions = np.random.default_rng(1).normal(size=(count, len(names), 3))
    write_frames(path, positions, topology, **datasets)
    return path


@pytest.mark.parametrize("option", ["--samples", "--simulation"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("ABAB", "bead 2 is A, data.h5's is C"),
        ("DCBA", "bead 0 is D, data.h5's is A"),
        ("ABCDE", "5 beads, data.h5 has 4"),
        ("ABCDABCD", "8 beads, data.h5 has 4"),
    ],
)
def test_other_beads_are_not_compared(tmp_path, monkeypatch, capsys, option, names, message):
    monkeypatch.chdir(tmp_path)
    frames_of("data.h5", "ABCD")
    frames_of("other.h5", names, copy=np.repeat([0, 1], 20))
    words = [option, "other.h5"]
    assert evaluate("data.h5", "out", *words, coordinates="dihedrals:0-1-2-3") == 2
    assert f"other.h5: {message}" in capsys.readouterr().err
    np.save("other.npy", np.ones((40, 5, 3)) * np.arange(5)[:, None])
    assert evaluate("data.h5", "out", option, "other.npy", coordinates="dihedrals:0-1-2-3") == 2
    assert "other.npy: 5 beads, data.h5 has 4" in capsys.readouterr().err
    frames_of("val.h5", "ABCD", residue="VAL", copy=np.repeat([0, 1], 20))
    assert evaluate("data.h5", "out", option, "val.h5", coordinates="dihedrals:0-1-2-3") == 2
    message = "val.h5: bead 0, A, is of residue VAL, data.h5's is of X"
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    frames_of("same.h5", "ABCD", 100, copy=np.repeat(np.arange(10), 10))
    assert evaluate("data.h5", "out", option, "same.h5", coordinates="dihedrals:0-1-2-3") == 0


@pytest.mark.parametrize(
    ("interval", "found"), [(0.1, 0.1), (0.05, 0.05), (0.002, 0.002), (1.0, 1.0)]
)
def test_times_of_long_runs_are_rounded(tmp_path, interval, found):
    """A float32 at 1e6 ps is a multiple of 1/16 ps, so frames may have the same time."""
    times = np.tile(1e6 + interval * np.arange(1000), 2)
    path = frames_of(tmp_path / "a.h5", "ABCD", 2000, time_ps=times, copy=np.repeat([0, 1], 1000))
    ensemble = read_ensemble(path, Coordinates.parse("dihedrals:0-1-2-3"))
    assert ensemble.interval_ps == pytest.approx(found, abs=1 / 16 / 999)


@pytest.mark.parametrize(
    "times", [[0, 1, 1, 2], [0, 2, 1, 3], [3, 2, 1, 0], [1e6, 1e6, 1e6 + 9, 1e6 + 18]]
)
def test_times_that_do_not_increase_are_refused(tmp_path, times):
    path = frames_of(tmp_path / "a.h5", "ABCD", 8, time_ps=times * 2, copy=np.repeat([0, 1], 4))
    with pytest.raises(ValueError, match=r"a\.h5: the time of the frames of a copy does not incr"):
        read_ensemble(path, Coordinates.parse("dihedrals:0-1-2-3"))
