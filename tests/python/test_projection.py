"""python -m openmmscore.projection: the slowest of several motions is found; bad maps are named."""

import numpy as np
import pytest
from openmmscore.evaluate import main as evaluate
from openmmscore.evaluation.coordinates import Coordinates
from openmmscore.evaluation.ensembles import read_ensemble
from openmmscore.evaluation.projection import Projection, distances, read_projection, slowest
from openmmscore.projection import main

COPIES, FRAMES = 4, 5_000


def walks(coefficient, seed):
    """(copies, frames): stationary AR(1) processes of unit variance."""
    noise = np.random.default_rng(seed).standard_normal((FRAMES, COPIES))
    values = np.empty_like(noise)
    values[0] = noise[0]
    for k in range(1, FRAMES):
        values[k] = coefficient * values[k - 1] + np.sqrt(1 - coefficient**2) * noise[k]
    return values.T


@pytest.fixture(scope="module")
def motions():
    """(3, copies, frames): the slowest is the smallest."""
    return np.stack([walks(a, seed) for seed, a in enumerate((0.98, 0.9, 0.3))])


@pytest.fixture(scope="module")
def frames(motions):
    """(copies, frames, 4, 3): beads on a line that go on by .3 nm, the bonds are the motions."""
    bonds = 1 + np.array([0.01, 0.02, 0.05])[:, None, None] * motions
    positions = np.zeros((COPIES, FRAMES, 4, 3), np.float32)
    positions[..., 1:, 1] = np.moveaxis(bonds, 0, -1).cumsum(axis=-1)
    # turned and displaced anew in every frame: only distances matter
    turn, _ = np.linalg.qr(np.random.default_rng(5).standard_normal((COPIES, FRAMES, 3, 3)))
    return (positions @ turn + turn[..., :1, :]).astype(np.float32)


def test_the_slowest_motions_are_found_in_order(frames, motions):
    found = slowest(list(frames), lag=5, apart=1)
    for k in range(2):
        projected = np.array([found(run)[:, k] for run in frames])
        # of pairs of frames, each frame but the first and the last five twice: 2 lags of 5,000
        assert projected.mean() == pytest.approx(0, abs=4e-2)
        assert projected.std() == pytest.approx(1, abs=4e-2)
        # admixture of another motion: 1 / (difference of correlations at the lag, over .3) times
        # that of sampling, some sqrt(tau / 20,000) = .05
        correlation = np.corrcoef(projected.ravel(), motions[k].ravel())[0, 1]
        assert abs(correlation) > 0.98


def test_signs_do_not_depend_on_chance(frames):
    for lag in range(1, 7):  # whose signs would all be right by chance once in 2^12
        for vector in slowest([frames[0, :200]], lag, apart=1).vectors.T:
            assert vector[np.abs(vector).argmax()] > 0


def test_runs_are_not_joined(frames):
    """The same frames as one run differ at three joints, where frames 5 apart are strangers."""
    apart = slowest(list(frames), lag=5, apart=1)
    joined = slowest([frames.reshape(-1, 4, 3)], lag=5, apart=1)
    assert np.abs(apart.vectors - joined.vectors).max() > 1e-4 * np.abs(apart.vectors).max()
    # a run that is shorter than the lag says nothing
    more = slowest([*frames, frames[0, :5]], lag=5, apart=1)
    np.testing.assert_array_equal(more.vectors, apart.vectors)


def test_distances_by_hand():
    positions = np.array([[[0, 0, 0], [3, 4, 0], [3, 4, 12]]])
    np.testing.assert_allclose(distances(positions, [[0, 1], [1, 2], [0, 2]]), [[5, 12, 13]])
    projection = Projection(
        np.array([[0, 1], [0, 2]]), np.array([1.0, 3.0]), np.array([[2.0], [1]])
    )
    np.testing.assert_allclose(projection(np.repeat(positions, 7, axis=0)), [[18.0]] * 7)


