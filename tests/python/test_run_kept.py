"""What a run that goes on is not kept from, and what it must not lose."""

import os
import stat
from functools import partialmethod

import numpy as np
import pytest
from openmmscore.base.files import UnfinishedFile
from openmmscore.io import read_any

from .test_resume import MAINS, RUNS, killed_when_saved, names, words
from .test_run_ends import SUFFIXES, interrupt

__all__ = ["interrupt"]


def modes(folder):
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@RUNS
@SUFFIXES
def test_an_early_file_may_be_moved_away(run, suffix, model_file, tmp_path, monkeypatch, interrupt):
    """The checkpoint says of which run the unfinished one is."""
    whole, part, away = (tmp_path / name for name in ("whole", "part", "away"))
    for folder in (whole, part, away):
        folder.mkdir()
    assert MAINS[run](words(run, model_file, whole / f"run{suffix}")) == 0
    arguments = words(run, model_file, part / f"run{suffix}")
    interrupt(7)
    assert MAINS[run](arguments) == 130
    monkeypatch.undo()
    for name in names(part):
        if not name.endswith((".unfinished", ".checkpoint")):
            os.replace(part / name, away / name)
    assert MAINS[run]([*arguments, "--resume"]) == 0
    for name in names(whole):
        assert (part / name).read_bytes() == (whole / name).read_bytes()


@SUFFIXES
def test_an_unfinished_file_is_its_owner_s_until_the_end(
    suffix, model_file, tmp_path, monkeypatch, interrupt
):
    """Also where the output that it replaces must not be written."""
    output = tmp_path / f"run{suffix}"
    arguments = words("simulate", model_file, output)
    assert MAINS["simulate"](arguments) == 0
    for name in names(tmp_path):
        os.chmod(tmp_path / name, 0o444)
    interrupt(7)
    assert MAINS["simulate"](arguments) == 130
    monkeypatch.undo()
    found = modes(tmp_path)
    for name in (f"run{suffix}.unfinished", f"run{suffix}.checkpoint"):
        assert found[name] & 0o600 == 0o600
    assert found[output.name] == 0o444
    assert MAINS["simulate"]([*arguments, "--resume"]) == 0
    assert set(modes(tmp_path).values()) == {0o444}


def test_a_mask_of_everything_leaves_a_run_to_resume(model_file, tmp_path, monkeypatch):
    before = os.umask(0o777)
    try:
        arguments = words("simulate", model_file, tmp_path / "run.npy")
        killed_when_saved(monkeypatch, "simulate", arguments, 15)
    finally:
        os.umask(before)
    assert set(modes(tmp_path).values()) - {0} == {0o600}
    assert all(modes(tmp_path)[f"run.npy.{end}"] for end in ("unfinished", "checkpoint"))
    assert MAINS["simulate"]([*arguments, "--resume"]) == 0


@SUFFIXES
def test_a_full_disk_takes_no_frames(suffix, model_file, tmp_path, monkeypatch, capsys):
    """Of a run that had no checkpoint yet, whichever file there is no room for."""
    output = tmp_path / f"run{suffix}"
    arguments = words("simulate", model_file, output)
    killed_when_saved(monkeypatch, "simulate", arguments, 0)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    for end in (".unfinished", ".shorter.tmp"):
        with monkeypatch.context() as patch:
            patch.setattr(UnfinishedFile, "extend", partialmethod(_no_room, end))
            assert MAINS["simulate"]([*arguments, "--resume"]) == 1
        assert "No space left on device" in capsys.readouterr().err
        assert names(tmp_path) == list(before)
        for name, content in before.items():
            assert (tmp_path / name).read_bytes().rstrip(b"\0") == content.rstrip(b"\0")
    assert MAINS["simulate"]([*arguments, "--resume"]) == 0


def _no_room(file, end, size, extend=UnfinishedFile.extend):
    if file.name.name.endswith(end):
        raise OSError(28, "No space left on device", str(file.name))
    extend(file, size)


@RUNS
@SUFFIXES
def test_what_is_finished_has_its_frames(run, suffix, model_file, tmp_path, capsys):
    output, labels = tmp_path / f"run{suffix}", tmp_path / "run_copy.npy"
    arguments = words(run, model_file, output, "--resume")
    assert MAINS[run](arguments) == 0
    whole = output.read_bytes()
    for content in (b"", whole[:100], whole[:-1], *([whole + b"?"] * (suffix == ".npy"))):
        output.write_bytes(content)
        assert MAINS[run](arguments) == 1
        assert f"{output}: " in capsys.readouterr().err
    if suffix == ".npy":
        for shape in ((119, 5, 3), (120, 4, 3), (60, 5, 3)):
            np.save(output, np.ones(shape, "f4"))
            assert MAINS[run](arguments) == 1
            assert f"{output}: holds float32 of shape {shape}" in capsys.readouterr().err
        output.write_bytes(whole)
        np.save(labels, np.zeros(119, int))
        assert MAINS[run](arguments) == 1
        assert f"{labels}: numbers the copies of (119,) frames" in capsys.readouterr().err
        labels.unlink()
        assert MAINS[run](arguments) == 1
        assert f"{labels}: no such file" in capsys.readouterr().err
        with pytest.raises(FileNotFoundError, match=r"run_copy\.npy: no such file"):
            read_any(output)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("q_copy.npy", np.zeros((2, 5, 3), "f4"), "holds float32 of shape (2, 5, 3)"),
        ("q_copy.npy", np.zeros(2), "holds float64 of shape (2,)"),
        ("q_run.json", b"[1]", "holds list"),
        ("q_run.json", b"notes", "Expecting value"),
    ],
)
def test_what_is_no_sidecar_is_not_replaced(name, content, message, model_file, tmp_path, capsys):
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    before = file.read_bytes()
    assert MAINS["simulate"](words("simulate", model_file, tmp_path / "q.npy")) == 1
    error = capsys.readouterr().err
    assert f"{file}: {message}" in error
    assert f"{tmp_path / 'q.npy'} would replace it" in error
    assert (names(tmp_path), file.read_bytes()) == ([name], before)


@RUNS
def test_an_output_has_no_sidecar_s_name(run, model_file, tmp_path, capsys):
    assert MAINS[run](words(run, model_file, tmp_path / "q_copy.npy")) == 1
    assert "q_copy.npy: _copy.npy is the end of files that number" in capsys.readouterr().err


@SUFFIXES
@pytest.mark.parametrize("number", [0, 1])
def test_a_model_may_have_another_path(suffix, number, model_file, tmp_path, monkeypatch):
    """A longer one, which an attribute of the file has: its frames do not go elsewhere by that."""
    output = tmp_path / f"run{suffix}"
    killed_when_saved(monkeypatch, "simulate", words("simulate", model_file, output), number)
    other = tmp_path / f"{'long' * 40}.xml"
    other.write_bytes(model_file.read_bytes())
    assert MAINS["simulate"](words("simulate", other, output, "--resume")) == 0
    whole = tmp_path / f"whole{suffix}"
    assert MAINS["simulate"](words("simulate", model_file, whole)) == 0
    assert (read_any(output).positions == read_any(whole).positions).all()
