"""python -m openmmscore.evaluate: right distributions pass, wrong ones fail."""

import json
import math
from statistics import NormalDist
from typing import Any

import mdtraj
import numpy as np
import pytest
from openmmscore.evaluation.analysis import noise_floor
from openmmscore.evaluation.comparison import (
    Divergence,
    State,
    compare,
    length_of,
    population,
)
from openmmscore.evaluation.coordinates import Coordinates
from openmmscore.evaluation.ensembles import Density, Ensemble, read_ensemble
from openmmscore.evaluation.metrics import Bins, js_divergence
from openmmscore.io import write_frames

from .double_well import GRID, draws, energy, evaluate, save, save_walk, walk


def blurred(time):
    """The energy at a diffusion time: of m x + sigma eps, by quadrature on the grid."""
    log_m = -(time**2) * 19.9 / 4 - 0.05 * time
    wide = np.sqrt(-np.expm1(2 * log_m))
    cells = GRID[::25]  # .025 apart, sigma is at least .0289: an error of exp(-2 (pi sigma/h)^2)
    kernel = np.exp(-(((GRID[:, None] - np.exp(log_m) * cells) / wide) ** 2) / 2)
    found = -np.log(kernel @ np.exp(-energy(cells)))
    return lambda x: np.interp(x, GRID, found)


def topology(beads):
    made = mdtraj.Topology()
    residue = made.add_residue("UNK", made.add_chain())
    for k in range(beads):
        made.add_atom(f"C{k}", mdtraj.element.carbon, residue)
    return made


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data.npy", draws(20_000, 1))


def test_right_samples_and_simulation_pass_and_are_reported(data, tmp_path, capsys):
    samples = save(tmp_path / "samples.npy", draws(20_000, 2))
    run = save_walk(tmp_path / "run.npy", walk(100, 600, 3))
    words = ["--samples", samples, "--simulation", run, "--bound", 1.3, "--state", "left:x:-3:0"]
    words += ["--interval-ps", 0.5, "--equilibration-ps", 50]
    assert evaluate(data, tmp_path / "out", *words) == 0
    table = capsys.readouterr().out
    assert "Passed" in table
    assert "illustration" not in table

    report = json.loads((tmp_path / "out/evaluation.json").read_text())
    exact = np.exp(-energy(GRID))
    left = exact[GRID < 0].sum() / exact.sum()
    rows = report["rows"]
    for name in ("independent samples", "simulation"):
        row = rows[name]
        # 100 bins: the floor's own spread is a seventh of it
        assert row["js"]["value"] == pytest.approx(row["js"]["floor"], rel=4 / 7)
        assert f"{row['js']['value']:.4f} +- {row['js']['error']:.4f}" in table
        found = row["populations"]["left"]
        assert abs(found["share"] - left) < 4 * found["error"]
        assert 0.002 < found["error"] < 0.02
    assert rows["independent samples"]["effective_number"] == 20_000
    assert 4_000 < rows["simulation"]["effective_number"] < 54_000
    thinned, tau = rows["simulation, thinned"], rows["simulation"]["length"]["autocorrelation"]
    assert thinned["frames"] == 100 * math.ceil(600 / math.ceil(2 * tau))
    # nearly independent: exp(-2) is left of an exponential correlation, (1 - x)/(1 + x) = .76;
    # measured from 100 copies in some 80 bins, to 1.6 %
    assert 0.7 * thinned["frames"] < thinned["effective_number"] <= thinned["frames"]
    assert thinned["js"]["value"] == pytest.approx(thinned["js"]["floor"], rel=4 / 7)
    assert report["data"]["populations"]["left"]["share"] == pytest.approx(left, abs=4 * 0.0035)
    assert (tmp_path / "out/evaluation.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("kind", ["samples", "simulation"])
def test_half_the_energy_scale_fails(data, tmp_path, capsys, kind):
    if kind == "samples":
        wrong = save(tmp_path / "wrong.npy", draws(20_000, 2, scale=0.5))
    else:
        wrong = save_walk(tmp_path / "wrong.npy", walk(100, 200, 3, scale=0.5))
    assert evaluate(data, tmp_path / "out", f"--{kind}", wrong, "--bound", 1.3) == 1
    assert "FAILED" in capsys.readouterr().out
    assert evaluate(data, tmp_path / "out", f"--{kind}", wrong, "--bound", 1000) == 0
    assert evaluate(data, tmp_path / "out", f"--{kind}", wrong) == 0


def test_small_shares_have_digits(data, tmp_path, capsys):
    x = np.linspace(-1, 1, 20_000)
    samples = save(tmp_path / "samples.npy", x)
    words = ["--samples", samples, "--state", "few:x:.9998:1", "none:x:1.1:2"]
    assert evaluate(data, tmp_path / "out", *words) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line[:3] == "ind")
    assert row.split()[-6:] == ["1.0e-04", "+-", "1.0e-04", "0.0000", "+-", "0.0000"]


