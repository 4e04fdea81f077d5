"""python -m openmmscore.simulate: what is refused before anything runs."""

import dataclasses
import math
import os
import shutil

import numpy as np
import pytest
from openmmscore import Model, simulate
from openmmscore.simulate import main

STEPS = "--copies 3 --time .04 --equilibration .02 --interval 5 --platform Reference"  # 20 and 10


def command(model_file, output, *more):
    return main([str(model_file), "--output", str(output), *STEPS.split(), *map(str, more)])


@pytest.fixture(scope="module")
def toy_file(toy, tmp_path_factory):
    """Of one particle in two dimensions."""
    path = tmp_path_factory.mktemp("toys") / "toy.xml"
    toy.save(path)
    return path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--diffusion-time 1.5", "diffusion time 1.5"),
        ("--diffusion-time 0", "time is 0"),
        ("--scale nan", "scale"),
        ("--copies 0", "copies is 0, must be a positive integer"),
        ("--copies -2", "copies is -2"),
        ("--copies 99999999", "copies is 99999999, must be at most 1000000"),
        ("--interval 21", "interval is 21 steps, longer than the 20 steps of time 0.04"),
        ("--interval 0", "interval is 0"),
        ("--time -1", "time is -1"),
        ("--time inf", "time is inf"),
        ("--time 1e300", "time is 1e+300, more than 1e+12 times 0.002 ps"),
        ("--equilibration nan", "equilibration is nan"),
        ("--timestep 0", "timestep is 0.0, must be positive"),
        ("--friction -1", "friction is -1"),
        ("--time-limit 0", "--time-limit is 0"),
        ("--seed -1", "seed is -1"),
        (f"--seed {2**63}", f"seed is {2**63}, must be less than 2^63"),
        ("--platform CPU --threads 40000", "threads is 40000, must be at most 1024"),
        ("--threads 2", "threads is 2, but the Reference platform has no such setting"),
        ("--platform CPU --threads 0", "threads is 0"),
        ("--platform Abacus", "Abacus"),
        ("--start nowhere.npy", "nowhere.npy"),
        ("--start nowhere.h5:3", "nowhere.h5"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(
    model_file, tmp_path, capsys, monkeypatch, words, message
):
    monkeypatch.delattr(simulate, "simulate")  # whoever gets there fails
    output = tmp_path / "run.npy"
    assert command(model_file, output, *words.split()) == 1
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_a_time_of_a_score_expert_is_refused(mixed_text, tmp_path, capsys, monkeypatch):
    monkeypatch.delattr(simulate, "simulate")
    path = tmp_path / "mixed.xml"
    path.write_text(mixed_text.xml(), encoding="utf-8")
    assert command(path, tmp_path / "run.npy", "--diffusion-time", 0.3) == 1
    assert "belongs to expert 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "word", "message"),
    [
        ((2, 4, 3), "start.npy", "shape (2, 4, 3), must be (frames, 5, 3)"),
        ((2, 5, 2), "start.npy", "shape (2, 5, 2), must be (frames, 5, 3)"),
        ((5, 3), "start.npy", "positions have shape (5, 3), must be (frames, beads, dimensions)"),
        ((2, 5, 3), "start.npy:2", "no frame 2, it has 2"),
        ((2, 5, 3), "start.npy:-3", "no frame -3, it has 2"),
        ((0, 5, 3), "start.npy", "has no frames"),
        ((0, 5, 3), "start.npy:each", "has no frames"),
        ((4, 5, 3), "start.npy:each", "4 frames for 3 copies"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(
    model_file, tmp_path, capsys, monkeypatch, shape, word, message
):
    monkeypatch.delattr(simulate, "simulate")
    np.save(tmp_path / "start.npy", np.arange(float(np.prod(shape))).reshape(shape))
    assert command(model_file, tmp_path / "run.npy", "--start", tmp_path / word) == 1
    assert f"{tmp_path / 'start.npy'}: {message}" in capsys.readouterr().err


def test_a_start_with_no_numbers_is_refused(model_file, tmp_path, capsys):
    start = tmp_path / "start.npy"
    np.save(start, np.full((1, 5, 3), math.nan))
    assert command(model_file, tmp_path / "run.npy", "--start", start) == 1
    assert f"{start}: frame 0 (from 0) has a position that is not finite" in capsys.readouterr().err
    for content in (b"", b"no array"):
        start.write_bytes(content)
        assert command(model_file, tmp_path / "run.npy", "--start", start) == 1
        assert f"{start}: " in capsys.readouterr().err


def test_a_start_of_other_beads_is_refused(peptide, model_file, tmp_path, capsys):
    pytest.importorskip("h5py")
    other = dataclasses.replace(peptide, names=["C", "N", "CB", "C", "N"])
    path, frames = tmp_path / "other.xml", tmp_path / "other.h5"
    path.write_text(other.xml(), encoding="utf-8")
    assert command(path, frames) == 0
    assert command(model_file, tmp_path / "run.npy", "--start", frames) == 1
    assert f"{frames}: bead 2 is CB, the model's is CA" in capsys.readouterr().err


def test_paths_need_not_be_utf8(model_file, tmp_path, capfdbinary):
    folder = os.fsencode(tmp_path) + b"/mod\xe8le"
    os.mkdir(folder)
    shutil.copy(os.fsencode(model_file), folder + b"/\xe8.xml")
    path, output = os.fsdecode(folder + b"/\xe8.xml"), os.fsdecode(folder + b"/r\xe8n")
    for suffix in (".npy", ".h5"):
        words = ["--start", output + ".npy"] if suffix == ".h5" else []
        assert command(path, output + suffix, *words) == 0
    Model(path).save(os.fsdecode(folder) + "/s\udce9.xml.gz")
    assert Model(os.fsdecode(folder + b"/s\xe9.xml.gz")).names == Model(path).names
    assert os.path.exists(folder + b"/r\xe8n.h5")
    capfdbinary.readouterr()
    assert command(path + "x", output + ".npy") == 1
    assert b"mod\\udce8le/\\udce8.xmlx" in capfdbinary.readouterr().err


@pytest.mark.parametrize(
    ("folder", "output", "message"),
    [
        ("run.npy", "run.npy", "run.npy is a folder"),
        ("run_copy.npy", "run.npy", "run_copy.npy is a folder"),
        ("run_run.json", "run.npy", "run_run.json is a folder"),
        ("other", "nowhere/run.npy", "nowhere is no folder"),
        ("other", "run.txt", "run.txt: must end in .h5 or .npy"),
        ("other", "run.h5", "2 dimensions writes .npy, not .h5"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused(
    toy_file, tmp_path, capsys, monkeypatch, folder, output, message
):
    monkeypatch.delattr(simulate, "simulate")
    (tmp_path / folder).mkdir()
    assert command(toy_file, tmp_path / output) == 1
    assert message in capsys.readouterr().err


def test_a_missing_model_is_named(tmp_path, capsys):
    assert command(tmp_path / "no-such-model.xml", tmp_path / "run.npy") == 1
    assert "no-such-model.xml" in capsys.readouterr().err
