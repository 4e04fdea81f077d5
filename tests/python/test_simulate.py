"""python -m openmmscore.simulate: where copies start, what is written of them, and what is refused
before anything runs."""

import itertools
import math
import signal
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from openmmscore import Model, create_system, simulate
from openmmscore.io.frame_file import FrameFile, Shape
from openmmscore.sampling import create_context, dynamics
from openmmscore.sampling import run as run_module
from openmmscore.sampling import simulate as run_context
from openmmscore.sampling.copies import read_starts
from openmmscore.simulate import main

from .conftest import Expert, ModelText

KT_300 = 0.00831446261815324 * 300
TIMESTEP = 0.002
STEPS = "--copies 3 --time .04 --equilibration .02 --interval 5 --platform Reference"  # 20 and 10


def command(model_file, output, *more):
    return main([str(model_file), "--output", str(output), *STEPS.split(), *map(str, more)])


def beside(stem):
    """The files of a run that is finished."""
    return [f"{stem}{end}" for end in (".npy", "_copy.npy", "_run.json")]


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def positions_of(context):
    return context.getState(positions=True).getPositions(asNumpy=True)._value


@pytest.fixture(scope="module")
def toy_file(toy, tmp_path_factory):
    """Of one particle in two dimensions."""
    path = tmp_path_factory.mktemp("toys") / "toy.xml"
    toy.save(path)
    return path


@pytest.fixture(scope="module")
def line_file(toy_weights, tmp_path_factory):
    """Of one particle in one dimension: the toy's network without the second coordinate."""
    weights = toy_weights | {"layer.0.weight": np.delete(toy_weights["layer.0.weight"], 1, axis=0)}
    text = ModelText(
        names=["X"],
        residues=["TOY"],
        residue_indices=[0],
        masses=[1.0],
        frame=np.array([[0.3]]),
        experts=[Expert("mlp", "energy", 6, 2, weights)],
        dimensions=1,
        centred=0,
        scale=1.0,
    )
    path = tmp_path_factory.mktemp("lines") / "line.xml"
    path.write_text(text.xml(), encoding="utf-8")
    return path


@pytest.fixture
def interrupt(monkeypatch):
    """Ctrl-C, or another signal, when so many steps have been done."""

    def at(step, number=signal.SIGINT):
        class Interrupting:
            def __init__(self, *_: Any, **__: Any) -> None:
                pass

            def update(self, done: int) -> None:
                if done == step:
                    signal.raise_signal(number)

            def close(self) -> None:
                pass

        monkeypatch.setattr(run_module, "Progress", Interrupting)

    return at


# Where copies start


def test_all_copies_start_in_one_structure_with_velocities_of_their_own(model):
    context = create_context(model, 4, platform="Reference")
    assert_array_equal(positions_of(context).reshape(4, 5, 3), [model.frame._value] * 4)
    velocities = context.getState(velocities=True).getVelocities(asNumpy=True)._value
    assert len(np.unique(velocities)) == velocities.size


@pytest.mark.parametrize("word", ["start.npy:1", "start.npy:-2", "start:2.npy"])
def test_all_copies_start_in_the_frame_asked_for(model_file, model, rng, tmp_path, word):
    frames = model.frame._value + 0.01 * rng.standard_normal((3, 5, 3))
    np.save(tmp_path / "start.npy", frames)
    np.save(tmp_path / "start:2.npy", frames[[1, 0]])  # a name that looks like one with a number
    seen = []

    def create(own, copies, start, **settings):
        context = create_context(own, copies, start=start, **settings)
        seen.append(positions_of(context).reshape(copies, 5, 3))
        return context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "create_context", create)
        assert command(model_file, tmp_path / "run.npy", "--start", tmp_path / word) == 0
    assert_array_equal(seen, [[frames[1]] * 3])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_copies_may_start_in_frames_of_their_own(model, rng, tmp_path, frames):
    structures = model.frame._value + 0.01 * rng.standard_normal((frames, 5, 3))
    np.save(tmp_path / "start.npy", structures)
    starts = read_starts(f"{tmp_path / 'start.npy'}:each", model, 3)
    context = create_context(model, 3, start=starts, platform="Reference")
    expected = structures[np.arange(3) % frames]
    assert_array_equal(positions_of(context).reshape(3, 5, 3), expected)
    structures[-1, 2, 1] = math.nan
    np.save(tmp_path / "start.npy", structures)
    with pytest.raises(
        ValueError, match=f"frame {frames - 1} .from 0. has a position that is not finite"
    ):
        read_starts(f"{tmp_path / 'start.npy'}:each", model, 3)
    with pytest.raises(ValueError, match=r"shape \(2, 5, 3\), neither \(5, 3\) nor \(3, 5, 3\)"):
        create_context(model, 3, start=starts[:2], platform="Reference")


