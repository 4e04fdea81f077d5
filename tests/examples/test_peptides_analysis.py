"""MBAR and what is read out of replica exchange, on made-up data whose answers are known."""

import dataclasses
import sys
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import pytest
from numpy.typing import NDArray
from openmmscore.evaluation.analysis import BOLTZMANN_KJ
from openmmscore.io import read_frames, write_frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "peptides"

import reweight  # noqa: E402
from chignolin_report import melting_point, report  # noqa: E402
from exchange import ExchangeRun, join, round_trips  # noqa: E402
from folding import Native  # noqa: E402
from mbar import Mbar, state_numbers  # noqa: E402
from melting import weighted  # noqa: E402

SIGMAS = 4  # how many standard errors off a right answer may be: one in 16,000 is further


# ---- MBAR ----

Array = NDArray[np.float64]

SPRINGS = np.array([1.0, 2.0, 5.0, 9.0, 4.0])
CENTRES = np.array([0.0, 0.4, 0.8, 1.0, 2.5])
COUNTS = np.array([8000, 6000, 0, 12000, 4000])  # nothing was sampled in one of the states


def oscillators(seed: int, counts: NDArray[np.int64] = COUNTS) -> tuple[Array, Array]:
    """Positions, and their reduced energies, (states, frames)."""
    random = np.random.default_rng(seed)
    states = np.repeat(np.arange(len(counts)), counts)
    x = CENTRES[states] + random.normal(size=len(states)) / np.sqrt(SPRINGS[states])
    return x, SPRINGS[:, None] / 2 * (x - CENTRES[:, None]) ** 2


def exact_free_energies():
    f = -np.log(np.sqrt(2 * np.pi / SPRINGS))
    return f - f[0]


def test_free_energies_of_oscillators_are_exact_within_their_errors():
    _, reduced = oscillators(1)
    found = Mbar(reduced, COUNTS)
    assert found.free_energies[0] == found.errors[0] == 0
    difference = found.free_energies - exact_free_energies()
    assert (np.abs(difference[1:]) < SIGMAS * found.errors[1:]).all()
    assert (found.errors[1:] < 0.1).all()
    assert np.abs(exact_free_energies()).max() > 0.5


def test_errors_are_those_of_repeated_experiments():
    """z has the mean square 1: of 150 experiments it is known to a relative sqrt(2 / 150)."""
    counts = COUNTS // 20
    z = []
    for seed in range(150):
        x, reduced = oscillators(100 + seed, counts)
        found = Mbar(reduced, counts)
        mean, error = found.mean(x**2, 3 * (x - 0.6) ** 2)
        z.append(
            [
                (found.free_energies[3] - exact_free_energies()[3]) / found.errors[3],
                (mean - (0.6**2 + 1 / 6)) / error,
            ]
        )
    spread = SIGMAS * np.sqrt(2 / len(z))
    assert (np.abs(np.mean(np.square(z), axis=0) - 1) < spread).all()


def test_a_reweighted_mean_is_exact_within_its_error():
    """In a state that none of the frames is from."""
    x, reduced = oscillators(2)
    found = Mbar(reduced, COUNTS)
    target = 3 * (x - 0.6) ** 2  # of variance 1 / 6
    mean, error = found.mean(x, target)
    assert abs(mean - 0.6) < SIGMAS * error
    assert error < 0.05
    weights = np.exp(found.log_weights(target))
    assert weights.sum() == pytest.approx(1, rel=1e-12)
    assert weights @ x == pytest.approx(mean, rel=1e-9)
    assert abs(x.mean() - 0.6) > 0.1  # without weights it would show


def test_frames_that_are_there_more_than_once_count_once():
    x, reduced = oscillators(3)
    once, often = Mbar(reduced, COUNTS), Mbar(np.tile(reduced, 5), 5 * COUNTS, inefficiency=5)
    np.testing.assert_allclose(often.free_energies, once.free_energies, rtol=0, atol=1e-6)
    np.testing.assert_allclose(often.errors, once.errors, rtol=1e-4)
    target = 3 * (x - 0.6) ** 2
    first, second = once.mean(x, target), often.mean(np.tile(x, 5), np.tile(target, 5))
    np.testing.assert_allclose(second, first, rtol=1e-4)


