"""Runs that are killed at any moment and resumed: python -m openmmscore.simulate, and
python -m openmmscore.replica_exchange."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from openmmscore.io import read_any, read_frames
from openmmscore.replica_exchange import main as exchange_main
from openmmscore.sampling import run_output
from openmmscore.simulate import main as simulate_main

SHORT = {
    "simulate": "--copies 3 --time .4 --equilibration .1 --interval 5",
    "replica_exchange": "--copies 3 --time .4 --equilibration .1 --steps 5 --ladder 1e-5,.1,.3",
}
MAINS = {"simulate": simulate_main, "replica_exchange": exchange_main}
RUNS = pytest.mark.parametrize("run", SHORT)


def words(run, model_file, output, *more):
    short = [*SHORT[run].split(), "--platform", "Reference", *map(str, more)]
    return [str(model_file), "--output", str(output), *short]


def names(folder):
    return sorted(file.name for file in Path(folder).iterdir())


class _KilledError(Exception):
    """Stands for kill -9: nothing that comes after it in the process is done."""


def killed_when_saved(monkeypatch, run, arguments, number):
    """The run as `number` checkpoints and a bit more have left it."""
    save = run_output.RunOutput.save
    saved: list[int] = []

    def counting(self, state):
        if len(saved) == number:
            raise _KilledError
        saved.append(1)
        save(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(run_output.RunOutput, "save", counting)
        patch.setattr(run_output.RunOutput, "close", lambda self: self.file.close())
        with pytest.raises(_KilledError):
            MAINS[run]([*arguments, "--checkpoint", "0"])


@RUNS
@pytest.mark.parametrize("suffix", [".h5", ".npy"])
@pytest.mark.parametrize("number", [0, 1, 9, 30])
def test_a_resumed_run_has_the_bytes_of_an_uninterrupted_one(
    run, suffix, number, model_file, tmp_path, monkeypatch, capsys
):
    """And tells the same swaps and round trips."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    whole.mkdir()
    part.mkdir()
    arguments = words(run, model_file, part / f"run{suffix}")
    assert MAINS[run](words(run, model_file, whole / f"run{suffix}")) == 0
    told = capsys.readouterr().out.splitlines()[1:-1]
    killed_when_saved(monkeypatch, run, arguments, number)
    capsys.readouterr()
    left = [f"run{suffix}.checkpoint"] * (number > 0) + [f"run{suffix}.unfinished"]
    assert names(part) == left + ["run_run.json.unfinished"] * (suffix == ".npy")
    assert MAINS[run]([*arguments, "--resume"]) == 0
    assert capsys.readouterr().out.splitlines()[1:-1] == told
    assert names(part) == names(whole)
    for file in names(whole):
        assert (part / file).read_bytes() == (whole / file).read_bytes(), file


@RUNS
def test_kill_9_at_any_moment_loses_nothing(run, model_file, tmp_path):
    """Each time a little later than before, until the run gets to its end."""
    command = [sys.executable, "-m", f"openmmscore.{run}"]
    whole, part = tmp_path / "whole.h5", tmp_path / "part.h5"
    subprocess.run(command + words(run, model_file, whole), check=True, capture_output=True)
    arguments = words(run, model_file, part, "--checkpoint", 0, "--resume")
    began = time.monotonic()
    subprocess.run(command + words(run, model_file, tmp_path / "time.h5"), capture_output=True)
    length = time.monotonic() - began
    (tmp_path / "time.h5").unlink()
    kills, generator = 0, random.Random(1)
    while not part.exists():
        process = subprocess.Popen(command + arguments, stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=length * generator.uniform(0.6, 1.4))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        assert process.returncode in (0, -signal.SIGKILL)
        assert kills < 50
    if (tmp_path / "part.h5.checkpoint").exists():
        assert MAINS[run](arguments) == 0
    assert names(tmp_path) == ["part.h5", "whole.h5"]
    assert part.read_bytes() == whole.read_bytes()


