"""The peptides' runs are made, continued, checked and packed as they should be; without them being
run: `fake_peptide_md.py` stands in for score-peptide-md."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from openmmscore.evaluation.analysis import BOLTZMANN_KJ
from openmmscore.io import read_frames

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parents[1] / "examples" / "peptides"

import chignolin  # noqa: E402
import dipeptides  # noqa: E402
import manifest  # noqa: E402
import phi2_bias  # noqa: E402
import program  # noqa: E402
from exchange import read_part  # noqa: E402
from packing import ENERGY_KJ, pack, unpack  # noqa: E402
from program import Job, State, atom_count, run_all  # noqa: E402

TEMPERATURE_K = 310.0
KT = BOLTZMANN_KJ * TEMPERATURE_K

BEADS = ("N", "CA", "CB", "C", "O")


@pytest.fixture(scope="session")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program, where `fake_peptide_md.py` is a script of this interpreter."""
    path = tmp_path_factory.mktemp("bin") / "fake-md"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE}/fake_peptide_md.py" "$@"\n')
    path.chmod(0o755)
    return path


def numbers_file(path: Path, beads: Sequence[str] = BEADS, residues: int = 2) -> Path:
    """As much of a file of numbers as the drivers read."""
    atoms = ", ".join(
        f'{{"index": INDEX, "name": "{name}", "element": "{name[0]}"}}' for name in beads
    )
    chain = []
    for residue in range(residues):
        text = f'{{"index": {residue}, "name": "ALA", "resSeq": {residue + 1}, "atoms": [{atoms}]}}'
        for k in range(len(beads)):
            text = text.replace("INDEX", str(residue * len(beads) + k), 1)
        chain.append(text)
    topology = f'{{"chains": [{{"index": 0, "residues": [{", ".join(chain)}]}}], "bonds": []}}'
    count = residues * len(beads)
    numbers = " ".join(str(2 * k + 1) for k in range(count))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"score-peptide-md 1\nname X\natoms 23\nbeads {count}\n{numbers}\n"
        f"bead_topology {topology}\nend\n"
    )
    return path


def job(folder: Path, name: str = "run", seed: int = 1) -> Job:
    words = "--copies 4 --temperature 310 --timestep 2 --friction 0.3 --equilibration 1 --time 20"
    words += f" --interval 500 --seed {seed}"
    system = numbers_file(folder / "X.system")
    return Job(name, system, folder / f"{name}.h5", tuple(words.split()), 1e6)


def calls(output: Path) -> list[str]:
    return output.with_name(output.name + ".calls").read_text().splitlines()


# ---- Runs of the program ----


def test_runs_are_made_in_order_and_finished_ones_left_alone(fake, tmp_path, capfd):
    jobs = [job(tmp_path, name, seed) for seed, name in enumerate(("a", "b"), start=1)]
    assert [each.state for each in jobs] == [State.MISSING, State.MISSING]
    assert run_all(jobs, fake)
    assert [each.state for each in jobs] == [State.FINISHED, State.FINISHED]
    errors = capfd.readouterr().err
    assert errors.index("a: 1 of 2") < errors.index("b: 2 of 2")
    assert "left over all" in errors
    times = [each.output.stat().st_mtime_ns for each in jobs]
    assert run_all(jobs, fake)
    assert [each.output.stat().st_mtime_ns for each in jobs] == times
    assert [len(calls(each.output)) for each in jobs] == [1, 1]
    assert not list(tmp_path.glob("*.lock"))


def test_a_failure_keeps_no_other_run_from_being_made(fake, tmp_path, capfd):
    whole = job(tmp_path, "whole")
    broken = Job("broken", tmp_path / "none.system", tmp_path / "broken.h5", whole.words, 1.0)
    assert not run_all([broken, whole], fake)
    assert whole.state is State.FINISHED
    assert "broken: fake-md ended with status 1" in capfd.readouterr().err