def test_what_mbar_cannot_use_is_named():
    _, reduced = oscillators(4)
    with pytest.raises(ValueError, match="of 30000 frames"):
        Mbar(reduced, COUNTS + 1)
    with pytest.raises(ValueError, match=r"inefficiency is 0\.5"):
        Mbar(reduced, COUNTS, inefficiency=0.5)
    reduced[2, 11] = np.nan
    with pytest.raises(ValueError, match=r"frame 11 \(from 0\) has an energy"):
        Mbar(reduced, COUNTS)
    with pytest.raises(ValueError, match="temperature is 301 K, not on the ladder"):
        state_numbers([300.0, 301.0], [300.0, 302.0])


def test_temperatures_are_found_on_the_ladder_after_rounding():
    ladder = np.geomspace(280, 500, 16).tolist()
    rounded = np.asarray(ladder, np.float32)[[3, 0, 15, 3]]
    assert state_numbers(rounded, ladder).tolist() == [3, 0, 15, 3]


# ---- Replica exchange of a molecule that folds ----

LADDER = tuple(np.geomspace(290.0, 400.0, 8).tolist())
UNFOLDING_KJ, LOG_STATES = 30.0, 30.0 / (BOLTZMANN_KJ * 340.0)  # half is folded at 340 K
DIMENSIONS = 30
TURN, RISE = np.radians(100), 0.15  # of a helix
NATIVE = Native(
    np.array([[0.23 * np.cos(k * TURN), 0.23 * np.sin(k * TURN), RISE * k] for k in range(10)])
)


def exact_share(temperature):
    return 1 / (1 + np.exp(LOG_STATES - UNFOLDING_KJ / (BOLTZMANN_KJ * temperature)))


def two_states(seed: int, frames: int = 1500) -> ExchangeRun:
    """Independent frames of ten beads at each temperature, folded or not, in a bath of harmonic
    energy. Copies wander over the ladder by one step a frame."""
    random = np.random.default_rng(seed)
    copies = len(LADDER)
    orders = [np.arange(copies)]
    for frame in range(1, frames):
        order = orders[-1].copy()
        for low in range(frame % 2, copies - 1, 2):
            if random.random() < 0.7:
                order[low : low + 2] = order[low : low + 2][::-1]
        orders.append(order)
    states = np.argsort(orders, axis=1)  # of each copy
    temperatures = np.array(LADDER)[states]
    folded = random.random(states.shape) < exact_share(temperatures)
    bath = random.gamma(DIMENSIONS / 2, BOLTZMANN_KJ * temperatures)
    noise = (
        random.normal(size=(*states.shape, 10, 3)) * np.where(folded, 0.02, 0.5)[..., None, None]
    )
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(10):
        topology.add_atom("CA", mdtraj.element.carbon, topology.add_residue("ALA", chain))
    positions = (NATIVE.positions + noise).astype(np.float32)
    energies = bath + np.where(folded, -UNFOLDING_KJ, 0.0)
    return ExchangeRun(positions, energies, states, LADDER, 20.0, topology, f"run{seed}")


@pytest.fixture(scope="module")
def runs():
    return [two_states(1), two_states(2)]


def test_the_folded_share_is_exact_at_any_temperature(runs):
    found = weighted(runs, [NATIVE.folded(run.positions) for run in runs])
    for temperature in (300.0, 340.0, 385.0):
        share, error = found.share(temperature)
        assert abs(share - exact_share(temperature)) < SIGMAS * error
        assert error < 0.02
    assert found.reliable
    melting = melting_point(found)
    assert melting is not None
    slope = UNFOLDING_KJ / (BOLTZMANN_KJ * 340**2) / 4
    assert abs(melting - 340) < SIGMAS * found.share(340.0)[1] / slope + 0.1  # of the grid


