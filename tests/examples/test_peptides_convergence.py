"""The convergence of dipeptide runs is found as it is, on made-up data whose answers are known."""

import sys
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from openmmscore.io import read_frames, write_frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "peptides"

import convergence  # noqa: E402

SIGMAS = 4  # how many standard errors off a right answer may be: one in 16,000 is further

LENGTHS = {"N-CA": 0.146, "CA-CB": 0.154, "CA-C": 0.153, "C-O": 0.123, "C-N": 0.133}


def place(a, b, c, length, angle, dihedral):
    """The fourth atom: (frames, 3)."""
    bc = (c - b) / np.linalg.norm(c - b, axis=-1, keepdims=True)
    normal = np.cross(b - a, bc)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    across = np.cross(normal, bc)
    along = -np.cos(angle) * bc
    dihedral = np.asarray(dihedral)[..., None]
    side = np.sin(angle) * (np.cos(dihedral) * across + np.sin(dihedral) * normal)
    return c + length * (along + side)


def dipeptide(phi2, psi1, omega):
    """(frames, 10 beads, 3), nm, both residues L, bonds of LENGTHS, angles of 111 degrees."""
    angle, count = np.radians(111), len(phi2)
    ca = np.zeros((count, 3))
    n = ca + np.array([LENGTHS["N-CA"], 0, 0])
    c = ca + LENGTHS["CA-C"] * np.array([np.cos(angle), np.sin(angle), 0])
    residues = []
    for _ in range(2):
        # 120 degrees from N, looked at along CA-C; to the side that makes it L
        cb = place(n, c, ca, LENGTHS["CA-CB"], angle, np.full(count, np.radians(120)))
        next_n = place(n, ca, c, LENGTHS["C-N"], angle, psi1)
        o = place(n, ca, c, LENGTHS["C-O"], angle, psi1 + np.pi)
        residues += [n, ca, cb, c, o]
        next_ca = place(ca, c, next_n, LENGTHS["N-CA"], angle, omega)
        next_c = place(c, next_n, next_ca, LENGTHS["CA-C"], angle, phi2)
        n, ca, c = next_n, next_ca, next_c
    return np.stack(residues, axis=1)


def topology_of_dipeptide():
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(2):
        residue = topology.add_residue("ALA", chain)
        for name in ("N", "CA", "CB", "C", "O"):
            topology.add_atom(name, mdtraj.element.Element.getBySymbol(name[0]), residue)
    return topology


def write_dipeptide(path, positions, copies, log_weights=None):
    """positions: frames of copy 0, then of copy 1, ..., 5 ps apart; written as the program does."""
    frames = len(positions) // copies
    order = np.arange(len(positions)).reshape(copies, frames).T.ravel()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frames(
        path,
        positions[order],
        topology_of_dipeptide(),
        time_ps=np.repeat(5.0 * np.arange(1, frames + 1), copies),
        copy=np.tile(np.arange(copies), frames),
        log_weights=None if log_weights is None else log_weights[order],
        attributes={"temperature_k": 310.0, "frame_interval_ps": 5.0},
    )


COPIES, FRAMES = 16, 1500
STAY, SHARE = 0.9, 0.3  # of the first state's autocorrelation from frame to frame


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """phi2 jumps between -80 and 60 degrees, a Markov chain; psi1 has 8 values, independent."""
    random = np.random.default_rng(5)
    inside = np.empty((COPIES, FRAMES), bool)
    inside[:, 0] = random.random(COPIES) < SHARE
    for k in range(1, FRAMES):
        again = random.random(COPIES) < STAY
        inside[:, k] = np.where(again, inside[:, k - 1], random.random(COPIES) < SHARE)
    psi1 = np.radians(-160 + 45 * random.integers(8, size=inside.shape))
    phi2 = np.radians(np.where(inside, 60.0, -80.0))
    path = tmp_path_factory.mktemp("data") / "dipeptides" / "test" / "AA.h5"
    positions = dipeptide(phi2.ravel(), psi1.ravel(), np.full(psi1.size, np.pi))
    write_dipeptide(path, positions, COPIES)
    return path, inside, psi1