def test_a_run_that_another_process_makes_is_left_to_it(fake, tmp_path, capfd):
    first = job(tmp_path)
    running = start_alone(fake, [first])
    wait_for(first.checkpoint)
    assert not run_all([first], fake)
    assert "made by another process" in capfd.readouterr().err
    assert len(calls(first.output)) == 1
    with pytest.MonkeyPatch.context() as patch:  # as if it had not been there a moment before
        looks = iter((False, True))
        patch.setattr(program, "is_locked", lambda path: next(looks))
        assert not run_all([first], fake)
    assert "made by another process" in capfd.readouterr().err
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=10)
    assert len(calls(first.output)) == 3  # and that it was stopped
    assert sorted(file.name for file in tmp_path.glob("run.h5*")) == [
        "run.h5.calls",
        "run.h5.checkpoint",
        "run.h5.unfinished",
    ]


ALONE = """
import sys
sys.path[:0] = [{example!r}]
from pathlib import PosixPath
from program import Job, run_all
print(run_all({jobs!r}, {fake!r}))
"""


def start_alone(fake: Path, jobs: list[Job]) -> subprocess.Popen[str]:
    """A process that runs them slowly."""
    return subprocess.Popen(
        [sys.executable, "-c", ALONE.format(example=str(EXAMPLE), jobs=jobs, fake=fake)],
        env={**os.environ, "FAKE_PAUSE_S": "0.2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    end = time.monotonic() + 15
    while not path.is_file():
        assert time.monotonic() < end, f"{path} does not appear"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_is_continued_to_the_same_bytes(fake, tmp_path, number):
    whole, parts = job(tmp_path / "whole"), job(tmp_path / "parts")
    assert run_all([whole], fake)
    running = start_alone(fake, [parts, job(tmp_path / "parts", "second")])
    wait_for(parts.checkpoint)
    running.send_signal(number)
    output, errors = running.communicate(timeout=15)
    assert output.strip() == "False", errors
    assert "2 runs stopped" in errors  # this one, and the one that was not begun
    assert parts.state is State.BEGUN
    assert calls(parts.output)[1:] == ["stopped"]
    assert not list(parts.output.parent.glob("second.h5*"))
    assert 0 < int(parts.checkpoint.read_text()) < 20
    assert run_all([parts], fake)
    assert parts.output.read_bytes() == whole.output.read_bytes()


def test_a_run_that_was_killed_before_its_first_checkpoint_is_begun_anew(fake, tmp_path):
    killed = job(tmp_path)
    killed.unfinished.parent.mkdir(parents=True, exist_ok=True)
    killed.unfinished.write_text("frames")
    assert killed.state is State.BEGUN
    assert run_all([killed], fake)
    assert killed.output.is_file()


# ---- Dipeptides ----


def test_the_split_and_what_is_made_of_it():
    split = dipeptides.read_split()
    assert {name: len(set(each)) for name, each in split.items()} == {
        "train": 200,
        "validation": 80,
        "test": 100,
    }
    train, test, biased = dipeptides.plans(split)
    assert len(train.sequences) == 175
    assert not set(train.sequences) & set(test.sequences)
    assert set(test.sequences) <= set(split["test"])
    assert set(test.sequences) - set(biased.sequences) == {"AP", "HP"}
    assert [plan.frames for plan in (train, test, biased)] == [10_000, 100_000, 48_000]
    seeds = [plan.seed_of(each, split) for plan in (train, test, biased) for each in plan.sequences]
    assert len(set(seeds)) == len(seeds)


@pytest.fixture
def command(monkeypatch, capfd):
    """Calls a script's main as its command line would: status, output, errors."""

    def call(module: Any, *words: object) -> tuple[Any, str, str]:
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            module.main()
        output, errors = capfd.readouterr()
        if isinstance(ended.value.code, str):  # as the interpreter does
            return 1, output, errors + ended.value.code
        return ended.value.code or 0, output, errors

    return call


def test_the_command_makes_lists_and_checks(command, fake, tmp_path):
    folder = tmp_path / "dipeptides"
    numbers_file(folder / "systems" / "AC.system")
    words = ["--data", tmp_path, "--program", fake, "--only", "AC", "--set"]
    status, _, errors = command(dipeptides, *words, "biased")
    assert status == 0, errors
    bias = (folder / "systems" / "AC.bias").read_text().splitlines()
    assert bias[0] == "bias 7 11 13 17 6"  # the atoms of C1, N2, CA2 and C2
    (call,) = calls(folder / "biased" / "AC.h5")
    assert call.endswith(
        "--copies 16 --temperature 310 --timestep 2 --friction 0.3 --equilibration 100 "
        "--time 3000 --interval 500 --seed 2001 "
        f"--bias {folder}/systems/AC.bias --threads 1 --resume"
    )
    _, output, _ = command(dipeptides, *words, "test", "biased", "--list")
    assert [line.split() for line in output.splitlines()] == [
        ["test", "missing", "1", "AC"],
        ["biased", "finished", "1", "AC"],
    ]
    with h5py.File(folder / "biased" / "AC.h5", "a") as file:
        file.attrs["temperature_k"] = 300.0
    status, _, errors = command(dipeptides, *words, "biased")
    assert status == 1
    assert "AC.h5: temperature_k is 300, must be 310" in errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--only", "ZZ"], "ZZ is no sequence of train, test, biased"),
        (["--only", "AP", "--set", "biased"], "AP is no sequence of biased"),
        (["--threads", "0"], "--threads is 0"),
        (["--program", "none"], "none is no program"),
    ],
)
def test_wrong_words_are_named(command, tmp_path, words, message):
    status, _, errors = command(dipeptides, "--data", tmp_path, *words)
    assert status in (1, 2)
    assert message in errors


