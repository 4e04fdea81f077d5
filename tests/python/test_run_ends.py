"""How a run ends: with room for its files that was taken at its start, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
from openmmscore.base.files import UnfinishedFile, replace_file
from openmmscore.io import read_any
from openmmscore.io.frame_table import FrameTable
from openmmscore.sampling import run_output

from .test_resume import MAINS, RUNS, killed_when_saved, names, words

SUFFIXES = pytest.mark.parametrize("suffix", [".h5", ".npy"])


def full(path, write):
    raise OSError(28, "No space left on device", str(path))


@pytest.fixture
def interrupt(monkeypatch):
    """A signal when so many frames have been added."""

    def at(count):
        add = run_output.RunOutput.add

        def adding(self, positions):
            add(self, positions)
            if self.kept == count:
                signal.raise_signal(signal.SIGTERM)

        monkeypatch.setattr(run_output.RunOutput, "add", adding)

    return at


def blocks(folder):
    return sum(file.stat().st_blocks for file in folder.iterdir())


@SUFFIXES
@pytest.mark.parametrize("more", [[], ["--time-limit", "1e-9"], ["stop"]])
def test_the_end_takes_no_room(suffix, more, model_file, tmp_path, monkeypatch, interrupt):
    """All that is on the disk at any renaming was there before the first frame."""
    taken = []
    add, replace = run_output.RunOutput.add, os.replace

    def adding(self, positions):
        taken.append(blocks(tmp_path))
        add(self, positions)

    def replacing(old, new):
        taken.append(blocks(tmp_path))
        replace(old, new)

    monkeypatch.setattr(run_output, "replace_file", full)
    monkeypatch.setattr(run_output.RunOutput, "add", adding)
    monkeypatch.setattr(os, "replace", replacing)
    if more == ["stop"]:
        interrupt(7)
    output = tmp_path / f"run{suffix}"
    arguments = [
        "--time",
        "40",
        "--interval",
        "50",
        "--allow-broken",
        *(more if more != ["stop"] else []),
    ]
    status = MAINS["simulate"](words("simulate", model_file, output, *arguments))
    assert status == (130 if more == ["stop"] else 0)
    assert max(taken[1:]) == taken[0]
    assert len(read_any(output)) == 3 * {0: 400, 1: 7, 2: 2}[len(more)]
    assert blocks(tmp_path) < taken[0]


@RUNS
@SUFFIXES
def test_a_first_checkpoint_that_fails_leaves_the_early_file(
    run, suffix, model_file, tmp_path, monkeypatch, capsys, interrupt
):
    """With all frames, so that the unfinished one is not needed; and --resume says so."""
    monkeypatch.setattr(run_output, "replace_file", full)
    interrupt(7)
    output = tmp_path / f"run{suffix}"
    assert MAINS[run](words(run, model_file, output)) == 130
    told = capsys.readouterr()
    assert "run" + suffix + ".checkpoint" in told.err
    assert "No space left on device" in told.err
    assert "--resume" not in told.out
    assert len(read_any(output)) == 3 * 7
    more = ["run_copy.npy", "run_run.json"] if suffix == ".npy" else []
    assert names(tmp_path) == sorted([output.name, *more])
    assert MAINS[run](words(run, model_file, output, "--resume")) == 1
    assert "is of a run that was interrupted, and " in capsys.readouterr().err


@RUNS
def test_a_checkpoint_takes_the_room_that_the_early_file_leaves(
    run, model_file, tmp_path, monkeypatch, capsys, interrupt
):
    replace = replace_file
    early, output = tmp_path / "run.h5.shorter.tmp", tmp_path / "run.h5"
    with monkeypatch.context() as patch:
        patch.setattr(
            run_output, "replace_file", lambda *a: full(*a) if early.exists() else replace(*a)
        )
        interrupt(7)
        assert MAINS[run](words(run, model_file, output)) == 130
    assert "--resume goes on from there" in capsys.readouterr().out
    assert len(read_any(output)) == 3 * 7
    monkeypatch.undo()
    assert MAINS[run](words(run, model_file, output, "--resume")) == 0
    assert len(read_any(output)) == 3 * 40


@RUNS
@SUFFIXES
def test_frames_stay_where_the_early_file_fails(
    run, suffix, model_file, tmp_path, monkeypatch, capsys, interrupt
):
    monkeypatch.setattr(run_output, "replace_file", full)
    monkeypatch.setattr(FrameTable, "copy_first", lambda *_: full(tmp_path / "run", None))
    interrupt(7)
    output = tmp_path / f"run{suffix}"
    assert MAINS[run](words(run, model_file, output)) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert f"run{suffix}.unfinished" in names(tmp_path)
    assert not any("shorter" in name for name in names(tmp_path))


def test_no_room_for_the_early_file_is_said_at_the_start(model_file, tmp_path, monkeypatch, capsys):
    reserve = UnfinishedFile.reserve

    def reserving(self, size):
        if self.name.name == "run.npy.shorter.tmp":
            raise OSError(28, "No space left on device", str(self.name))
        reserve(self, size)

    arguments = words("simulate", model_file, tmp_path / "run.npy")
    with monkeypatch.context() as patch:
        patch.setattr(UnfinishedFile, "reserve", reserving)
        assert MAINS["simulate"](arguments) == 1
        assert "run.npy.shorter.tmp: No space left on device" in capsys.readouterr().err
        assert names(tmp_path) == []
    killed_when_saved(monkeypatch, "simulate", arguments, 15)
    with monkeypatch.context() as patch:
        patch.setattr(UnfinishedFile, "reserve", reserving)
        assert MAINS["simulate"]([*arguments, "--resume"]) == 1
    assert MAINS["simulate"]([*arguments, "--resume"]) == 0  # nothing is lost by that


@RUNS
@SUFFIXES
def test_a_finished_run_leaves_nothing_of_a_killed_one(run, suffix, model_file, tmp_path):
    """That was killed after its file had its name, or while it wrote a checkpoint."""
    output = tmp_path / f"run{suffix}"
    assert MAINS[run](words(run, model_file, output)) == 0
    finished = names(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = [f"run{suffix}.checkpoint.{gone.pid}-0.tmp", f"run{suffix}.shorter.tmp"]
    if suffix == ".npy":
        left += ["run_copy.npy.unfinished", "run_run.json.unfinished"]
    for name in left:
        (tmp_path / name).write_bytes(b"half of it")
    assert MAINS[run](words(run, model_file, output, "--resume")) == 0
    assert names(tmp_path) == finished


@RUNS
@pytest.mark.parametrize("point", range(4))
def test_a_kill_between_the_names_of_an_npy_run_loses_nothing(
    run, point, model_file, tmp_path, monkeypatch
):
    """Its three files get theirs one after the other, and then the checkpoint goes."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    assert MAINS[run](words(run, model_file, whole / "run.npy")) == 0
    arguments = words(run, model_file, part / "run.npy")
    killed_when_saved(monkeypatch, run, arguments, 15)
    finish = UnfinishedFile.finish
    done: list[object] = []

    class KilledError(BaseException):
        pass

    def finishing(self):
        if len(done) == point:
            raise KilledError
        done.append(self.name)
        finish(self)
        if len(done) == point == 3:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(UnfinishedFile, "finish", finishing)
        patch.setattr(run_output.RunOutput, "close", lambda self: _drop(self))
        with pytest.raises(KilledError):
            MAINS[run]([*arguments, "--resume"])
    assert MAINS[run]([*arguments, "--resume"]) == 0
    assert names(part) == names(whole)
    for name in names(whole):
        assert (part / name).read_bytes() == (whole / name).read_bytes()