def test_shares_in_the_course_of_time_are_those_of_its_windows(runs):
    """A run that is never folded in its first half."""
    found = weighted(runs, [NATIVE.folded(run.positions) for run in runs])
    inside = [each.copy() for each in found.inside]
    inside[0][:750] = False
    late = weighted(runs, inside)
    (ends, shares), (_, others) = late.by_time(300.0, 10)
    np.testing.assert_allclose(ends, 3.0 * np.arange(1, 11))  # ns
    assert (shares[:5] == 0).all()
    # 1,200 frames of all temperatures in a window, of which a fifth at least count
    spread = SIGMAS * 0.5 / np.sqrt(1200 / 5)
    assert (np.abs(shares[5:] - exact_share(300.0)) < spread).all()
    assert (np.abs(others - exact_share(300.0)) < spread).all()
    assert abs(NATIVE.folded(runs[1].positions).mean() - exact_share(300.0)) > 2 * spread


def test_runs_of_correlated_frames_have_larger_errors(runs):
    """Every frame ten times: the inefficiency is 10, 1 / 2 + (1 - l) / 10 summed over lags l."""
    run = runs[0]

    def repeat(values):
        return np.repeat(values, 10, axis=0)

    slow = dataclasses.replace(
        run,
        positions=repeat(run.positions),
        energies=repeat(run.energies),
        states=repeat(run.states),
        interval_ps=2.0,
    )
    plain, found = (weighted([each], [NATIVE.folded(each.positions)]) for each in (run, slow))
    # tau of the frames themselves is known to sqrt(2 (2 W + 1) / N) with W = 5 tau
    assert found.inefficiency == pytest.approx(10 * plain.inefficiency, rel=0.1)
    ratio = found.share(340.0)[1] / plain.share(340.0)[1]
    assert ratio == pytest.approx(1, rel=0.06)


def test_round_trips_of_a_made_up_history():
    history = np.array(
        [
            [0, 1, 2, 1, 0, 2, 0],  # two
            [2, 1, 0, 1, 2, 2, 1],  # it begins on top, and has not come back
            [1, 1, 1, 1, 1, 1, 1],
            [0, 2, 2, 0, 0, 1, 2],  # one and a half
            [2, 0, 2, 1, 1, 0, 0],  # one
            [0, 1, 0, 1, 0, 1, 0],  # never on top
        ]
    ).T
    assert round_trips(history, 2).tolist() == [2, 0, 0, 1, 1, 0]


def write_part(path: Path, run: ExchangeRun) -> Path:
    """As score-peptide-md does."""
    count = run.frames * run.copies
    write_frames(
        path,
        run.positions.reshape(count, -1, 3),
        run.topology,
        time_ps=np.repeat(1000 * run.time_ns, run.copies),
        copy=np.tile(np.arange(run.copies), run.frames),
        attributes={
            "ladder_k": np.array(run.ladder_k),
            "copies": run.copies,
            "frame_interval_ps": run.interval_ps,
            "first_frame": run.first_frame,
        },
    )
    with h5py.File(path, "a") as file:
        file["potential_energy"] = run.energies.ravel()
        file["temperature"] = np.array(run.ladder_k)[run.states.ravel()].astype(np.float32)
    return path


def write_native(path: Path) -> Path:
    lines = [
        f"ATOM  {k + 1:5d}  CA  ALA A{k + 1:4d}    " + "".join(f"{10 * v:8.3f}" for v in position)
        for k, position in enumerate(NATIVE.positions)
    ]
    path.write_text("\n".join([*lines, "END", ""]))
    return path


