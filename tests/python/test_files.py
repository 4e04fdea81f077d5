"""openmmscore.base.files: what is replaced, what stays, and what killed processes have left."""

import os
import resource
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest
from openmmscore.base.files import UnfinishedFile, is_locked, lock, replace_file


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def small_files(size):
    """A limit on the size of files stands for a full disk. It must end with the body: pytest's own
    output may go to a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture(params=["replaced", "unfinished"])
def write(request):
    """Writes bytes to a path, by either way."""

    def replaced(path, content):
        replace_file(path, lambda file: file.write(content))

    def unfinished(path, content):
        file = UnfinishedFile(path)
        file.reserve(len(content))
        file.write(0, content)
        file.finish()

    return {"replaced": replaced, "unfinished": unfinished}[request.param]


@pytest.mark.parametrize("mask", [0o077, 0o002, 0o022])
def test_new_files_have_the_usual_permissions(tmp_path, write, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == 0o666 & ~mask


def test_permissions_of_the_old_file_stay(tmp_path, write):
    path = tmp_path / "old"
    path.write_bytes(b"old")
    for permissions in (0o600, 0o664, 0o604):
        path.chmod(permissions)
        write(path, b"new")
        assert (mode(path), path.read_bytes()) == (permissions, b"new")
    assert names(tmp_path) == ["old"]


def test_a_link_stays_a_link(tmp_path, write, monkeypatch):
    (tmp_path / "scratch").mkdir()
    target, link = tmp_path / "scratch/run.h5", tmp_path / "run.h5"
    link.symlink_to("scratch/middle.h5")
    (tmp_path / "scratch/middle.h5").symlink_to("run.h5")
    monkeypatch.chdir(tmp_path)
    for content in (b"to a file to come", b"to one that is there"):
        write("run.h5", content)
        assert link.is_symlink()
        assert not target.is_symlink()
        assert target.read_bytes() == content
    assert names(tmp_path) == ["run.h5", "scratch"]
    assert names(tmp_path / "scratch") == ["middle.h5", "run.h5"]


def test_what_is_no_file_is_not_replaced(tmp_path, write):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, message in (("folder", "a folder"), ("pipe", "no regular file")):
        with pytest.raises(ValueError, match=f"{name} is {message}"):
            write(tmp_path / name, b"x")
    with pytest.raises(ValueError, match="null is no regular file"):
        write("/dev/null", b"x")
    with pytest.raises(FileNotFoundError, match=r"nowhere/file"):
        write(tmp_path / "nowhere/file", b"x")
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_full_disk_names_the_file_and_leaves_the_old_one(tmp_path, write):
    path = tmp_path / "run.npy"
    path.write_bytes(b"old")
    for size in (0, 10, 5000):
        with (
            small_files(size),
            pytest.raises(OSError, match=r"File too large: '.*run\.npy"),
        ):
            write(path, bytes(100_000))
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["run.npy"]


def test_arrays_say_what_is_wrong(tmp_path):
    """NumPy itself says "X requested and Y written"."""
    for save in (np.save, partial(np.savez, more=np.zeros(3))):
        with (
            small_files(10_000),
            pytest.raises(OSError, match=r"File too large: '.*a\.npy'"),
        ):
            replace_file(tmp_path / "a.npy", partial(save, arr=np.zeros(100_000)))
    assert names(tmp_path) == []


def test_leftovers_are_removed(tmp_path):
    """Of this file, and of processes that are gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    others = [
        f"other.{gone.pid}-0.tmp",
        f"run.h5.{os.getpid()}-9.tmp",
        "run.h5.tmp",
        "run.h5.1-x.tmp",
    ]
    left, held = f"run.h5.{gone.pid}-3.tmp", f"run.h5.{gone.pid}-4.tmp"
    for name in (*others, left, held):
        (tmp_path / name).write_bytes(b"left")
    with open(tmp_path / held, "r+b") as file:
        assert lock(file.fileno())
        replace_file(tmp_path / "run.h5", lambda file: file.write(b"x"))
        assert names(tmp_path) == sorted([*others, held, "run.h5"])
    replace_file(tmp_path / "run.h5", lambda file: file.write(b"x"))
    assert names(tmp_path) == sorted([*others, "run.h5"])


def test_an_unfinished_file_has_its_room_and_belongs_to_one(tmp_path):
    path = tmp_path / "run.h5"
    first = UnfinishedFile(path)
    first.reserve(1_000_000)
    assert names(tmp_path) == ["run.h5.unfinished"]
    assert (tmp_path / "run.h5.unfinished").stat().st_blocks * 512 >= 1_000_000
    first.write(999_998, b"ab")
    assert is_locked(first.name)
    with pytest.raises(OSError, match=r"run\.h5\.unfinished: is being written by another"):
        UnfinishedFile(path)
    assert first.read(999_997, 3) == b"\0ab"
    first.close()
    assert not is_locked(first.name)
    assert not is_locked(tmp_path / "nowhere")
    again = UnfinishedFile(path)
    assert again.read(999_998, 2) == b"ab"
    with pytest.raises(ValueError, match="ends before byte 1000001"):
        again.read(999_999, 2)
    again.finish()
    assert names(tmp_path) == ["run.h5"]


def test_an_unfinished_file_is_a_file_of_its_own(tmp_path):
    """Not what a link leads to, and what is there stays as it is."""
    path, other, name = tmp_path / "run.h5", tmp_path / "other", tmp_path / "run.h5.unfinished"
    other.write_bytes(b"others'")
    for make, message in (
        (lambda: name.symlink_to(other), "is a link"),
        (lambda: name.symlink_to(tmp_path / "nowhere"), "is a link"),
        (lambda: os.mkfifo(name), "is no regular file"),
    ):
        make()
        with pytest.raises(ValueError, match=rf"run\.h5\.unfinished {message}"):
            UnfinishedFile(path)
        name.unlink()
    name.mkdir()
    with pytest.raises(IsADirectoryError, match=r"run\.h5\.unfinished"):
        UnfinishedFile(path)
    assert other.read_bytes() == b"others'"


def test_links_that_lead_in_a_circle_are_named(tmp_path, write):
    """As the programs in C do; what is written would take the place of one of them."""
    (tmp_path / "a.npy").symlink_to("b.npy")
    (tmp_path / "b.npy").symlink_to("a.npy")
    with pytest.raises(OSError, match=r"Too many levels of symbolic links: '.*a\.npy"):
        write(tmp_path / "a.npy", b"x")
    assert names(tmp_path) == ["a.npy", "b.npy"]
    assert (tmp_path / "a.npy").is_symlink()