def test_autocorrelation_times_and_shares_are_those_of_the_chain(slow):
    path, inside, psi1 = slow
    found = convergence.convergence_of(path, "test")
    assert (found.frames, found.copies, found.sequence) == (COPIES * FRAMES, COPIES, "AA")
    assert found.total_ns == pytest.approx(COPIES * FRAMES * 0.005)
    # rho(k) = STAY^k, so tau = 1/2 + STAY / (1 - STAY) frames; less what a window of 5 tau
    # leaves out, exp(-5) of it
    tau = 5 * (0.5 + STAY / (1 - STAY))
    assert found.tau_phi2_reliable
    assert abs(found.tau_phi2 - tau) < SIGMAS * found.tau_phi2_error + np.exp(-5) * tau
    assert found.tau_phi2_error < tau / 8
    assert abs(found.tau_psi1 - 2.5) < SIGMAS * found.tau_psi1_error

    assert found.left == pytest.approx(inside.mean(), abs=1e-9)
    assert abs(found.left - SHARE) < SIGMAS * found.left_error
    alpha = (psi1 > np.radians(-120)) & (psi1 < np.radians(60))
    assert found.alpha == pytest.approx(alpha.mean(), abs=1e-9)
    assert found.left_entries == np.count_nonzero(np.diff(inside.astype(int)) == 1)
    # An error from 16 copies is itself known to a relative 1 / sqrt(2 x 15), its square to twice.
    number = COPIES * FRAMES / (2 * tau / 5)
    assert abs(number / found.left_number - 1) < SIGMAS * np.sqrt(2 / 15)


def test_halves_of_independent_frames_differ_as_the_floor_says(tmp_path):
    """256 states of equal share: the divergence of halves of n frames is 255 / 8 x 2 / n."""
    random = np.random.default_rng(6)
    count = 16 * 1000
    phi2, psi1 = np.radians(-170 + 22.5 * random.integers(16, size=(2, count)))
    path = tmp_path / "AA.h5"
    write_dipeptide(path, dipeptide(phi2, psi1, np.full(count, np.pi)), 16)
    found = convergence.convergence_of(path, "train")
    exact = 255 / 8 * 2 / (count / 2)
    # chi-squared of 255 degrees of freedom, and its next order, 1 / (4 x 31 frames a bin) or less
    assert abs(found.js_halves / exact - 1) < SIGMAS * np.sqrt(2 / 255) + 0.01
    # histograms of 16 copies scatter by chi-squared of 15 x 255
    assert abs(count / found.effective_number - 1) < SIGMAS * np.sqrt(2 / (15 * 255))
    assert found.js_halves_floor >= 0.95 * exact
    assert found.floor_49000 >= 0.95 * exact * (count / 2) / 49_000
    assert found.floor_49000 < found.js_halves_floor
    assert found.kish == pytest.approx(count)


def test_divergence_of_halves_that_share_nothing_is_log_2():
    histograms = np.eye(4).repeat(2, axis=0)[:, None].repeat(3, axis=1).reshape(8, -1)
    mean, _ = convergence.half_divergence(np.eye(2))
    assert mean == pytest.approx(np.log(2))
    mean, deviation = convergence.half_divergence(np.ones_like(histograms))
    assert (mean, deviation) == (0, 0)


def test_weights_count(slow, tmp_path):
    """Frames of the state have half the weight, and shares say so."""
    path, inside, _ = slow
    frames = read_frames(path)
    positions = frames.positions.reshape(FRAMES, COPIES, 10, 3).swapaxes(0, 1).reshape(-1, 10, 3)
    weights = np.where(inside, np.log(0.5), 0.0).ravel()
    write_dipeptide(tmp_path / "AA.h5", positions, COPIES, weights)
    found = convergence.convergence_of(tmp_path / "AA.h5", "biased")
    p = inside.mean()
    assert found.left == pytest.approx(p / 2 / (1 - p / 2), abs=1e-9)
    kish = inside.size * (1 - p / 2) ** 2 / (1 - p * 3 / 4)
    assert found.kish == pytest.approx(kish)


