"""Molecules that have fallen apart, and kinetic temperatures that are wrong, are named, and end a
command with a status of their own."""

import math
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from openmm import unit
from openmmscore import DataRange, Model, replica_exchange, simulate
from openmmscore.model.reach import BrokenMoleculeError, Reach
from openmmscore.sampling import ReplicaExchange, choose_ladder, dynamics
from openmmscore.sampling.run_output import RunOutput
from openmmscore.sampling.watch import Watch

from .double_well import draws, evaluate, save, save_walk, walk
from .test_resume import MAINS, killed_when_saved, words

STATUS = BrokenMoleculeError.status

EXAMPLE = Path(__file__).parents[2] / "examples/alanine_dipeptide"
BOLTZMANN = 0.00831446261815324
SHORT = ["--copies", "3", "--time", ".04", "--platform", "Reference"]


def with_range(model, neighbours, centre):
    element = f'<Range neighbours="{neighbours}" centre="{centre}"/>'
    return Model.from_xml(model.to_xml().replace("</Beads>", f"</Beads>{element}", 1))


@pytest.fixture
def tight_file(model, tmp_path):
    """Half of the model's frame: twice the range is just reached by it."""
    path = tmp_path / "tight.xml"
    reach = Reach.of_frames(model.frame._value[None], centred=True)
    with_range(model, reach.neighbours / 2.001, reach.centre).save(path)
    return path


@pytest.fixture
def wide_file(model, tmp_path):
    path = tmp_path / "wide.xml"
    with_range(model, 1e3, 1e3).save(path)
    return path


def run_simulate(model_file, output, *more):
    words = [*SHORT, "--equilibration", "0", "--interval", "5", *more]
    return simulate.main([str(model_file), "--output", str(output), *words])


def run_exchange(model_file, output, *more):
    words = [*SHORT, "--equilibration", "0", "--steps", "5", "--ladder", "1e-5,1e-4", *more]
    return replica_exchange.main([str(model_file), "--output", str(output), *words])


def test_a_model_states_its_range(model, tmp_path):
    assert model.range is None
    stated = with_range(model, 0.25, 0.5)
    expected = DataRange(0.25 * unit.nanometer, 0.5 * unit.nanometer)
    stated.save(tmp_path / "model.xml.gz")
    for other in (stated, pickle.loads(pickle.dumps(stated)), Model(tmp_path / "model.xml.gz")):
        assert other.range == expected


def test_the_limit_is_twice_the_range_and_the_noise_of_the_time(model):
    """sigma^2 = 1 - exp(-(.1 t + 9.95 t^2)), the scale .1 nm."""
    stated = with_range(model, 0.25, 0.5)
    for time in (1e-5, 0.01, 0.5):
        noise = 6 * 0.1 * math.sqrt(1 - math.exp(-(0.1 * time + 9.95 * time**2)))
        limit = Reach.of_model(stated, time)
        assert limit is not None
        assert_allclose(limit.neighbours, 0.5 + math.sqrt(2) * noise, rtol=1e-9)
        assert_allclose(limit.centre, 1.0 + noise, rtol=1e-9)
    assert Reach.of_model(model) is None


def test_distances_are_those_of_neighbours_and_from_the_centre():
    structure = np.array([[5.0, 6, 7], [5, 9, 7], [5, 9, 11]])
    reach = Reach.of_frames(structure[None], centred=True)
    assert_allclose(reach.neighbours, 4)
    assert_allclose(reach.centre, np.linalg.norm(structure - structure.mean(0), axis=1).max())
    assert_allclose(Reach.of_frames(structure[None], centred=False).centre, math.sqrt(227))
    assert "beads 1 and 2 are 4 nm apart, the limit is 3.5 nm" in Reach(3.5, 9).describe(
        structure, True
    )
    assert "bead 2 is 2.848 nm from the centre" in Reach(9, 1).describe(structure, True)
    assert Reach(3.5, 9).beyond(structure, True)
    assert not Reach(4.5, 9).beyond(structure, True)
    assert Reach(4.5, 2.8).beyond(structure, True)


@pytest.mark.parametrize("run", [run_simulate, run_exchange])
def test_commands_name_the_copy_the_step_and_the_distance(run, tight_file, tmp_path, capsys):
    output = tmp_path / "run.npy"
    assert run(tight_file, output) == STATUS
    message = capsys.readouterr().err
    assert "error: copy " in message
    assert "has fallen apart at step 5: beads " in message
    assert " nm apart, the limit is " in message
    assert not output.exists()
    assert run(tight_file, output, "--allow-broken") == 0
    assert "warning: copy " in capsys.readouterr().err
    assert len(np.load(output)) > 0


