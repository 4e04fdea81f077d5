"""openmmscore.frames: MDTraj's HDF5 layout, with weights, written whole or not at all."""

import json
import resource
import signal

import h5py
import mdtraj
import numpy as np
import pytest
from openmmscore.frames import read_frames, write_frames


@pytest.fixture
def topology() -> mdtraj.Topology:
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    first = topology.add_residue("ACE", chain, resSeq=1)
    second = topology.add_residue("NME", chain, resSeq=2)
    carbon = topology.add_atom("C", mdtraj.element.carbon, first)
    nitrogen = topology.add_atom("N", mdtraj.element.nitrogen, second)
    topology.add_bond(carbon, nitrogen)
    return topology


@pytest.fixture
def positions() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((2_500, 2, 3)).astype(np.float32)


def test_round_trip_is_exact(tmp_path, topology, positions):
    weights = np.random.default_rng(2).standard_normal(2_500)
    time_ps = np.arange(2_500) * 0.5
    attributes = {"title": "µ-test", "temperature_k": 300.0, "seeds": np.array([1, 2])}
    write_frames(
        tmp_path / "a.h5",
        positions,
        topology,
        log_weights=weights,
        time_ps=time_ps,
        attributes=attributes,
    )
    found = read_frames(tmp_path / "a.h5")
    assert found.positions.dtype == np.float32
    np.testing.assert_array_equal(found.positions, positions)
    np.testing.assert_array_equal(found.log_weights, weights)
    np.testing.assert_array_equal(found.time_ps, time_ps)
    assert found.topology == topology
    assert [(a.index, b.index) for a, b in found.topology.bonds] == [(0, 1)]
    assert found.attributes["title"] == "µ-test"
    assert found.attributes["temperature_k"] == 300.0
    np.testing.assert_array_equal(found.attributes["seeds"], [1, 2])
    expected = np.exp(weights) / np.exp(weights).sum()
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-12)


def test_mdtraj_reads_it(tmp_path, topology, positions):
    pytest.importorskip("tables")
    write_frames(tmp_path / "a.h5", positions, topology, log_weights=np.zeros(2_500))
    found = mdtraj.load(str(tmp_path / "a.h5"))
    np.testing.assert_array_equal(found.xyz, positions)
    assert found.topology == topology


def test_it_reads_what_mdtraj_writes(tmp_path, topology, positions):
    pytest.importorskip("tables")
    mdtraj.Trajectory(positions, topology).save_hdf5(str(tmp_path / "a.h5"))
    found = read_frames(tmp_path / "a.h5")
    np.testing.assert_array_equal(found.positions, positions)
    assert found.topology == topology
    np.testing.assert_allclose(found.probabilities, 1 / 2_500, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((4, 3, 3))}, r"\(4, 3, 3\)"),
        ({"positions": np.full((4, 2, 3), np.nan)}, "positions has a value that is not finite"),
        ({"log_weights": np.zeros(3)}, r"log_weights has shape \(3,\)"),
        ({"log_weights": np.full(4, -np.inf)}, "log_weights has a value that is not finite"),
        ({"time_ps": np.zeros(5)}, r"time has shape \(5,\)"),
    ],
)
def test_bad_input_is_named_and_leaves_no_file(tmp_path, topology, change, message):
    arguments = {"positions": np.zeros((4, 2, 3)), **change}
    with pytest.raises(ValueError, match=message):
        write_frames(tmp_path / "a.h5", topology=topology, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path, topology, positions):
    path = tmp_path / "a.h5"
    write_frames(path, positions, topology)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write_frames(path, positions[:5], topology, attributes={"bad": object()})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error_and_leaves_the_old_file(tmp_path, topology, positions):
    """A limit on the size of files stands for the disk; HDF5 itself crashes at either."""
    path = tmp_path / "a.h5"
    write_frames(path, positions[:5], topology)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_frames(path, positions, topology)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("symbol", ["B1", "", "VS", None, "carbon"])
def test_a_symbol_of_no_element_is_a_virtual_site(tmp_path, topology, positions, symbol):
    path = tmp_path / "beads.h5"
    write_frames(path, positions, topology)
    with h5py.File(path, "r+") as file:
        text = file["topology"][0].decode()
        del file["topology"]
        changed = text.replace('"element": "C"', f'"element": {json.dumps(symbol)}')
        assert changed != text
        file["topology"] = np.array([changed.encode()])
    symbols = [atom.element.symbol for atom in read_frames(path).topology.atoms]
    assert "C" not in symbols
    assert set(symbols) <= {"VS", "N"}