def _drop(output):
    """As the end of a process."""
    for file in output.file._open:
        file.close()


CHANGING = ("ftruncate", "posix_fallocate", "pwrite", "replace", "unlink")


def killed_in_a_process(arguments, number):
    """Whether kill -9 came at its `number`th call that changes a file."""
    process = os.fork()
    if process > 0:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL
    called = []

    def counted(call):
        def counting(*words, **more):
            called.append(call)
            if len(called) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*words, **more)

        return counting

    for name in CHANGING:
        setattr(os, name, counted(getattr(os, name)))
    try:
        os._exit(MAINS["simulate"](arguments))
    finally:
        os._exit(2)


@SUFFIXES
def test_a_kill_of_a_resumed_run_loses_nothing(suffix, model_file, tmp_path, monkeypatch):
    """At every call that changes a file, two frames before the end."""
    whole, begun, part = (tmp_path / name for name in ("whole", "begun", "part"))
    for folder in (whole, begun):
        folder.mkdir()
    short = ("--time", ".06", "--copies", "1")
    assert MAINS["simulate"](words("simulate", model_file, whole / f"run{suffix}", *short)) == 0
    output = begun / f"run{suffix}"
    killed_when_saved(monkeypatch, "simulate", words("simulate", model_file, output, *short), 15)
    arguments = words("simulate", model_file, part / f"run{suffix}", *short, "--resume")
    number = 1
    while True:
        shutil.copytree(begun, part, symlinks=True)
        if not killed_in_a_process(arguments, number):
            break
        assert MAINS["simulate"](arguments) == 0, number
        assert names(part) == names(whole)
        for name in names(whole):
            assert (part / name).read_bytes() == (whole / name).read_bytes()
        shutil.rmtree(part)
        number += 1
    assert number > 5


