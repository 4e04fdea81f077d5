"""openmmscore.io: MDTraj's HDF5 layout, with weights, written whole or not at all, and read as
score-train reads it."""

import json
import resource
import signal

import h5py
import mdtraj
import numpy as np
import pytest
from openmm import unit
from openmmscore.io import read_any, read_frames, rehearsal, write_frames
from openmmscore.io.periodic import box_vectors, make_whole


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
        ({"time_ps": [0, 1, 2, 3] * unit.nanometer}, "time have the unit nanometer"),
        ({"positions": np.zeros((4, 2, 3)) * unit.kelvin}, "positions have the unit kelvin"),
        ({"copy": [0, 0, 2**31, 2**31]}, "copy have 2147483648, must be from"),
        ({"copy": np.array([2**64 - 1] * 4, np.uint64)}, "copy have 18446744073709551615"),
        ({"copy": [0.2, 0.2, 0.7, 0.7]}, "copy are float64, must be integers"),
        ({"copy": [True, True, False, False]}, "copy are bool, must be integers"),
        ({"copy": [0, 1]}, r"copy has shape \(2,\)"),
    ],
)
def test_bad_input_is_named_and_leaves_no_file(tmp_path, topology, change, message):
    arguments = {"positions": np.zeros((4, 2, 3)), **change}
    with pytest.raises(ValueError, match=message):
        write_frames(tmp_path / "a.h5", topology=topology, **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value", "kind", "message"),
    [
        ("a", None, TypeError, "attribute 'a' is None, cannot be written"),
        ("a", object(), TypeError, "attribute 'a' is <object"),
        ("a", np.zeros(100_000), ValueError, r"attribute 'a' is array.*, cannot be written"),
        ("a" * 70_000, 1, ValueError, "attribute 'a*'... must have a name of 1 to 255 bytes"),
        ("a\0b", 1, ValueError, r"attribute 'a\\x00b' must have a name"),
        ("", 1, ValueError, "attribute '' must have a name"),
        (7, 1, TypeError, "attribute 7 must have a text as its name"),
    ],
)
def test_attributes_that_cannot_be_written_are_named(
    tmp_path, topology, positions, name, value, kind, message
):
    with pytest.raises(kind, match=message):
        write_frames(tmp_path / "a.h5", positions[:5], topology, attributes={name: value})
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


# Units, and copies


def test_quantities_are_converted(tmp_path, topology, positions):
    write_frames(
        tmp_path / "a.h5",
        (10 * positions[:4]) * unit.angstrom,
        topology,
        time_ps=[0.002 * k * unit.nanosecond for k in range(4)],
        copy=np.array([0, 0, -(2**31), 2**31 - 1]),
    )
    found = read_frames(tmp_path / "a.h5")
    np.testing.assert_allclose(found.positions, positions[:4], rtol=1e-6)
    np.testing.assert_allclose(found.time_ps, [0, 2, 4, 6], rtol=1e-6)
    np.testing.assert_array_equal(found.copy, [0, 0, -(2**31), 2**31 - 1])


@pytest.fixture
def change(tmp_path, topology, positions):
    """A file of frames whose data sets are others."""

    def changed(**datasets):
        path = tmp_path / "a.h5"
        write_frames(path, positions[:10], topology)
        with h5py.File(path, "r+") as file:
            for name, value in datasets.items():
                values, units = value if isinstance(value, tuple) else (value, None)
                if name in file:
                    del file[name]
                if values is not None:
                    file[name] = values
                if units is not None:
                    file[name].attrs["units"] = units
        return path

    return changed


@pytest.mark.parametrize("units", [np.bytes_(b"angstroms"), "angstrom", np.array([b"angstroms"])])
def test_angstroms_are_converted(change, positions, units):
    path = change(
        coordinates=(10 * positions[:10], units), cell_lengths=(np.full((10, 3), 1e3), units)
    )
    np.testing.assert_allclose(read_frames(path).positions, positions[:10], rtol=1e-6)


@pytest.mark.parametrize(
    ("units", "factor"), [("nanoseconds", 1e3), ("ps", 1), ("picoseconds", 1), ("fs", 1e-3)]
)
def test_times_are_converted(change, units, factor):
    for kind in (float, int):
        path = change(time=(np.arange(10, dtype=kind), units))
        np.testing.assert_allclose(read_frames(path).time_ps, factor * np.arange(10), rtol=1e-6)


