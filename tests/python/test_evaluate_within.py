"""python -m openmmscore.evaluate --within: only the frames in one state count."""

import json
import math

import numpy as np
import pytest
from openmmscore.evaluation.analysis import autocorrelation_time

from .double_well import GRID, draws, energy, evaluate, save, save_walk, walk


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data.npy", draws(20_000, 1))


def left_only(x):
    return np.where(x < 0, energy(x), 1e3)


def right_only(x):
    return np.where(x > 0, energy(x), 1e3)


def test_a_few_copies_that_are_all_inside_are_enough(data, tmp_path):
    run = save_walk(tmp_path / "run.npy", walk(4, 600, 3))
    assert evaluate(data, tmp_path / "out", "--simulation", run, "--within", "left:x:-3:0") == 0
    rows = json.loads((tmp_path / "out/evaluation.json").read_text())["rows"]
    assert set(rows) == {"simulation", "simulation, thinned"}


def test_no_row_is_promised_of_too_few_thinned_frames(data, tmp_path, capsys):
    """Nine copies stay inside, eleven are there in frame 0 alone, which no stride but 1 keeps."""
    walks = np.full((20, 42), 1.0)
    walks[:, 0] = -1
    walks[:9] = -1 + 0.2 * np.sin(np.arange(42) / 5 + np.arange(9)[:, None])
    run = save_walk(tmp_path / "run.npy", walks)
    assert evaluate(data, tmp_path / "out", "--simulation", run, "--within", "left:x:-3:0") == 0
    assert "thinned" not in capsys.readouterr().out


@pytest.mark.parametrize(("scale", "status"), [(1.0, 0), (0.5, 1)])
def test_a_run_that_hardly_leaves_a_basin_is_compared_within_it(
    data, tmp_path, capsys, scale, status
):
    walks = [walk(97, 600, 3, scale, of=left_only), walk(3, 600, 4, scale, of=right_only)]
    run = save_walk(tmp_path / "run.npy", np.concatenate(walks))
    samples = save(tmp_path / "samples.npy", draws(20_000, 2))
    words = ["--samples", samples, "--simulation", run, "--bound", 1.3]
    words += ["--interval-ps", 0.5, "--equilibration-ps", 50]
    assert evaluate(data, tmp_path / "whole", *words) == 1
    state = ["--within", "left:x:-3:0", "--state", "half:x:-3:-1"]
    assert evaluate(data, tmp_path / "left", *words, *state) == status

    report = json.loads((tmp_path / "left/evaluation.json").read_text())
    rows = report["rows"]
    left = np.exp(-energy(GRID[GRID < 0]))
    half = np.exp(-energy(GRID[GRID < -1])).sum() / left.sum()
    names = ["independent samples"] + ["simulation"] * (not status)
    for name in names:
        found = rows[name]["populations"]["half"]
        assert abs(found["share"] - half) < 4 * found["error"]
        # 100 bins: the floor's own spread is a seventh of it
        assert rows[name]["js"]["value"] == pytest.approx(rows[name]["js"]["floor"], rel=4 / 7)
    inside = int((np.load(samples) < 0).sum())
    row = rows["independent samples"]
    assert row["effective_number"] == pytest.approx(inside)
    assert row["frames"] == inside
    assert report["inside"]["simulation"] == pytest.approx(0.97)
    assert report["inside"]["independent samples"] == pytest.approx(inside / 20_000)
    assert "0.9700 of simulation" in capsys.readouterr().out

    # what is outside does not count for how fast the run forgets, either
    alone = autocorrelation_time(np.concatenate(walks)[:97]).tau
    found = rows["simulation"]["length"]["autocorrelation"]
    assert found == pytest.approx(alone)
    assert not rows["simulation"]["illustration"]
    assert rows["simulation, thinned"]["frames"] == 97 * math.ceil(600 / math.ceil(2 * alone))