def test_a_chain_may_unfold_and_the_message_says_so(model, capsys):
    """Data that know it only folded do not tell how long it is."""
    folded = with_range(model, 0.4, 0.3)
    chain = np.zeros((1, 5, 3))
    chain[0, :, 0] = 0.38 * np.arange(5)
    watch = Watch(folded, 300, 1, 0.002)
    with pytest.raises(BrokenMoleculeError, match=r"unfolded \(--allow-broken goes on\)"):
        watch.positions(7, chain)
    watch.allow = True
    watch.positions(7, chain)
    assert "warning: copy 0 has fallen apart at step 7: bead 0 is" in capsys.readouterr().err


@pytest.mark.parametrize("run", [run_simulate, run_exchange])
def test_the_equilibration_is_watched(run, tight_file, tmp_path, capsys):
    assert run(tight_file, tmp_path / "run.npy", "--equilibration", ".04") == STATUS
    assert "has fallen apart at step 5: " in capsys.readouterr().err
    assert not list(tmp_path.glob("run*"))


def test_the_pilot_run_is_watched(tight_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        replica_exchange, "choose_ladder", lambda *a, **k: choose_ladder(*a, time=0.04, **k)
    )
    monkeypatch.delattr(RunOutput, "open")  # whoever gets there fails
    words = ["--ladder", "auto", "--end", ".1", "--states", "3"]
    assert run_exchange(tight_file, tmp_path / "run.npy", *words) == STATUS
    message = capsys.readouterr().err
    assert "at ScoreForceDiffusionTime 1e-05 has fallen apart at step 5: " in message


@pytest.mark.parametrize("run", ["simulate", "replica_exchange"])
def test_a_resumed_run_is_judged_as_a_whole(run, wide_file, tmp_path, monkeypatch):
    """By the same mean of the same number of looks, and the same error."""
    told = []

    def finish(watch):
        told.append({name: values.tolist() for name, values in watch.state().items()})

    monkeypatch.setattr(Watch, "finish", finish)
    more = ("--friction", "100", "--allow-broken")
    assert MAINS[run](words(run, wide_file, tmp_path / "whole.npy", *more)) == 0
    arguments = words(run, wide_file, tmp_path / "part.npy", *more)
    killed_when_saved(monkeypatch, run, arguments, 40)
    assert MAINS[run]([*arguments, "--resume"]) == 0
    assert told[0]["kinetic_steps"][0] > 20
    assert told[1] == told[0]


@pytest.mark.parametrize("run", [run_simulate, run_exchange])
def test_what_stays_within_the_range_is_no_matter(run, wide_file, model_file, tmp_path, capsys):
    """Nor is a model that does not state one."""
    for path in (wide_file, model_file):
        assert run(path, tmp_path / "run.npy") == 0
        assert "fallen apart" not in capsys.readouterr().err


def test_states_of_an_exchange_are_named(model):
    watch = Watch(with_range(model, 0.1, 9), 300, 1, 0.002)
    positions = np.zeros((2, 5, 3))
    positions[1, 2:, 1] = 0.5
    with pytest.raises(BrokenMoleculeError, match=r"copy 1 at ScoreForceDiffusionTime 0.01 has"):
        watch.positions(7, positions, {"ScoreForceDiffusionTime": 0.01})
    watch.positions(7, positions, {"ScoreForceDiffusionTime": 0.5})  # noise of .06 nm a coordinate


def watched(model, factor, copies=50, frames=40, allow=False):
    """The kinetic temperature of independent velocities of factor times 300 K, a ps apart."""
    watch = Watch(model, 300.0, 1.0, 0.01, allow=allow)
    random = np.random.default_rng(5)
    masses = model.masses._value[:, None]
    for frame in range(frames):
        velocities = random.normal(size=(copies, len(model.beads), 3)) * np.sqrt(
            factor * 300 * BOLTZMANN / np.where(masses > 0, masses, np.inf)
        )
        watch.velocities(1000 + 100 * frame, velocities)
    watch.finish()