ATOMS = [{"index": k, "name": "C", "element": "C"} for k in range(2)]
RESIDUE = {"index": 0, "name": "X", "resSeq": 1, "atoms": ATOMS}
ODD_TOPOLOGY = {
    "chains": [{"index": 0, "residues": [RESIDUE]}],
    "bonds": [[0, 1]],
    "bond_metadata": [{"order": 5}],
}
ODD_BOND = np.array([json.dumps(ODD_TOPOLOGY).encode()])


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"coordinates": (np.ones((10, 2, 3)), "furlongs")}, "coordinates have units 'furlongs'"),
        ({"coordinates": (np.ones((10, 2, 3)), 7.0)}, "an attribute 'units' that is not a text"),
        ({"coordinates": np.ones((10, 2, 3), int)}, "coordinates holds int64, must be floating"),
        ({"coordinates": None}, "has no data set 'coordinates'"),
        ({"coordinates": np.ones((10, 2, 2))}, r"shape \(10, 2, 2\), not \(frames, beads, 3\)"),
        ({"coordinates": np.ones((10, 6))}, r"shape \(10, 6\), must be"),
        ({"coordinates": np.ones((10, 3, 3)) * [1, 2, 3] * [[1], [2], [3]]}, "3 beads .* 2 atoms"),
        ({"coordinates": np.ones((10, 2, 3))}, "frame 0 .from 0. has all its beads in one point"),
        ({"time": (np.arange(10.0), "years")}, "time have units 'years'"),
        ({"time": np.arange(9.0)}, r"time has shape \(9,\)"),
        ({"copy": np.zeros(10)}, "data set copy holds float64, must be integers"),
        ({"copy": np.full(10, 2**40)}, "copy have 1099511627776"),
        ({"copy": np.zeros(9, int)}, r"copy has shape \(9,\)"),
        ({"log_weights": np.full(10, np.nan)}, "frame 0 .from 0. has log-weight nan"),
        ({"log_weights": np.full(10, -np.inf)}, "all 10 frames have weight 0"),
        ({"log_weights": (np.zeros(10), "kT")}, "log_weights have units 'kT', must be one of"),
        ({"coordinates": np.ones((0, 2, 3)), "time": np.ones(0)}, "has no frames"),
        ({"log_weights": np.zeros(9)}, r"log_weights has shape \(9,\)"),
        ({"cell_lengths": np.ones((9, 3))}, "cell_lengths and cell_angles have shapes"),
        ({"cell_lengths": np.full((10, 3), -1.0)}, "frame 0 .from 0. has a box of lengths"),
        ({"cell_lengths": (np.ones((10, 3)), "miles")}, "cell_lengths have units 'miles'"),
        ({"cell_lengths": np.repeat([[9.0] * 3, [0.0] * 3], 5, 0)}, "frame 5 .* has no box, and"),
        ({"cell_lengths": np.repeat([[0.0] * 3, [9.0] * 3], 5, 0)}, "frame 5 .* has a box, and"),
        ({"coordinates": h5py.SoftLink("/nowhere")}, "data set coordinates cannot be opened"),
        ({"cell_lengths": h5py.SoftLink("/nowhere")}, "data set cell_lengths cannot be opened"),
        ({"cell_lengths": h5py.Empty("f4")}, "data set cell_lengths holds nothing"),
        ({"topology": np.array([b"{"])}, "topology is not that of MDTraj's layout"),
        ({"topology": ODD_BOND}, "a bond of order 5"),
        ({"topology": np.array([b"[1]"])}, "topology is not that of MDTraj's layout"),
        ({"topology": np.array([b"[" * 100_000])}, "topology is not that of MDTraj's layout"),
        ({"topology": np.array([b"{}", b"{}"])}, "data set topology is not a single text"),
        ({"topology": 7}, "data set topology is not a single text, but int64"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(change, datasets, message):
    path = change(**datasets)
    with pytest.raises(ValueError, match=message) as failure:
        read_frames(path)
    assert str(path) in str(failure.value)


def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "a.h5"
    with pytest.raises(FileNotFoundError):
        read_frames(path)
    for content in (b"", b"no frames", b"\x89HDF\r\n\x1a\n" + bytes(100)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.h5: "):
            read_frames(path)


def test_filters_that_are_not_there_are_named(change, monkeypatch):
    path = change()
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    with pytest.raises(ValueError, match=r"compressed with .*shuffle.* \(filter 2\).*h5repack"):
        read_frames(path)


# Topologies


def test_chains_bonds_and_charges_survive(tmp_path):
    pytest.importorskip("tables")
    topology = mdtraj.Topology()
    for name in "XY":
        chain = topology.add_chain(name)
        residue = topology.add_residue("ALA", chain, resSeq=5, segment_id="S")
        for k, atom in enumerate(("N", "CA", "C")):
            topology.add_atom(atom, mdtraj.element.carbon, residue, formal_charge=(1, None, -1)[k])
    kinds = mdtraj.core.topology
    topology.add_bond(topology.atom(0), topology.atom(1), type=kinds.Double, order=2)
    topology.add_bond(topology.atom(1), topology.atom(2), type=kinds.Aromatic)
    topology.add_bond(topology.atom(3), topology.atom(4))
    positions = np.random.default_rng(1).normal(size=(2, 6, 3)).astype(np.float32)
    ours, theirs = tmp_path / "ours.h5", tmp_path / "theirs.h5"
    write_frames(ours, positions, topology)
    mdtraj.Trajectory(positions, topology).save_hdf5(str(theirs))
    for found in (
        read_frames(ours).topology,
        read_frames(theirs).topology,
        mdtraj.load(str(ours)).topology,
    ):
        assert found == topology
        assert [chain.chain_id for chain in found.chains] == ["X", "Y"]
        assert [atom.formal_charge for atom in found.atoms] == [1, None, -1] * 2
        assert [bond.order for bond in found.bonds] == [2, None, None]
        assert [bond.type for bond in found.bonds] == [kinds.Double, kinds.Aromatic, None]


def test_elements_that_are_unknown_are_virtual_sites(change, topology):
    path = change()
    with h5py.File(path, "r+") as file:
        document = json.loads(file["topology"][0])
        document["chains"][0]["residues"][0]["atoms"][0]["element"] = "B1"
        document["chains"][0]["residues"][1]["atoms"][0]["element"] = None
        del file["topology"]
        file["topology"] = np.array([json.dumps(document).encode()])
    assert [atom.element.symbol for atom in read_frames(path).topology.atoms] == ["VS", "VS"]


# Periodic boxes


BOXES = {
    "rectangular": [[2, 0, 0], [0, 3, 0], [0, 0, 4]],
    "leaning": [[2, 0, 0], [-0.9, 2, 0], [0.7, -0.8, 2.5]],
    "not reduced": [[2, 0, 0], [1.6, 2, 0], [0.7, 1.9, 2.5]],
}


@pytest.mark.parametrize("name", BOXES)
def test_broken_molecules_are_made_whole(tmp_path, name):
    """Beads are moved by lattice vectors of their own; steps shorter than half of any of them come
    back, and frames that are whole keep their bits."""
    pytest.importorskip("tables")
    generator = np.random.default_rng(3)
    lattice = np.array(BOXES[name], float)
    steps = generator.uniform(-0.5, 0.5, (200, 5, 3))
    whole = np.cumsum(steps, axis=1).astype(np.float32)
    turns = generator.integers(-3, 4, (200, 5, 3))
    turns[::4] = 0
    broken = (whole + turns @ lattice).astype(np.float32)
    topology = mdtraj.Topology()
    residue = topology.add_residue("X", topology.add_chain())
    for _ in range(5):
        topology.add_atom("C", mdtraj.element.carbon, residue)
    trajectory = mdtraj.Trajectory(broken, topology)
    trajectory.unitcell_vectors = np.tile(lattice, (200, 1, 1)).astype(np.float32)
    trajectory.save_hdf5(str(tmp_path / "box.h5"))
    found = read_frames(tmp_path / "box.h5").positions
    np.testing.assert_allclose(np.diff(found, axis=1), np.diff(whole, axis=1), atol=1e-5)
    np.testing.assert_allclose(found[:, 0], broken[:, 0])
    np.testing.assert_array_equal(found[::4], whole[::4])


def test_the_nearest_image_is_that_of_all():
    """Against all lattice vectors around, in random boxes."""
    generator = np.random.default_rng(4)
    lengths = generator.uniform(1, 3, (300, 3))
    angles = generator.uniform(60, 115, (300, 3))
    box = box_vectors(lengths, angles)
    np.testing.assert_allclose(np.linalg.norm(box[:, 0], axis=1), lengths[:, 0])
    pairs = np.zeros((300, 2, 3), np.float32)
    pairs[:, 1] = generator.uniform(-6, 6, (300, 3))
    found = make_whole(pairs, box)[:, 1]
    turns = np.array(list(np.ndindex(15, 15, 15))) - 7
    for k in range(300):
        every = np.linalg.norm(pairs[k, 1] + turns @ box[k], axis=1)
        np.testing.assert_allclose(np.linalg.norm(found[k]), every.min(), atol=1e-5)


def test_neighbours_are_nearer_than_half_of_a_box(change, positions):
    """Else another image is as near."""
    apart = np.linalg.norm(positions[:10, 1] - positions[:10, 0], axis=-1).max()
    sizes = np.full((10, 3), 100.0)
    sizes[:, 1] = apart / 0.44
    np.testing.assert_array_equal(read_frames(change(cell_lengths=sizes)).positions, positions[:10])
    sizes[:, 1] = apart / 0.46
    with pytest.raises(
        ValueError, match=r"a\.h5: frame \d .* beads 0 and 1 as far apart as nearly"
    ):
        read_frames(change(cell_lengths=sizes))


# Texts of variable length


@pytest.mark.parametrize("which", ["units", "topology", "title"])
def test_texts_of_variable_length_are_read_elsewhere_first(change, monkeypatch, which):
    """HDF5 may crash on them: here another process does."""
    path = change()
    read_frames(path)
    with h5py.File(path, "r+") as file:
        text = file["topology"][0].decode()
        if which == "units":
            file["coordinates"].attrs["units"] = "nanometers"
        elif which == "title":
            file.attrs["title"] = "a title"
        else:
            del file["topology"]
            file["topology"] = text
    assert read_frames(path).topology.n_atoms == 2
    monkeypatch.setattr(rehearsal, "_READ", "import os; os.abort()")
    with pytest.raises(ValueError, match=r"a\.h5: is damaged: HDF5 crashes on it"):
        read_frames(path)


# .npy


@pytest.mark.parametrize(
    "header",
    [
        b"(" * 8999 + b"\n",  # no expression
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 5, 3), }\n",
    ],
)
def test_npy_that_cannot_be_read_is_named(tmp_path, header):
    path = tmp_path / "run.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(ValueError, match=r"run\.npy: "):
        read_any(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((10, 2, 3), int), "run.npy: holds int64 in C order, must be float32 or float64"),
        (np.ones((10, 2, 3), ">f4"), "run.npy: holds >f4 in C order"),
        (np.ones((10, 2, 3), "f2"), "run.npy: holds float16 in C order"),
        (np.ones((10, 2, 3), "f4", order="F"), "run.npy: holds float32 in Fortran order"),
        (np.full((10, 2, 3), 1e300), "run.npy: frame 0 .* has a position that is not finite"),
        (np.ones((0, 2, 3)), "run.npy: has no frames"),
        (np.array([{}]), "run.npy: Object arrays"),
    ],
)
def test_npy_is_as_score_train_has_it(tmp_path, array, message):
    np.save(tmp_path / "run.npy", array)
    with pytest.raises(ValueError, match=message):
        read_any(tmp_path / "run.npy")


def test_npy_with_more_than_its_array_is_refused(tmp_path, positions):
    np.save(tmp_path / "run.npy", positions)
    with open(tmp_path / "run.npy", "ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match=r"run.npy: has more bytes than its header claims"):
        read_any(tmp_path / "run.npy")


@pytest.mark.parametrize(
    ("beside", "message"),
    [
        ({"run_copy.npy": np.zeros(9, int)}, r"copy has shape \(9,\)"),
        ({"run_copy.npy": np.zeros(10)}, "copy are float64"),
        ({"run_run.json": "[]"}, r"/run_run\.json: holds list"),
        ({"run_run.json": "{"}, r"run_run\.json: "),
    ],
)
def test_what_stands_beside_npy_is_checked(tmp_path, positions, beside, message):
    np.save(tmp_path / "run.npy", positions[:10])
    for name, content in beside.items():
        if isinstance(content, str):
            (tmp_path / name).write_text(content)
        else:
            np.save(tmp_path / name, content)
    with pytest.raises(ValueError, match=message):
        read_any(tmp_path / "run.npy")


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