@RUNS
def test_what_was_being_written_at_a_kill_is_removed(run, model_file, tmp_path, monkeypatch):
    """Also where the rest of the run writes no checkpoint."""
    arguments = words(run, model_file, tmp_path / "run.h5")
    killed_when_saved(monkeypatch, run, arguments, 2)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f"run.h5.checkpoint.{gone.pid}-0.tmp", "run.h5.shorter.tmp"):
        (tmp_path / name).write_bytes(b"half of it")
    assert MAINS[run]([*arguments, "--resume"]) == 0
    assert names(tmp_path) == ["run.h5"]


@RUNS
def test_ctrl_c_gives_the_frames_so_far_and_a_run_to_resume(
    run, model_file, tmp_path, monkeypatch, capsys
):
    whole, part = tmp_path / "whole.h5", tmp_path / "part.h5"
    assert MAINS[run](words(run, model_file, whole)) == 0
    add, added = run_output.RunOutput.add, []

    def counting(self, positions):
        add(self, positions)
        added.append(self.kept)
        if len(added) == 7:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGTERM)  # a closing terminal sends several

    with monkeypatch.context() as patch:
        patch.setattr(run_output.RunOutput, "add", counting)
        assert MAINS[run](words(run, model_file, part)) == 130
    assert "--resume goes on" in capsys.readouterr().out
    frames, all_frames = read_frames(part), read_frames(whole)
    expected = all_frames.positions.reshape(3, -1, 5, 3)[:, :7].reshape(-1, 5, 3)
    assert_array_equal(frames.positions, expected)
    assert_array_equal(frames.copy, np.repeat(np.arange(3), 7))
    assert_array_equal(frames.time_ps.reshape(3, 7), all_frames.time_ps.reshape(3, -1)[:, :7])
    assert names(tmp_path) == ["part.h5", "part.h5.checkpoint", "part.h5.unfinished", "whole.h5"]

    assert MAINS[run](words(run, model_file, part)) == 1  # is not begun anew by oversight
    assert "part.h5.checkpoint is of a run that has not come to its end" in capsys.readouterr().err
    assert MAINS[run](words(run, model_file, part, "--resume")) == 0
    assert part.read_bytes() == whole.read_bytes()
    assert names(tmp_path) == ["part.h5", "whole.h5"]
    assert MAINS[run](words(run, model_file, part, "--resume")) == 0
    assert "part.h5: finished already" in capsys.readouterr().out
    assert MAINS[run](words(run, model_file, part, "--resume", "--seed", "2")) == 1
    assert "part.h5: was made with seed 1, now it is 2" in capsys.readouterr().err
    assert part.read_bytes() == whole.read_bytes()


@RUNS
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seed", "2", "seed 1, now it is 2"),
        ("--copies", "4", "copies 3, now it is 4"),
        ("--friction", "2", "friction 1.0, now it is 2.0"),
        ("--time", ".5", "now it is"),
        ("--platform", "CPU", "platform 'Reference', now it is 'CPU'"),
        ("--start", "start.npy", "start '', now it is"),
    ],
)
def test_another_run_is_not_gone_on_with(
    run, option, value, message, model_file, model, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    np.save("start.npy", [model.frame._value])
    arguments = words(run, model_file, "run.h5")
    killed_when_saved(monkeypatch, run, arguments, 2)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}
    assert MAINS[run]([*arguments, "--resume", option, value]) == 1
    error = capsys.readouterr().err
    assert "run.h5.checkpoint: was made with" in error
    assert message in error
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


@RUNS
def test_another_model_is_not_gone_on_with(run, peptide, tmp_path, monkeypatch, capsys):
    file = tmp_path / "model.xml"
    file.write_text(peptide.xml(), encoding="utf-8")
    arguments = words(run, file, tmp_path / "run.h5")
    killed_when_saved(monkeypatch, run, arguments, 2)
    file.write_text(peptide.xml().replace('temperature="300.0"', 'temperature="310.0"'))
    assert MAINS[run]([*arguments, "--resume"]) == 1
    assert "was made with model" in capsys.readouterr().err