def test_bad_files_are_named_with_their_line(tmp_path):
    split, bias, system = (tmp_path / name for name in ("split.txt", "bias.txt", "x.system"))
    split.write_text("train 3\nAA AC\n")
    with pytest.raises(ValueError, match=r"split.txt: 2 sequences of train, not 3"):
        dipeptides.read_split(split)
    bias.write_text("# comment\n1 2\n1 x\n")
    with pytest.raises(ValueError, match=r"bias.txt:3: '1 x' is not two numbers"):
        phi2_bias.read_bias(bias)
    system.write_text("atoms many\n")
    with pytest.raises(ValueError, match="no line 'atoms N'"):
        atom_count(system)


# ---- The bias ----


def profile(phi):
    """kJ/mol. Two minima and two barriers along phi, all within the orders of the fit."""
    return 9 * np.cos(2 * phi + 0.5) + 3 * np.cos(phi - 1) + 1.5 * np.sin(3 * phi)


def draw(energy, count, seed):
    """Exact samples of exp(-energy / kT) along an angle: the inverse of its distribution."""
    grid = np.linspace(-np.pi, np.pi, 20_001)
    weights = np.exp(-energy(grid) / KT)
    steps = (weights[1:] + weights[:-1]) / 2
    cumulative = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
    return np.interp(np.random.default_rng(seed).random(count), cumulative, grid)


def share_of(energy, low, high):
    grid = np.linspace(-np.pi, np.pi, 20_001)
    weights = np.exp(-energy(grid) / KT)
    return weights[(grid > low) & (grid < high)].sum() / weights.sum()


def test_the_bias_divides_the_barriers_and_its_weights_undo_it():
    samples = draw(profile, 400_000, 1)
    bias, misfit = phi2_bias.fit(samples, np.ones(len(samples)), TEMPERATURE_K)
    grid = np.linspace(-np.pi, np.pi, 721)
    # The highest bins, 20 kJ/mol up, have 13 counts or more, so a noise of at most 0.3 kT, of which
    # 3/4 count, and the fit of 13 numbers to 60 bins leaves sqrt(13 / 60): 0.1 kT. Between any two
    # places that is 0.15 kT at most, and here are more than three times as much.
    assert np.ptp(profile(grid)) > 20
    tolerance = 0.5 * KT
    assert np.ptp(profile(grid) + bias.energy(grid) - profile(grid) / 4) < tolerance
    assert misfit < 0.3 * KT

    def biased(phi):
        return profile(phi) + bias.energy(phi)

    samples = draw(biased, 50_000, 2)
    weights = np.exp(bias.energy(samples) / KT)  # as the log-weights U / kT of the program
    inside = (samples > 0) & (samples < 2)
    share = weights @ inside / weights.sum()
    error = np.sqrt(np.sum((weights * (inside - share)) ** 2)) / weights.sum()
    exact = share_of(profile, 0, 2)
    assert abs(share - exact) < 4 * error
    assert error < exact / 10  # so that the bias itself, of the wrong sign or none, would show
    assert abs(inside.mean() - exact) > 20 * error

    again, _ = phi2_bias.fit(samples, weights, TEMPERATURE_K)  # from a biased run: the same
    assert np.ptp(again.energy(grid) - bias.energy(grid)) < tolerance


