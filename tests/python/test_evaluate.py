"""python -m openmmscore.evaluate: right distributions pass, wrong ones fail, bad input is named."""

import json
import math

import mdtraj
import numpy as np
import pytest
from openmmscore.comparison import Divergence, State, length_of, population
from openmmscore.ensembles import Coordinates, Ensemble, read_ensemble
from openmmscore.evaluate import main
from openmmscore.frames import write_frames

GRID = np.linspace(-2.5, 2.5, 5_001)


def energy(x):
    """A double well in kT: minima at -1 and 1, a barrier of 2, the left one .7 lower."""
    return 2 * (x**2 - 1) ** 2 + 0.35 * x


def draws(number, seed, scale=1.0):
    """Independent, exact: by the inverse of the distribution function."""
    share = np.cumsum(np.exp(-scale * energy(GRID)))
    return np.interp(np.random.default_rng(seed).uniform(size=number), share / share[-1], GRID)


def walk(copies, frames, seed, scale=1.0, every=4):
    """(copies, frames): Metropolis walks from the left minimum, the first steps discarded."""
    generator = np.random.default_rng(seed)
    x = np.full(copies, -1.0)
    kept = np.empty((frames, copies))
    for step in range(-200, frames * every):
        proposed = x + generator.uniform(-1.5, 1.5, copies)
        cost = scale * (energy(proposed) - energy(x))
        x = np.where(generator.exponential(size=copies) > cost, proposed, x)
        if step >= 0:
            kept[step // every] = x
    return kept.T


def save(path, values, copy=None):
    """Frames of one bead. values: (frames,), or (frames, dimensions)."""
    values = np.asarray(values, np.float32)
    np.save(path, values.reshape(len(values), 1, -1))
    if copy is not None:
        np.save(path.with_name(path.stem + "_copy.npy"), copy)
    return path


def save_walk(path, walks):
    copies, frames = walks.shape
    return save(path, walks.ravel(), np.repeat(np.arange(copies), frames))


def topology(beads):
    made = mdtraj.Topology()
    residue = made.add_residue("UNK", made.add_chain())
    for k in range(beads):
        made.add_atom(f"C{k}", mdtraj.element.carbon, residue)
    return made


@pytest.fixture
def data(tmp_path):
    return save(tmp_path / "data.npy", draws(20_000, 1))


def evaluate(data, output, *words, coordinates="x"):
    common = ["--data", str(data), "--coordinates", coordinates, "--output", str(output)]
    return main(common + [str(word) for word in words])


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
    for name in ("independent_samples", "simulation"):
        row = report[name]
        # 100 bins: the floor's own spread is a seventh of it
        assert row["js"]["value"] == pytest.approx(row["js"]["floor"], rel=4 / 7)
        assert f"{row['js']['value']:.4f} +- {row['js']['error']:.4f}" in table
        found = row["populations"]["left"]
        assert abs(found["share"] - left) < 4 * found["error"]
        assert 0.002 < found["error"] < 0.02
    assert report["independent_samples"]["effective_number"] == 20_000
    assert 4_000 < report["simulation"]["effective_number"] < 54_000
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
    row = report["independent_samples"]
    # smoothing is good to some per cent; 2 % are chance
    assert row["js"]["value"] == pytest.approx(row["js"]["floor"], rel=0.1)
    angle = np.linspace(-np.pi, np.pi, 3_600, endpoint=False)
    density = np.exp(1.5 * np.cos(angle))
    back = density[np.abs(angle) > np.radians(120)].sum() / density.sum()
    for found in (row["populations"]["back"], report["data"]["populations"]["back"]):
        assert abs(found["share"] - back) < 4 * found["error"]
        assert found["error"] < 0.1 * back
    kish = {"biased": 0.7 * frames, "plain": math.inf}
    assert report["data"]["kish_number"] < kish[names[0]]
    assert row["effective_number"] < kish[names[1]]


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
    assert report["simulation"]["effective_number"] < 2_000
    assert report["simulation"]["length"]["illustration"]


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


def test_a_divergence_exceeds_its_bound_by_two_errors_or_is_nan():
    assert Divergence(0.5, 0.1, 0.1, 0.01).exceeds(2.9)
    assert not Divergence(0.5, 0.1, 0.1, 0.01).exceeds(3.1)
    assert Divergence(math.nan, 0.1, 0.1, 0.01).exceeds(1e9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--samples", "missing.npy"], "missing.npy: no such file"),
        (["--samples", "text.txt"], "text.txt: must end in .h5 or .npy"),
        (["--samples", "broken.h5"], "broken.h5"),
        (["--samples", "broken.npy"], "broken.npy"),
        (["--samples", "flat.npy"], "flat.npy: positions have shape (5, 3)"),
        (["--samples", "nan.npy"], "nan.npy: frame 2 (from 0)"),
        (["--samples", "two.npy"], "two.npy: coordinates x of frames of 2 beads"),
        (["--simulation", "copies.npy"], "copies.npy: copy has shape (3,), not (6,)"),
        (["--simulation", "uneven.npy"], "copy 1 has 2 frames and copy 0 has 4"),
        (["--simulation", "few.npy"], "few.npy: 4 frames are too few"),
        (["--simulation", "few.npy", "--equilibration-ps", "5"], "needs --interval-ps"),
        (["--samples", "data.npy", "--state", "far:x:5:6"], "state 'far'"),
        (["--samples", "data.npy", "--state", "a:y:0:1"], "column 'y'"),
        (["--samples", "data.npy", "--state", "a:1:0:1"], "column '1'"),
        (["--samples", "data.npy", "--state", "a:x:1:0"], "1 is not below 0"),
        (["--samples", "data.npy", "--state", "a:x:1"], "NAME:COLUMN:LOW:HIGH"),
        (["--samples", "data.npy", "--state", "a:x:0:nan"], "'nan'"),
        (["--samples", "data.npy", "--state", "a:x:0:1", "a:x:1:2"], "two states of one name"),
        (["--samples", "data.npy", "--limits", "0:1", "0:1"], "2 --limits for 1 columns"),
        (["--samples", "data.npy", "--limits", "1:0"], "'1:0'"),
    ],
)
def test_bad_input_is_named(data, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("text.txt", "broken.h5", "broken.npy"):
        (tmp_path / name).write_text("no frames")
    np.save("flat.npy", np.zeros((5, 3)))
    np.save("nan.npy", np.array([0, 1, np.nan, 3]).reshape(4, 1, 1))
    np.save("two.npy", np.zeros((5, 2, 3)))
    save(tmp_path / "few.npy", np.zeros(4))
    save(tmp_path / "copies.npy", np.zeros(6), np.array([0, 1, 2]))
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
     ["--samples", "a", "--equilibration-ps", "-1"], ["--samples", "a", "--seed", "-1"]],
)  # fmt: skip
def test_options_out_of_range_end_with_2(tmp_path, words):
    with pytest.raises(SystemExit) as ended:
        evaluate("data.npy", tmp_path, *words)
    assert ended.value.code == 2