@pytest.mark.parametrize("suffix", [".npy", ".h5"])
def test_the_map_of_the_data_is_applied_to_what_is_compared(frames, tmp_path, capsys, suffix):
    data, output = tmp_path / f"data{suffix}", tmp_path / "slow.npz"
    copy = np.repeat(np.arange(COPIES), FRAMES)
    if suffix == ".npy":
        np.save(data, frames.reshape(-1, 4, 3))
        np.save(tmp_path / "data_copy.npy", copy)
    else:
        import mdtraj
        from openmmscore.io import write_frames

        topology = mdtraj.Topology()
        residue = topology.add_residue("UNK", topology.add_chain())
        for k in range(4):
            topology.add_atom(f"C{k}", mdtraj.element.carbon, residue)
        times = np.tile(np.arange(FRAMES), COPIES)
        write_frames(data, frames.reshape(-1, 4, 3), topology, time_ps=times, copy=copy)
    assert main([str(data), "--lag", "5", "--output", str(output)]) == 0
    expected = slowest(list(frames), lag=5)
    found = read_projection(output)
    # to the float32 of the .h5 file and the rounding of sums in another order
    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=1e-6)
    coordinates = f"projection:{output}"
    values = read_ensemble(data, Coordinates.parse(coordinates)).values
    np.testing.assert_allclose(values, expected(frames.reshape(-1, 4, 3)), atol=1e-5)

    capsys.readouterr()
    run = ["--simulation", str(data), "--state", "fast:slow2:0:9", "--bins", "20"]
    words = [
        *run,
        "--coordinates",
        coordinates,
        "--output",
        str(tmp_path / "out"),
        "--data",
        str(data),
    ]
    assert evaluate(words) == 0
    assert "P(fast)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("data.npy --lag 0 --output a.npz", "lag is 0"),
        ("data.npy --lag 20 --output a.npz", "lag is 20"),
        ("data.npy --lag 1 --output a.npy", "a.npy: must end in .npz"),
        ("flat.npy --lag 1 --output a.npz", "flat.npy: positions of shape (20, 4, 2)"),
        ("two.npy --lag 1 --output a.npz", "2 beads have 0 distances"),
        ("still.npy --lag 1 --output a.npz", "fewer than 2 independent distances vary"),
        ("none.npy --lag 1 --output a.npz", "none.npy"),
    ],
)
def test_what_has_no_slow_motions_is_refused(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(1)
    np.save("data.npy", generator.standard_normal((20, 4, 3)))
    np.save("flat.npy", generator.standard_normal((20, 4, 2)))
    np.save("two.npy", generator.standard_normal((20, 2, 3)))
    np.save("still.npy", np.repeat(generator.standard_normal((1, 4, 3)), 20, axis=0))
    assert main(words.split()) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.ones((3, 1))}, "shapes"),
        ({"vectors": np.ones((2, 3))}, "shapes"),
        ({"pairs": np.zeros((2, 2))}, "integers"),
        ({"pairs": np.array([[0, 1], [-1, 2]])}, "from 0"),
        ({"mean": np.array([0, np.nan])}, "not finite"),
        (None, "mean"),
    ],
)
def test_a_map_that_is_none_is_named(tmp_path, change, message):
    parts = {"pairs": np.array([[0, 1], [0, 2]]), "mean": np.zeros(2), "vectors": np.ones((2, 1))}
    parts = {"pairs": parts["pairs"]} if change is None else parts | change
    np.savez(tmp_path / "map.npz", **parts)
    with pytest.raises(ValueError, match=r"map\.npz: no projection: .*" + message):
        read_projection(tmp_path / "map.npz")
    (tmp_path / "map.npz").write_text("no map")
    with pytest.raises(ValueError, match=r"map\.npz: no projection"):
        read_projection(tmp_path / "map.npz")


def test_a_bead_too_few_is_an_error():
    projection = Projection(np.array([[0, 4]]), np.zeros(1), np.ones((1, 1)))
    with pytest.raises(ValueError, match="bead 4"):
        projection(np.zeros((5, 4, 3)))
