"""Frames that a file claims and does not have: in chunks, in other files that it is put together
from, and in raw files. What is refused here, score-train refuses, too."""

import os
import shutil

import h5py
import numpy as np
import pytest
from openmmscore.io import read_frames, write_frames

COUNT = 20
EACH = (COUNT, 2, 3)


@pytest.fixture
def frames(tmp_path, topology, positions):
    """A file all.h5 whose coordinates are made by a function of it, beside parts of 20 frames."""
    for k in range(3):
        with h5py.File(tmp_path / f"50%-{k}.h5", "w") as file:
            file["coordinates"] = positions[COUNT * k : COUNT * (k + 1)]

    def made(make, name="coordinates"):
        path = tmp_path / "all.h5"
        write_frames(path, positions[:COUNT], topology)
        with h5py.File(path, "r+") as file:
            del file["time"]
            if name in file:
                del file[name]
            make(file)
        return path

    return made


def refuse(path, message):
    with pytest.raises(ValueError, match=rf"all\.h5: {message}"):
        read_frames(path)


def test_frames_that_were_never_written_are_refused(tmp_path, topology, positions):
    for chunks in (None, (4, 2, 3)):
        path = tmp_path / "never.h5"
        write_frames(path, positions[:8], topology)
        with h5py.File(path, "r+") as file:
            del file["coordinates"], file["time"]
            dataset = file.create_dataset("coordinates", (1000, 2, 3), "f4", chunks=chunks)
            if chunks is not None:
                dataset[:8] = positions[:8]
        with pytest.raises(ValueError, match="coordinates claims frames that were never written"):
            read_frames(path)


@pytest.mark.parametrize("whole", [True, False])
def test_virtual_data_sets_need_their_sources(tmp_path, topology, positions, whole):
    path = tmp_path / "all.h5"
    write_frames(path, positions[:20], topology)
    taken = 10 if whole else 9
    layout = h5py.VirtualLayout((2 * taken, 2, 3), "f4")
    for k in range(2):
        part = tmp_path / f"part{k}.h5"
        with h5py.File(part, "w") as file:
            file["coordinates"] = positions[10 * k : 10 * k + 10]
        source = h5py.VirtualSource(part.name, "coordinates", (10, 2, 3), "f4")
        layout[taken * k : taken * k + taken] = source if whole else source[:9]
    with h5py.File(path, "r+") as file:
        del file["coordinates"], file["time"]
        file.create_virtual_dataset("coordinates", layout)
    expected = np.concatenate([positions[:taken], positions[10 : 10 + taken]])
    np.testing.assert_array_equal(read_frames(path).positions, expected)
    holes = h5py.VirtualLayout((2 * taken + 1, 2, 3), "f4")
    holes[:taken] = h5py.VirtualSource("part0.h5", "coordinates", (10, 2, 3), "f4")[:taken]
    holes[taken + 1 :] = h5py.VirtualSource("part1.h5", "coordinates", (10, 2, 3), "f4")[:taken]
    shutil.copy(path, tmp_path / "holes.h5")
    with h5py.File(tmp_path / "holes.h5", "r+") as file:
        del file["coordinates"]
        file.create_virtual_dataset("coordinates", holes, fillvalue=1)
    with pytest.raises(ValueError, match="coordinates claims frames that were never written"):
        read_frames(tmp_path / "holes.h5")
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file["coordinates"] = positions[:8]
    with pytest.raises(ValueError, match=r"needs frames of part1\.h5 that were never written"):
        read_frames(path)
    with h5py.File(tmp_path / "part1.h5", "w") as file:
        file["positions"] = positions[:10]
    with pytest.raises(ValueError, match=r"coordinates of part1\.h5 is missing"):
        read_frames(path)
    (tmp_path / "part1.h5").unlink()
    with pytest.raises(ValueError, match=r"all\.h5: .*part1\.h5 is missing"):
        read_frames(path)


