"""Files that are replaced as a whole, files that grow at places known in advance, and reading files
that may hold anything.

A file that is replaced is written as `<name>.<process>-<number>.tmp` beside it, and renamed when it
is complete; what a killed process has left is removed by the next that writes the same file. A link
stays a link: the file that it leads to is replaced. A new file has the permissions of the old one,
or those of any new file. Every OSError names the file.
"""

from __future__ import annotations

import fcntl
import glob
import os
import re
import stat
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "UNFINISHED",
    "UnfinishedFile",
    "is_locked",
    "keep_usable",
    "naming",
    "naming_os_errors",
    "read_npy",
    "remove_leftovers",
    "replace_file",
    "require_file",
    "target_of",
]

UNFINISHED = ".unfinished"

_MOST_ATTEMPTS = 1000
_FLOCK = "hhqqi4x"  # the struct
_WHOLE_FILE = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


def target_of(path: str | os.PathLike[str]) -> Path:
    """The file that a path leads to. ValueError where it is none, but a folder or a device; OSError
    where links lead in a circle."""
    with naming_os_errors(path):
        target = Path(os.path.realpath(path))
        try:
            kind = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return target
        if not stat.S_ISREG(kind):
            what = "a folder" if stat.S_ISDIR(kind) else "no regular file"
            raise ValueError(f"{path} is {what}: it cannot be replaced")
    return target


def replace_file(path: str | os.PathLike[str], write: Callable[[Any], object]) -> None:
    """Writes a file that takes the place of another only when it is complete."""
    target = target_of(path)
    with naming_os_errors(path):
        remove_leftovers(target)
        descriptor, temporary = _open_temporary(target)
        try:
            with os.fdopen(descriptor, "wb") as file:
                take_mode(file.fileno(), target)
                write(_Stream(file))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(target)


class _Stream:
    """A file that NumPy does not know as one: it writes to those by a way whose errors have no
    cause."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _open_temporary(target: Path) -> tuple[int, str]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    for number in range(_MOST_ATTEMPTS):
        name = f"{target}.{os.getpid()}-{number}.tmp"
        with suppress(FileExistsError):
            descriptor = os.open(name, flags, 0o666)
            lock(descriptor)
            return descriptor, name
    raise OSError(f"{target}: {_MOST_ATTEMPTS} temporary files beside it")


def remove_leftovers(target: Path) -> None:
    """Removes temporaries of processes that are gone. A lock tells where those of other machines or
    containers, whose numbers say nothing here, are still at work."""
    for name in glob.glob(glob.escape(os.fspath(target)) + ".*.tmp"):
        match = re.fullmatch(r"\.(\d+)-\d+\.tmp", name.removeprefix(os.fspath(target)))
        if match is None or _is_alive(int(match[1])):
            continue
        with suppress(OSError):
            descriptor = os.open(name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if lock(descriptor):
                    os.unlink(name)
            finally:
                os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def lock(descriptor: int) -> bool:
    """Whether nobody else holds the file. A lock of the open file, as the C programs take it; file
    systems without locks go without."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def is_locked(path: str | os.PathLike[str]) -> bool:
    """Whether a process has the file, if there is one, to itself."""
    with suppress(FileNotFoundError), open(path, "r+b") as file, suppress(OSError):
        found = fcntl.fcntl(file.fileno(), fcntl.F_OFD_GETLK, _WHOLE_FILE)
        return bool(struct.unpack(_FLOCK, found)[0] != fcntl.F_UNLCK)
    return False


def take_mode(descriptor: int, old: Path) -> None:
    """Permissions of the file that is to be replaced."""
    with suppress(FileNotFoundError, PermissionError):
        _set_mode(descriptor, old.stat().st_mode)


def keep_usable(descriptor: int) -> None:
    """The owner may read and write the file, whatever others may: who goes on with it must."""
    _set_mode(descriptor, os.fstat(descriptor).st_mode | stat.S_IRUSR | stat.S_IWUSR)


def _set_mode(descriptor: int, mode: int) -> None:
    """Permissions, where the file system knows any."""
    with suppress(PermissionError, NotImplementedError):
        os.fchmod(descriptor, mode & 0o777)


