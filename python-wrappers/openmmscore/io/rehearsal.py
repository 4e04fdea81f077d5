"""Texts of variable length lie in a heap of their own in an HDF5 file. Where that is damaged some
versions of HDF5 crash, or do not come to an end, so another process reads them first."""

from __future__ import annotations

import os
import subprocess
import sys

import h5py

__all__ = ["rehearse_texts"]

_SECONDS = 30.0
_READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
import h5py
def read(get):
    try:
        get()
    except Exception:
        pass
with h5py.File(sys.argv[1], "r") as file:
    for name in sys.argv[2:]:
        found = file[name]
        for key in found.attrs:
            read(lambda: found.attrs[key])
        if isinstance(found, h5py.Dataset) and found.dtype.kind == "O":
            read(lambda: found[()])
"""


def rehearse_texts(file: h5py.File, names: tuple[str, ...]) -> None:
    """Of the root and of these objects, if the file has them. ValueError where reading crashes."""
    varying = [name for name in ("/", *names) if _varies(file, name)]
    if not varying or not sys.executable:
        return
    command = [sys.executable, "-c", _READ, os.path.abspath(file.filename), *varying]
    nowhere = subprocess.DEVNULL
    try:
        result = subprocess.run(
            command, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=_SECONDS, check=False
        )
        crashed = result.returncode < 0
    except subprocess.TimeoutExpired:
        crashed = True
    if crashed:
        raise ValueError("is damaged: HDF5 crashes on it, or does not come to an end")


def _varies(file: h5py.File, name: str) -> bool:
    """What cannot be opened has an error of its own."""
    try:
        found = file[name]
    except (KeyError, OSError, RuntimeError):
        return False
    try:
        kinds = [found.attrs.get_id(name).dtype.kind for name in found.attrs]
    except (KeyError, OSError, RuntimeError, TypeError):
        return True
    if isinstance(found, h5py.Dataset):
        kinds.append(found.dtype.kind)
    return "O" in kinds