def test_the_shipped_bias_is_that_of_alanine():
    """Its wells are where alanine has barriers: phi2 = 0 and 120 against -75 degrees."""
    bias = phi2_bias.read_bias()
    assert len(bias.cosines) == phi2_bias.ORDER
    low, high = bias.energy(np.radians([0, -75]))
    assert low < high - 5


def test_coefficients_are_read_as_they_were_written(tmp_path):
    bias = phi2_bias.Bias(np.array([1.25, -3.5]), np.array([0.5, 1e-6]))
    phi2_bias.write_bias(tmp_path / "bias.txt", bias, "a source")
    read = phi2_bias.read_bias(tmp_path / "bias.txt")
    np.testing.assert_array_equal([read.cosines, read.sines], [bias.cosines, bias.sines])
    assert read.energy(0.3) == pytest.approx(
        1.25 * np.cos(0.3) - 3.5 * np.cos(0.6) + 0.5 * np.sin(0.3) + 1e-6 * np.sin(0.6), rel=1e-12
    )


# ---- Packed parts ----


@pytest.fixture
def part(fake: Path, tmp_path: Path) -> Path:
    """A part of 3 temperatures and 6 copies, with its checkpoint."""
    system = numbers_file(tmp_path / "ca.system", ("CA",), 10)
    words = "--copies 6 --ladder 280,350.5,441.23 --exchange-interval 500 --timestep 2 "
    words += "--friction 0.3 --equilibration 0 --time 400 --interval 10000 --seed 5"
    path = tmp_path / "native-001.h5"
    assert run_all([Job("part", system, path, tuple(words.split()), 1.0)], fake)
    return path


def test_unpacked_frames_are_within_half_a_picometre(part, tmp_path):
    checkpoint = part.with_name(part.name + ".checkpoint")
    packed, again, state, numbers = (tmp_path / name for name in ("p.h5", "a.h5", "s", "n"))
    pack(part, checkpoint, tmp_path / "ca.system", packed)
    unpack(packed, again, state, numbers)
    first, second = read_part(part), read_part(again)
    centred = first.positions.astype(float)
    centred -= centred.mean(axis=-2, keepdims=True)
    rounding = np.spacing(np.float32(np.abs(centred).max()))
    assert np.abs(second.positions - centred).max() <= 0.5e-3 + rounding
    assert np.abs(second.positions - centred).max() > 0.4e-3  # int16 at 1 pm, no finer
    assert np.abs(second.energies - first.energies).max() <= ENERGY_KJ / 2 * (1 + 1e-9)
    np.testing.assert_array_equal(second.states, first.states)
    assert (second.ladder_k, second.interval_ps) == (first.ladder_k, first.interval_ps)
    assert second.topology == first.topology
    np.testing.assert_array_equal(read_frames(again).time_ps, read_frames(part).time_ps)
    assert state.read_bytes() == checkpoint.read_bytes()
    assert numbers.read_bytes() == (tmp_path / "ca.system").read_bytes()
    with h5py.File(packed) as file:
        assert file["positions_pm"].dtype == np.int16
        assert file["positions_pm"].compression_opts == 9


def test_what_cannot_be_packed_is_named(part, tmp_path):
    with h5py.File(part, "a") as file:
        file["coordinates"][7, 2, 1] = np.nan
    checkpoint = part.with_name(part.name + ".checkpoint")
    with pytest.raises(ValueError, match=r"native-001.h5: a position is not finite"):
        pack(part, checkpoint, tmp_path / "ca.system", tmp_path / "packed.h5")
    assert not (tmp_path / "packed.h5").exists()


# ---- Chignolin ----