@RUNS
def test_damage_is_named(run, model_file, tmp_path, monkeypatch, capsys):
    arguments = words(run, model_file, tmp_path / "run.h5")
    killed_when_saved(monkeypatch, run, arguments, 3)
    checkpoint, unfinished = (tmp_path / f"run.h5.{end}" for end in ("checkpoint", "unfinished"))
    whole = checkpoint.read_bytes()
    for damaged in (b"", whole[:100], whole[:-1], whole[:2000] + b"?" + whole[2001:]):
        checkpoint.write_bytes(damaged)
        assert MAINS[run]([*arguments, "--resume"]) == 1
        assert f"{checkpoint}: " in capsys.readouterr().err
    checkpoint.write_bytes(whole)
    frames = unfinished.read_bytes()
    unfinished.write_bytes(b"something else")
    assert MAINS[run]([*arguments, "--resume"]) == 1
    assert f"{unfinished}: " in capsys.readouterr().err
    unfinished.unlink()
    assert MAINS[run]([*arguments, "--resume"]) == 1
    assert "is there, but not run.h5.unfinished" in capsys.readouterr().err
    unfinished.write_bytes(frames)
    assert MAINS[run]([*arguments, "--resume"]) == 0


def test_two_processes_do_not_write_one_file(model_file, tmp_path, monkeypatch, capsys):
    arguments = words("simulate", model_file, tmp_path / "run.h5")
    add, seen = run_output.RunOutput.add, []

    def again(self, positions):
        add(self, positions)
        if self.kept == 4:
            seen.append(1)
            with monkeypatch.context() as patch:
                patch.setattr(run_output.RunOutput, "add", add)
                assert simulate_main(arguments) == 1
                error = capsys.readouterr().err
                assert "run.h5.unfinished: is being written by another process" in error

    monkeypatch.setattr(run_output.RunOutput, "add", again)
    for more in ([], ["--checkpoint", "0"]):
        assert simulate_main([*arguments, *more]) == 0
    assert len(seen) == 2


def test_an_unfinished_file_is_no_file_of_frames(model_file, tmp_path, monkeypatch):
    arguments = words("simulate", model_file, tmp_path / "run.h5")
    killed_when_saved(monkeypatch, "simulate", arguments, 5)
    unfinished = tmp_path / "run.h5.unfinished"
    with pytest.raises(ValueError, match="is not finished"):
        read_frames(unfinished)
    shutil.copy(unfinished, tmp_path / "renamed.h5")  # its frames to come are zeros
    with pytest.raises(ValueError, match="all its beads in one point"):
        read_frames(tmp_path / "renamed.h5")


def test_a_limit_on_time_finishes_a_run(model_file, tmp_path, capsys):
    """Also where it has cut the equilibration short: the file says how long that was."""
    for suffix in (".h5", ".npy"):
        output = tmp_path / f"run{suffix}"
        assert simulate_main(words("simulate", model_file, output, "--time-limit", "1e-9")) == 0
        assert "Stopped at the limit" in capsys.readouterr().out
    assert names(tmp_path) == ["run.h5", "run.npy", "run_copy.npy", "run_run.json"]
    document = json.loads((tmp_path / "run_run.json").read_text())
    attributes = read_frames(tmp_path / "run.h5").attributes
    for found in (document, attributes):
        assert found["equilibration_ps"] == 0
        assert found["production_ps"] == pytest.approx(2 * 5 * 0.002)
    assert len(np.load(tmp_path / "run.npy")) == 2 * 3