def select(size, start, stride, count):
    """Frames `start`, `start` + `stride`, ... of a data set that may grow."""
    space = h5py.h5s.create_simple((size, 2, 3), (h5py.h5s.UNLIMITED, 2, 3))
    space.select_hyperslab((start, 0, 0), (count, 1, 1), (stride, 2, 3), (1, 2, 3))
    return space


def put_together(parts, size):
    """Makes coordinates of (file, selection of the source, selection of the whole)."""

    def make(file):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        for source, taken, filled in parts:
            plan.set_virtual(filled, source.encode(), b"coordinates", taken)
        space = h5py.h5s.create_simple((size, 2, 3), (h5py.h5s.UNLIMITED, 2, 3))
        h5py.h5d.create(file.id, b"coordinates", h5py.h5t.IEEE_F32LE, space, plan)

    return make


ENDLESS = h5py.h5s.UNLIMITED
FIRST = "50%%-0.h5"  # as HDF5 writes a % in a pattern


def test_what_two_sources_fill_counts_once(frames, positions):
    part = (FIRST, select(COUNT, 0, 1, COUNT), select(2 * COUNT, 0, 1, COUNT))
    refuse(
        frames(put_together([part, part], 2 * COUNT)),
        "data set coordinates claims frames that were never written: its sources fill 120 of 240",
    )
    again = ("50%%-1.h5", select(COUNT, 0, 1, 10), select(COUNT, 1, 2, 10))
    whole = (FIRST, select(COUNT, 0, 1, COUNT), select(COUNT, 0, 1, COUNT))
    found = read_frames(frames(put_together([whole, again], COUNT))).positions
    np.testing.assert_array_equal(found[::2], positions[:COUNT:2])


def test_sources_may_grow(frames, tmp_path, positions):
    parts = [(f"50%%-{k}.h5", select(1, 0, 1, ENDLESS), select(1, k, 2, ENDLESS)) for k in range(2)]
    path = frames(put_together(parts, 2 * COUNT))
    found = read_frames(path).positions
    np.testing.assert_array_equal(found[::2], positions[:COUNT])
    np.testing.assert_array_equal(found[1::2], positions[COUNT : 2 * COUNT])
    with h5py.File(tmp_path / "50%-1.h5", "w") as file:
        file["coordinates"] = positions[:15]
    refuse(path, "data set coordinates claims frames that were never written: its sources fill 2")


def test_sources_may_have_numbers_in_their_names(frames, tmp_path, positions):
    filled = select(COUNT, 0, 1, COUNT)
    filled.select_hyperslab((0, 0, 0), (ENDLESS, 1, 1), EACH, EACH)
    path = frames(put_together([("50%%-%b.h5", select(COUNT, 0, 1, COUNT), filled)], COUNT))
    np.testing.assert_array_equal(read_frames(path).positions, positions[: 3 * COUNT])
    with h5py.File(tmp_path / "50%-1.h5", "w") as file:
        file["coordinates"] = positions[: COUNT - 1]
    refuse(path, r"data set coordinates needs frames of 50%-1\.h5 that were never written")


def test_sources_of_sources_are_looked_at(frames, tmp_path, positions):
    every = select(COUNT, 0, 1, COUNT)
    inner = frames(put_together([(FIRST, every, every)], COUNT))
    inner.rename(tmp_path / "inner.h5")
    path = frames(put_together([("inner.h5", every, every)], COUNT))
    np.testing.assert_array_equal(read_frames(path).positions, positions[:COUNT])
    (tmp_path / "50%-0.h5").unlink()
    refuse(path, r".*50%-0\.h5 is missing")
    refuse(frames(put_together([(".", every, every)], COUNT)), ".* again from others, too often")


def test_sources_hold_numbers_of_the_same_kind(frames, tmp_path):
    with h5py.File(tmp_path / "50%-0.h5", "w") as file:
        file["coordinates"] = np.ones(EACH, int)
    every = select(COUNT, 0, 1, COUNT)
    path = frames(put_together([(FIRST, every, every)], COUNT))
    refuse(path, r".*numbers of another kind are in 50%-0\.h5")