def test_the_command_writes_frames_with_weights(runs, tmp_path, monkeypatch, capsys):
    run = runs[0]
    cut = 900
    begin = dataclasses.replace(
        run, positions=run.positions[:cut], energies=run.energies[:cut], states=run.states[:cut]
    )
    parts = [begin, run.after(cut * 0.02)]
    files = [write_part(tmp_path / f"a-{k}.h5", part) for k, part in enumerate(parts)]
    files.append(write_part(tmp_path / "b.h5", runs[1]))
    native, output = write_native(tmp_path / "native.pdb"), tmp_path / "frames.h5"
    words = f"--run {files[0]} {files[1]} --run {files[2]} --temperature 300 --native {native}"
    words += f" --output {output} --leave-out 0.01"
    monkeypatch.setattr(sys, "argv", ["reweight.py", *words.split()])
    reweight.main()
    printed = capsys.readouterr().out
    assert "Effective (Kish) number at 300 K" in printed
    frames = read_frames(output)
    assert 0 < len(frames) < 24_000
    folded = NATIVE.folded(frames.positions)
    share = frames.probabilities[folded].sum()
    _, error = weighted(runs, [NATIVE.folded(each.positions) for each in runs]).share(300.0)
    assert abs(share - exact_share(300.0)) < SIGMAS * error + 0.01  # what was left out
    with h5py.File(output) as file:
        copy, time = file["copy"][:], file["time"][:]
    assert set(copy) == set(range(16))
    assert (np.diff(time)[np.diff(copy) == 0] > 0).all()
    assert (np.diff(copy) >= 0).all()


def test_the_fewest_frames_have_most_of_the_weight():
    weights = np.log([0.5, 0.004, 0.3, 0.006, 0.19])
    assert reweight.most_weight(weights, 0.0).all()
    assert reweight.most_weight(weights, 0.005).tolist() == [True, False, True, True, True]
    assert reweight.most_weight(weights, 0.02).tolist() == [True, False, True, False, True]


def test_parts_that_do_not_belong_together_are_named(runs):
    other = dataclasses.replace(runs[0], interval_ps=10.0, name="b")
    with pytest.raises(ValueError, match="b and run1 differ in interval_ps"):
        join([runs[0], other])
    with pytest.raises(ValueError, match="run2 begins with frame 0, run1 ends before frame 1500"):
        join(runs)


def test_the_report_says_whether_both_starts_agree(runs, tmp_path, capsys):
    native, figure = write_native(tmp_path / "native.pdb"), tmp_path / "figure.png"
    report({"native": runs[0], "extended": runs[1]}, native, figure, 340.0)
    printed = capsys.readouterr().out
    assert ": within 0.05" in printed
    assert figure.read_bytes().startswith(b"\x89PNG")
    total = sum(round_trips(run.states, len(LADDER) - 1).sum() for run in runs)
    seen = [int(line.split("round trips seen ")[1].split()[0]) for line in printed.splitlines()[:2]]
    assert sum(seen) == total > 0


# ---- Folding ----


def test_distances_from_the_native_structure():
    turned = NATIVE.positions @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) + [1, 2, 3]
    # The square is a difference of sums over 30 coordinates in float32.
    size = np.sqrt(((NATIVE.positions - NATIVE.positions.mean(axis=0)) ** 2).sum(axis=1).mean())
    assert NATIVE.rmsd(turned) < size * np.sqrt(30 * np.finfo(np.float32).eps)
    assert NATIVE.fraction_of_contacts(turned) == 1
    assert NATIVE.fraction_of_contacts(1.19 * turned) == 1
    assert NATIVE.fraction_of_contacts(1.21 * turned) == 0
    moved = NATIVE.positions[None] + [[[0, 0, 0]]] * 3
    moved[1, 0] += [0, 0, 50.0]  # far away: all its contacts are lost, and no other one
    lost = (NATIVE.contacts == 0).any(axis=1).mean()
    np.testing.assert_allclose(NATIVE.fraction_of_contacts(moved), [1, 1 - lost, 1])
    assert 0 < lost < 1
    mirrored = NATIVE.positions * [1, 1, -1]
    assert NATIVE.rmsd(mirrored) > 0.01