@pytest.mark.parametrize("suffix", [".h5", ".npy"])
@pytest.mark.parametrize("number", [None, 0, 1])
def test_a_complete_run_says_how_long_its_equilibration_was(
    suffix, number, model_file, tmp_path, monkeypatch
):
    """A limit on time cuts it short, and leaves two frames, which are all; killed or not."""
    output = tmp_path / f"run{suffix}"
    arguments = words("simulate", model_file, output, "--time", ".02", "--time-limit", "1e-9")
    if number is not None:
        killed_when_saved(monkeypatch, "simulate", arguments, number)
    assert simulate_main([*arguments, "--resume"]) == 0
    assert read_any(output).attributes["equilibration_ps"] == 0
    assert len(read_any(output)) == 2 * 3


def test_a_checkpoint_that_cannot_be_written_does_not_end_the_run(
    model_file, tmp_path, monkeypatch, capsys
):
    def full(path, write):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(run_output, "replace_file", full)
    arguments = words("simulate", model_file, tmp_path / "run.h5", "--checkpoint", "0")
    assert simulate_main(arguments) == 0
    error = capsys.readouterr().err
    assert error.count("run.h5.checkpoint: No space left on device; the run goes on") == 1
    assert names(tmp_path) == ["run.h5"]


def test_the_cpu_platform_resumes_exactly_with_as_many_threads(model_file, tmp_path, monkeypatch):
    """And goes on in good order with another number."""
    common = ["--platform", "CPU", "--threads", "2"]
    whole, part = tmp_path / "whole.h5", tmp_path / "part.h5"
    assert simulate_main(words("simulate", model_file, whole, *common)) == 0
    arguments = words("simulate", model_file, part, *common)
    killed_when_saved(monkeypatch, "simulate", arguments, 14)
    for file in tmp_path.glob("part.*"):
        shutil.copy(file, tmp_path / file.name.replace("part", "other"))
    assert simulate_main([*arguments, "--resume"]) == 0
    assert part.read_bytes() == whole.read_bytes()
    other = words("simulate", model_file, tmp_path / "other.h5", "--platform", "CPU")
    assert simulate_main([*other, "--threads", "1", "--resume"]) == 0
    one, two = read_frames(whole), read_frames(tmp_path / "other.h5")
    same = (one.positions == two.positions).all(axis=(1, 2)).reshape(3, -1)
    assert same[:, :4].all()  # 14 checkpoints, 10 of them of the equilibration
    assert not same[:, -10:].any()
    assert np.isfinite(two.positions).all()


def test_memory_does_not_grow_with_the_frames(toy, tmp_path):
    """1.2 GB of frames, which are not recorded in the second this may take, in 100 MB more than
    without."""
    toy.save(tmp_path / "toy.xml")
    code = (
        "import resource, sys; from openmmscore.simulate import main; code = main(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    most = []
    for length in ("1", "30000"):
        arguments = ["toy.xml", "--output", "run.npy", "--copies", "10", "--interval", "1"]
        arguments += ["--time", length, "--equilibration", "0", "--platform", "Reference"]
        arguments += ["--time-limit", "0.5"]
        if os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize < 3e9:
            pytest.skip("less than 3 GB on the disk")
        found = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        most.append(int(found.stdout.split()[-1]))
    assert most[1] < most[0] + 100_000


def test_a_run_that_ends_badly_keeps_its_frames(tmp_path, model):
    """Also before its first checkpoint: what is on the disk is never removed."""
    output = run_output.RunOutput(tmp_path / "run.h5", {"what": 1})
    output.open(model, 5, 2, 0.1, {})
    output.close()
    assert not list(tmp_path.glob("run.h5*"))  # nothing was there yet
    output = run_output.RunOutput(tmp_path / "run.h5", {"what": 1})
    output.open(model, 5, 2, 0.1, {})
    output.add(np.zeros((2, len(model.beads), 3)))
    output.close()
    assert (tmp_path / "run.h5.unfinished").is_file()