def test_the_kinetic_temperature_is_held_against_its_error(model, capsys):
    """With 2,000 independent sets of 5 beads an error of .8 %; allowed are 5 of them and 3 %."""
    error = math.sqrt(2 / (3 * np.count_nonzero(model.masses._value) * 50 * 39))
    for factor in (1.0, 1.055, 0.945):  # more than 5 errors, less than with the 3 %
        watched(model, factor)
    for factor in (1 + 0.03 + 9 * error, 1 - 0.03 - 9 * error):
        with pytest.raises(BrokenMoleculeError, match="the kinetic temperature is"):
            watched(model, factor)
        watched(model, factor, allow=True)
        assert "warning: the kinetic temperature is" in capsys.readouterr().err
        watched(model, factor, copies=2, frames=2)  # which says nothing


def test_velocities_that_have_not_forgotten_their_start_do_not_count(model):
    watch = Watch(model, 300.0, 1.0, 0.01)
    watch.velocities(400, np.full((10, 5, 3), 100.0))
    watch.finish()


def test_the_command_finds_a_wrong_temperature(wide_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dynamics, "_velocities", lambda state: np.full((15, 3), 10.0))
    words = ["--friction", "1000"]
    assert run_simulate(wide_file, tmp_path / "run.npy", *words) == STATUS
    assert "error: the kinetic temperature is" in capsys.readouterr().err
    assert (tmp_path / "run.npy.checkpoint").is_file()  # to be finished all the same
    assert run_simulate(wide_file, tmp_path / "run.npy", *words, "--allow-broken", "--resume") == 0


def test_the_exchange_finds_a_wrong_temperature(model, monkeypatch):
    states = [{"ScoreForceDiffusionTime": t} for t in (1e-5, 1e-4)]
    exchange = ReplicaExchange.from_model(
        model, states, 3, steps=5, platform="Reference", friction=1000.0
    )
    monkeypatch.setattr(exchange, "_velocities", lambda: np.full((2, 3, 5, 3), 10.0))
    with pytest.raises(BrokenMoleculeError, match="the kinetic temperature is"):
        exchange.run(0.04, exchange=False, watch=Watch(model, 300.0, 1000.0, 0.002))


def test_a_time_step_that_is_too_long_is_found(tmp_path, capsys):
    """The example's model holds its molecule together at 2 fs, and not at 6."""
    model_file = EXAMPLE / "model.xml.gz"
    words = ["--copies", "8", "--time", "6", "--equilibration", "0", "--interval", "50"]
    words += ["--output", str(tmp_path / "run.npy"), "--threads", "1"]
    assert simulate.main([str(model_file), "--timestep", ".006", *words]) == STATUS
    assert "has fallen apart at step " in capsys.readouterr().err
    words[3], words[-3] = ".5", str(tmp_path / "good.npy")
    assert simulate.main([str(model_file), "--timestep", ".002", *words]) == 0


def test_evaluate_names_frames_that_have_fallen_apart(tmp_path, capsys):
    data = save(tmp_path / "data.npy", draws(3000, 1))
    walks = walk(20, 200, 2)
    walks[3, 7] = 40.0
    run = save_walk(tmp_path / "run.npy", walks)
    words = ["--simulation", run]
    assert evaluate(data, tmp_path / "out", *words) == STATUS
    message = capsys.readouterr().err
    assert "run.npy: 1 of 4000 frames are of a molecule that has fallen apart" in message
    assert "the first is frame 607 of copy 3: bead 0 is 40 nm from the origin" in message
    assert not (tmp_path / "out").exists()
    limits = ["--limits=-2:2"]
    assert evaluate(data, tmp_path / "out", *words, *limits, "--allow-broken") == 0
    assert "warning: " in capsys.readouterr().err


def test_evaluate_takes_one_broken_sample_in_a_thousand(tmp_path, capsys):
    data = save(tmp_path / "data.npy", draws(3000, 1))
    values = draws(3000, 2)
    for broken, status in ((0, 0), (3, 0), (4, STATUS)):
        values[:broken] = -9.0
        samples = save(tmp_path / "samples.npy", values)
        assert evaluate(data, tmp_path / "out", "--samples", samples, "--limits=-2:2") == status
        assert (f"{broken} of 3000 frames" in capsys.readouterr().err) == (broken > 0)


def test_score_sample_counts_samples_outside(model, program, tmp_path):
    pytest.importorskip("h5py")
    options = ["-n", "20", "--steps", "5", "-o", "samples.npy", "model.xml"]
    for stated, count in ((with_range(model, 1e-3, 1e3), 20), (with_range(model, 1e3, 1e3), 0)):
        stated.save(tmp_path / "model.xml")
        run = subprocess.run(
            [program("score-sample"), *options], cwd=tmp_path, capture_output=True, text=True
        )
        assert run.returncode == 0
        assert ("20 of them reach beyond 2 times the range" in run.stdout) == (count > 0)