@pytest.mark.parametrize("time", [0.004, 0.04])
def test_ten_times_the_diffusion_time_fails(tmp_path, time):
    """The wells of blurred(.004) have a deviation of .25; sigma grows from .03 to .14."""
    data = save(tmp_path / "data.npy", draws(20_000, 1, of=blurred(0.004)))
    run = save_walk(tmp_path / "run.npy", walk(100, 400, 3, of=blurred(time)))
    status = evaluate(data, tmp_path / "out", "--simulation", run, "--bound", 1.3)
    assert status == (0 if time == 0.004 else 1)


def test_wrong_weights_of_two_wells_fail(data, tmp_path):
    """The wells themselves are right, one has a tenth too much of the other's weight."""
    x = draws(40_000, 4)
    left = np.flatnonzero(x < 0)
    wrong = save(tmp_path / "wrong.npy", np.delete(x, left[: len(left) // 3]))
    assert evaluate(data, tmp_path / "out", "--samples", wrong, "--bound", 1.3) == 1


@pytest.mark.parametrize("weighted", ["data", "samples"])
def test_weights_undo_a_bias(tmp_path, weighted):
    """Frames of 5-bead chains whose first dihedral is biased; .h5 holds the weights."""
    generator = np.random.default_rng(5)
    frames = 8_000

    def chain(phi, psi):
        """Five beads, unit bonds at right angles, with the two dihedrals."""
        zero = np.zeros_like(phi)
        a = np.stack([np.cos(phi), np.sin(phi), zero], 1)
        middle = np.tile([0.0, 0.0, 1.0], (len(phi), 1))
        start = np.tile([1.0, 0.0, 0.0], (len(phi), 1))
        # the last bond, turned by psi about the third one from the plane of the two before
        last = -np.cos(psi)[:, None] * middle + np.sin(psi)[:, None] * np.cross(a, -middle)
        beads = [start, zero[:, None] * start, middle, middle + a]
        return np.stack([*beads, middle + a + last], 1).astype(np.float32)

    biased = generator.uniform(-np.pi, np.pi, frames)
    log_weights = 1.5 * np.cos(biased)
    plain = generator.vonmises(0, 1.5, frames)
    psi = generator.vonmises(1, 2, (2, frames))
    top = topology(5)
    write_frames(tmp_path / "biased.h5", chain(biased, psi[0]), top, log_weights=log_weights)
    write_frames(tmp_path / "plain.h5", chain(plain, psi[1]), top)
    dihedrals = "dihedrals:0-1-2-3,1-2-3-4"
    values = read_ensemble(tmp_path / "plain.h5", Coordinates.parse(dihedrals)).values
    np.testing.assert_allclose(np.cos(values[:, 0]), np.cos(plain), atol=1e-5)

    names = ["biased", "plain"] if weighted == "data" else ["plain", "biased"]
    words = ["--state", "back:phi:120:-120", "--bound", 1.1]
    words += ["--bins", 32, "--pmf-bins", 32]
    files = [tmp_path / f"{name}.h5" for name in names]
    assert evaluate(files[0], tmp_path, "--samples", files[1], *words, coordinates=dihedrals) == 0
    report = json.loads((tmp_path / "evaluation.json").read_text())
    row = report["rows"]["independent samples"]
    # smoothing is good to some per cent; 2 % are chance
    assert row["js"]["value"] == pytest.approx(row["js"]["floor"], rel=0.1)
    angle = np.linspace(-np.pi, np.pi, 3_600, endpoint=False)
    density = np.exp(1.5 * np.cos(angle))
    back = density[np.abs(angle) > np.radians(120)].sum() / density.sum()
    for found in (row["populations"]["back"], report["data"]["populations"]["back"]):
        assert abs(found["share"] - back) < 4 * found["error"]
        assert found["error"] < 0.1 * back
    kish = {"biased": 0.7 * frames, "plain": math.inf}
    assert row["data_effective_number"] < kish[names[0]]
    assert row["effective_number"] < kish[names[1]]


@pytest.mark.parametrize("repeats", [1, 4])
def test_floor_of_weighted_copies_is_what_they_show(repeats):
    """Even draws with the weights of a density that varies thousandfold, in copies; each comes
    once, or is followed by three more of itself, which are worth nothing."""
    generator = np.random.default_rng(21)
    copies, bins = 40, 40
    edges, found = [np.linspace(-1, 1, bins + 1)], []
    for _ in range(100):
        pair = []
        for _ in range(2):
            x = np.repeat(generator.uniform(-1, 1, 4_000), repeats)[:, None]
            weights = np.exp(-7 * x[:, 0] ** 2)
            copy = np.repeat(np.arange(copies), len(x) // copies)
            pair.append(Ensemble(x, weights / weights.sum(), copy))
        found.append(js_divergence(*(each.histogram(edges) for each in pair)))
    worth, number = pair[0].worth(edges)
    floor = noise_floor(pair[0].histogram(edges), worth, worth)
    # as of independent frames in test_analysis; and how much the copies scatter is known to
    # (2 / 40 / 40)^.5 = 3.5 %
    assert floor.mean == pytest.approx(np.mean(found), rel=4 * np.hypot(0.028, 0.035))
    assert number == pytest.approx(pair[0].kish / repeats, rel=4 * 0.035)


def test_a_biased_run_without_its_weights_fails(tmp_path):
    generator = np.random.default_rng(5)
    plain = save(tmp_path / "plain.npy", generator.normal(0, 1, (10_000, 2)))
    wide = save(tmp_path / "wide.npy", generator.normal(0, 1.3, (10_000, 2)))
    words = ["--bins", 32, "--pmf-bins", 32, "--bound", 1.1, "--samples"]
    assert evaluate(plain, tmp_path, *words, wide, coordinates="xy") == 1
    assert evaluate(plain, tmp_path, *words, plain, coordinates="xy") == 0


def test_copies_may_be_frame_major_or_copy_major(tmp_path):
    walks = walk(10, 50, 6)
    save_walk(tmp_path / "a.npy", walks)
    save(tmp_path / "b.npy", walks.T.ravel(), np.tile(np.arange(10), 50))
    first, second = (read_ensemble(tmp_path / f"{x}.npy", Coordinates.parse("x")) for x in "ab")
    for each in (first, second):
        np.testing.assert_allclose(each.series()[:, :, 0], walks, atol=1e-6)
    edges = [np.linspace(-3, 3, 10)]
    np.testing.assert_allclose(first.histograms(edges), second.histograms(edges), atol=1e-15)


def test_h5_gives_interval_copies_and_equilibration(tmp_path):
    positions = np.random.default_rng(7).standard_normal((12, 1, 3))
    copy, times = np.tile([0, 1, 2], 4), np.repeat([10.0, 10.5, 11.0, 11.5], 3)
    path = tmp_path / "run.h5"
    attributes = {"equilibration_ps": 7.0, "temperature_k": 310.0}
    write_frames(path, positions, topology(1), time_ps=times, copy=copy, attributes=attributes)
    found = read_ensemble(path, Coordinates.parse("xy"))
    assert (found.interval_ps, found.equilibration_ps, found.temperature_k) == (0.5, 7, 310)
    assert found.series().shape == (3, 4, 2)
    np.testing.assert_allclose(found.values, positions[:, 0, :2], atol=1e-6)
    write_frames(path, positions, topology(1), time_ps=times[::-1], copy=copy)
    with pytest.raises(ValueError, match=r"run\.h5: the time of the frames"):
        read_ensemble(path, Coordinates.parse("xy"))


def ensemble(walks, interval_ps=1.0):
    copies, frames = walks.shape
    count = copies * frames
    label = np.repeat(np.arange(copies), frames)
    return Ensemble(walks.reshape(-1, 1), np.full(count, 1 / count), label, interval_ps)


def test_a_short_run_or_equilibration_is_an_illustration():
    line = Coordinates.parse("x")
    long = ensemble(walk(50, 400, 8))
    tau = length_of(long, line, 1e9).autocorrelation
    assert 1 < tau < 40
    assert not length_of(long, line, 5.1 * tau).illustration
    assert "equilibration of" in length_of(long, line, 4.9 * tau).shortcomings[0]
    assert "not known" in length_of(long, line, None).shortcomings[0]
    short = ensemble(walk(50, math.floor(9 * tau), 8))
    assert "fewer than 10" in length_of(short, line, 1e9).shortcomings[0]


def test_autocorrelation_of_an_angle_does_not_see_its_jumps():
    """An angle near 180 degrees jumps by a whole turn all the time and means nothing by it."""
    slow = walk(20, 500, 10)
    # the bottom of the left well lies at 180 degrees
    angle = np.angle(np.exp(1j * (np.pi + 0.3 * (slow + 1))))
    turning = length_of(ensemble(angle), Coordinates(("a",), ((0, 1, 2, 3),)), 1e9)
    straight = length_of(ensemble(slow), Coordinates.parse("x"), 1e9)
    assert turning.autocorrelation == pytest.approx(straight.autocorrelation, rel=0.25)


def test_a_single_run_is_cut_into_pieces(data, tmp_path, capsys):
    one = save(tmp_path / "one.npy", walk(1, 4_000, 11, every=1).ravel())
    assert evaluate(data, tmp_path / "out", "--simulation", one) == 0
    assert "20 copies of 200 frames" in capsys.readouterr().out
    report = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert report["rows"]["simulation"]["effective_number"] < 2_000
    assert report["rows"]["simulation"]["illustration"]


@pytest.mark.parametrize("few", ["data", "other"])
@pytest.mark.parametrize("copies", [True, False])
def test_error_of_a_divergence_is_its_scatter(few, copies):
    """Whichever side has the fewer frames, and so gives most of the error."""
    numbers = [1_000 if few == side else 20_000 for side in ("data", "other")]

    def draw(seed):
        generator = np.random.default_rng(seed)
        return [generator.normal(shift, 1, numbers[shift]) for shift in (0, 1)]

    def made(values):
        found = ensemble(values.reshape(50, -1))
        return found if copies else Ensemble(found.values, found.weights)

    edges = [np.linspace(-5, 6, 21)]
    scatter = np.std(
        [
            js_divergence(*(made(side).histogram(edges) for side in draw(seed)))
            for seed in range(200)
        ]
    )
    first, second = (made(side) for side in draw(1_000))
    row = compare(first, second, Bins(20, 20, [(-3, 4)]))
    # 200 values give a deviation to 5 %, and so do 200 draws; those of 50 copies to 10 %. Edges
    # that follow the extremes and a bootstrap that sees the noise twice: some 5 %.
    assert row.js.error == pytest.approx(scatter, rel=3 * (0.12 if copies else 0.07) + 0.05)


@pytest.mark.parametrize("copies", [True, False])
def test_error_of_a_population_is_its_scatter(copies):
    state = State("left", 0, -3.0, 0.0)
    found = []
    for seed in range(40):
        made = ensemble(walk(20, 20, seed) if copies else draws(400, seed).reshape(1, -1))
        if not copies:
            made = Ensemble(made.values, made.weights)
        found.append(population(made, state))
    scatter = np.std([each.share for each in found], ddof=1)
    # 40 values give their deviation to 11 %
    assert np.mean([each.error for each in found]) == pytest.approx(scatter, rel=4 * 0.11)


def test_a_state_of_an_angle_goes_through_180_degrees():
    values = np.radians([[-179.0], [-100.0], [0.0], [100.0], [179.0]])
    low, high = math.radians(150), math.radians(-90)
    assert State("back", 0, low, high).contains(values).tolist() == [True, True, False, False, True]
    assert State("front", 0, high, low).contains(values).tolist() == [
        False, False, True, True, False,
    ]  # fmt: skip


class Normal:
    """Stands for a model: a normal distribution in any number of dimensions."""

    @staticmethod
    def energy_and_score(positions, t):
        assert t == 0.25
        return (positions**2).sum(axis=(-2, -1)) / 2 + 7, -positions


def density(*support):
    model: Any = Normal()
    return Density(model, 0.25, support)


def test_a_density_is_integrated_over_bins():
    exact = NormalDist()
    plane = density((-3, 3), (-8, 8))
    first, second = np.array([-1.0, -0.9, -0.7]), np.array([-np.inf, 0.5, np.inf])
    x = np.array([exact.cdf(-0.9) - exact.cdf(-1), exact.cdf(-0.7) - exact.cdf(-0.9)])
    # midpoints of cells of h = .05: h^2/24 |x^2 - 1| = 5e-5 in x
    np.testing.assert_allclose(plane.histogram([first, second]).sum(axis=1), x / x.sum(), rtol=1e-4)
    fine = [np.linspace(-3, 3, 61), np.linspace(-4, 4, 81)]
    found = plane.histogram(fine)
    np.testing.assert_allclose(found.sum(), 1, rtol=1e-12)
    y = np.diff([exact.cdf(edge) for edge in fine[1]])
    # h = .025: h^2/24 (16 - 1) = 4e-4 in the farthest bin
    np.testing.assert_allclose(found.sum(axis=0), y / y.sum(), rtol=5e-4)
    np.testing.assert_allclose(plane.marginal(1, fine[1]), y / y.sum(), rtol=5e-4)
    np.testing.assert_allclose(
        plane.share(1, 0.33, 1.77), exact.cdf(1.77) - exact.cdf(0.33), rtol=1e-4
    )
    inside = exact.cdf(3) - exact.cdf(-3)
    np.testing.assert_allclose(plane.share(0, 0.0, 99.0), 0.5, rtol=1e-4)
    np.testing.assert_allclose(
        plane.share(0, 1.0, 2.0), (exact.cdf(2) - exact.cdf(1)) / inside, rtol=1e-4
    )


@pytest.mark.parametrize("deviation", [1.0, 1.2])
def test_draws_from_a_density_are_at_its_floor(deviation):
    x = np.random.default_rng(12).normal(0, deviation, (20_000, 1))
    data = Ensemble(x, np.full(len(x), 1 / len(x)))
    row = compare(data, density((-8, 8)), Bins(100, 64, [(-4, 4)]), [State("right", 0, 0, 9)])
    assert row.frames is None
    assert row.effective_number == math.inf
    assert row.populations["right"].share == pytest.approx(0.5, rel=1e-4)
    for found in row.divergences.values():
        # the floor's own deviation is that of one draw
        near = abs(found.value - found.floor) < 4 * found.floor_deviation
        assert near == (deviation == 1)
    assert row.js.exceeds(1.3) == (deviation != 1)


def test_bins_that_frames_never_reach_are_in_a_densitys_floor():
    """50,000 frames in 64 x 64 bins, most of which are empty: the density has a share in each."""
    x = np.random.default_rng(15).standard_normal((50_000, 2))
    data = Ensemble(x, np.full(len(x), 1 / len(x)))
    row = compare(data, density((-8, 8), (-8, 8)), Bins(64, 64, [(-6, 6)] * 2))
    for found in row.divergences.values():
        assert abs(found.value - found.floor) < 4 * found.floor_deviation


def test_a_toy_model_has_a_row_of_its_own(toy, tmp_path, capsys):
    generator = np.random.default_rng(13)
    data = save(tmp_path / "data.npy", generator.uniform(-1, 1, (2_000, 2)))
    toy.save(tmp_path / "toy.xml")
    words = ["--model", tmp_path / "toy.xml", "--state", "right:x:0:9"]
    assert evaluate(data, tmp_path / "out", *words, coordinates="xy") == 0
    assert "exp(-E)" in capsys.readouterr().out
    row = json.loads((tmp_path / "out/evaluation.json").read_text())["rows"]["exp(-E)"]
    assert row["frames"] is None
    # the data's extent of 2, and half of it beyond each side: a grid of our own
    axis = np.linspace(-2, 2, 401)[:-1] + 0.005
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)[..., None, :]
    share = np.exp(-toy.energy_and_score(points)[0])
    right = share[axis > 0].sum() / share.sum()
    # the extent of 2,000 draws is known to .1 %
    assert row["populations"]["right"]["share"] == pytest.approx(right, rel=5e-3)
    assert evaluate(data, tmp_path / "no", *words[:2], coordinates="x") == 2
    assert "toy.xml has 2 dimensions, and the coordinates are x" in capsys.readouterr().err


def test_a_model_that_is_no_toy_is_refused(model_file, data, tmp_path, capsys):
    assert evaluate(data, tmp_path / "out", "--model", model_file) == 2
    assert "--model is for toy models" in capsys.readouterr().err
    assert evaluate(data, tmp_path / "out", "--model", tmp_path / "none.xml") == 2
    assert "none.xml" in capsys.readouterr().err


def test_thinned_frames_end_with_the_last_of_each_copy():
    walks = walk(3, 10, 14)
    # times of a copy must not matter where its frames stand: frame-major
    label = np.tile(np.arange(3), 10)
    found = Ensemble(walks.T.reshape(-1, 1), np.full(30, 1 / 30), label, 0.5).thinned(4)
    np.testing.assert_array_equal(found.series()[:, :, 0], walks[:, [1, 5, 9]])
    assert found.interval_ps == 2
    assert found.weights.sum() == pytest.approx(1, rel=1e-12)


def test_a_divergence_exceeds_its_bound_by_two_errors_or_is_nan():
    assert Divergence(0.5, 0.1, 0.1, 0.01).exceeds(2.9)
    assert not Divergence(0.5, 0.1, 0.1, 0.01).exceeds(3.1)
    assert Divergence(math.nan, 0.1, 0.1, 0.01).exceeds(1e9)
