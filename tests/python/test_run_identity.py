"""Whose files are they? A run goes on only with its own: checkpoint, unfinished frames, and what is
finished already."""

import json
import shutil

import numpy as np
import pytest
from openmmscore import replica_exchange
from openmmscore.io import read_any
from openmmscore.sampling import choose_ladder

from .test_resume import MAINS, RUNS, killed_when_saved, names, words

SUFFIXES = pytest.mark.parametrize("suffix", [".h5", ".npy"])


def contents(folder):
    return {name: (folder / name).read_bytes() for name in names(folder)}


@RUNS
@SUFFIXES
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seed", "2", "seed 1, now it is 2"),
        ("--friction", "2", "friction 1.0, now it is 2.0"),
        ("--time", ".5", "time 0.4, now it is 0.5"),
        ("--copies", "4", "copies 3, now it is 4"),
        ("--equilibration", ".2", "equilibration 0.1, now it is 0.2"),
        ("--start", "start.npy", "start '', now it is"),
    ],
)
def test_a_finished_run_is_that_of_its_options(
    run, suffix, option, value, message, model_file, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", [model.frame._value])
    output = tmp_path / f"run{suffix}"
    arguments = words(run, model_file, output, "--resume")
    assert MAINS[run](arguments) == 0
    before = contents(tmp_path)
    assert MAINS[run](arguments) == 0
    assert f"{output}: finished already" in capsys.readouterr().out
    assert MAINS[run]([*arguments, option, value]) == 1
    error = capsys.readouterr().err
    assert f"{output}: was made with " in error
    assert (
        "a finished file of other options stands there, and without --resume is replaced" in error
    )
    assert message in error
    assert contents(tmp_path) == before


@RUNS
@SUFFIXES
def test_a_finished_run_is_that_of_its_model(run, suffix, peptide, tmp_path, capsys):
    file = tmp_path / "model.xml"
    file.write_text(peptide.xml(), encoding="utf-8")
    arguments = words(run, file, tmp_path / f"run{suffix}", "--resume")
    assert MAINS[run](arguments) == 0
    file.write_text(peptide.xml().replace('temperature="300.0"', 'temperature="310.0"'))
    assert MAINS[run](arguments) == 1
    assert f"run{suffix}: was made with model '" in capsys.readouterr().err


@SUFFIXES
def test_files_that_do_not_say_who_made_them_are_not_taken_for_a_run(
    suffix, model_file, tmp_path, capsys
):
    output = tmp_path / f"run{suffix}"
    arguments = words("simulate", model_file, output, "--resume")
    assert MAINS["simulate"](arguments) == 0
    if suffix == ".npy":
        (tmp_path / "run_run.json").unlink()
    else:
        import h5py

        with h5py.File(output, "a") as file:
            del file.attrs["identity"]
    assert MAINS["simulate"](arguments) == 1
    assert f"{output}: does not say of which run it is" in capsys.readouterr().err


def test_a_finished_exchange_needs_no_pilot_run(model_file, tmp_path, monkeypatch, capsys):
    short = "--copies 3 --time .1 --equilibration .05 --steps 5 --platform Reference --states 3"
    arguments = [str(model_file), "--output", str(tmp_path / "run.h5"), *short.split(), "--resume"]
    monkeypatch.setattr(
        replica_exchange, "choose_ladder", lambda *a, **k: choose_ladder(*a, time=0.4, **k)
    )
    assert replica_exchange.main(arguments) == 0
    monkeypatch.delattr(replica_exchange, "choose_ladder")
    monkeypatch.delattr(replica_exchange, "ReplicaExchange")
    assert replica_exchange.main(arguments) == 0
    assert "run.h5: finished already" in capsys.readouterr().out


@RUNS
@SUFFIXES
def test_frames_of_other_options_are_not_gone_on_with(
    run, suffix, model_file, tmp_path, monkeypatch, capsys
):
    """Beside the checkpoint of a run that has as many of them, and without one."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, seed in ((one, "1"), (two, "2")):
        folder.mkdir()
        killed_when_saved(
            monkeypatch, run, words(run, model_file, folder / f"run{suffix}", "--seed", seed), 18
        )
    shutil.copy(one / f"run{suffix}.checkpoint", two)
    before = contents(two)
    arguments = words(run, model_file, two / f"run{suffix}", "--resume")
    assert MAINS[run](arguments) == 1
    assert f"run{suffix}.unfinished: was made with seed 2, now it is 1" in capsys.readouterr().err
    assert contents(two) == before
    (two / f"run{suffix}.checkpoint").unlink()
    assert MAINS[run](arguments) == 1
    assert f"run{suffix}.unfinished: was made with seed 2, now it is 1" in capsys.readouterr().err


@RUNS
@SUFFIXES
def test_frames_are_those_that_the_checkpoint_knows(
    run, suffix, model_file, tmp_path, monkeypatch, capsys
):
    """Those of the same options on another platform, say, or of a copy that has lost some."""
    output = tmp_path / f"run{suffix}"
    arguments = words(run, model_file, output)
    killed_when_saved(monkeypatch, run, arguments, 18)
    frames = tmp_path / f"run{suffix}.unfinished"
    early = frames.read_bytes()
    frames.unlink()
    (tmp_path / f"run{suffix}.checkpoint").unlink()
    killed_when_saved(monkeypatch, run, arguments, 30)
    late = frames.read_bytes()
    frames.write_bytes(early)
    assert MAINS[run]([*arguments, "--resume"]) == 1
    error = capsys.readouterr().err
    assert f"{frames}: frame " in error
    assert f"is not that of run{suffix}.checkpoint: they are of two runs" in error
    frames.write_bytes(late)
    assert MAINS[run]([*arguments, "--resume"]) == 0


@RUNS
@SUFFIXES
def test_frames_without_a_checkpoint_are_not_begun_anew_unasked(
    run, suffix, model_file, tmp_path, monkeypatch, capsys
):
    arguments = words(run, model_file, tmp_path / f"run{suffix}")
    killed_when_saved(monkeypatch, run, arguments, 0)
    before = contents(tmp_path)
    assert MAINS[run](arguments) == 1
    assert f"run{suffix}.unfinished is of a run that has not come to" in capsys.readouterr().err
    assert contents(tmp_path) == before
    assert MAINS[run]([*arguments, "--resume"]) == 0


@SUFFIXES
@pytest.mark.parametrize("size", [0, 1000])
def test_what_was_killed_while_it_was_laid_out_is_nothing(suffix, size, model_file, tmp_path):
    unfinished = tmp_path / f"run{suffix}.unfinished"
    for more in ([], ["--resume"]):
        unfinished.write_bytes(bytes(size))
        output = tmp_path / f"run{suffix}"
        output.unlink(missing_ok=True)
        assert MAINS["simulate"](words("simulate", model_file, output, *more)) == 0


@SUFFIXES
def test_a_run_that_came_to_its_limit_is_said_to_be_short(suffix, model_file, tmp_path, capsys):
    output = tmp_path / f"run{suffix}"
    arguments = words("simulate", model_file, output, "--resume", "--time-limit", "1e-9")
    assert MAINS["simulate"](arguments) == 0
    assert read_any(output).attributes["ended_early"] == "limit on time"
    before = contents(tmp_path)
    for more in ([], ["--time-limit", "1e9"]):
        capsys.readouterr()
        assert MAINS["simulate"]([*arguments, *more]) == 0
        assert "finished already, short of what was asked for" in capsys.readouterr().out
    assert MAINS["simulate"]([*arguments, "--time", ".5"]) == 1
    assert "was made with time 0.4, now it is 0.5" in capsys.readouterr().err
    assert contents(tmp_path) == before


@RUNS
@SUFFIXES
def test_an_identity_is_text(run, suffix, model_file, tmp_path):
    output = tmp_path / f"run{suffix}"
    assert MAINS[run](words(run, model_file, output)) == 0
    identity = read_any(output).attributes["identity"]
    found = json.loads(identity) if suffix == ".h5" else identity
    assert found["seed"] == 1
    assert len(found["model"]) == 64
    assert "ended_early" not in read_any(output).attributes