def test_parts_follow_each_other_also_out_of_packed_ones(command, fake, tmp_path, monkeypatch):
    for name, value in {"TIMESTEP_FS": 2.0, "EXCHANGE_PS": 1.0, "FRAME_PS": 20.0}.items():
        monkeypatch.setattr(chignolin, name, value)
    folder, packed = tmp_path / "chignolin", tmp_path / "packed"
    numbers_file(folder / "native.system", ("CA",), 10)
    places = ["--data", tmp_path, "--packed", packed]
    words = [*places, "run", "--start", "native", "--ns", 0.4, "--program", fake]
    status, _, errors = command(chignolin, *words, "--parts", 2)
    assert status == 0, errors
    first, second = (folder / f"native-00{k}.h5" for k in (1, 2))
    assert "--continue" not in calls(first)[0]
    assert "--equilibration 20" in calls(first)[0]
    assert f"--continue {first}.checkpoint" in calls(second)[0]
    for option in ("--equilibration 0", "--exchange-interval 500", "--interval 10000"):
        assert option in calls(second)[0]
    assert all("--seed 1 " in calls(path)[0] for path in (first, second))

    status, _, errors = command(chignolin, *places, "pack", "--start", "native")
    assert status == 0, errors
    numbers = (folder / "native.system").read_text()
    for path in [*folder.glob("native*")]:
        path.unlink()
    status, _, errors = command(chignolin, *words)
    assert status == 0, errors
    third = folder / "native-003.h5"
    assert f"--continue {second}.checkpoint" in calls(third)[0]
    assert Path(f"{third}.checkpoint").read_text() == "60"  # frames of all three parts
    assert (folder / "native.system").read_text() == numbers
    run = chignolin.read_runs(chignolin.Folders(folder, packed), ["native"])["native"]
    np.testing.assert_allclose(run.time_ns, 0.02 * np.arange(1, 61))

    status, _, errors = command(chignolin, *words, "--highest", 450)
    assert status == 1
    assert "its ladder is" in errors
    (folder / "native-002.h5").unlink()
    (packed / "native-002.h5").unlink()
    _, _, errors = command(chignolin, *words)
    assert "with a gap" in errors


def test_the_ladder_is_geometric():
    ladder = np.array(chignolin.Ladder().temperatures_k)
    assert (ladder[0], ladder[-1], len(ladder)) == (280, 500, 16)
    # each is rounded to 0.005 K, so a ratio of two is off by at most 2 x 0.005 / 280
    np.testing.assert_allclose(ladder[1:] / ladder[:-1], (500 / 280) ** (1 / 15), atol=3.6e-5)


# ---- The manifest ----


def test_the_manifest_says_what_has_changed(tmp_path):
    data, listed = tmp_path / "data", tmp_path / "data.sha256"
    (data / "train").mkdir(parents=True)
    for name in ("AA.h5", "AC.h5", "AD.h5"):
        (data / "train" / name).write_text(name)
    (data / "train" / "AE.h5.unfinished").write_text("not yet")
    manifest.write_manifest(listed, manifest.entries_of(data))
    entries = manifest.read_manifest(listed)
    assert list(entries) == ["train/AA.h5", "train/AC.h5", "train/AD.h5"]
    assert entries["train/AA.h5"] == manifest.Entry(
        "e4b31a4f26c9861c311c69ddac54d161dadb96d2bc0e2865523c1ffe757c6450", 5
    )
    assert manifest.differences(entries, manifest.entries_of(data)) == []
    (data / "train" / "AA.h5").unlink()
    (data / "train" / "AC.h5").write_text("Ac.h5")
    (data / "AF.system").write_text("new")
    assert manifest.differences(entries, manifest.entries_of(data)) == [
        "missing: train/AA.h5",
        "changed: train/AC.h5",
        "not listed: AF.system",
    ]
    listed.write_text("123 4\n")
    with pytest.raises(ValueError, match=r"data.sha256:1: '123 4' is not"):
        manifest.read_manifest(listed)


def test_the_manifest_keeps_what_is_not_there(tmp_path, monkeypatch, capsys):
    data, listed = tmp_path / "data", tmp_path / "data.sha256"
    words = ["manifest.py", "write", "--data", str(data), "--manifest", str(listed)]
    data.mkdir()
    (data / "AA.h5").write_text("AA")
    monkeypatch.setattr(sys, "argv", words)
    manifest.main()
    first = manifest.read_manifest(listed)
    (data / "AA.h5").rename(data / "AC.h5")
    manifest.main()
    assert manifest.read_manifest(listed) == first | {"AC.h5": first["AA.h5"]}
    assert "2 files, 1 of them here" in capsys.readouterr().out
