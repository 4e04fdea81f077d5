"""score-sample's files, as MDTraj, NumPy and openmmscore read them."""

import subprocess

import mdtraj
import numpy as np
import pytest
from openmmscore.io import read_frames

SAMPLES = 37
STEPS = 6


@pytest.fixture
def score_sample(program):
    """Runs the program in the folder of `output`."""

    def run(model, output, *options):
        model_file = output.parent / "model.xml"
        model_file.write_text(model.to_xml(), encoding="utf-8")
        command = [program("score-sample"), "-n", str(SAMPLES), "--steps", str(STEPS)]
        command += ["-o", output.name, *options, model_file.name]
        subprocess.run(command, cwd=output.parent, check=True, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("name", ["model", "feature_model"])
def test_mdtraj_reads_what_is_written(name, request, tmp_path, score_sample):
    model = request.getfixturevalue(name)
    score_sample(model, tmp_path / "samples.h5")
    trajectory = mdtraj.load(str(tmp_path / "samples.h5"))
    assert trajectory.xyz.shape == (SAMPLES, len(model.beads), 3)
    assert trajectory.xyz.dtype == np.float32
    assert [atom.name for atom in trajectory.topology.atoms] == list(model.names)
    assert [a.residue.name for a in trajectory.topology.atoms] == [b.residue for b in model.beads]
    assert [a.residue.resSeq for a in trajectory.topology.atoms] == [
        bead.residue_index + 1 for bead in model.beads
    ]
    # Rounding positions to float moves their mean by no more than the largest of them.
    most = np.abs(trajectory.xyz).max()
    np.testing.assert_allclose(trajectory.xyz.mean(1, dtype=np.float64), 0, atol=most * 2**-24)


def test_elements_are_those_of_the_masses(model, tmp_path, score_sample):
    score_sample(model, tmp_path / "samples.h5")
    topology = mdtraj.load(str(tmp_path / "samples.h5")).topology
    assert [atom.element.symbol for atom in topology.atoms] == ["C", "N", "C", "VS", "N"]


def test_frames_have_their_log_density_and_their_origin(model, tmp_path, score_sample):
    h5py = pytest.importorskip("h5py")
    options = ["--solver", "euler-maruyama", "--seed", "12345678901"]
    score_sample(model, tmp_path / "samples.h5", *options)
    frames = read_frames(tmp_path / "samples.h5")
    assert frames.positions.shape == (SAMPLES, 5, 3)
    assert not frames.log_weights.any()
    assert {key: frames.attributes[key] for key in ("model", "solver", "steps", "seed")} == {
        "model": "model.xml",
        "solver": "euler-maruyama",
        "steps": STEPS,
        "seed": 12345678901,
    }
    assert frames.attributes["temperature_k"] == 300.0
    with h5py.File(tmp_path / "samples.h5") as file:
        log_density = file["log_density"][:]
    energies, _ = model.energy_and_score(frames.positions, precision="single")
    np.testing.assert_array_equal(log_density, -energies)


def test_numpy_reads_toys(toy, tmp_path, score_sample):
    score_sample(toy, tmp_path / "samples.npy")
    positions = np.load(tmp_path / "samples.npy")
    assert positions.shape == (SAMPLES, 1, 2)
    assert positions.dtype == np.float32
    energies, _ = toy.energy_and_score(positions, precision="single")
    np.testing.assert_array_equal(np.load(tmp_path / "samples.log_density.npy"), -energies)


def test_both_formats_hold_the_same_samples(mixed_model, tmp_path, score_sample):
    score_sample(mixed_model, tmp_path / "samples.h5")
    score_sample(mixed_model, tmp_path / "samples.npy")
    np.testing.assert_array_equal(
        read_frames(tmp_path / "samples.h5").positions, np.load(tmp_path / "samples.npy")
    )


def test_samples_do_not_take_a_simulations_name(toy, tmp_path, score_sample):
    """Else its copies would be taken for theirs."""
    frames, copies = tmp_path / "run.npy", tmp_path / "run_copy.npy"
    np.save(frames, np.zeros((4, 1, 2)))
    np.save(copies, np.array([0, 0, 1, 1]))
    before = frames.read_bytes()
    with pytest.raises(subprocess.CalledProcessError) as failure:
        score_sample(toy, frames)
    assert f"copies are in {copies.name}" in failure.value.stderr
    assert frames.read_bytes() == before
    assert sorted(tmp_path.glob("run*")) == [frames, copies]
