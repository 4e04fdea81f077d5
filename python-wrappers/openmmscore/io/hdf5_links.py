"""Links of an HDF5 file, which may lead through other files. HDF5 opens whatever has the name of
such a file, and waits for a FIFO for ever."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import h5py

__all__ = ["check_links", "places"]

_MOST_LINKS = 16  # as HDF5


def check_links(file: h5py.File, name: str) -> None:
    """ValueError where a name leads to what is no regular file. Links that lead nowhere pass: HDF5
    has an error of its own for them."""
    at, todo, links = file["/"], name.split("/"), 0
    with ExitStack() as opened:
        while todo and links <= _MOST_LINKS and isinstance(at, h5py.Group):
            part = todo.pop(0)
            link = at.get(part, getlink=True) if part else None
            if isinstance(link, h5py.ExternalLink):
                found = _regular(at.file.filename, link.filename)
                if found is None:
                    return
                at = opened.enter_context(h5py.File(found, "r"))["/"]
            elif isinstance(link, h5py.SoftLink):
                at = at.file["/"] if link.path.startswith("/") else at
            elif part and todo:
                at = at.get(part)
            if isinstance(link, (h5py.ExternalLink, h5py.SoftLink)):
                todo, links = link.path.split("/") + todo, links + 1


def _regular(path: str, name: str) -> str | None:
    """The first of the files that HDF5 looks at, None where there is none that it can open."""
    folders = os.environ.get("HDF5_EXT_PREFIX", "").split(":")
    found = [os.path.join(folder, name) for folder in folders if folder] + places(path, name)
    for each in found:
        if os.path.exists(each) and not os.path.isfile(each):
            raise ValueError(f"a link leads to {name}, which is no regular file")
    return next((each for each in found if os.path.isfile(each) and h5py.is_hdf5(each)), None)


def places(path: str, name: str) -> list[str]:
    """Of the file `name`, as that at `path` calls it, as HDF5 looks for them: an absolute path, or
    else its last part; beside the file, from the current folder, or beside the file that a link
    leads to."""
    last = os.path.basename(name) if os.path.isabs(name) else name
    folders = Path(path).parent, Path(), Path(os.path.realpath(path)).parent
    beside = [os.fspath(folder / last) for folder in folders]
    return [name, *beside] if os.path.isabs(name) else beside