def test_wrong_hands_cis_bonds_and_lengths_are_seen(tmp_path):
    random = np.random.default_rng(7)
    count = 16 * 20
    phi2, psi1 = random.uniform(-np.pi, np.pi, size=(2, count))
    omega = np.where(np.arange(count) % 40 == 3, 0.0, np.pi)  # 8 of them are cis
    positions = dipeptide(phi2, psi1, omega)
    positions[5:16] *= [1, 1, -1]  # 11 of them are D
    write_dipeptide(tmp_path / "AA.h5", positions, 16)
    found = convergence.convergence_of(tmp_path / "AA.h5", "train")
    assert (found.d_frames, found.cis_frames) == (11, 8)
    assert found.smallest_volume < -1e-3
    expected = {
        **{f"{name[0]}{k}-{name[1]}{k}": LENGTHS["-".join(name)] for k in (1, 2) for name in PAIRS},
        "C1-N2": LENGTHS["C-N"],
    }
    assert found.bond_means.keys() == expected.keys()
    for name, length in expected.items():
        assert found.bond_means[name] == pytest.approx(1000 * length, abs=1e-3)  # float32
        assert found.bond_deviations[name] < 1e-3


PAIRS = (("N", "CA"), ("CA", "CB"), ("CA", "C"), ("C", "O"))


def test_the_table_and_the_file_of_the_command(slow, tmp_path, monkeypatch, capsys):
    path, _, _ = slow
    data, output = path.parents[2], tmp_path / "table.csv"
    words = ["convergence.py", "--data", str(data), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", words)
    convergence.main()
    printed = capsys.readouterr().out
    assert "| sequence | tau phi2 (ps) |" in printed
    assert "D: 0 frames" in printed
    header, row = output.read_text().splitlines()
    values = dict(zip(header.split(","), row.split(","), strict=True))
    found = convergence.convergence_of(path, "test")
    assert float(values["left"]) == pytest.approx(found.left, rel=1e-5)
    assert float(values["N1-CA1_mean_pm"]) == pytest.approx(146, rel=1e-5)
    monkeypatch.setattr(sys, "argv", [*words[:2], str(tmp_path), *words[3:]])
    with pytest.raises(SystemExit, match="no finished run"):
        convergence.main()


def test_rows_of_runs_that_are_not_there_stay(slow, tmp_path, monkeypatch, capsys):
    path, _, _ = slow
    data, output = path.parents[2], tmp_path / "table.csv"
    monkeypatch.setattr(
        sys, "argv", ["convergence.py", "--data", str(data), "--output", str(output)]
    )
    convergence.main()
    lines = output.read_text().splitlines()
    other = lines[1].replace(f"test,{path.stem},", "train,WW,", 1)
    stale = lines[1].replace("146", "999")
    assert other != lines[1]
    assert stale != lines[1]
    output.write_text("\n".join([lines[0], stale, other]) + "\n")
    convergence.main()
    assert output.read_text().splitlines() == [lines[0], other, lines[1]]
    assert "1 runs as" in capsys.readouterr().err
    (row,) = convergence.read_csv(output)[:1]
    assert {**row.row(), "set": "test", "sequence": path.stem} == convergence.convergence_of(
        path, "test"
    ).row()


def test_references_are_counts_and_stay(slow, tmp_path):
    path, _, _ = slow
    output = tmp_path / "table.npz"
    counts = convergence.reference_of(path)
    convergence.write_references(output, {"WW": counts})
    convergence.write_references(output, {path.stem: counts})
    with np.load(output) as file:
        assert file.files == sorted(["WW", path.stem])
        assert file["WW"].shape == (64, 64)
        assert file[path.stem].sum() == len(read_frames(path))
        # psi1 is the second: its share of alpha is that of the run
        centres = -180 + 360 / 64 * (np.arange(64) + 0.5)
        alpha = file["WW"][:, (centres > -120) & (centres < 60)].sum() / file["WW"].sum()
    found = convergence.convergence_of(path, "test")
    # the bins at the two ends reach beyond it by less than half a bin each
    assert alpha == pytest.approx(found.alpha, abs=0.1)


def test_a_row_that_no_run_has_is_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("set,sequence\ntrain,WW\n")
    with pytest.raises(ValueError, match=r"table.csv: line 2: 'frames' is not what a run has"):
        convergence.read_csv(path)