@RUNS
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.npy.checkpoint", "run.npy.checkpoint is a folder"),
        ("run.npy.unfinished", "run.npy.unfinished: Is a directory"),
        ("run.npy.shorter.tmp", "run.npy.shorter.tmp: Is a directory"),
        ("run_copy.npy", "run_copy.npy is a folder"),
        ("run_copy.npy.unfinished", "run_copy.npy.unfinished: Is a directory"),
        ("run_run.json.unfinished", "run_run.json.unfinished: Is a directory"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_folders_in_the_way_are_named(run, name, message, more, model_file, tmp_path, capsys):
    (tmp_path / name).mkdir()
    assert MAINS[run](words(run, model_file, tmp_path / "run.npy", *more)) == 1
    assert message in capsys.readouterr().err
    assert names(tmp_path) == [name]


@RUNS
@pytest.mark.parametrize("name", ["run.npy.unfinished", "run.npy.shorter.tmp"])
def test_links_in_the_way_are_named(run, name, model_file, tmp_path, capsys):
    other = tmp_path / "other"
    for content in (None, b"others'"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to(other)
        if content is not None:
            other.write_bytes(content)
        assert MAINS[run](words(run, model_file, tmp_path / "run.npy")) == 1
        assert f"{name} is a link: it is not written through one" in capsys.readouterr().err
    assert other.read_bytes() == b"others'"


@pytest.mark.parametrize("end", [".npy", "_copy.npy", ".npy.checkpoint"])
def test_links_to_files_to_come_and_in_circles(end, model_file, tmp_path, capsys):
    """A link to a folder that is not there cannot be written, one in a circle leads nowhere."""
    link = tmp_path / f"run{end}"
    arguments = words("simulate", model_file, tmp_path / "run.npy")
    link.symlink_to(link.name)
    assert MAINS["simulate"](arguments) == 1
    assert f"run{end}: Too many levels of symbolic links" in capsys.readouterr().err
    link.unlink()
    (tmp_path / "scratch").mkdir()
    link.symlink_to("scratch/target")
    assert MAINS["simulate"](arguments) == 0
    assert link.is_symlink()
    assert len(np.load(tmp_path / "run_copy.npy")) == len(np.load(tmp_path / "run.npy"))
    (tmp_path / "scratch/target").unlink(missing_ok=True)
    (tmp_path / "scratch").rmdir()
    if end != ".npy.checkpoint":  # of which this run has none
        assert MAINS["simulate"](arguments) == 1
        assert "scratch" in capsys.readouterr().err


def test_a_checkpoint_that_becomes_a_folder_does_not_end_the_run(
    model_file, tmp_path, monkeypatch, capsys
):
    add = run_output.RunOutput.add

    def adding(self, positions):
        add(self, positions)
        if self.kept == 3:
            self.checkpoint.unlink()
            self.checkpoint.mkdir()

    monkeypatch.setattr(run_output.RunOutput, "add", adding)
    assert (
        MAINS["simulate"](words("simulate", model_file, tmp_path / "run.npy", "--checkpoint", "0"))
        == 0
    )
    told = capsys.readouterr().err
    assert told.count("run.npy.checkpoint is a folder: it cannot be replaced") == 1
    assert "run.npy.checkpoint: Is a directory; it can be removed" in told
    assert len(np.load(tmp_path / "run.npy")) == 3 * 40