# What is written


def test_frames_are_written_copy_after_copy(model_file, model, tmp_path):
    h5py = pytest.importorskip("h5py")
    from openmmscore.io import read_frames

    output = tmp_path / "run.h5"
    assert command(model_file, output) == 0
    context = create_context(model, 3, platform="Reference")
    integrator = context.getIntegrator()
    integrator.step(10)
    frames = []
    for _ in range(4):
        integrator.step(5)
        frames.append(positions_of(context).reshape(3, 5, 3))
    expected = np.array(frames).swapaxes(0, 1).reshape(12, 5, 3)
    expected -= expected.mean(axis=1, keepdims=True)
    found = read_frames(output)
    assert_array_equal(found.positions, expected.astype(np.float32))
    assert [atom.name for atom in found.topology.atoms] == list(model.names)
    assert_allclose(found.time_ps, np.tile(5 * TIMESTEP * np.arange(1, 5), 3), rtol=1e-6)
    with h5py.File(output) as file:
        assert_array_equal(file["copy"], np.repeat(np.arange(3), 4))


def test_weights_stand_with_their_frames(model, tmp_path):
    h5py = pytest.importorskip("h5py")
    from openmmscore.io import read_frames

    frames, copies = 5, 3
    number = np.arange(frames * copies).reshape(frames, copies)  # of a frame of a copy
    positions = np.zeros((frames, copies, len(model.beads), 3), np.float32)
    positions[..., 0] = number[..., None]
    positions[..., 1] = np.arange(len(model.beads))
    times = 0.5 * np.arange(1, frames + 1)
    path = tmp_path / "weighted.h5"
    shape = Shape(5, 3, create_system(model)[1], frames, copies, 0.5, weighted=True)
    file = FrameFile(path, shape, {})
    file.begin()
    for k in reversed(range(frames)):
        file.write(k, positions[k], -number[k].astype(float))
    file.finish()
    found = read_frames(path)
    assert_array_equal(found.positions[:, 0, 0], number.T.ravel())
    assert_array_equal(found.log_weights, -number.T.ravel())
    assert_allclose(found.time_ps, np.tile(times, copies))
    with h5py.File(path) as file:
        assert_array_equal(file["copy"][:], np.repeat(np.arange(copies), frames))
    with pytest.raises(ValueError, match=r"weighted\.npy: must end in \.h5"):
        FrameFile(path.with_suffix(".npy"), shape, {})
    assert not path.with_suffix(".npy").exists()


def test_the_file_says_what_was_done(model_file, tmp_path):
    pytest.importorskip("h5py")
    from openmmscore.io import read_frames

    output = tmp_path / "run.h5"
    words = "--scale .5 --diffusion-time .01 --seed 7 --friction 2"
    assert command(model_file, output, *words.split()) == 0
    attributes = read_frames(output).attributes
    expected = {
        "model": str(model_file),
        "start": "the model's frame",
        "copies": 3,
        "temperature_k": 300,
        "scale": 0.5,
        "diffusion_time": 0.01,
        "timestep_ps": TIMESTEP,
        "friction_per_ps": 2,
        "platform": "Reference",
        "seed": 7,
    }
    assert {name: attributes[name] for name in expected} == expected
    assert_allclose(attributes["equilibration_ps"], 0.02, rtol=1e-12)
    assert_allclose(attributes["production_ps"], 0.04, rtol=1e-12)
    assert_allclose(attributes["frame_interval_ps"], 0.01, rtol=1e-12)