def test_prefixes_that_lead_hdf5_elsewhere_are_refused(frames, tmp_path, positions, monkeypatch):
    raw, every = tmp_path / "a.raw", select(COUNT, 0, 1, COUNT)
    raw.write_bytes(positions[:COUNT].tobytes())
    parts = [(raw, 0, h5py.h5f.UNLIMITED)]
    for variable, make in (
        ("HDF5_VDS_PREFIX", put_together([(FIRST, every, every)], COUNT)),
        (
            "HDF5_EXTFILE_PREFIX",
            lambda file: file.create_dataset("coordinates", EACH, "f4", external=parts),
        ),
    ):
        path = frames(make)
        monkeypatch.setenv(variable, "/else where")
        refuse(path, f"data set coordinates is in other files, .* {variable}='/else where' leads")
        monkeypatch.setenv(variable, "")
        assert len(read_frames(path)) == COUNT


@pytest.mark.parametrize("own", [None, "nanometers", "nm   "])
@pytest.mark.parametrize("units", ["nanometers", "nm", "nanometer  ", "angstroms"])
def test_sources_have_the_units_of_the_whole(frames, tmp_path, units, own):
    with h5py.File(tmp_path / "50%-0.h5", "r+") as file:
        file["coordinates"].attrs["units"] = np.bytes_(units)
    every = select(COUNT, 0, 1, COUNT)
    path = frames(put_together([(FIRST, every, every)], COUNT))
    if own is not None:
        with h5py.File(path, "r+") as file:
            file["coordinates"].attrs["units"] = np.bytes_(own)
    if units != "angstroms":
        assert len(read_frames(path)) == COUNT
    else:
        refuse(path, r".* that of 50%-0\.h5 has units 'angstroms', which are not its own")


def test_links_lead_to_regular_files(frames, tmp_path, positions):
    def link(file):
        file["folder"] = h5py.ExternalLink("50%-0.h5", "/")
        file["coordinates"] = h5py.SoftLink("/folder/coordinates")

    path, source = frames(link), tmp_path / "50%-0.h5"
    with h5py.File(path, "r+") as file:
        file["time"] = h5py.SoftLink("time")
    refuse(path, "data set time cannot be opened")
    with h5py.File(path, "r+") as file:
        del file["time"]
    np.testing.assert_array_equal(read_frames(path).positions, positions[:COUNT])
    every = select(COUNT, 0, 1, COUNT)
    source.unlink()
    os.mkfifo(source)
    refuse(path, r"a link leads to 50%-0\.h5, which is no regular file")
    path.rename(tmp_path / "inner.h5")
    path = frames(put_together([("inner.h5", every, every)], COUNT))
    refuse(path, r"a link leads to 50%-0\.h5, which is no regular file")


def test_raw_files_need_all_their_bytes(frames, tmp_path, positions):
    raw, size = tmp_path / "a.raw", 24 * COUNT
    raw.write_bytes(positions[:COUNT].tobytes())
    parts = [(raw, 0, size // 2), (raw, size // 2, h5py.h5f.UNLIMITED)]
    path = frames(lambda file: file.create_dataset("coordinates", EACH, "f4", external=parts))
    np.testing.assert_array_equal(read_frames(path).positions, positions[:COUNT])
    os.truncate(raw, size - 1)
    refuse(path, rf"data set coordinates claims .*a\.raw has {size - 1} bytes of {size}")
    raw.unlink()
    refuse(path, r"data set coordinates claims .*a\.raw is missing")
    os.mkfifo(raw)
    refuse(path, r"data set coordinates claims .*a\.raw is no regular file")


@pytest.mark.parametrize(
    ("name", "each"),
    [("log_weights", ()), ("cell_lengths", (3,)), ("time", ()), ("copy", ())],
)
def test_other_data_sets_are_looked_at(frames, name, each):
    def make(file):
        kind = "i4" if name == "copy" else "f8"
        dataset = file.create_dataset(name, (COUNT, *each), kind, chunks=(4, *each))
        dataset[:16] = 0

    path = frames(make, name)
    refuse(path, f"data set {name} claims frames that were never written: it has 4 of 5 chunks")
