"""Files that are replaced as a whole, and reading files that may hold anything."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["naming", "read_npy", "replace_file"]


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Writes a file that takes the place of another only when it is complete."""
    handle, temporary = tempfile.mkstemp(prefix=path.name + ".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read_npy(path: Path) -> NDArray[Any]:
    """An array of real numbers. ValueError where the file holds anything else."""
    array = np.load(path)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{path}: holds several arrays, must be one")
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{path}: holds {array.dtype}, must be numbers")
    return array


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What goes wrong with the content of a file becomes a ValueError that names the file."""
    try:
        yield
    except (AttributeError, EOFError, KeyError, OSError, TypeError, ValueError) as error:
        text = str(error.args[0]) if isinstance(error, KeyError) else str(error)
        raise ValueError(text if str(path) in text else f"{path}: {text}") from error