def test_the_evaluation_knows_what_was_done(toy_file, model_file, tmp_path):
    pytest.importorskip("h5py")
    pytest.importorskip("mdtraj")
    from openmmscore.evaluation.coordinates import Coordinates
    from openmmscore.evaluation.ensembles import read_ensemble

    dihedral = Coordinates.parse("dihedrals:0-1-2-3")
    for file, name, coordinates in (
        (toy_file, "run.npy", Coordinates.parse("xy")),
        (model_file, "run.npy", dihedral),
        (model_file, "run.h5", dihedral),
    ):
        assert command(file, tmp_path / name) == 0
        found = read_ensemble(tmp_path / name, coordinates)
        assert found.interval_ps == pytest.approx(5 * TIMESTEP, rel=1e-5)  # times are float32
        assert found.equilibration_ps == pytest.approx(10 * TIMESTEP, rel=1e-12)
        assert found.temperature_k == pytest.approx(Model(file).temperature._value, rel=1e-12)
        assert found.series().shape[:2] == (3, 4)


@pytest.mark.parametrize("suffix", [".h5", ".npy"])
def test_a_seed_decides_the_bytes(model_file, tmp_path, suffix):
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "same", "other")]
    for file, seed in zip(files, (3, 3, 4), strict=True):
        assert command(model_file, file, "--seed", seed) == 0
    one, same, other = (file.read_bytes() for file in files)
    assert one == same
    assert one != other


# What is simulated


def test_scale_and_diffusion_time_reach_the_context(model):
    frame = np.array(model.frame._value)
    for scale, time in ((1.0, 1e-5), (0.5, 0.2), (-2.0, 0.7)):
        settings: dict[str, Any] = {"scale": scale, "diffusion_time": time}
        context = create_context(model, 3, platform="Reference", **settings)
        energy = context.getState(energy=True).getPotentialEnergy()._value
        expected = 3 * scale * KT_300 * model.energy_and_score(frame, time)[0]
        assert_allclose(energy, expected, rtol=1e-12)


def test_without_a_force_copies_diffuse_as_langevin_dynamics_does(toy):
    """<x^2> = 2 kT/(m g^2) (g t - 1 + exp(-g t)) for each of the 2 x 500 coordinates.

    The variance of N normal numbers has the relative error sqrt(2/N), 4.5 %; the integrator's own
    is of the order (g dt)^2/12, below .1 %. Velocities start with kT/m in 3 x 500.
    """
    friction, timestep, steps = 5.0, 0.01, 50
    settings: dict[str, Any] = {"scale": 0.0, "friction": friction, "timestep": timestep}
    context = create_context(toy, 500, platform="Reference", **settings)
    velocities = context.getState(velocities=True).getVelocities(asNumpy=True)._value
    assert_allclose((velocities**2).mean(), KT_300, rtol=4 * math.sqrt(2 / velocities.size))
    run = run_context(context, toy, 1, interval=steps)
    x = run.positions - toy.frame._value
    gt = friction * timestep * steps
    expected = 2 * KT_300 / friction**2 * (gt - 1 + math.exp(-gt))
    assert_allclose((x**2).mean(), expected, rtol=4 * math.sqrt(2 / x.size))


def test_threads_are_those_asked_for(model):
    context = create_context(model, 2, threads=3)
    assert context.getPlatform().getPropertyValue(context, "Threads") == "3"


# Toy models