def sync_folder(path: Path) -> None:
    """A rename is on the disk only when its folder is. Some file systems cannot say."""
    with suppress(OSError):
        descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class UnfinishedFile:
    """A file whose size is known from the start, and whose parts come in any order.

    Until `finish` it is `<path>.unfinished` (or has another ending), so nobody takes it for a file
    that is complete, and its owner may read and write it; `finish` gives it the permissions of the
    old file. All its room is reserved before the first part is written, and it belongs to one
    process. `path` must not change its folder meanwhile.

    Goes on with the file where it was begun before. OSError, with the name, where it cannot be
    made, or another process writes it; ValueError where its name is that of a link or a folder.
    """

    def __init__(self, path: str | os.PathLike[str], *, ending: str = UNFINISHED) -> None:
        self.path = target_of(path)
        self.name = Path(f"{self.path}{ending}")
        self.descriptor = -1
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        with naming_os_errors(self.name):
            if self.name.is_symlink():
                raise ValueError(f"{self.name} is a link: it is not written through one")
            self.descriptor = os.open(self.name, flags, 0o666)
            if not stat.S_ISREG(os.fstat(self.descriptor).st_mode):
                self.close()
                raise ValueError(f"{self.name} is no regular file")
        if not lock(self.descriptor) or not self._is_there():
            self.close()
            raise OSError(f"{self.name}: is being written by another process")
        self._mode = os.fstat(self.descriptor).st_mode
        keep_usable(self.descriptor)

    def _is_there(self) -> bool:
        """False where another process has given it its name before it could be locked here."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(self.descriptor), os.lstat(self.name))
        return False

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def reserve(self, size: int) -> None:
        """Empties the file, and gives it `size` bytes on the disk, zeros; or removes it."""
        try:
            self.cut(0)
            self.extend(size)
        except OSError:
            self.abandon()
            raise

    def extend(self, size: int) -> None:
        """Gives it `size` bytes on the disk, zeros behind those that it has."""
        with naming_os_errors(self.name):
            os.posix_fallocate(self.descriptor, 0, size)

    def cut(self, size: int) -> None:
        """Gives back the room behind so many bytes."""
        with naming_os_errors(self.name):
            os.ftruncate(self.descriptor, size)

    def write(self, at: int, values: Any) -> None:
        """values: bytes, or a contiguous array."""
        left = memoryview(values).cast("B") if len(values) else memoryview(b"")
        with naming_os_errors(self.name):
            while left:
                done = os.pwrite(self.descriptor, left, at)
                at, left = at + done, left[done:]

    def read(self, at: int, size: int) -> bytes:
        """ValueError where the file ends before."""
        found = b""
        with naming_os_errors(self.name):
            while len(found) < size:
                part = os.pread(self.descriptor, size - len(found), at + len(found))
                if not part:
                    raise ValueError(f"{self.name}: ends before byte {at + size}")
                found += part
        return found

    def sync(self) -> None:
        """What has been written survives a loss of power."""
        with naming_os_errors(self.name):
            os.fdatasync(self.descriptor)

    def finish(self) -> None:
        """Gives the file its permissions and its name, and closes it."""
        with naming_os_errors(self.name):
            _set_mode(self.descriptor, self._mode)
            take_mode(self.descriptor, self.path)
            os.fsync(self.descriptor)
            os.replace(self.name, self.path)
        sync_folder(self.path)
        self.close()

    def abandon(self) -> None:
        """Removes the file."""
        if self.descriptor >= 0:
            with suppress(OSError):
                os.unlink(self.name)
        self.close()

    def close(self) -> None:
        """Leaves it unfinished, if it is."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


def require_file(path: str | os.PathLike[str]) -> None:
    """OSError or ValueError, with the name, where a path leads to no file that can be read: a
    folder, a pipe or a device, which might have to be waited for."""
    if "\0" in os.fsdecode(path):
        raise ValueError(f"{path!r}: no file has such a name")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file, but a pipe or a device"
        raise ValueError(f"{path}: is {kind}")
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))  # or it says why it cannot be opened


def read_npy(path: Path) -> NDArray[Any]:
    """An array of real numbers. ValueError, with the name, where the file holds anything else."""
    require_file(path)
    with naming(path), open(path, "rb") as file:
        array = np.load(file)
        if not isinstance(array, np.ndarray):
            raise ValueError("holds several arrays, must be one")
        if array.dtype.kind not in "fiu":
            raise ValueError(f"holds {array.dtype}, must be numbers")
        if file.read(1):
            raise ValueError("has more bytes than its header claims")
    return array


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """What goes wrong with the content of a file becomes a ValueError that names the file."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        MemoryError,
        OSError,
        RuntimeError,
        SyntaxError,
        TypeError,
        ValueError,
        struct.error,
        tokenize.TokenError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
        name = os.fspath(path)
        if name not in text:
            text = f"{name}: {' '.join(text.split()) or type(error).__name__}"
        raise ValueError(text) from error


@contextmanager
def naming_os_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """An OSError that names no file becomes one of this file."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
