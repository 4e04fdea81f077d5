"""python -m openmmscore.replica_exchange."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmmscore.replica_exchange import main
from openmmscore.sampling import ReplicaExchange


def command(model_file, output, *more):
    short = "--copies 3 --time .1 --equilibration .05 --steps 5 --platform Reference --ladder"
    return main([str(model_file), "--output", str(output), *short.split(), *more])


def test_the_command_writes_the_frames_of_the_target(model_file, model, tmp_path, capsys):
    h5py = pytest.importorskip("h5py")
    from openmmscore.io import read_frames

    output = tmp_path / "run.h5"
    assert command(model_file, output, "1e-5,.1,.3") == 0
    assert "Acceptance: " in capsys.readouterr().out
    frames = read_frames(output)
    assert frames.positions.shape == (30, 5, 3)
    states = [{"ScoreForceDiffusionTime": t} for t in (1e-5, 0.1, 0.3)]
    exchange = ReplicaExchange.from_model(model, states, 3, steps=5, platform="Reference")
    expected = exchange.run(0.1, 0.05).positions.swapaxes(0, 1).reshape(30, 5, 3)
    expected = expected - expected.mean(axis=1, keepdims=True)
    assert_allclose(frames.positions, expected, atol=1e-6)
    assert [atom.name for atom in frames.topology.atoms] == list(model.names)
    assert_array_equal(frames.attributes["ladder"], [1e-5, 0.1, 0.3])
    with h5py.File(output) as file:
        assert_array_equal(file["copy"], np.repeat(np.arange(3), 10))
    assert_allclose(frames.time_ps[:10], 0.01 * np.arange(1, 11), rtol=1e-6)

    again = tmp_path / "again.npy"
    assert command(model_file, again, "1e-5,.1,.3", "--start", str(output)) == 0
    assert np.load(again).shape == (30, 5, 3)


def test_the_interval_of_the_command_is_in_time_steps(model_file, tmp_path):
    """Rounded up to whole sweeps of 5: 15 of 50 steps, 3 frames of each of 3 copies."""
    from openmmscore.io import read_frames

    output = tmp_path / "run.h5"
    assert command(model_file, output, "1e-5,.1", "--interval", "11") == 0
    assert_allclose(read_frames(output).time_ps, np.tile([0.03, 0.06, 0.09], 3), rtol=1e-6)


def test_the_command_takes_toys(toy, tmp_path, capsys):
    toy.save(tmp_path / "toy.xml")
    np.save(tmp_path / "start.npy", [[[2.0, -3.0]]])
    output = tmp_path / "run.npy"
    start = ["--start", str(tmp_path / "start.npy")]
    assert command(tmp_path / "toy.xml", output, "1,.5", "--parameter", "scale", *start) == 0
    positions = np.load(output)
    assert positions.shape == (30, 1, 2)
    # A particle of 1 dalton at 300 K moves 1.6 nm/ps: less than 1 nm in .15 ps.
    assert np.linalg.norm(positions - [2.0, -3.0], axis=-1).max() < 1
    assert_array_equal(np.load(tmp_path / "run_copy.npy"), np.repeat(np.arange(3), 10))
    assert command(tmp_path / "toy.xml", tmp_path / "run.h5", "1,.5") == 1
    assert "2 dimensions writes .npy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1e-5,abc"], "--ladder is '1e-5,abc'"),
        (["1e-5,1.5"], "diffusion time 1.5"),
        (["auto", "--end", "1.5"], "1.5: must rise, and the model has an energy from 0 to 1"),
        (["auto", "--parameter", "scale", "--end", "2"], "--end is 2"),
        (["auto", "--acceptance", "nan"], "--acceptance is nan"),
        (["auto", "--states", "1"], "--states is 1"),
        (["1e-5,.1", "--states", "3"], "--states is for an automatic ladder"),
        (["1,-5", "--parameter", "scale"], "an energy scale must be positive"),
        (["1e-5,.1", "--seed", str(2**63)], f"seed is {2**63}"),
        (["1e-5,.1", "--copies", "0"], "copies is 0"),
        (["1e-5,.1", "--steps", "0"], "steps is 0"),
        (["1e-5,.1", "--interval", "0"], "interval is 0"),
        (["1e-5,.1", "--start", "nowhere.npy"], "nowhere.npy"),
    ],
)
def test_the_command_says_what_is_wrong(model_file, tmp_path, capsys, words, message):
    output = tmp_path / "run.npy"
    assert command(model_file, output, *words) == 1
    assert message in capsys.readouterr().err
    assert not output.exists()