def test_toys_write_the_dimensions_they_have(toy_file, line_file, tmp_path):
    for file, dimensions in ((toy_file, 2), (line_file, 1)):
        output = tmp_path / f"run{dimensions}.npy"
        assert command(file, output) == 0
        positions = np.load(output)
        assert positions.shape == (12, 1, dimensions)
        start = Model(file).frame._value
        # A particle of 1 dalton at 300 K moves 1.6 nm/ps: .1 nm in .06 ps.
        assert 0 < np.abs(positions - start).max() < 1
        assert_array_equal(
            np.load(tmp_path / f"run{dimensions}_copy.npy"), np.repeat(np.arange(3), 4)
        )


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_unused_dimensions_have_no_force_and_no_influence(toy_file, line_file, platform):
    """Places and velocities there, however far and fast, change not one bit elsewhere."""
    for file in (toy_file, line_file):
        model = Model(file)
        used, unused = np.split(np.arange(3), [model.dimensions])
        runs = []
        for far in (0.0, 1e3):
            start = np.zeros((1, 3))
            start[:, used] = model.frame._value
            start[:, unused] = far
            context = create_context(model, 4, start=start, platform=platform, threads=None)
            state = context.getState(forces=True, velocities=True)
            forces = state.getForces(asNumpy=True)._value
            assert (forces[:, unused] == 0).all()
            assert (forces[:, used] != 0).all()
            velocities = np.array(state.getVelocities(asNumpy=True)._value)
            velocities[:, unused] += far
            context.setVelocities(velocities)
            runs.append(run_context(context, model, 4, interval=5))
        assert_array_equal(runs[0].positions, runs[1].positions)


# How a run ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_keeps_the_frames_that_there_are(
    model_file, tmp_path, capsys, interrupt, number
):
    whole, part = tmp_path / "whole.npy", tmp_path / "part.npy"
    assert command(model_file, whole) == 0
    interrupt(at := 20, number)  # two frames after equilibration
    assert command(model_file, part) == 130
    frames = (at - 10) // 5
    expected = np.load(whole).reshape(3, 4, 5, 3)[:, :frames].reshape(-1, 5, 3)
    assert_array_equal(np.load(part), expected)
    assert_array_equal(np.load(tmp_path / "part_copy.npy"), np.repeat(np.arange(3), frames))
    assert "Interrupted\n" in capsys.readouterr().out
    more = ["part.npy.checkpoint", "part.npy.unfinished"]
    assert names(tmp_path) == sorted([*beside("part"), *beside("whole"), *more])


def test_interruption_before_the_first_frame_leaves_a_run_to_resume(
    model_file, tmp_path, capsys, interrupt
):
    interrupt(10)
    assert command(model_file, tmp_path / "run.npy") == 130
    assert "before the first frame; --resume goes on" in capsys.readouterr().err
    left = ["run.npy.checkpoint", "run.npy.unfinished", "run_run.json.unfinished"]
    assert names(tmp_path) == left


def test_a_limit_on_time_leaves_two_frames(model, monkeypatch):
    """A clock that ticks once a look, of which there is one before every advance of 10 steps."""
    ticks = itertools.count()
    monkeypatch.setattr(
        run_module, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    )
    context = create_context(model, 2, platform="Reference")
    settings: dict[str, Any] = {"interval": 10, "equilibration": 1000}
    run = run_context(context, model, 50, time_limit_s=10, **settings)
    assert run.stopped_early
    assert not run.interrupted
    assert_allclose(run.equilibration_ps, 2 * 10 * TIMESTEP)  # of 3 looks, the last says stop
    assert len(run.positions) == 2 + 4  # the clock stands at 6 after two frames, and stops at 10
    run = run_context(context, model, 50, time_limit_s=1, **settings)
    assert len(run.positions) == 2


def test_the_run_does_not_depend_on_how_often_it_looks_at_the_clock(model, monkeypatch):
    runs = []
    for number in (7, 10, 1000):
        monkeypatch.setattr(dynamics, "_STEPS_AT_ONCE", number)
        context = create_context(model, 2, threads=1)
        runs.append(run_context(context, model, 3, interval=25, equilibration=3).positions)
    assert_array_equal(runs[0], runs[1])
    assert_array_equal(runs[0], runs[2])


def test_positions_that_are_not_finite_are_an_error(model):
    context = create_context(model, 2, platform="Reference", scale=0.0)
    velocities = np.zeros((10, 3))
    velocities[7] = math.inf
    context.setVelocities(velocities)
    with pytest.raises(ValueError, match="copy 1 has a position that is not finite at step 1"):
        run_context(context, model, 1, interval=1)
