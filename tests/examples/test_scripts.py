"""The commands of the alanine dipeptide example, run as a user runs them, but shorter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from openmmscore.io import read_frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "alanine_dipeptide"
REFERENCE = EXAMPLE / "reference.h5"
MODEL = EXAMPLE / "model.xml.gz"
EXPLICIT = EXAMPLE.parent / "alanine_dipeptide_explicit" / "reference.h5"
COPIES = 60


def start(*words: object, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=folder,
        # one thread: the random numbers of OpenMM's CPU platform depend on their number
        env={**os.environ, "MPLCONFIGDIR": str(folder), "OPENMM_CPU_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    output, errors = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def command(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return finish(start(*words, folder=folder))


@pytest.fixture(scope="module")
def evaluations(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[float, tuple[subprocess.CompletedProcess[str], Path]]:
    """The same commands with the trained model and with half its energy, side by side.

    So short a run can only show what changes within picoseconds, so it starts from frames of the
    reference: the right energy keeps their distribution, and the wrong one leaves it.
    """
    folders = {scale: tmp_path_factory.mktemp("run") for scale in (1.0, 0.5)}
    frames = read_frames(REFERENCE)
    generator = np.random.default_rng(1)
    chosen = generator.choice(len(frames), COPIES, replace=False, p=frames.probabilities)
    for folder in folders.values():
        np.save(folder / "starts.npy", frames.positions[chosen])
    words = ["-m", "openmmscore.simulate", MODEL, "--output", "run.h5"]
    words += ["--copies", COPIES, "--start", "starts.npy:each"]
    words += ["--equilibration", 1.5, "--time", 3, "--interval", 25]
    running = {
        scale: start(*words, "--scale", scale, folder=folder) for scale, folder in folders.items()
    }
    for run in running.values():
        done = finish(run)
        assert done.returncode == 0, done.stderr
    words = ["-m", "openmmscore.evaluate", "--data", REFERENCE, "--simulation", "run.h5"]
    words += ["--coordinates", "dihedrals:0-1-2-3,1-2-3-4", "--bound", 1.25, "--output", "."]
    return {
        scale: (command(*words, folder=folder), folder / "evaluation.json")
        for scale, folder in folders.items()
    }


def test_the_trained_model_is_within_the_bound(evaluations):
    run, report = evaluations[1.0]
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Passed" in run.stdout
    assert "illustration" in run.stdout
    assert report.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_energy_scale_fails_the_same_bound(evaluations):
    run, report = evaluations[0.5]
    assert run.returncode == 1, run.stdout + run.stderr
    assert "FAILED" in run.stdout
    wrong = json.loads(report.read_text())["rows"]["simulation"]["js"]
    right = json.loads(evaluations[1.0][1].read_text())["rows"]["simulation"]["js"]
    assert wrong["value"] > right["value"] + 2 * np.hypot(wrong["error"], right["error"])


def generate(folder: Path, work: str, ns: float, *more: object) -> Path:
    run = command(
        EXAMPLE / "generate.py",
        *("--bias-ns", 0.002),
        *("--ns", ns),
        *("--seeds", 5),
        *("--work", work),
        *("--output", f"{work}.h5"),
        *more,
        folder=folder,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder / f"{work}.h5"


def test_continued_generation_is_the_uninterrupted_one(tmp_path):
    whole = read_frames(generate(tmp_path, "whole", 0.012))
    generate(tmp_path, "parts", 0.005)
    parts = read_frames(generate(tmp_path, "parts", 0.012))
    np.testing.assert_array_equal(parts.positions, whole.positions)
    np.testing.assert_array_equal(parts.log_weights, whole.log_weights)
    assert len(whole) == 12
    assert whole.topology == read_frames(EXAMPLE / "alanine_dipeptide.h5").topology
    assert np.ptp(whole.log_weights) > 0
    assert list(whole.attributes["seeds"]) == [5]

    other = command(
        EXAMPLE / "generate.py",
        "--bias-ns",
        0.003,
        "--ns",
        0.005,
        "--work",
        "parts",
        folder=tmp_path,
    )
    assert other.returncode == 1
    assert "other settings" in other.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["alanine_dipeptide/row", "-t", "1.5", "recipe.xml", "out"], "1.5 is no time"),
        (["alanine_dipeptide/row", "-t", "1", "recipe.xml", "out"], "1 ps is too short"),
        (["alanine_dipeptide/row", "-x", "-t", "2", "recipe.xml", "out"], "2 ps is too short"),
        (["alanine_dipeptide/row", "-e", "", "recipe.xml", "out"], " is no time"),
        (["pipeline", "recipe.xml", "out", "reference.h5"], "usage: pipeline"),
        (["pipeline", "-l", "5", "recipe.xml", "out"], "usage: pipeline"),
        (["toys/row", "muller", "recipe.xml", "out"], "no system muller"),
        (["toys/row", "double_well", "recipe.xml", "out"], "recipe.xml: no such recipe"),
        (["toys/toy_accuracy.py", "double_well", "none.xml"], "none.xml"),
        (["toys/toy_figure.py", "double_well", "none.xml", "a.png"], "none.xml"),
        (["alanine_dipeptide/balance.py", "none.xml"], "none.xml"),
        (["alanine_dipeptide/biased.py", "none.xml", "--output", "b.h5"], "none.xml"),
        (
            ["alanine_dipeptide/biased.py", MODEL, "--output", "b.h5", "--time", "0.1"],
            "interval is 240 steps, longer than the 50 steps of time 0.1",
        ),
        (
            ["alanine_dipeptide/biased.py", MODEL, "--output", "b.h5", "--data", EXPLICIT],
            "names no bias",
        ),
        *(
            (["alanine_dipeptide/biased.py", MODEL, "--output", output, option, value], message)
            for output, option, value, message in [
                ("b.npy", "--seed", "1", "b.npy: must end in .h5"),
                ("b.h5", "--interval", "0", "interval is 0, must be a positive"),
                ("b.h5", "--time", "inf", "time is inf, must not be"),
                ("b.h5", "--equilibration", "-5", "equilibration is -5.0, must not be"),
                ("b.h5", "--bias-scale", "nan", "--bias-scale is nan, must not be"),
                ("b.h5", "--diffusion-time", "2", "owns diffusion time 2"),
                ("b.h5", "--seed", "-1", "seed is -1, must be"),
                ("b.h5", "--data", MODEL, "model.xml.gz"),
            ]
        ),
    ],
)
def test_scripts_say_what_is_wrong_before_they_begin(tmp_path, words, message):
    script = EXAMPLE.parent / words[0]
    interpreter = [sys.executable] if script.suffix == ".py" else []
    run = subprocess.run(
        [*interpreter, script, *words[1:]], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode in (1, 2)
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.iterdir())
